"""The catalog snapshot that statements are resolved against: tables, views, columns, keys; immutable, with a digest."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from policy.names import TableName


class TableKind(StrEnum):
    """What a name in the catalog stands for."""

    TABLE = "table"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `type` is Snowflake's own text, such as `NUMBER(38,0)` or `VARCHAR(16777216)`.

    `tags` are names, `GOV.TAGS.PII` or short, alone or with their value: `PII=email`. `native_policies` are the full
    names of Snowflake's own masking policies on it, which stay in force whatever the gate's policy says.
    """

    name: str
    type: str
    nullable: bool = True
    comment: str = ""
    tags: tuple[str, ...] = ()
    native_policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of this table refer to `target_columns` of `target`."""

    columns: tuple[str, ...]
    target: TableName
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view. `definition` is a view's text; without one it cannot be looked into (`is_secure` or unknown).

    `native_policies` are the full names of Snowflake's own row access and other policies on it. `are_tags_known`: what
    it has no tag for has none; else it may have any.
    """

    name: TableName
    columns: tuple[Column, ...]
    kind: TableKind = TableKind.TABLE
    comment: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    definition: str | None = None
    is_secure: bool = False
    native_policies: tuple[str, ...] = ()
    are_tags_known: bool = True

    @property
    def is_its_text(self) -> bool:
        """Whether this is a view for which its text can stand: a known one, of no secure view, and under no policy.

        What Snowflake itself masks or filters of a view it leaves as it is where the tables beneath are read instead.
        """
        has_policies = self.native_policies or any(column.native_policies for column in self.columns)
        return self.kind is TableKind.VIEW and self.definition is not None and not self.is_secure and not has_policies


@dataclass(frozen=True)
class Catalog:
    """Everything that can be named, keyed by its full name."""

    tables: Mapping[TableName, Table] = field(default_factory=lambda: MappingProxyType({}))
    _digests: dict[TableName, bytes] = field(default_factory=dict, init=False, compare=False, repr=False)

    @classmethod
    def of(cls, tables: Iterable[Table]) -> "Catalog":
        """A catalog of `tables`, in name order."""
        return cls(MappingProxyType({t.name: t for t in sorted(tables, key=lambda t: t.name)}))

    def updated(self, tables: Iterable[Table]) -> "Catalog":
        """The catalog of `tables`: this one if they are the same; else what has not changed is not hashed again."""
        known = self.tables
        now = [same if (same := known.get(table.name)) == table else table for table in tables]
        if len(now) == len(known) and all(known.get(table.name) is table for table in now):
            return self
        catalog = Catalog.of(now)
        for table in now:
            if known.get(table.name) is table and (digest := self._digests.get(table.name)) is not None:
                catalog._digests[table.name] = digest
        return catalog

    def digest_of(self, name: TableName) -> str:
        """SHA-256 over every fact of one table, in hex; of a table that is not there, over its absence."""
        return self._digest_of(name).hex()

    def _digest_of(self, name: TableName) -> bytes:
        digest = self._digests.get(name)
        if digest is None:
            table = self.tables.get(name)
            facts = None if table is None else _facts(table)
            digest = hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).digest()
            if table is not None:
                self._digests[name] = digest
        return digest

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the digests of all tables in name order, in hex: equal catalogs have equal digests."""
        digest = hashlib.sha256()
        for name in sorted(self.tables):
            digest.update(self._digest_of(name))
        return digest.hexdigest()


def _facts(table: Table) -> list[object]:
    """Everything that a table is, in a fixed order."""
    return [
        table.name.parts,
        [[c.name, c.type, c.nullable, c.comment, c.tags, c.native_policies] for c in table.columns],
        table.kind.value,
        table.comment,
        table.primary_key,
        [[key.columns, key.target.parts, key.target_columns] for key in table.foreign_keys],
        table.definition,
        table.is_secure,
        table.native_policies,
        *([] if table.are_tags_known else ["tags unknown"]),
    ]
