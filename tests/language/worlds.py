"""A small catalog and policies over it, for the tests of the policy language."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from policy.catalog import Catalog, Column, Table, TableKind
from policy.circumstances import UNKNOWN, Circumstances
from policy.decision import Decision, Deny, Hold, Permit
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from policy.principal import ClaimValue, Principal, Subject
from server.rule_sets import read_rule_sets

ROOT = Path(__file__).parents[2]
HEAD = """\
version: 1
defaults: {database: D, schema: S}
limits: {rows_max: 1000, statement_timeout_s: 60}
roles: [{id: all, who: {anyone: true}, read_role: RO, write_role: RW, warehouse: W}]
public: [D.S.PEOPLE.ID, D.S.PEOPLE.REGION, "D.S.ORDERS.*", "D.S.NOTES.*"]
classifications:
  - {name: email, columns: ["*.*.*.EMAIL"]}
  - {name: person-name, columns: ["*.*.*.FULL_NAME"]}
masks:
  - {classification: email, mask: {kind: email_domain}, unless: {groups: [stewards]}}
  - {classification: person-name, mask: {kind: redact}}
"""
PERMITS = '  - {id: open, effect: permit, who: {anyone: true}, verbs: [read, write], tables: ["D.S.*"]}\n'
TABLES = {
    "PEOPLE": "ID NUMBER(38,0);FULL_NAME VARCHAR;EMAIL VARCHAR;REGION VARCHAR",
    "ORDERS": "OID NUMBER(38,0);PID NUMBER(38,0);AMOUNT NUMBER(12,2)",
    "NOTES": "NID NUMBER(38,0);TEXT VARCHAR",
}
CONTACTS = "SELECT id, email FROM d.s.people"


@cache
def catalog() -> Catalog:
    """People with classified columns, orders and notes without, and a view over people."""
    tables = [
        Table(TableName("D", "S", name), tuple(_column(column) for column in columns.split(";")))
        for name, columns in TABLES.items()
    ]
    columns = (Column("ID", "NUMBER(38,0)"), Column("EMAIL", "VARCHAR"))
    view = Table(TableName("D", "S", "CONTACTS"), columns, kind=TableKind.VIEW, definition=CONTACTS)
    return Catalog.of([*tables, view])


def _column(written: str) -> Column:
    name, type_ = written.split(" ", 1)
    return Column(name, type_)


def engine(rules: str = PERMITS, head: str = HEAD) -> Engine:
    """The engine of a policy with these rules, which may include what ships."""
    return Engine(load(f"{head}rules:\n{rules}", read_rule_sets(ROOT)), catalog())


def person(*groups: str, claims: Mapping[str, ClaimValue] = {}) -> Principal:
    """Ada, in `groups`."""
    return Principal(Subject("ada"), "robot", "https://issuer.example", frozenset(groups), claims=claims)


def decide(
    by: Engine,
    sql: str,
    who: Principal | None = None,
    circumstances: Circumstances = UNKNOWN,
    rows_max: int | None = None,
) -> Decision:
    """What `by` decides of `sql`."""
    return by.decide(who or person(), by.understand(sql), rows_max=rows_max, circumstances=circumstances)


def kind(decision: Decision) -> str:
    """`permit`, `hold` or `deny`."""
    return {Permit: "permit", Hold: "hold", Deny: "deny"}[type(decision)]
