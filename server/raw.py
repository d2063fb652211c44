"""What a lease brings back, before the mask step: never shown to an agent as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from policy.decision import ReadCatalog
from tools.contract import JsonObject, ResultColumn


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows from Snowflake, already cut at the permit's row limit and made of JSON's own types.

    Of a write, `changed` are rows by what happened to them (insert, update, delete), where Snowflake says.
    """

    columns: Sequence[ResultColumn]
    rows: Sequence[Sequence[Any]]
    truncated: bool
    query_id: str
    rows_affected: int | None = None
    changed: Mapping[str, int] = field(default_factory=dict)
    undo: str | None = None


@dataclass(frozen=True, slots=True)
class RawSchema:
    """A page of the catalog snapshot."""

    page: ReadCatalog


@dataclass(frozen=True, slots=True)
class RawHolds:
    """What the caller may know of holds; it was made for them."""

    content: JsonObject


Raw: TypeAlias = RawRows | RawSchema | RawHolds
