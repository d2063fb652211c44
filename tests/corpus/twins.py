"""Two databases that differ only in what the corpus' policy hides: masked columns, and rows that a filter drops."""

import json
from typing import TypeAlias

import duckdb
import sqlglot

from policy.catalog_document import to_document
from tests.corpus.world import PROTECTED_TABLE, engine

SEGMENTS = ("BUILDING", "MACHINERY", "AUTOMOBILE", "HOUSEHOLD")
ROWS = 12

Twins: TypeAlias = tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]


def twin(which: int) -> duckdb.DuckDBPyConnection:
    """Twin 0 or 1. Rows of MACHINERY are hidden: the twins have other ones, and not as many."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("ATTACH ':memory:' AS GW")
    connection.execute("CREATE SCHEMA GW.PUBLIC")
    connection.execute("USE GW.PUBLIC")
    for name, table in to_document(engine().catalog)["GW"]["PUBLIC"].items():
        if table.get("kind") == "view":
            definition = sqlglot.transpile(table["definition"], read="snowflake", write="duckdb")[0]
            connection.execute(f'CREATE VIEW "{name}" AS {definition}')
            continue
        columns = ", ".join(f'"{c["name"]}" {_type(c["type"])}' for c in table["columns"])
        connection.execute(f'CREATE TABLE "{name}" ({columns})')
        for row in range(ROWS):
            values = [_value(name, c["name"], c["type"], row) for c in table["columns"]]
            if name == PROTECTED_TABLE:
                values = _customer(values, row, which)
            marks = ", ".join("?" for _ in values)
            connection.execute(f'INSERT INTO "{name}" VALUES ({marks})', values)
    if which:
        connection.execute(
            "INSERT INTO CUSTOMER SELECT * REPLACE (C_CUSTKEY + 500 AS C_CUSTKEY) FROM CUSTOMER "
            "WHERE C_MKTSEGMENT = 'MACHINERY'"
        )
    return connection


def run(connection: duckdb.DuckDBPyConnection, snowflake_sql: str) -> object:
    """The names and rows that `snowflake_sql` gives, in order, or its error's type and first line.

    Raises NotImplementedError where DuckDB has no such construct or function, and AssertionError where the gate's own
    names do not fit together.
    """
    try:
        translated = sqlglot.transpile(snowflake_sql, read="snowflake", write="duckdb")[0]
    except Exception as error:  # the translator raises anything at all
        raise NotImplementedError(str(error)) from error
    try:
        result = connection.execute(translated)
        return [column[0] for column in result.description or ()], repr(result.fetchall())
    except (
        duckdb.ConversionException,
        duckdb.OutOfRangeException,
        duckdb.InvalidInputException,
        duckdb.ConstraintException,
    ) as error:
        if "more than one row" in str(error) or not _is_missing(str(error)):
            return type(error).__name__, str(error).split("\n")[0]
        raise NotImplementedError(str(error)) from error
    except duckdb.Error as error:
        if "__GW_C" in str(error).split("\n")[0] and "does not exist" in str(error):
            raise AssertionError(f"a name that the gate made up is not there: {error}") from error
        raise NotImplementedError(str(error)) from error


def _is_missing(message: str) -> bool:
    """Whether an error says that DuckDB lacks something, and not that a value is wrong."""
    return any(sign in message for sign in ("not supported", "not implemented", "prepared statement parameters"))


_LACKING = {"VARIANT": "JSON", "OBJECT": "JSON", "ARRAY": "JSON", "GEOGRAPHY": "VARCHAR", "GEOMETRY": "VARCHAR"}
"""Types that DuckDB does not have, with what stands for them."""


def _type(type_: str) -> str:
    if type_ in _LACKING:
        return _LACKING[type_]
    if type_.startswith(("MAP", "VECTOR")):
        return "JSON"
    if type_.startswith("BINARY"):
        return "BLOB"
    return sqlglot.exp.DataType.build(type_, dialect="snowflake").sql("duckdb")


def _value(table: str, column: str, type_: str, row: int) -> object:
    if type_.startswith("NUMBER"):
        return row + 1 if column.endswith(("KEY", "_ID")) else (row * 37) % 100
    if type_ == "DATE":
        return f"199{row % 10}-0{row % 9 + 1}-15"
    if type_.startswith("TIMESTAMP"):
        return f"2024-0{row % 9 + 1}-15 1{row % 10}:30:00"
    if type_ in ("FLOAT", "BOOLEAN"):
        return row % 4 / 2 if type_ == "FLOAT" else row % 3 == 0
    if type_.startswith("TIME("):
        return f"1{row % 10}:00:00"
    if type_.startswith("BINARY"):
        return bytes([row])
    if type_ == "ARRAY":
        return json.dumps([f"t{row % 3}", f"t{row}"])
    if type_.startswith(("MAP", "VECTOR")):
        return json.dumps({"x": row} if type_.startswith("MAP") else [row, 1, 2])
    if type_ in ("VARIANT", "OBJECT"):
        return json.dumps({"country": f"c{row % 3}", "price": row, "items": [{"sku": f"s{row}", "qty": row % 4}]})
    return f"{table.lower()} {column.lower()} {row}"


def _customer(values: list[object], row: int, which: int) -> list[object]:
    """C_NAME, C_ADDRESS, C_PHONE, C_ACCTBAL and C_COMMENT are hidden; so is every row of one segment."""
    segment = SEGMENTS[row % 4]
    secrets = [f"Customer#{row}", "Street 1", f"25-989-741-{2988 + row}", 711.56 + row, "note"]
    if which:
        secrets = [f"Nobody {row % 2}", None, f"9-{90 - row}", -row, f'{{"n": {row}}}']
    hidden_shift = which * 7 if segment == "MACHINERY" else 0
    name, address, phone, balance, comment = secrets
    return [row + 1 + hidden_shift * 100, name, address, row % 5 + hidden_shift, phone, balance, segment, comment]
