"""Reads the catalog from Snowflake: tables, views, columns, comments and keys, with the gate's own catalog role.

That role needs USAGE on the databases and REFERENCES on what agents may see; it reads no data. Where the policy
classifies by tag, it also needs the database roles SNOWFLAKE.GOVERNANCE_VIEWER and SNOWFLAKE.OBJECT_VIEWER.
Sources: https://docs.snowflake.com/en/sql-reference/info-schema, .../sql/show-primary-keys, .../sql/show-imported-keys
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from policy.catalog import Catalog, Column, ForeignKey, Table, TableKind
from policy.names import TableName, quote
from server.governance import POLICIES, TAGS, Governance, governed, literal
from server.warehouse import Order, SnowflakeSession

CATALOG_ROWS_MAX = 5_000_000
"""Columns in one database; beyond it loading fails, for a part of a catalog must not pass for the whole."""

STATEMENT_TIMEOUT_S = 300

TABLES = """
SELECT table_schema, table_name, table_type, comment
FROM {database}.information_schema.tables WHERE table_schema <> 'INFORMATION_SCHEMA'
"""
COLUMNS = """
SELECT table_schema, table_name, column_name, data_type, is_nullable, numeric_precision, numeric_scale,
       character_maximum_length, datetime_precision, comment
FROM {database}.information_schema.columns WHERE table_schema <> 'INFORMATION_SCHEMA'
ORDER BY table_schema, table_name, ordinal_position
"""
VIEWS = """
SELECT table_schema, table_name, view_definition, is_secure
FROM {database}.information_schema.views WHERE table_schema <> 'INFORMATION_SCHEMA'
"""
PRIMARY_KEYS = "SHOW PRIMARY KEYS IN DATABASE {database}"
FOREIGN_KEYS = "SHOW IMPORTED KEYS IN DATABASE {database}"

Record: TypeAlias = Mapping[str, Any]
"""One row by lower-case column name."""

SPELLINGS = {"TEXT": "VARCHAR", "FIXED": "NUMBER", "REAL": "FLOAT"}
"""Types that INFORMATION_SCHEMA spells otherwise than the language does."""


class CatalogTooLarge(Exception):
    """A database has more columns than the loader will take in."""


def load_catalog(session: SnowflakeSession, databases: Iterable[str], *, is_governed: bool = False) -> Catalog:
    """A snapshot of `databases` (names as Snowflake stores them); blocks.

    `is_governed` reads tags and Snowflake's own policies as well. What cannot be read then is a failure and not an
    empty answer: a column whose tags are not known must not pass for one that has none.

    Raises:
        Refusal: Snowflake did not answer.
        CatalogTooLarge: a database is beyond the limit.
    """
    tables = (table for database in databases for table in _tables(session, database))
    if not is_governed:
        return Catalog.of(tables)
    return Catalog.of(governed(list(tables), _governance(session, databases)))


def _tables(session: SnowflakeSession, database: str) -> Iterable[Table]:
    read = _reader(session, quote(database))
    columns = defaultdict[TableName, list[Column]](list)
    for row in read(COLUMNS):
        columns[_name(database, row)].append(_column(row))
    views = {_name(database, row): row for row in read(VIEWS)}
    primary = _primary_keys(read(PRIMARY_KEYS))
    foreign = _foreign_keys(read(FOREIGN_KEYS))
    for row in read(TABLES):
        name = _name(database, row)
        view = views.get(name)
        yield Table(
            name=name,
            columns=tuple(columns[name]),
            kind=TableKind.VIEW if view is not None or "VIEW" in str(row["table_type"]) else TableKind.TABLE,
            comment=row["comment"] or "",
            primary_key=primary.get(name, ()),
            foreign_keys=foreign.get(name, ()),
            definition=(view["view_definition"] or None) if view is not None else None,
            is_secure=view is not None and str(view["is_secure"]).upper() in ("YES", "TRUE"),
        )


def _governance(session: SnowflakeSession, databases: Iterable[str]) -> Governance:
    """The tags and policies of `databases`, out of ACCOUNT_USAGE, which is up to two hours behind."""
    found = Governance()
    for database in databases:
        read = _reader(session, literal(database))
        for row in read(TAGS):
            found.add_tag(database, row)
        for row in read(POLICIES):
            found.add_policy(database, row)
    return found


def _reader(session: SnowflakeSession, database: str) -> Callable[[str], list[Record]]:
    def read(sql: str) -> list[Record]:
        order = Order(
            sql=sql.format(database=database),
            parameters=(),
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
