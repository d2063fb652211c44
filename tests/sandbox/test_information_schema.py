"""What the look-alike tells about its tables, compared with what Snowflake would."""

from collections.abc import Iterator
from typing import Any

import pytest

from server.sandbox.run import Sandbox
from server.sandbox.tables import TABLES
from tests.support.sandbox import connection, rows

PLACE = "table_schema, table_name, column_name, ordinal_position"
KIND = "data_type, is_nullable, numeric_precision, numeric_scale, character_maximum_length, datetime_precision"


@pytest.fixture
def catalog(sandbox: Sandbox) -> Iterator[Any]:
    """A session of the user that reads catalogs."""
    with connection(sandbox.state, "SNOWGATE_CATALOG", "CATALOG_RO") as session:
        yield session


def test_tables_and_views_are_listed_with_kind_and_comment(catalog: Any) -> None:
    sql = "SELECT table_schema, table_name, table_type, comment FROM CRM.INFORMATION_SCHEMA.TABLES"
    found = {(schema, name): (kind, bool(comment)) for schema, name, kind, comment in rows(catalog, sql)}
    assert found == {
        ("PUBLIC", "CUSTOMERS"): ("BASE TABLE", True),
        ("PUBLIC", "ORDERS"): ("BASE TABLE", True),
        ("PUBLIC", "TICKETS"): ("BASE TABLE", True),
        ("HR", "EMPLOYEES"): ("BASE TABLE", True),
        ("PUBLIC", "CUSTOMER_REVENUE"): ("VIEW", True),
    }


def test_columns_have_types_lengths_nullability_and_comments(catalog: Any) -> None:
    sql = f"SELECT {PLACE}, {KIND}, comment FROM CRM.INFORMATION_SCHEMA.COLUMNS"
    found = {row[1:3]: row[3:] for row in rows(catalog, sql)}
    assert found["CUSTOMERS", "CUSTOMER_ID"][:7] == (1, "NUMBER", "NO", 38, 0, None, None)
    assert found["CUSTOMERS", "PHONE"][:7] == (4, "TEXT", "YES", None, None, 32, None)
    assert found["CUSTOMERS", "CREATED_AT"][:7] == (8, "TIMESTAMP_NTZ", "NO", None, None, None, 9)
    assert found["CUSTOMERS", "LIFETIME_VALUE"][:7] == (9, "NUMBER", "NO", 12, 2, None, None)
    assert found["ORDERS", "ORDER_DATE"][:7] == (3, "DATE", "NO", None, None, None, None)
    assert found["TICKETS", "NOTES"][:7] == (7, "TEXT", "YES", None, None, 16_777_216, None)
    assert found["CUSTOMER_REVENUE", "REVENUE"][1] == "NUMBER"
    assert all(row[7] for row in found.values())


def test_a_view_shows_the_text_that_created_it(catalog: Any) -> None:
    sql = "SELECT table_schema, table_name, view_definition, is_secure FROM CRM.INFORMATION_SCHEMA.VIEWS"
    [(schema, name, text, is_secure)] = rows(catalog, sql)
    assert (schema, name, is_secure) == ("PUBLIC", "CUSTOMER_REVENUE", "NO")
    assert text.startswith("CREATE VIEW CRM.PUBLIC.CUSTOMER_REVENUE")
    assert "CRM.PUBLIC.CUSTOMERS" in text


def test_each_database_lists_its_own_tables(catalog: Any) -> None:
    found = rows(catalog, "SELECT table_name FROM TPCH.INFORMATION_SCHEMA.TABLES WHERE table_schema = 'PUBLIC'")
    assert {name for (name,) in found} == {table.name for table in TABLES if table.database == "TPCH"}


def test_schemas_are_listed(catalog: Any) -> None:
    found = {name for (name,) in rows(catalog, "SELECT schema_name FROM CRM.INFORMATION_SCHEMA.SCHEMATA")}
    assert {"PUBLIC", "HR"} <= found


def test_primary_keys_are_shown(catalog: Any) -> None:
    found = _shown(catalog, "SHOW PRIMARY KEYS IN DATABASE TPCH")
    assert [row["column_name"] for row in found if row["table_name"] == "LINEITEM"] == ["L_ORDERKEY", "L_LINENUMBER"]
    assert {row["database_name"] for row in found} == {"TPCH"}


def test_imported_keys_name_both_ends(catalog: Any) -> None:
    [orders] = [
        row for row in _shown(catalog, "SHOW IMPORTED KEYS IN SCHEMA CRM.PUBLIC") if row["fk_table_name"] == "ORDERS"
    ]
    assert (orders["pk_schema_name"], orders["pk_table_name"], orders["pk_column_name"]) == (
        "PUBLIC",
        "CUSTOMERS",
        "CUSTOMER_ID",
    )
    assert (orders["fk_column_name"], orders["key_sequence"]) == ("CUSTOMER_ID", 1)


def test_keys_of_one_table_are_those_of_no_other(catalog: Any) -> None:
    found = _shown(catalog, 'SHOW PRIMARY KEYS IN TABLE CRM.HR."EMPLOYEES"')
    assert [row["column_name"] for row in found] == ["EMPLOYEE_ID"]


def _shown(session: Any, sql: str) -> list[dict[str, Any]]:
    with session.cursor() as cursor:
        cursor.execute(sql)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
