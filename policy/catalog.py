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
    """One column; `type` is Snowflake's own text, such as `NUMBER(38,0)` or `VARCHAR(16777216)`."""

    name: str
    type: str
    nullable: bool = True
    comment: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of this table refer to `target_columns` of `target`."""

    columns: tuple[str, ...]
    target: TableName
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view. `definition` is a view's text; without one it cannot be looked into (`is_secure` or unknown)."""

    name: TableName
    columns: tuple[Column, ...]
    kind: TableKind = TableKind.TABLE
    comment: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    definition: str | None = None
    is_secure: bool = False


@dataclass(frozen=True)
class Catalog:
    """Everything that can be named, keyed by its full name."""

    tables: Mapping[TableName, Table] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, tables: Iterable[Table]) -> "Catalog":
        """A catalog of `tables`, in name order."""
        return cls(MappingProxyType({t.name: t for t in sorted(tables, key=lambda t: t.name)}))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical document, in hex: equal catalogs have equal digests."""
        from policy.catalog_document import to_document

        text = json.dumps(to_document(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
