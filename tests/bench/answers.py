"""What the stand-in for Snowflake answers: canned results in Snowflake's own Arrow encodings, and TPC-H's catalog.

Numbers have the widths and scales that Snowflake sends: the smallest integer that holds the column, unscaled.
"""

import json
import re
import uuid
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from tests.bench.cases import NATIONS
from tests.support.stub_snowflake import column, numbers, rowset

_TPCH = {
    "REGION": "R_REGIONKEY NUMBER(38,0), R_NAME TEXT(25), R_COMMENT TEXT(152)",
    "NATION": "N_NATIONKEY NUMBER(38,0), N_NAME TEXT(25), N_REGIONKEY NUMBER(38,0), N_COMMENT TEXT(152)",
    "PART": "P_PARTKEY NUMBER(38,0), P_NAME TEXT(55), P_MFGR TEXT(25), P_BRAND TEXT(10), P_TYPE TEXT(25), "
    "P_SIZE NUMBER(38,0), P_CONTAINER TEXT(10), P_RETAILPRICE NUMBER(12,2), P_COMMENT TEXT(23)",
    "SUPPLIER": "S_SUPPKEY NUMBER(38,0), S_NAME TEXT(25), S_ADDRESS TEXT(40), S_NATIONKEY NUMBER(38,0), "
    "S_PHONE TEXT(15), S_ACCTBAL NUMBER(12,2), S_COMMENT TEXT(101)",
    "PARTSUPP": "PS_PARTKEY NUMBER(38,0), PS_SUPPKEY NUMBER(38,0), PS_AVAILQTY NUMBER(38,0), "
    "PS_SUPPLYCOST NUMBER(12,2), PS_COMMENT TEXT(199)",
    "CUSTOMER": "C_CUSTKEY NUMBER(38,0), C_NAME TEXT(25), C_ADDRESS TEXT(40), C_NATIONKEY NUMBER(38,0), "
    "C_PHONE TEXT(15), C_ACCTBAL NUMBER(12,2), C_MKTSEGMENT TEXT(10), C_COMMENT TEXT(117)",
    "ORDERS": "O_ORDERKEY NUMBER(38,0), O_CUSTKEY NUMBER(38,0), O_ORDERSTATUS TEXT(1), O_TOTALPRICE NUMBER(12,2), "
    "O_ORDERDATE DATE, O_ORDERPRIORITY TEXT(15), O_CLERK TEXT(15), O_SHIPPRIORITY NUMBER(38,0), O_COMMENT TEXT(79)",
    "LINEITEM": "L_ORDERKEY NUMBER(38,0), L_PARTKEY NUMBER(38,0), L_SUPPKEY NUMBER(38,0), L_LINENUMBER NUMBER(38,0), "
    "L_QUANTITY NUMBER(12,2), L_EXTENDEDPRICE NUMBER(12,2), L_DISCOUNT NUMBER(12,2), L_TAX NUMBER(12,2), "
    "L_RETURNFLAG TEXT(1), L_LINESTATUS TEXT(1), L_SHIPDATE DATE, L_COMMITDATE DATE, L_RECEIPTDATE DATE, "
    "L_SHIPINSTRUCT TEXT(25), L_SHIPMODE TEXT(10), L_COMMENT TEXT(44)",
}
_COLUMN = re.compile(r"(\w+) (NUMBER|TEXT|DATE)(?:\((\d+)(?:,(\d+))?\))?")
_LIMIT = re.compile(r"LIMIT\s+(\d+)")
_POINT = re.compile(r'O_ORDERKEY"?\s*=\s*\d')
_QUERY_ID = "00000000-0000-4000-8000-000000000000"

Reply = tuple[bytes, bytes]
"""A reply's bytes before and after its query id."""


