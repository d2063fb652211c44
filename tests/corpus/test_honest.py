"""Honest statements pass whatever is masked and filtered, and what stays refused is told how to be written instead."""

from functools import cache

import pytest
import sqlglot

from policy.document import load
from policy.engine import Engine
from policy.report import judge, verdict_on
from tests.corpus.cases import Case, ours
from tests.corpus.world import WRITER, engine

HONEST = [case for case in ours() if case.must == "ALLOW"]
READS = [case for case in HONEST if case.sql.split(None, 1)[0].upper() not in ("INSERT", "UPDATE", "DELETE", "MERGE")]
REFUSED = [case for case in ours() if case.category == "refused"]
SAMPLED = "SAMPLE"
"""A sample of filtered rows would count the hidden ones, so it is refused; see policy/decide.py."""
HONEST_MIN = 480

_POLICY = """
version: 1
defaults: {{database: GW, schema: PUBLIC}}
roles: [{{id: all, who: {{anyone: true}}, read_role: RO, warehouse: W}}]
public: ["GW.PUBLIC.*.*"]
rules: [{{id: read, effect: permit, who: {{anyone: true}}, verbs: [read], tables: ["GW.PUBLIC.*"]}}]
{more}
"""
_MASKS = """
classifications:
  - name: text
    columns: [GW.PUBLIC.*.*NAME, GW.PUBLIC.*.*COMMENT, GW.PUBLIC.*.NOTE, GW.PUBLIC.*.REGION, GW.PUBLIC.*.BODY]
  - name: money
    columns: [GW.PUBLIC.*.*AMOUNT, GW.PUBLIC.*.*PRICE, GW.PUBLIC.*.*BAL, GW.PUBLIC.*.SALARY, GW.PUBLIC.*.VAL]
  - name: day
    columns: [GW.PUBLIC.*.*DATE, GW.PUBLIC.*.*_ON, GW.PUBLIC.*.*_AT, GW.PUBLIC.*.TAGS, GW.PUBLIC.*.GEO]
masks:
  - {classification: text, mask: {kind: partial, keep_first: 1, keep_last: 0}}
  - {classification: money, mask: {kind: round, to: 100}}
  - {classification: day, mask: {kind: date_trunc, to: month}}
"""
_KEYS = {
    "CUSTOMER": "C_CUSTKEY",
    "ORDERS": "O_ORDERKEY",
    "LINEITEM": "L_ORDERKEY",
    "PART": "P_PARTKEY",
    "PARTSUPP": "PS_PARTKEY",
    "SUPPLIER": "S_SUPPKEY",
    "NATION": "N_NATIONKEY",
    "REGION": "R_REGIONKEY",
    "EVENTS": "E_ID",
    "SALES": "SALE_ID",
    "EMPLOYEES": "EMP_ID",
    "READINGS": "SENSOR_ID",
    "PLACES": "PLACE_ID",
    "DOCS": "DOC_ID",
}
_FILTERS = "row_filters:\n" + "".join(
    f"  - {{id: f-{table.lower()}, tables: [GW.PUBLIC.{table}], where: '{key} % 7 <> 3'}}\n"
    for table, key in _KEYS.items()
)
WORLDS = {"masks": _MASKS, "filters": _FILTERS, "masks and filters": _MASKS + _FILTERS}


@cache
def _engine(world: str) -> Engine:
    return Engine(load(_POLICY.format(more=WORLDS[world])), engine().catalog)


@pytest.mark.parametrize("world", sorted(WORLDS))
@pytest.mark.parametrize("case", READS, ids=[case.id for case in READS])
def test_an_honest_query_passes_whatever_is_protected(case: Case, world: str) -> None:
    verdict = judge(_engine(world), WRITER, case.sql, case.id)
    if "filters" in world and verdict["code"] == "construct_not_allowed" and SAMPLED in case.sql.upper():
        return
    assert verdict["decision"] == "permit", verdict["message"]
    assert sqlglot.parse_one(verdict["sql"], read="snowflake") is not None


@pytest.mark.parametrize("case", REFUSED, ids=[case.id for case in REFUSED])
def test_what_stays_refused_is_told_what_to_write(case: Case) -> None:
    told = verdict_on(engine(), WRITER, case.sql).decision
    hint = getattr(told, "hint", "")
    assert hint
    assert "plain tables, columns, joins" not in hint
    assert "plainer form" not in hint


def test_there_are_as_many_honest_statements_as_promised() -> None:
    assert len(HONEST) >= HONEST_MIN
