"""Fills the look-alike's databases on the first start: TPC-H from tpchgen-cli, and a CRM of our own making.

Built in a directory beside the final one and renamed when whole, so that a start that was cut short leaves nothing
half-filled behind. The same scale always gives the same rows.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from server.sandbox import crm
from server.sandbox.fakesnow_app import Engine, Owner
from server.sandbox.state import SandboxError
from server.sandbox.tables import CRM_TABLES, CRM_VIEWS, TPCH_SCALE, TPCH_TABLES, Column, Table, View

TPCHGEN_TIMEOUT_S = 600


def prepare(directory: Path, scale: float = TPCH_SCALE) -> None:
    """Make sure that `directory` holds the databases; what is there already is left as it is.

    `scale` is TPC-H's scale factor (1 is about 1 GB; 0.01 has 60,175 order lines). Raises SandboxError
    `sandbox_data_failed` if TPC-H cannot be generated.
    """
    if directory.exists():
        return
    building = directory.with_name(f"{directory.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700, parents=True)
    parquet = building / "tpch"
    _generate_tpch(parquet, scale)
    engine = Engine(building)
    owner = engine.owner()
    for table in TPCH_TABLES:
        _create(owner, table)
        _fill_from_parquet(owner, table, parquet / f"{table.name.lower()}.parquet")
    rows = crm.generate()
    for table in CRM_TABLES:
        _create(owner, table)
        _fill(owner, table, rows[table.name])
    for view in CRM_VIEWS:
        _create_view(owner, view)
    engine.shut()
    shutil.rmtree(parquet)
    building.rename(directory)


def _generate_tpch(into: Path, scale: float) -> None:
    program = Path(sys.executable).parent / "tpchgen-cli"
    arguments = [str(program), "parquet", "-s", str(scale), "--output-dir", str(into)]
    try:
        done = subprocess.run(arguments, capture_output=True, check=False, timeout=TPCHGEN_TIMEOUT_S)
    except OSError as error:
        raise _failed(os.strerror(error.errno or 0)) from None
    except subprocess.TimeoutExpired:
        raise _failed(f"not done after {TPCHGEN_TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise _failed(done.stderr.decode(errors="replace").strip()[-200:])


def _failed(why: str) -> SandboxError:
    return SandboxError(
        "sandbox_data_failed", f"tpc-h data could not be generated: {why}", "install snowgate with its `sandbox` extra"
    )


def _create(owner: Owner, table: Table) -> None:
    owner.duckdb.execute(f"CREATE SCHEMA IF NOT EXISTS {table.database}.{table.schema}")
    columns = ", ".join(_definition(column) for column in table.columns)
    name = _name(table)
    owner.run(f"CREATE TABLE {name} ({columns})")
    owner.duckdb.execute(f"COMMENT ON TABLE {name} IS {_text(table.comment)}")
    for column in table.columns:
        if column.comment:
            owner.duckdb.execute(f"COMMENT ON COLUMN {name}.{column.name} IS {_text(column.comment)}")


def _create_view(owner: Owner, view: View) -> None:
    owner.create_view(view.database, view.schema, view.name, view.definition)
    name = f"{view.database}.{view.schema}.{view.name}"
    owner.duckdb.execute(f"COMMENT ON VIEW {name} IS {_text(view.comment)}")
    for column, comment in view.column_comments:
        owner.duckdb.execute(f"COMMENT ON COLUMN {name}.{column} IS {_text(comment)}")


def _fill_from_parquet(owner: Owner, table: Table, file: Path) -> None:
    columns = ", ".join(column.name for column in table.columns)
    owner.duckdb.execute(f"INSERT INTO {_name(table)} SELECT {columns} FROM read_parquet(?)", [str(file)])  # noqa: S608


def _fill(owner: Owner, table: Table, rows: Sequence[Sequence[str | None]]) -> None:
    # As text: DuckDB then reads dates and decimals by the same rules as a literal in SQL.
    columns = [column.name for column in table.columns]
    arrow = pa.table({name: [row[place] for row in rows] for place, name in enumerate(columns)}, _text_schema(columns))
    owner.duckdb.register("sandbox_rows", arrow)
    owner.duckdb.execute(f"INSERT INTO {_name(table)} SELECT * FROM sandbox_rows")  # noqa: S608
    owner.duckdb.unregister("sandbox_rows")


def _text_schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([pa.field(name, pa.string()) for name in columns])


def _definition(column: Column) -> str:
    return f"{column.name} {column.type}{'' if column.nullable else ' NOT NULL'}"


def _name(table: Table) -> str:
    return f"{table.database}.{table.schema}.{table.name}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