def reply_to(sql: str, more_tables: int = 0) -> bytes:
    """The body that answers `sql`, under a query id of its own; the catalog has so many tables beside TPC-H's."""
    kind, rows = _kind(sql)
    head, tail = _canned(kind, more_tables if kind in _CATALOG else rows)
    return b"".join((head, str(uuid.uuid4()).encode(), tail))


def _kind(sql: str) -> tuple[str, int]:
    """Which canned answer fits. A gate may have rewritten the statement, so this goes by what survives rewriting."""
    upper = sql.upper()
    for name in _CATALOG:
        if name in upper:
            return name, 0
    if limit := _LIMIT.search(upper):
        return "lines", int(limit[1])
    if _POINT.search(upper):
        return "point", 1
    return ("nations", NATIONS) if "C_MKTSEGMENT" in upper else ("other", 1)


@cache
def _canned(kind: str, rows: int) -> Reply:
    made = {"lines": _lines, "point": _point, "nations": _nations, "other": numbers}
    reply = _CATALOG[kind](rows) if kind in _CATALOG else made[kind](rows)
    reply["data"]["queryId"] = _QUERY_ID
    head, _, tail = json.dumps(reply).encode().partition(_QUERY_ID.encode())
    return head, tail


def _table(*columns: tuple[tuple[pa.Field, dict[str, Any]], Sequence[Any]]) -> dict[str, Any]:
    arrays = [pa.array(values, field.type) for (field, _), values in columns]
    table = pa.table(arrays, schema=pa.schema([field for (field, _), _ in columns]))
    return rowset(table, [rowtype for (_, rowtype), _ in columns])


