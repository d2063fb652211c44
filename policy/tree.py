"""What policy keeps of a judged statement: its text in pieces round the tables that it names, and its facts."""

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

from policy.names import TableName

Columns: TypeAlias = tuple[str | None, ...] | None
"""The output of a source in order; None in it is a column without a name, None for the whole means unknown."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One place that names a table: the table, its placeholder in the tree, and what stands beside it.

    `is_sampled` is also set where a sample is taken of something that may contain the table. `past` and `sample` are
    the clauses that followed the name, which move with the table (fragments.py).
    """

    table: TableName
    placeholder: str = field(compare=False)
    is_target: bool
    is_sampled: bool
    at: int | None
    past: str = ""
    sample: str = ""


@dataclass(frozen=True, slots=True)
class UnknownColumn:
    """A name that no source offers, with what the caller may have meant."""

    name: str
    suggestions: tuple[str, ...]
    at: int | None


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What the columns of one statement tell: its outputs, the first unknown name, and if everything was certain."""

    outputs: Columns
    unknown: UnknownColumn | None
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Flow:
    """Constants that a value may be, or be made of.

    `texts` may be the value as a whole; `pieces` are of one that is made of constants alone, `beside` of one that is
    made of columns as well. `binds` and `piece_binds` are numbers of `?`. `is_made`: text that is made of constants in
    ways that are not followed.
    """

    texts: frozenset[str] = frozenset()
    pieces: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    binds: frozenset[int] = frozenset()
    piece_binds: frozenset[int] = frozenset()
    is_made: bool = False

    def __or__(self, other: "Flow") -> "Flow":
        return Flow(
            self.texts | other.texts,
            self.pieces | other.pieces,
            self.beside | other.beside,
            self.binds | other.binds,
            self.piece_binds | other.piece_binds,
            self.is_made or other.is_made,
        )

    def spread(self) -> "Flow":
        """The same, where what may be the whole may also be a piece of something."""
        return Flow(
            self.texts, self.pieces | self.texts, self.beside, self.binds, self.piece_binds | self.binds, self.is_made
        )


@dataclass(frozen=True, slots=True)
class Assigned:
    """What a write puts into a column: one that it names, one that it counts from 0, or None for any of them."""

    column: str | int | None
    flow: Flow


@dataclass(frozen=True, slots=True)
class Shape:
    """Facts about how the statement is built, beside the tables it names.

    `names` holds every identifier in it as stored, or is None when a column may matter without being named (a star,
    NATURAL, PIVOT). `looked_at` are those of them that stand elsewhere than where a write receives values, `values` the
    names of columns there. `has_where` says whether a write is narrowed by a condition that looks at a column.
    `branches` are the verbs of a MERGE's own branches. `is_whole` says that it meets every column of its target, named
    or not: whole rows come or go, or the table itself does. `assigned` is what a write puts where. `answers` is how
    many answers it draws: one for each SELECT in it, and at least one.
    """

    names: frozenset[str] | None
    values: frozenset[str]
    has_star: bool
    has_where: bool
    branches: frozenset[str] = frozenset()
    is_whole: bool = False
    looked_at: frozenset[str] | None = None
    assigned: tuple[Assigned, ...] = ()
    answers: int = 1


@dataclass(frozen=True, slots=True)
class Vouched:
    """Of how many rows of a table whatever leaves it is at least, and of how many different values of its columns."""

    rows: int = 0
    distinct: tuple[tuple[str, int], ...] = ()

    def and_of(self, other: "Vouched") -> "Vouched":
        """What holds of both."""
        others = dict(other.distinct)
        both = tuple((name, min(count, others[name])) for name, count in self.distinct if name in others)
        return Vouched(min(self.rows, other.rows), both)


@dataclass(frozen=True, slots=True)
class Structure:
    """Facts about how the statement is built that conditions of rules ask for.

    `limit` is None where there is none or it is not a plain number. `unrestricted` are tables whose rows leave one by
    one without a condition; `grouped` are columns of tables whose values leave as keys or in collections. `groups` are
    tables, each with what every value which leaves it is of.
    """

    has_where: bool
    where_is_trivial: bool
    has_limit: bool
    limit: int | None
    selects_star: bool
    joins: int
    cross_joins: int
    unrestricted: frozenset[TableName]
    grouped: frozenset[tuple[TableName, str]]
    groups: tuple[tuple[TableName, Vouched], ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A judged statement, ready to be written for one caller.

    `pieces` has one more element than `places`: the text before, between and after the references to tables.
    `structure` is None where no condition of the policy asks for it.
    """

    pieces: tuple[str, ...]
    places: tuple[Reference, ...]
    shape: Shape
    columns: ColumnFacts = field(repr=False)
    structure: Structure | None = None

    def digest(self) -> str:
        """SHA-256 over the canonical text, in hex: each table under its full name.

        A schema that stands before a column is not in the canonical text, so an unknown column counts by itself.
        """
        digest = hashlib.sha256()
        for piece, place in zip(self.pieces, (*self.places, None), strict=True):
            digest.update(piece.encode())
            if place is not None:
                digest.update(f"\x00{place.table!r}{place.past}{place.sample}\x00".encode())
        if self.columns.unknown is not None:
            digest.update(f"\x00unknown {self.columns.unknown.name}".encode())
        return digest.hexdigest()

    def written(self, sources: tuple[str, ...]) -> str:
        """The statement with each place filled by the text of its source, in order."""
        text = [self.pieces[0]]
        for source, piece in zip(sources, self.pieces[1:], strict=True):
            text.append(source)
            text.append(piece)
        return "".join(text)
