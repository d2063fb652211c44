"""Reads the catalog from Snowflake: tables, views, columns, comments and keys, with the gate's own catalog role.

That role needs USAGE on the databases and REFERENCES on what agents may see; it reads no data. Where the policy
classifies by tag, it also needs the database roles SNOWFLAKE.GOVERNANCE_VIEWER and SNOWFLAKE.OBJECT_VIEWER.

After the first time only what has changed is read: every table and view is listed with its LAST_DDL, which each DDL of
it moves, and columns and views' texts are asked for where that has moved; tags and policies where their number or their
HASH_AGG has. What a DDL elsewhere can change, such as a foreign key's target that is renamed, waits for the next whole
reading. Sources: https://docs.snowflake.com/en/sql-reference/info-schema/tables (LAST_DDL), .../info-schema/columns,
.../sql/show-primary-keys, .../sql/show-imported-keys, .../functions/hash_agg
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from policy.catalog import Catalog, Column, ForeignKey, Table, TableKind
from policy.names import TableName, quote
from server.governance import TAGS_LATE_S, Governance, Told, governed, read_governance, read_tags_now
from server.warehouse import Order, SnowflakeSession
from tools.contract import Scalar

CATALOG_ROWS_MAX = 5_000_000
"""Columns in one database; beyond it loading fails, for a part of a catalog must not pass for the whole."""

STATEMENT_TIMEOUT_S = 300

SETTLED_S = 60
"""A table whose last DDL is younger than this is read again: LAST_DDL need not tell two at the same moment apart."""

NAMED_AT_ONCE = 100
CHANGED_MAX = 2_000
"""Tables that are asked for by name; where more have changed, the whole database is read."""

TABLES = """
SELECT table_schema, table_name, table_type, comment, TO_VARCHAR(last_ddl) AS last_ddl,
       DATEDIFF('second', last_ddl, CURRENT_TIMESTAMP()) AS ddl_age_s
FROM {database}.information_schema.tables WHERE table_schema <> 'INFORMATION_SCHEMA'
"""
COLUMNS = """
SELECT table_schema, table_name, column_name, data_type, is_nullable, numeric_precision, numeric_scale,
       character_maximum_length, datetime_precision, comment
FROM {database}.information_schema.columns WHERE table_schema <> 'INFORMATION_SCHEMA'{narrowed}
ORDER BY table_schema, table_name, ordinal_position
"""
VIEWS = """
SELECT table_schema, table_name, view_definition, is_secure
FROM {database}.information_schema.views WHERE table_schema <> 'INFORMATION_SCHEMA'{narrowed}
"""
PRIMARY_KEYS = "SHOW PRIMARY KEYS IN DATABASE {database}"
FOREIGN_KEYS = "SHOW IMPORTED KEYS IN DATABASE {database}"

Record: TypeAlias = Mapping[str, Any]
"""One row by lower-case column name."""

Read: TypeAlias = Callable[..., list[Record]]
"""Runs one statement, with values for its `?`."""

SPELLINGS = {"TEXT": "VARCHAR", "FIXED": "NUMBER", "REAL": "FLOAT"}
"""Types that INFORMATION_SCHEMA spells otherwise than the language does."""


class CatalogTooLarge(Exception):
    """A database has more columns than the loader will take in."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one database: its tables, and as they are shown, with tags and policies.

    `settled` are the LAST_DDLs of those that need not be read again until it moves. `late` are those of which
    ACCOUNT_USAGE need not know the tags yet, with what was told of them besides; `came` is when one was first seen that
    was not there before, which whoever brings a whole schema back need not move the LAST_DDL of.
    """

    tables: Mapping[TableName, Table] = field(default_factory=dict)
    settled: Mapping[TableName, str] = field(default_factory=dict)
    governance: Governance | None = None
    shown: Mapping[TableName, Table] = field(default_factory=dict)
    late: Mapping[TableName, Told] = field(default_factory=dict)
    came: Mapping[TableName, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A catalog snapshot, with what it takes to read only what has changed since."""

    catalog: Catalog = field(default_factory=Catalog)
    known: Mapping[str, Known] = field(default_factory=dict)

    def unsettled(self) -> "Reading":
        """The same, after which all is read anew."""
        known = {name: Known(each.tables, late=each.late, came=each.came) for name, each in self.known.items()}
        return Reading(self.catalog, known)


