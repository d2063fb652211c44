"""What Snowflake itself says of objects: tags, and masking, row access and other policies.

A tag on a table, schema or database reaches every column below (https://docs.snowflake.com/en/user-guide/object-tagging);
ACCOUNT_USAGE tells only where it was set. Sources: .../sql-reference/account-usage/tag_references and
.../sql-reference/account-usage/policy_references
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from policy.catalog import Table
from policy.names import TableName, display
from tools.contract import Scalar

_TAG_COLUMNS = "tag_database, tag_schema, tag_name, tag_value, domain, object_schema, object_name, column_name"
_TAGS = (
    "FROM SNOWFLAKE.ACCOUNT_USAGE.TAG_REFERENCES WHERE object_deleted IS NULL "
    "AND (object_database = ? OR (domain = 'DATABASE' AND object_name = ?))"
)
_POLICY_COLUMNS = (
    "policy_db, policy_schema, policy_name, policy_kind, ref_schema_name, ref_entity_name, ref_column_name"
)
_POLICIES = "FROM SNOWFLAKE.ACCOUNT_USAGE.POLICY_REFERENCES WHERE ref_database_name = ?"

Read: TypeAlias = Callable[[str, Sequence[Scalar]], list[Mapping[str, Any]]]
"""Runs one statement with values for its `?`; rows by lower-case column name."""

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
        full = ".".join(display(row[part]) for part in ("tag_database", "tag_schema", "tag_name"))
        spelled = [full, row["tag_name"]]
        spelled += [f"{name}={row['tag_value']}" for name in spelled if row["tag_value"] is not None]
        self.tags[_place(database, row)] += spelled

    def add_policy(self, database: str, row: Mapping[str, Any]) -> None:
        """Take in one row of POLICY_REFERENCES."""
        table = (database, row["ref_schema_name"], row["ref_entity_name"])
        place = table if row["ref_column_name"] is None else (*table, row["ref_column_name"])
        self.policies[place].append(
            ".".join(display(row[part]) for part in ("policy_db", "policy_schema", "policy_name"))
        )


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


def governed(tables: Iterable[Table], found: Governance) -> Iterable[Table]:
    """`tables` with their own and inherited tags, and with Snowflake's policies."""
    for table in tables:
        place = _parts(table.name)
        above = [tag for depth in (1, 2, 3) for tag in found.tags.get(place[:depth], ())]
        columns = tuple(
            replace(
                column,
                tags=tuple(sorted({*above, *found.tags.get((*place, column.name), ())})),
                native_policies=tuple(sorted(found.policies.get((*place, column.name), ()))),
            )
            for column in table.columns
        )
        yield replace(table, columns=columns, native_policies=tuple(sorted(found.policies.get(place, ()))))


def _parts(name: TableName) -> Place:
    return (name.database, name.schema, name.name)
