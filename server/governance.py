"""What Snowflake itself says of objects: tags, and masking, row access and other policies.

A tag on a table, schema or database reaches every column below (https://docs.snowflake.com/en/user-guide/object-tagging);
ACCOUNT_USAGE tells only where it was set, and up to two hours late. So the tags of a table that has changed since, or
that came back, are asked for besides, table by table; until they have been told, it may have any. Sources:
.../sql-reference/account-usage/tag_references, .../sql-reference/account-usage/policy_references and
.../sql-reference/functions/tag_references_all_columns
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from policy.catalog import Table
from policy.names import TableName, display, quote
from server.refusals import StatementFailed, StatementTimedOut
from server.spelling import literal

_TAG_COLUMNS = "tag_database, tag_schema, tag_name, tag_value, domain, object_schema, object_name, column_name"
_TAGS = (
    "FROM SNOWFLAKE.ACCOUNT_USAGE.TAG_REFERENCES WHERE object_deleted IS NULL "
    "AND (object_database = ? OR (domain = 'DATABASE' AND object_name = ?))"
)
_POLICY_COLUMNS = (
    "policy_db, policy_schema, policy_name, policy_kind, ref_schema_name, ref_entity_name, ref_column_name"
)
_POLICIES = "FROM SNOWFLAKE.ACCOUNT_USAGE.POLICY_REFERENCES WHERE ref_database_name = ?"

TAGS_LATE_S = 3 * 3_600
"""For how long after a DDL ACCOUNT_USAGE is not believed about a table's tags."""

ASKED_AT_ONCE = 50
ASKED_MAX = 2_000
"""Tables of a database whose tags are asked for besides, in one reading; the others are told in the next ones."""

_TOLD = "SELECT tag_database, tag_schema, tag_name, tag_value, object_schema, object_name, column_name"

Read: TypeAlias = Callable[..., list[Mapping[str, Any]]]
"""Runs one statement with values for its `?`; rows by lower-case column name."""

Told: TypeAlias = Mapping[str, tuple[str, ...]] | None
"""The tags of a table's columns as they are now; None while nobody has told."""

log = logging.getLogger(__name__)

Place: TypeAlias = tuple[str, ...]
"""A database, schema, table or column: as many names as it takes."""


@dataclass(slots=True)
class Governance:
    """Tags and policies by the place that they were set on; `mark` is another once one of them is."""

    mark: tuple[Any, ...] = ()
    tags: dict[Place, list[str]] = field(default_factory=lambda: defaultdict(list))
    policies: dict[Place, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add_tag(self, database: str, row: Mapping[str, Any]) -> None:
        """Take in one row of TAG_REFERENCES. Raises ValueError for a domain that nobody knows."""
        self.tags[_place(database, row)] += _spelled(row)

    def add_policy(self, database: str, row: Mapping[str, Any]) -> None:
        """Take in one row of POLICY_REFERENCES."""
        table = (database, row["ref_schema_name"], row["ref_entity_name"])
        place = table if row["ref_column_name"] is None else (*table, row["ref_column_name"])
        self.policies[place].append(
            ".".join(display(row[part]) for part in ("policy_db", "policy_schema", "policy_name"))
        )


def _spelled(row: Mapping[str, Any]) -> list[str]:
    """A tag, by its full name and its short one, alone and with its value."""
    spelled = [".".join(display(row[part]) for part in ("tag_database", "tag_schema", "tag_name")), row["tag_name"]]
    return spelled + [f"{name}={row['tag_value']}" for name in spelled if row["tag_value"] is not None]


def read_governance(read: Read, database: str, before: Governance | None = None) -> Governance:
    """The tags and policies of `database`, out of ACCOUNT_USAGE, which is up to two hours behind.

    What was read `before` is given back itself where Snowflake says that it is the same: as many rows, with the same
    HASH_AGG.
    """
    mark = (
        _mark(read(f"SELECT COUNT(*) AS n, HASH_AGG({_TAG_COLUMNS}) AS hash {_TAGS}", (database, database))),
        _mark(read(f"SELECT COUNT(*) AS n, HASH_AGG({_POLICY_COLUMNS}) AS hash {_POLICIES}", (database,))),
    )
    if before is not None and before.mark == mark:
        return before
    found = Governance(mark)
    for row in read(f"SELECT {_TAG_COLUMNS} {_TAGS}", (database, database)):
        found.add_tag(database, row)
    for row in read(f"SELECT {_POLICY_COLUMNS} {_POLICIES}", (database,)):
        found.add_policy(database, row)
    return found


def _mark(rows: list[Mapping[str, Any]]) -> tuple[Any, ...]:
    [row] = rows
    return row["n"], row["hash"]


def _place(database: str, row: Mapping[str, Any]) -> Place:
    match row["domain"]:
        case "DATABASE":
            return (database,)
        case "SCHEMA":
            return (database, row["object_name"])
        case "COLUMN":
            return (database, row["object_schema"], row["object_name"], row["column_name"])
        case _:  # TABLE, VIEW and every kind of table that is yet to come
            return (database, row["object_schema"], row["object_name"])


def read_tags_now(read: Read, database: str, names: Sequence[TableName]) -> Mapping[TableName, Told]:
    """The tags of these tables and views as they are now, inherited ones too; None for what nobody tells."""
    told: dict[TableName, Told] = dict.fromkeys(names)
    for start in range(0, min(len(names), ASKED_MAX), ASKED_AT_ONCE):
        some = names[start : start + ASKED_AT_ONCE]
        full = [literal(each.quoted) for each in some]
        function = f"{quote(database)}.information_schema.tag_references_all_columns"
        asked = " UNION ALL ".join(f"{_TOLD} FROM TABLE({function}({each}, 'table'))" for each in full)
        try:
            told |= _by_column(database, some, read("{asked}", (), asked=asked))
        except (StatementFailed, StatementTimedOut, KeyError) as failure:  # one of them is gone, or the role may not
            log.warning("tags of %d tables of %s are not known yet: %s", len(some), database, type(failure).__name__)
    return told


def _by_column(
    database: str, names: Iterable[TableName], rows: Iterable[Mapping[str, Any]]
) -> Mapping[TableName, Mapping[str, tuple[str, ...]]]:
    """The tags that `rows` tell of the columns of these tables. Raises KeyError if they tell of others."""
    told: dict[TableName, dict[str, tuple[str, ...]]] = {name: {} for name in names}
    for row in rows:
        columns = told[TableName(database, row["object_schema"], row["object_name"])]
        columns[row["column_name"]] = (*columns.get(row["column_name"], ()), *_spelled(row))
    return told


def governed(tables: Iterable[Table], found: Governance, now: Mapping[TableName, Told]) -> Iterable[Table]:
    """`tables` with their own and inherited tags, and with Snowflake's policies; `now` are those that have changed."""
    for table in tables:
        place = table.name.parts
        told = now.get(table.name, {})
        above = [tag for depth in (1, 2, 3) for tag in found.tags.get(place[:depth], ())]
        columns = tuple(
            replace(
                column,
                tags=tuple(
                    sorted({*above, *found.tags.get((*place, column.name), ()), *(told or {}).get(column.name, ())})
                ),
                native_policies=tuple(sorted(found.policies.get((*place, column.name), ()))),
            )
            for column in table.columns
        )
        yield replace(
            table,
            columns=columns,
            native_policies=tuple(sorted(found.policies.get(place, ()))),
            are_tags_known=told is not None,
        )
