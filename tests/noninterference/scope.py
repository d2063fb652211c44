"""What a query can name at one place, and the choices that make it: shared by the grammar's halves."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hypothesis import strategies as st

from tests.noninterference.worlds import NAMES, Kind

T = TypeVar("T")
DEPTH_MAX = 3
FUEL = 40
"""How many expressions and sources a query may be made of before it has to end."""


@dataclass(frozen=True, slots=True)
class Column:
    """An output or input column; `name` is as stored."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Source:
    """Something in FROM, by the name that the query calls it."""

    alias: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What stands around a query: tables and common table expressions by name, outer sources, names not to be used.

    A name in `reserved` belongs to a common table expression that is being written, so a table that is called the
    same is named by its path.
    """

    tables: dict[str, tuple[Column, ...]]
    expressions: dict[str, tuple[Column, ...]] = field(default_factory=dict)
    outer: tuple[Source, ...] = ()
    reserved: frozenset[str] = frozenset()
    depth: int = 0

    def inside(self, *outer: Source) -> "Known":
        """As seen from a subquery that may refer to `outer` as well."""
        return replace(self, outer=(*self.outer, *outer), depth=self.depth + 1)


class Choices:
    """Hypothesis' choices, the names given so far, and the constructs that the query has."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._names = 0
        self._fuel = FUEL
        self.reached: set[str] = set()

    def one(self, of: Sequence[T]) -> T:
        """One of `of`; the first is the simplest."""
        return self._draw(st.sampled_from(of))

    def number(self, least: int, most: int) -> int:
        """A number, both ends included."""
        return self._draw(st.integers(least, most))

    def maybe(self, one_in: int = 2) -> bool:
        """True once in `one_in`, and never when the query is long enough."""
        return self._fuel > 0 and self._draw(st.integers(0, one_in - 1)) == one_in - 1

    def burn(self) -> bool:
        """Use some of what the query may still be made of; False when there is nothing left."""
        self._fuel -= 1
        return self._fuel > 0

    def name(self, prefix: str) -> str:
        """A name that the query has not used yet."""
        self._names += 1
        return f"{prefix}{self._names}"

    def reach(self, construct: str) -> None:
        """Note that the query has this construct."""
        self.reached.add(construct)


def named(names: Sequence[str]) -> tuple[Column, ...]:
    """Columns whose names say their kinds."""
    return tuple(Column(name, NAMES[name]) for name in names)


def of_kind(sources: Sequence[Source], kind: Kind) -> list[str]:
    """Qualified columns of one kind, the nearest source first."""
    return [f"{source.alias}.{c.name}" for source in sources for c in source.columns if c.kind is kind]


def everything(sources: Sequence[Source]) -> str:
    """Every column of `sources`, as an order that is total up to equal rows."""
    return ", ".join(f"{source.alias}.{column.name}" for source in sources for column in source.columns)
