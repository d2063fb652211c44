"""Two databases that differ only in what the corpus' policy hides: masked columns, and rows that a filter drops."""

from collections.abc import Sequence

import duckdb
import sqlglot

from policy.catalog_document import to_document
from tests.corpus.world import engine

SEGMENTS = ("BUILDING", "MACHINERY", "AUTOMOBILE", "HOUSEHOLD")


def twin(which: int) -> duckdb.DuckDBPyConnection:
    """Twin 0 or 1. Rows of MACHINERY are hidden: the twins have other ones."""
    connection = duckdb.connect()
    connection.execute("ATTACH ':memory:' AS GW")
    connection.execute("CREATE SCHEMA GW.PUBLIC")
    connection.execute("USE GW.PUBLIC")
    for name, table in to_document(engine().catalog)["GW"]["PUBLIC"].items():
        if table.get("kind") == "view":
            continue
        columns = ", ".join(f'"{c["name"]}" {_type(c["type"])}' for c in table["columns"])
        connection.execute(f'CREATE TABLE "{name}" ({columns})')
        for row in range(12):
            values = [_value(name, c["name"], c["type"], row) for c in table["columns"]]
            if name == "CUSTOMER":
                values = _customer(values, row, which)
            marks = ", ".join("?" for _ in values)
            connection.execute(f'INSERT INTO "{name}" VALUES ({marks})', values)
    if which:
        connection.execute(
            "INSERT INTO CUSTOMER SELECT * REPLACE (C_CUSTKEY + 500 AS C_CUSTKEY) FROM CUSTOMER "
            "WHERE C_MKTSEGMENT = 'MACHINERY'"
        )
    return connection


def run(connection: duckdb.DuckDBPyConnection, snowflake_sql: str) -> Sequence[object]:
    """The rows that `snowflake_sql` gives, or the name of its error; raises NotImplementedError if DuckDB cannot."""
    try:
        translated = sqlglot.transpile(snowflake_sql, read="snowflake", write="duckdb")[0]
        return sorted(map(repr, connection.execute(translated).fetchall()))
    except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
        return ("error", type(error).__name__)
    except duckdb.Error as error:
        raise NotImplementedError(str(error)) from error


def _type(type_: str) -> str:
    return sqlglot.exp.DataType.build(type_, dialect="snowflake").sql("duckdb")


def _value(table: str, column: str, type_: str, row: int) -> object:
    if type_.startswith("NUMBER"):
        return row + 1 if column.endswith("KEY") else (row * 37) % 100
    if type_ == "DATE":
        return f"199{row % 10}-0{row % 9 + 1}-15"
    return f"{table.lower()} {column.lower()} {row}"


def _customer(values: list[object], row: int, which: int) -> list[object]:
    """C_NAME, C_ADDRESS, C_PHONE, C_ACCTBAL and C_COMMENT are hidden; so is every row of one segment."""
    segment = SEGMENTS[row % 4]
    secrets = [f"Customer#{row}", "Street 1", f"25-989-741-{2988 + row}", 711.56 + row, "note"]
    if which:
        secrets = ["Nobody", None, "000", -1, "another note"]
    hidden_shift = which * 7 if segment == "MACHINERY" else 0
    name, address, phone, balance, comment = secrets
    return [row + 1 + hidden_shift * 100, name, address, row % 5 + hidden_shift, phone, balance, segment, comment]
