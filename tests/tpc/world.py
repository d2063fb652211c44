"""The benchmarks as the gate meets them: a catalog, policies over it, and the data in DuckDB, as it is and as twins."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import duckdb
import sqlglot

from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.principal import Principal, Subject
from tests.tpc.material import Benchmark

READER = Principal(Subject("ada"), "agent", "https://issuer.example")
FACTOR = 8
"""Every eighth column stays clear under the wide policy."""


def snowflake_type(type_: str) -> str:
    """Snowflake's name, as its catalog tells it, of one of DuckDB's types that the benchmarks use."""
    if type_.startswith("DECIMAL"):
        return type_.replace("DECIMAL", "NUMBER")
    return {"VARCHAR": "VARCHAR(16777216)", "DATE": "DATE", "INTEGER": "NUMBER(38,0)", "BIGINT": "NUMBER(38,0)"}[type_]


def engine(benchmark: Benchmark, protection: str) -> Engine:
    """The engine over a benchmark's tables; `protection` is further YAML for the policy."""
    tables = {
        table: {column: snowflake_type(type_) for column, type_ in columns.items()}
        for table, columns in benchmark.tables.items()
    }
    policy = load(
        f"""
version: 1
defaults: {{database: D, schema: S}}
limits: {{rows_max: 1000000}}
roles: [{{id: all, who: {{anyone: true}}, read_role: RO, warehouse: W}}]
rules: [{{id: read, effect: permit, who: {{anyone: true}}, verbs: [read], tables: ["D.S.*"]}}]
{protection}
"""
    )
    return Engine(policy, from_document({"D": {"S": tables}}))


EVERYTHING_PUBLIC = 'public: ["D.S.*.*"]'
EMPTY_FILTERS = EVERYTHING_PUBLIC + '\nrow_filters: [{id: all, tables: ["D.S.*"], where: "TRUE"}]'
"""Hides nothing, and still makes a derived table of every reference."""


def hidden(benchmark: Benchmark) -> dict[str, frozenset[str]]:
    """What the wide policy hides of each table: everything but keys and every eighth other column."""
    return {
        table: frozenset(c for n, c in enumerate(columns) if not _is_key(c) and n % FACTOR)
        for table, columns in benchmark.tables.items()
    }


def most_hidden(benchmark: Benchmark) -> str:
    """A policy that masks `hidden`: NULL for dates, `***` for text, 1 for numbers."""
    classes: dict[str, list[str]] = {"text": [], "number": [], "other": []}
    public: list[str] = []
    away = hidden(benchmark)
    for table, columns in benchmark.tables.items():
        for column, type_ in columns.items():
            kind = "text" if type_ == "VARCHAR" else "other" if type_ == "DATE" else "number"
            (classes[kind] if column in away[table] else public).append(f"D.S.{table}.{column}")
    masks = {"text": "redact", "number": "constant, value: 1", "other": "null"}
    return "\n".join(
        (
            f"public: {json.dumps(public)}",
            "classifications:",
            *(f"  - {{name: {name}, columns: {json.dumps(columns)}}}" for name, columns in classes.items() if columns),
            "masks:",
            *(f"  - {{classification: {n}, mask: {{kind: {m}}}}}" for n, m in masks.items() if classes[n]),
        )
    )


def _is_key(column: str) -> bool:
    return column.endswith(("KEY", "_SK", "_ID", "NUMBER"))


def rows_hidden(benchmark: Benchmark) -> str:
    """A policy that hides the rows of each table whose first column is a multiple of five."""
    filters = [
        f'{{id: {table}, tables: ["D.S.{table}"], where: "MOD({next(iter(columns))}, 5) <> 0"}}'
        for table, columns in benchmark.tables.items()
    ]
    return f"{EVERYTHING_PUBLIC}\nrow_filters: [{', '.join(filters)}]"


TWINS = ("first", "masks", "filters")
"""The data itself, a twin that differs in what the masks hide, and one that differs in the rows that filters hide."""


@contextmanager
def database(benchmark: Benchmark, which: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The benchmark's data as one of `TWINS`."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS D")
        connection.execute("CREATE SCHEMA D.S")
        connection.execute("USE D.S")
        for table, columns in benchmark.tables.items():
            parquet = f"'{benchmark.folder / table}.parquet'"
            where = f"WHERE {next(iter(columns))} % 5 <> 0" if which == "filters" else ""
            shown = _columns(benchmark, table) if which == "masks" else "*"
            connection.execute(f"CREATE TABLE {table} AS SELECT {shown} FROM {parquet} {where}")
        yield connection


def _columns(benchmark: Benchmark, table: str) -> str:
    """A table's columns with other values in those that the wide policy hides."""
    types = benchmark.tables[table]
    others = ", ".join(f"{_other(types[column])} AS {column}" for column in sorted(hidden(benchmark)[table]))
    return f"* REPLACE ({others})" if others else "*"


def _other(type_: str) -> str:
    if type_ == "VARCHAR":
        return "'other'"
    return "DATE '1901-02-03'" if type_ == "DATE" else f"CAST(7 AS {type_})"


def in_snowflake(duckdb_sql: str) -> str:
    """DuckDB's text in Snowflake's words, as an analyst would send it."""
    return sqlglot.transpile(duckdb_sql, read="duckdb", write="snowflake")[0]


def in_duckdb(snowflake_sql: str) -> str:
    """What would run on Snowflake, in DuckDB's words."""
    return sqlglot.transpile(snowflake_sql, read="snowflake", write="duckdb")[0]


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """The rows that `sql` gives, as text in an order of their own: parallel sums differ in their last digits."""
    return sorted(repr(tuple(map(_plain, row))) for row in connection.execute(sql).fetchall())


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value:.9g}"
    return value