def _lines(count: int) -> dict[str, Any]:
    modes = ["AIR", "RAIL", "TRUCK", "SHIP", "MAIL", "FOB", "REG AIR"]
    return _table(
        (column("L_ORDERKEY", "fixed", pa.int32(), precision=38, scale=0), [1 + n // 4 for n in range(count)]),
        (column("L_PARTKEY", "fixed", pa.int32(), precision=38, scale=0), [n * 7_919 % 200_000 for n in range(count)]),
        (column("L_QUANTITY", "fixed", pa.int16(), precision=12, scale=2), [100 * (1 + n % 50) for n in range(count)]),
        (
            column("L_EXTENDEDPRICE", "fixed", pa.int32(), precision=12, scale=2),
            [90_100 + n * 104_729 % 10_000_000 for n in range(count)],
        ),
        (column("L_SHIPMODE", "text", pa.string(), length=10), [modes[n % len(modes)] for n in range(count)]),
        (column("L_COMMENT", "text", pa.string(), length=44), [f"packed with care, lot {n:07}" for n in range(count)]),
    )


def _point(count: int) -> dict[str, Any]:
    return _table(
        (column("O_ORDERKEY", "fixed", pa.int32(), precision=38, scale=0), [4_711] * count),
        (column("O_CUSTKEY", "fixed", pa.int32(), precision=38, scale=0), [1_234] * count),
        (column("O_ORDERSTATUS", "text", pa.string(), length=1), ["F"] * count),
        (column("O_TOTALPRICE", "fixed", pa.int32(), precision=12, scale=2), [17_366_547] * count),
        (column("O_ORDERDATE", "date", pa.date32()), [9_131] * count),
    )


def _nations(count: int) -> dict[str, Any]:
    return _table(
        (column("REGION", "text", pa.string(), length=25), [f"REGION {n % 5}" for n in range(count)]),
        (column("NATION", "text", pa.string(), length=25), [f"NATION {n}" for n in range(count)]),
        (column("ORDERS", "fixed", pa.int32(), precision=18, scale=0), [1_500 + n for n in range(count)]),
        (column("BOOKED", "fixed", pa.int64(), precision=24, scale=2), [21_234_567_890 + n for n in range(count)]),
        (column("BALANCE", "fixed", pa.int64(), precision=30, scale=8), [449_657_012_345 + n for n in range(count)]),
    )


def _texts(names: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """A result of text and whole numbers, as the catalog's views give."""
    columns = []
    for place, name in enumerate(names.split()):
        values = [row[place] for row in rows]
        is_number = any(isinstance(value, int) for value in values)
        kind, arrow = ("fixed", pa.int64()) if is_number else ("text", pa.string())
        columns.append((column(name, kind, arrow, precision=9 if is_number else None, length=16_777_216), values))
    return _table(*columns)


def _tables(more: int) -> dict[str, Any]:
    names = [*_TPCH, *(f"MORE_{number}" for number in range(more))]
    rows = [("PUBLIC", table, "BASE TABLE", "", "2026-01-01 00:00:00.000 Z", 86_400) for table in names]
    return _texts("TABLE_SCHEMA TABLE_NAME TABLE_TYPE COMMENT LAST_DDL DDL_AGE_S", rows)


def _columns(more: int) -> dict[str, Any]:
    names = (
        "TABLE_SCHEMA TABLE_NAME COLUMN_NAME DATA_TYPE IS_NULLABLE NUMERIC_PRECISION NUMERIC_SCALE "
        "CHARACTER_MAXIMUM_LENGTH DATETIME_PRECISION COMMENT"
    )
    rows = []
    for table, text in _TPCH.items():
        for name, kind, size, scale in _COLUMN.findall(text):
            precision, digits = (int(size), int(scale)) if kind == "NUMBER" else (None, None)
            length = int(size) if kind == "TEXT" else None
            rows.append(("PUBLIC", table, name, kind, "YES", precision, digits, length, None, ""))
    for number in range(more):
        rows += [("PUBLIC", f"MORE_{number}", f"C{n}", "TEXT", "YES", None, None, 25, None, "") for n in range(3)]
    return _texts(names, rows)


def tpch_catalog() -> dict[str, Any]:
    """TPC-H's tables as a catalog document."""
    tables = {table: dict(_typed(text)) for table, text in _TPCH.items()}
    return {"TPCH": {"PUBLIC": tables}}


def _typed(text: str) -> list[tuple[str, str]]:
    """Each column's name and its type, from a text that names both."""
    return [
        (name, kind.replace("TEXT", "VARCHAR")) for name, _, kind in (part.partition(" ") for part in text.split(", "))
    ]


def _views(_: int) -> dict[str, Any]:
    return _texts("TABLE_SCHEMA TABLE_NAME VIEW_DEFINITION IS_SECURE", [])


def _primary_keys(_: int) -> dict[str, Any]:
    keys = [(table, _COLUMN.findall(text)[0][0]) for table, text in _TPCH.items() if table.startswith(("O", "C", "R"))]
    rows = [("TPCH", "PUBLIC", table, key, 1) for table, key in keys]
    return _texts("database_name schema_name table_name column_name key_sequence", rows)


def _foreign_keys(_: int) -> dict[str, Any]:
    rows = [("TPCH", "PUBLIC", "CUSTOMER", "C_CUSTKEY", "TPCH", "PUBLIC", "ORDERS", "O_CUSTKEY", 1, "ORDERS_CUSTOMER")]
    names = (
        "pk_database_name pk_schema_name pk_table_name pk_column_name "
        "fk_database_name fk_schema_name fk_table_name fk_column_name key_sequence fk_name"
    )
    return _texts(names, rows)


def _client_versions(_: int) -> dict[str, Any]:
    """Snowflake's own Python library asks at its start which of its versions are too old."""
    return _texts("VERSIONS", [("[]",)])


_CATALOG: dict[str, Callable[[int], dict[str, Any]]] = {
    "SYSTEM$CLIENT_VERSION_INFO": _client_versions,
    "INFORMATION_SCHEMA.TABLES": _tables,
    "INFORMATION_SCHEMA.COLUMNS": _columns,
    "INFORMATION_SCHEMA.VIEWS": _views,
    "SHOW PRIMARY KEYS": _primary_keys,
    "SHOW IMPORTED KEYS": _foreign_keys,
}
