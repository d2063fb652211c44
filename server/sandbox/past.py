"""Time travel in miniature: what a table was before each change, for as long as the look-alike runs.

DuckDB keeps no history, so a copy is taken before each statement that changes a table, in a database in memory. The
oldest copies go, and large tables are not copied: then time travel is refused, as on Snowflake past the retention.
Sources: Snowflake, "AT | BEFORE", "UNDROP TABLE", "CREATE <object> ... CLONE".
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from server.sandbox.privileges import Node
from server.sandbox.replies import SnowflakeError, not_found

COPIES_MAX = 200
ROWS_MAX = 100_000
SCHEMA = "memory._fs_past"

_CHANGES = frozenset({"insert", "update", "delete", "merge", "truncatetable", "drop", "alter"})
_ZONE = re.compile(r" ([+-]\d\d)(\d\d)\Z")


@dataclass(frozen=True, slots=True)
class Name:
    """A table's full name, in upper case: DuckDB does not tell cases apart."""

    database: str
    schema: str
    name: str

    @property
    def sql(self) -> str:
        """As DuckDB's SQL."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.database, self.schema, self.name))

    def __str__(self) -> str:
        return f"{self.database}.{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Copy:
    """What `table` was before the statement `query_id`, which began at `at` (seconds since 1970)."""

    table: Name
    query_id: str
    at: float
    sql: str
    not_null: tuple[str, ...]
    is_drop: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """Before a statement, or at a time (seconds since 1970)."""

    query_id: str | None = None
    at: float | None = None


class Past:
    """The copies; `duckdb` is a connection whose transactions are its own."""

    def __init__(self, duckdb: Any) -> None:
        self._duckdb = duckdb
        self._copies: deque[Copy] = deque()
        self._number = 0
        duckdb.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")

    def keep(self, statement: Node, query_id: str, at: float, database: str | None, schema: str | None) -> None:
        """Copy the tables that `statement` is about to change."""
        if statement.key in _CHANGES:
            for table in _changed(statement, database, schema):
                self._copy(table, query_id, at, is_drop=statement.key == "drop")

    def of(self, table: Name, moment: Moment) -> str:
        """DuckDB's name for what `table` was; raises SnowflakeError 000707 if that is not kept."""
        theirs = [copy for copy in self._copies if copy.table == table]
        if moment.query_id is not None:
            found = next((copy.sql for copy in theirs if copy.query_id == moment.query_id), None)
        else:
            found = next((copy.sql for copy in theirs if copy.at >= (moment.at or 0.0)), table.sql)
        if found is None:
            raise SnowflakeError("000707", "02000", f"Time travel data is not available for table {table.name}.")
        return found

    def undrop(self, table: Name) -> None:
        """Bring back the table that was dropped last; raises SnowflakeError 002003 or 002002."""
        dropped = next((c for c in reversed(self._copies) if c.table == table and c.is_drop), None)
        if self._exists(table):
            raise SnowflakeError("002002", "42710", f"SQL compilation error:\nObject '{table}' already exists.")
        if dropped is None:
            raise not_found(f"Table '{table}'")
        self._put(table, dropped.sql, "CREATE TABLE", dropped.not_null)

    def put_back(self, table: Name, moment: Moment) -> None:
        """Replace `table` by what it was; raises SnowflakeError 000707 or 002003."""
        if not self._exists(table):
            raise not_found(f"Table '{table}'")
        source = self.of(table, moment)
        not_null = next((c.not_null for c in self._copies if c.sql == source), ())
        if source != table.sql:
            self._put(table, source, "CREATE OR REPLACE TABLE", not_null)

    def _put(self, table: Name, source: str, create: str, not_null: tuple[str, ...]) -> None:
        self._duckdb.execute(f"{create} {table.sql} AS SELECT * FROM {source}")  # noqa: S608 - quoted names
        for column in not_null:
            self._duckdb.execute(f'ALTER TABLE {table.sql} ALTER COLUMN "{column}" SET NOT NULL')

    def _copy(self, table: Name, query_id: str, at: float, *, is_drop: bool) -> None:
        if not self._exists(table):
            return
        [(rows,)] = self._duckdb.execute(f"SELECT COUNT(*) FROM {table.sql}").fetchall()  # noqa: S608 - quoted
        if rows > ROWS_MAX:
            return
        self._number += 1
        copy = f"{SCHEMA}.copy_{self._number}"
        self._duckdb.execute(f"CREATE TABLE {copy} AS SELECT * FROM {table.sql}")  # noqa: S608 - quoted names
        self._copies.append(Copy(table, query_id, at, copy, self._not_null(table), is_drop))
        while len(self._copies) > COPIES_MAX:
            self._duckdb.execute(f"DROP TABLE {self._copies.popleft().sql}")

    def _exists(self, table: Name) -> bool:
        return bool(self._columns(table))

    def _not_null(self, table: Name) -> tuple[str, ...]:
        return tuple(name for name, nullable in self._columns(table) if not nullable)

    def _columns(self, table: Name) -> list[tuple[str, bool]]:
        asked = (
            "SELECT column_name, is_nullable FROM duckdb_columns() WHERE upper(database_name) = ? "
            "AND upper(schema_name) = ? AND upper(table_name) = ? ORDER BY column_index"
        )
        found = self._duckdb.execute(asked, [table.database, table.schema, table.name]).fetchall()
        return [(str(name), bool(nullable)) for name, nullable in found]


def travel(expression: Any, past: Past, database: str | None, schema: str | None) -> Any:
    """`expression` with each table that is read AT or BEFORE a moment replaced by its copy."""
    for node in list(expression.walk()):
        when = node.args.get("when") if node.key == "table" else None
        if when is None:
            continue
        table = _name(node, database, schema)
        source = past.of(table, _moment(when))
        node.set("when", None)
        for slot, part in zip(("catalog", "db", "this"), source.split("."), strict=True):
            node.set(slot, _identifier(node, part.strip('"')))
    return expression


def _identifier(node: Any, name: str) -> Any:
    made = node.args["this"].copy()
    made.set("this", name)
    return made


def _moment(when: Any) -> Moment:
    kind, value = str(when.args.get("kind")).upper(), when.args["expression"]
    text = value.name if value.key == "literal" else value.this.name
    if kind == "STATEMENT":
        return Moment(query_id=text)
    return Moment(at=seconds(text))


def seconds(text: str) -> float:
    """A timestamp as seconds since 1970, UTC where it names no zone."""
    moment = datetime.fromisoformat(_ZONE.sub(r"\1:\2", text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _changed(statement: Any, database: str | None, schema: str | None) -> Iterator[Name]:
    """The tables that a statement changes."""
    if str(statement.args.get("kind") or "TABLE").upper() != "TABLE":
        return
    slot = {"drop": "tables", "truncatetable": "expressions"}.get(statement.key)
    targets = statement.args.get(slot) if slot else [statement.args.get("this")]
    for target in targets or []:
        node = target.this if target.key == "schema" else target
        if node.key == "table" and node.this.key == "identifier":
            yield _name(node, database, schema)


def _name(node: Any, database: str | None, schema: str | None) -> Name:
    catalog, db = node.args.get("catalog"), node.args.get("db")
    parts = (catalog.name if catalog else database or "", db.name if db else schema or "", node.name)
    return Name(*(part.upper() for part in parts))
