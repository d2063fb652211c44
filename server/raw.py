"""What a lease brings back, before the mask step: never shown to an agent as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from policy.decision import ReadCatalog
from tools.contract import ResultColumn


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows from Snowflake, already cut at the permit's row limit and made of JSON's own types."""

    columns: Sequence[ResultColumn]
    rows: Sequence[Sequence[Any]]
    truncated: bool
    query_id: str
    rows_affected: int | None = None


@dataclass(frozen=True, slots=True)
class RawSchema:
    """A page of the catalog snapshot."""

    page: ReadCatalog


Raw: TypeAlias = RawRows | RawSchema
