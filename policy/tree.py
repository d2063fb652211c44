"""What policy keeps of a judged statement: its text in pieces round the tables that it names, and its facts."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from policy.columns import ColumnFacts
    from policy.resolve import Reference

Place: TypeAlias = "Reference"


@dataclass(frozen=True, slots=True)
class Shape:
    """Facts about how the statement is built, beside the tables it names.

    `names` holds every identifier in it as stored, or is None when a column may matter without being named (a star,
    NATURAL, PIVOT). `values` are the names met outside the places that only receive values. `has_where` says whether
    a write is narrowed by a condition that looks at a column.
    """

    names: frozenset[str] | None
    values: frozenset[str]
    has_star: bool
    has_where: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """A judged statement, ready to be written for one caller.

    `pieces` has one more element than `places`: the text before, between and after the references to tables.
    """

    pieces: tuple[str, ...]
    places: tuple[Place, ...]
    shape: Shape
    columns: "ColumnFacts" = field(repr=False)

    def written(self, sources: tuple[str, ...]) -> str:
        """The statement with each place filled by the text of its source, in order."""
        text = [self.pieces[0]]
        for source, piece in zip(sources, self.pieces[1:], strict=True):
            text.append(source)
            text.append(piece)
        return "".join(text)
