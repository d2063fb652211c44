"""The sandbox's policy over a catalog like the sandbox's, and the people in it."""

from functools import cache
from pathlib import Path

from policy.catalog import Catalog, Column, ForeignKey, Table, TableKind
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal, Subject

POLICIES = Path(__file__).parents[2] / "manifests" / "policies"
CRM = {
    "CUSTOMERS": "CUSTOMER_ID NUMBER(38,0);FULL_NAME VARCHAR;EMAIL VARCHAR;PHONE VARCHAR;"
    "COUNTRY VARCHAR;REGION VARCHAR;SEGMENT VARCHAR;CREATED_AT TIMESTAMP_NTZ;LIFETIME_VALUE NUMBER(12,2)",
    "ORDERS": "ORDER_ID NUMBER(38,0);CUSTOMER_ID NUMBER(38,0);ORDER_DATE DATE;STATUS VARCHAR;AMOUNT NUMBER(12,2);"
    "CURRENCY VARCHAR",
    "TICKETS": "TICKET_ID NUMBER(38,0);CUSTOMER_ID NUMBER(38,0);OPENED_AT TIMESTAMP_NTZ;STATUS VARCHAR;"
    "PRIORITY VARCHAR;SUBJECT VARCHAR;NOTES VARCHAR",
}
HR = {
    "EMPLOYEES": "EMPLOYEE_ID NUMBER(38,0);FULL_NAME VARCHAR;EMAIL VARCHAR;PHONE VARCHAR;DEPARTMENT VARCHAR;"
    "TITLE VARCHAR;SALARY NUMBER(10,2);HIRED_ON DATE;MANAGER_ID NUMBER(38,0)"
}
TPCH = {"NATION": "N_NATIONKEY NUMBER(38,0);N_NAME VARCHAR", "REGION": "R_REGIONKEY NUMBER(38,0);R_NAME VARCHAR"}
REVENUE = (
    "CREATE VIEW CRM.PUBLIC.CUSTOMER_REVENUE (CUSTOMER_ID, EMAIL, REVENUE) AS "
    "SELECT c.customer_id, c.email, SUM(o.amount) FROM customers c JOIN orders o USING (customer_id) GROUP BY 1, 2"
)


def table(database: str, schema: str, name: str, columns: str, **more: object) -> Table:
    """A table whose columns are written `NAME TYPE;NAME TYPE`."""
    parts = (column.split(" ", 1) for column in columns.split(";"))
    made = Table(TableName(database, schema, name), tuple(Column(each, type_) for each, type_ in parts))
    return type(made)(**{**{slot: getattr(made, slot) for slot in Table.__slots__}, **more})


def view(name: str, columns: str, definition: str | None, **more: object) -> Table:
    """A view in CRM.PUBLIC."""
    return table("CRM", "PUBLIC", name, columns, kind=TableKind.VIEW, definition=definition, **more)


def catalog(*more: Table) -> Catalog:
    """The CRM, HR, a little of TPC-H, one view, and `more`."""
    key = ForeignKey(("CUSTOMER_ID",), TableName("CRM", "PUBLIC", "CUSTOMERS"), ("CUSTOMER_ID",))
    secret = ForeignKey(("ORDER_ID",), TableName("CRM", "HR", "EMPLOYEES"), ("EMPLOYEE_ID",))
    tables = [table("CRM", "PUBLIC", n, c) for n, c in CRM.items() if n != "ORDERS"]
    tables.append(
        table("CRM", "PUBLIC", "ORDERS", CRM["ORDERS"], foreign_keys=(key, secret), comment="What was bought")
    )
    tables += [table("CRM", "HR", n, c) for n, c in HR.items()]
    tables += [table("TPCH", "PUBLIC", n, c) for n, c in TPCH.items()]
    tables.append(view("CUSTOMER_REVENUE", "CUSTOMER_ID NUMBER(38,0);EMAIL VARCHAR;REVENUE NUMBER(38,2)", REVENUE))
    return Catalog.of([*tables, *more])


@cache
def sandbox_engine() -> Engine:
    """The engine of the shipped sandbox policy."""
    return Engine(load((POLICIES / "sandbox.yaml").read_text(encoding="utf-8")), catalog())


def person(name: str, *groups: str) -> Principal:
    """Somebody in `groups`."""
    return Principal(Subject(name), "agent", "https://issuer.example", frozenset(groups))


ADA = person("ada", "analysts")
EMIL = person("emil", "analysts", "analysts-emea")
STELLA = person("stella", "stewards")
ARTHUR = person("arthur", "auditors")
NOBODY = person("nobody")