def load_catalog(
    session: SnowflakeSession,
    databases: Iterable[str],
    before: Reading | None = None,
    *,
    is_governed: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Reading:
    """A snapshot of `databases` (names as Snowflake stores them), its catalog the very same if nothing changed. Blocks.

    `is_governed` reads tags and Snowflake's own policies as well. What cannot be read then is a failure and not an
    empty answer: a column whose tags are not known must not pass for one that has none.

    Raises:
        Refusal: Snowflake did not answer.
        CatalogTooLarge: a database is beyond the limit.
    """
    before = before or Reading()
    known = {
        each: _database(_reader(session, each), each, before.known.get(each, Known()), is_governed, clock())
        for each in databases
    }
    shown = [table for each in known.values() for table in each.shown.values()]
    return Reading(before.catalog.updated(shown), known)


def _database(read: Read, database: str, before: Known, is_governed: bool, now: float) -> Known:
    # The list comes first: what changes after it has another LAST_DDL in the next list.
    listed = {_name(database, row): row for row in read(TABLES)}
    came = (
        {name: before.came.get(name, now) for name in listed if name in before.came or name not in before.tables}
        if before.tables
        else {}
    )
    tables, settled = _tables(read, database, before, listed)
    if not is_governed:
        return Known(tables, settled, None, tables, came=came)
    governance = read_governance(read, database, before.governance)
    is_late = {
        name for name, row in listed.items() if _is_late(row) or now - came.get(name, float("-inf")) < TAGS_LATE_S
    }
    late = {name: before.late[name] for name in is_late if _is_told(name, listed[name], before)}
    late |= read_tags_now(read, database, sorted(is_late - set(late), key=lambda name: (name in before.late, name)))
    is_same = governance is before.governance
    shown = {
        name: before.shown[name]
        for name, table in tables.items()
        if is_same and before.tables.get(name) is table and late.get(name, {}) == before.late.get(name, {})
    }
    changed = [table for name, table in tables.items() if name not in shown]
    shown.update({table.name: table for table in governed(changed, governance, late)})
    return Known(tables, settled, governance, shown, late, came)


def _tables(
    read: Read, database: str, before: Known, listed: Mapping[TableName, Record]
) -> tuple[Mapping[TableName, Table], Mapping[TableName, str]]:
    """The tables and views of a database, those that have not changed as they were; and which of them are settled."""
    changed = [name for name, row in listed.items() if not _is_as_before(name, row, before)]
    settled = {name: str(row["last_ddl"]) for name, row in listed.items() if _is_settled(row)}
    if not changed and len(listed) == len(before.tables):
        return before.tables, settled
    tables = {name: before.tables[name] for name in listed if name in before.tables}
    if changed:
        tables |= _read_anew(read, database, {name: listed[name] for name in changed}, len(listed))
    return tables, settled


def _read_anew(
    read: Read, database: str, listed: Mapping[TableName, Record], listed_in_all: int
) -> Mapping[TableName, Table]:
    """These tables and views as they are now; where they are many, all of the database is asked for at once."""
    if len(listed) > CHANGED_MAX or len(listed) == listed_in_all:
        columns, views = _columns(read(COLUMNS, narrowed=""), database), _views(read(VIEWS, narrowed=""), database)
    else:
        columns, views = _named(read, database, list(listed))
    primary = _primary_keys(read(PRIMARY_KEYS))
    foreign = _foreign_keys(read(FOREIGN_KEYS))
    tables: dict[TableName, Table] = {}
    for name, row in listed.items():
        view = views.get(name)
        tables[name] = Table(
            name=name,
            columns=tuple(columns.get(name, ())),
            kind=TableKind.VIEW if view is not None or "VIEW" in str(row["table_type"]) else TableKind.TABLE,
            comment=row["comment"] or "",
            primary_key=primary.get(name, ()),
            foreign_keys=foreign.get(name, ()),
            definition=(view["view_definition"] or None) if view is not None else None,
            is_secure=view is not None and str(view["is_secure"]).upper() in ("YES", "TRUE"),
        )
    return tables


def _is_as_before(name: TableName, row: Record, before: Known) -> bool:
    return row["last_ddl"] is not None and before.settled.get(name) == str(row["last_ddl"])


def _is_told(name: TableName, row: Record, before: Known) -> bool:
    return before.late.get(name) is not None and _is_as_before(name, row, before)


def _is_late(row: Record) -> bool:
    return row["last_ddl"] is None or row["ddl_age_s"] is None or int(row["ddl_age_s"]) < TAGS_LATE_S


def _is_settled(row: Record) -> bool:
    return row["last_ddl"] is not None and row["ddl_age_s"] is not None and int(row["ddl_age_s"]) >= SETTLED_S


def _named(
    read: Read, database: str, names: Sequence[TableName]
) -> tuple[Mapping[TableName, list[Column]], Mapping[TableName, Record]]:
    """Columns and views of these names alone."""
    columns: dict[TableName, list[Column]] = {}
    views: dict[TableName, Record] = {}
    for start in range(0, len(names), NAMED_AT_ONCE):
        some = names[start : start + NAMED_AT_ONCE]
        narrowed = f" AND ({' OR '.join(['(table_schema = ? AND table_name = ?)'] * len(some))})"
        binds = [part for name in some for part in (name.schema, name.name)]
        columns |= _columns(read(COLUMNS, binds, narrowed=narrowed), database)
        views |= _views(read(VIEWS, binds, narrowed=narrowed), database)
    return columns, views


def _columns(rows: Iterable[Record], database: str) -> Mapping[TableName, list[Column]]:
    columns = defaultdict[TableName, list[Column]](list)
    for row in rows:
        columns[_name(database, row)].append(_column(row))
    return columns


def _views(rows: Iterable[Record], database: str) -> Mapping[TableName, Record]:
    return {_name(database, row): row for row in rows}


def _reader(session: SnowflakeSession, database: str) -> Read:
    def read(sql: str, binds: Sequence[Scalar] = (), **filled: str) -> list[Record]:
        order = Order(
            sql=sql.format(database=quote(database), **filled),
            parameters=tuple(binds),
            rows_max=CATALOG_ROWS_MAX,
            statement_timeout_s=STATEMENT_TIMEOUT_S,
            tag='{"snowgate":"catalog"}',
        )
        raw = session.run(order)
        if raw.truncated:
            raise CatalogTooLarge(database)
        names = [column.name.lower() for column in raw.columns]
        return [dict(zip(names, row, strict=True)) for row in raw.rows]

    return read


def _name(database: str, row: Record) -> TableName:
    return TableName(database, row["table_schema"], row["table_name"])


def _column(row: Record) -> Column:
    return Column(
        name=row["column_name"],
        type=_type(row),
        nullable=str(row["is_nullable"]).upper() in ("YES", "TRUE"),
        comment=row["comment"] or "",
    )


def _type(row: Record) -> str:
    """The type as Snowflake's language writes it, from the parts that INFORMATION_SCHEMA gives."""
    name = str(row["data_type"]).upper()
    name = SPELLINGS.get(name, name)
    if name == "NUMBER":
        return f"NUMBER({row['numeric_precision'] or 38},{row['numeric_scale'] or 0})"
    if name in ("VARCHAR", "BINARY") and row["character_maximum_length"]:
        return f"{name}({row['character_maximum_length']})"
    if name.startswith("TIME") and row["datetime_precision"] is not None:
        return f"{name}({row['datetime_precision']})"
    return name


def _primary_keys(rows: Iterable[Record]) -> dict[TableName, tuple[str, ...]]:
    keys = defaultdict[TableName, list[tuple[int, str]]](list)
    for row in rows:
        table = TableName(row["database_name"], row["schema_name"], row["table_name"])
        keys[table].append((int(row["key_sequence"]), row["column_name"]))
    return {table: tuple(column for _, column in sorted(parts)) for table, parts in keys.items()}


def _foreign_keys(rows: Iterable[Record]) -> dict[TableName, tuple[ForeignKey, ...]]:
    parts = defaultdict[tuple[TableName, TableName, str], list[tuple[int, str, str]]](list)
    for row in rows:
        child = TableName(row["fk_database_name"], row["fk_schema_name"], row["fk_table_name"])
        parent = TableName(row["pk_database_name"], row["pk_schema_name"], row["pk_table_name"])
        pair = (int(row["key_sequence"]), row["fk_column_name"], row["pk_column_name"])
        parts[child, parent, str(row["fk_name"])].append(pair)
    keys = defaultdict[TableName, list[ForeignKey]](list)
    for (child, parent, _), pairs in sorted(parts.items()):
        ordered = sorted(pairs)
        keys[child].append(ForeignKey(tuple(p[1] for p in ordered), parent, tuple(p[2] for p in ordered)))
    return {child: tuple(found) for child, found in keys.items()}
