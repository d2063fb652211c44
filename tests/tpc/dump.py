"""Writes a benchmark's tables and questions to a folder; runs in an environment of its own, where DuckDB is 1.5.5.

DuckDB's extensions for TPC-H and TPC-DS are published for that version only, so this file imports nothing of ours.
Usage: dump.py FOLDER SCALE. Each becomes `FOLDER/<name>/`: a Parquet file a table, and `material.json`, which is
`{"tables": {NAME: {COLUMN: TYPE}}, "queries": {NUMBER: TEXT}}` with DuckDB's types and DuckDB's SQL.
"""

import importlib
import json
import sys
from pathlib import Path

import duckdb

BENCHMARKS = {"tpch": "dbgen", "tpcds": "dsdgen"}


def dump(name: str, folder: Path, scale: float) -> None:
    """Write the benchmark called `name`, of the size `scale`, into `folder`, which must not exist."""
    folder.mkdir()
    package = Path(next(iter(importlib.import_module(f"duckdb_extension_{name}").__path__)))
    (extension,) = package.rglob(f"{name}.duckdb_extension")
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(f"LOAD '{extension}'")
    connection.execute(f"CALL {BENCHMARKS[name]}(sf = {scale})")
    tables: dict[str, dict[str, str]] = {}
    columns = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "ORDER BY table_name, ordinal_position"
    ).fetchall()
    for table, column, type_ in columns:
        tables.setdefault(table.upper(), {})[column.upper()] = type_
    for table in tables:
        connection.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet)")
    queries = dict(connection.execute(f"SELECT query_nr, query FROM {name}_queries()").fetchall())
    (folder / "material.json").write_text(json.dumps({"tables": tables, "queries": queries}), encoding="utf-8")


if __name__ == "__main__":
    for each in BENCHMARKS:
        dump(each, Path(sys.argv[1]) / each, float(sys.argv[2]))
