"""Tags and policies that are set on tables, views and columns, and ACCOUNT_USAGE, which tells of them.

They are recorded and have no effect of their own: a masking policy masks nothing here. ACCOUNT_USAGE tells at once,
where Snowflake takes up to two hours; TAG_REFERENCES_ALL_COLUMNS tells the same, as the gate asks for it. Sources:
Snowflake, "ALTER TABLE" (SET TAG, SET MASKING POLICY), "HASH_AGG", "TAG_REFERENCES view", "POLICY_REFERENCES view",
"TAG_REFERENCES_ALL_COLUMNS".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.sandbox.names import NAME, stored

DATABASE = "SNOWFLAKE"
"""Snowflake's own database, which GOVERNANCE_VIEWER opens to a role."""

_FULL = rf"({NAME})\s*\.\s*({NAME})\s*\.\s*({NAME})"
_WHERE = rf"ALTER\s+(TABLE|VIEW)\s+{_FULL}(?:\s+(?:ALTER|MODIFY)\s+COLUMN\s+({NAME}))?\s+"
_SET_TAG = re.compile(rf"{_WHERE}SET\s+TAG\s+{_FULL}\s*=\s*'((?:[^']|'')*)'", re.IGNORECASE)
_UNSET_TAG = re.compile(rf"{_WHERE}UNSET\s+TAG\s+{_FULL}", re.IGNORECASE)
_SET_POLICY = re.compile(rf"{_WHERE}SET\s+MASKING\s+POLICY\s+{_FULL}", re.IGNORECASE)

_TAGS = f"{DATABASE}.ACCOUNT_USAGE.TAG_REFERENCES"
_POLICIES = f"{DATABASE}.ACCOUNT_USAGE.POLICY_REFERENCES"

CREATION = f"""
create schema if not exists {DATABASE}.ACCOUNT_USAGE;
create table if not exists {_TAGS} (
    TAG_DATABASE varchar, TAG_SCHEMA varchar, TAG_NAME varchar, TAG_VALUE varchar, OBJECT_DATABASE varchar,
    OBJECT_SCHEMA varchar, OBJECT_NAME varchar, OBJECT_DELETED timestamptz, DOMAIN varchar, COLUMN_NAME varchar
);
create table if not exists {_POLICIES} (
    POLICY_DB varchar, POLICY_SCHEMA varchar, POLICY_NAME varchar, POLICY_KIND varchar, REF_DATABASE_NAME varchar,
    REF_SCHEMA_NAME varchar, REF_ENTITY_NAME varchar, REF_ENTITY_DOMAIN varchar, REF_COLUMN_NAME varchar
)
"""

_UNTAG = (
    f"delete from {_TAGS} where (tag_database, tag_schema, tag_name) = (?, ?, ?) and domain = ? "  # noqa: S608  # constants
    "and (object_database, object_schema, object_name) = (?, ?, ?) and column_name is not distinct from ?"
)
_TAG = f"insert into {_TAGS} values (?, ?, ?, ?, ?, ?, ?, null, ?, ?)"  # noqa: S608  # a constant
_PROTECT = f"insert into {_POLICIES} values (?, ?, ?, 'MASKING_POLICY', ?, ?, ?, ?, ?)"  # noqa: S608  # a constant


@dataclass(frozen=True, slots=True)
class Tagging:
    """Statements for DuckDB that record what was set on a table or view of `database`."""

    database: str
    does: Sequence[tuple[str, Sequence[Any]]]


TOLD = ("TAG_DATABASE", "TAG_SCHEMA", "TAG_NAME", "TAG_VALUE", "OBJECT_SCHEMA", "OBJECT_NAME", "COLUMN_NAME")
COLUMNS_OF = "select column_name from duckdb_columns() where (database_name, schema_name, table_name) = (?, ?, ?)"
TAGS_OF = (
    "select tag_database, tag_schema, tag_name, tag_value, $2, $3, $4 "  # noqa: S608  # constants
    f"from {_TAGS} where (domain = 'DATABASE' and object_name = $1) or (object_database = $1 and "
    "((domain = 'SCHEMA' and object_name = $2) or (object_schema = $2 and object_name = $3 and "
    "(column_name is null or column_name = $4))))"
)
_FUNCTION = rf"{NAME}\.information_schema\.tag_references_all_columns\('((?:[^']|'')*)', 'table'\)"
_ASKED = re.compile(
    rf"SELECT [\w, ]+ FROM TABLE\({_FUNCTION}\)(?: UNION ALL (?=SELECT)|\Z)",  # noqa: S608  # a pattern
    re.IGNORECASE,
)
_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?:\.|\Z)')


@dataclass(frozen=True, slots=True)
class AskedTags:
    """TAG_REFERENCES_ALL_COLUMNS of some tables: database, schema and name of each."""

    tables: tuple[tuple[str, ...], ...]


def asked_tags(text: str) -> AskedTags | None:
    """Return the tables whose tags a statement asks for, None if it is about something else."""
    at, names = 0, []
    while found := _ASKED.match(text, at):
        names.append(found[1].replace("''", "'").replace("\\\\", "\\"))
        at = found.end()
    if not names or at < len(text):
        return None
    return AskedTags(tuple(tuple(p.replace('""', '"') for p in _QUOTED.findall(name)) for name in names))


def hash_agg_sql(database: str) -> str:
    """Return DuckDB's SQL for HASH_AGG over as many columns as those views have."""
    columns = ["a", "b", "c", "d", "e", "f", "g", "h"]
    ways = (
        f"({', '.join(some)}) as bit_xor(hash({', '.join(some)}))::decimal(38, 0)" for some in (columns[:7], columns)
    )
    return f"create or replace macro {database}.hash_agg{', '.join(ways)}"


def recognise(text: str) -> Tagging | None:
    """Return what a statement sets or unsets, None if it is about something else."""
    if found := _SET_TAG.fullmatch(text):
        domain, place, column, what = _parts(found)
        value = found[9].replace("''", "'")
        tag = [*what, value, *place, domain, column]
        return Tagging(place[0], ((_UNTAG, [*what, domain, *place, column]), (_TAG, tag)))
    if found := _UNSET_TAG.fullmatch(text):
        domain, place, column, what = _parts(found)
        return Tagging(place[0], ((_UNTAG, [*what, domain, *place, column]),))
    if (found := _SET_POLICY.fullmatch(text)) and found[5]:
        _, place, column, what = _parts(found)
        return Tagging(place[0], ((_PROTECT, [*what, *place, found[1].upper(), column]),))
    return None


def _parts(found: re.Match[str]) -> tuple[str, list[str], str | None, list[str]]:
    """Return the domain, the place in three parts, the column if one is meant, and what is set, in three parts."""
    column = None if found[5] is None else stored(found[5])
    place = [stored(found[number]) for number in (2, 3, 4)]
    what = [stored(found[number]) for number in (6, 7, 8)]
    return found[1].upper() if column is None else "COLUMN", place, column, what
