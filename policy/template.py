"""A text cut at its plain literals, and a statement with blanks in place of those that may be any.

What looks like a plain literal is a whole number or words in quotes, which every reader of SQL cuts alike and every
printer writes as they stand. Whether it is one, and may be left blank, is told from what the parser makes of the text
with blanks in it: it must be compared with a column, right in a WHERE or an ON. Of the values of such literals nothing
in this package asks more than which are equal (`x = 1 OR x <> 1` keeps every row); but in a query with HAVING, where it
asks whether comparing could fail on a row (grouping.py), and which has no template.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from sqlglot import exp

from policy.misreadings import LITERALS
from policy.statement import Literal, SqlStatement
from policy.syntax import Parsed
from policy.tree import Reference

_PLAIN = re.compile(
    r"""
    (?<! [\w.$@:'"] )
    ( 0 | [1-9][0-9]{0,14} | '[A-Za-z0-9]{1,64} (?: [ _.:+-][A-Za-z0-9]{1,64} ){0,8}' )
    (?! [\w.$@:'"] )
    """,
    re.VERBOSE,
)
_COMPARISONS = frozenset({exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In})
_CONNECTIVES = frozenset({exp.And, exp.Or, exp.Not, exp.Paren})
_NUMBERS_FROM, _NUMBERS = 10**14, 9 * 10**11
"""Blanks for numbers have 15 digits: one of so many, by the hash of the text, and then the number of the blank."""

Frame: TypeAlias = tuple[str, ...]
"""A text without its plain literals: what stands between them, and at the end a sign for the kind of each."""

Key: TypeAlias = tuple[Frame, tuple[str | int, ...]]
"""A frame and its literals: as they are written, or, for one that fills a blank, the number of the blank."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text that was cut; `literals` are as they were written."""

    frame: Frame
    literals: tuple[str, ...]

    def filling(self, free: Sequence[bool]) -> tuple[Key, tuple[str, ...]]:
        """Which blanks this text fills if these of its literals are `free`, and the value of each. Equals share one."""
        numbers: dict[str, int] = {}
        key: list[str | int] = []
        for literal, is_free in zip(self.literals, free, strict=True):
            key.append(numbers.setdefault(literal, len(numbers)) if is_free else literal)
        return (self.frame, tuple(key)), tuple([literal.strip("'") for literal in numbers])

    def apart(self) -> "Blanked":
        """The text with a blank of its own for each literal."""
        return blanked((self.frame, tuple(range(len(self.literals)))))


def cut(text: str) -> Cut:
    """Cut `text` at whatever looks like a plain literal."""
    parts = _PLAIN.split(text)
    literals = tuple(parts[1::2])
    signs = "".join(["'" if literal[0] == "'" else "0" for literal in literals])
    return Cut((*parts[::2], signs), literals)


def are_apart(values: Sequence[str], fixed: Iterable[str]) -> bool:
    """Whether `values` differ from each other and from `fixed` literals by more than quotes and the case of letters."""
    folded = {value.upper() for value in values}
    return len(folded) == len(values) and folded.isdisjoint([each.strip("'").upper() for each in fixed])


@dataclass(frozen=True, slots=True)
class Blanked:
    """A text with `blanks` in it; each stands at one or more of `places`, which are its number, start and end."""

    text: str
    blanks: tuple[str, ...]
    places: tuple[tuple[int, int, int], ...]

    def free(self, parsed: Parsed) -> tuple[bool, ...]:
        """At which of its places any value would do, by what the parser made of it."""
        tokens = {(t.start, t.end + 1): t.text for t in parsed.tokens if t.token_type in LITERALS}
        compared, met = Counter[str](), Counter[str]()
        for node in parsed.root.find_all(exp.Literal):
            met[node.this] += 1
            compared[node.this] += _is_compared(node)
        often = Counter(number for number, _, _ in self.places)
        return tuple(
            tokens.get((start, end)) == (blank := self.blanks[number])
            and met[blank] == compared[blank] == often[number]
            for number, start, end in self.places
        )


def blanked(key: Key) -> Blanked:
    """The text of `key`, with the blanks for which it has numbers."""
    (*between, signs), filling = key
    mark = hashlib.sha256(repr(key).encode()).hexdigest().upper()
    first = _NUMBERS_FROM + int(mark, 16) % _NUMBERS * 1_000
    text, blanks, places = between[0], dict[int, str](), list[tuple[int, int, int]]()
    for number, sign, after in zip(filling, signs, between[1:], strict=True):
        if isinstance(number, int):
            blank = blanks.setdefault(number, f"B{number}M{mark[:32]}" if sign == "'" else str(first + number))
            literal = f"'{blank}'" if sign == "'" else blank
            places.append((number, len(text), len(text) + len(literal)))
        else:
            literal = number
        text += literal + after
    return Blanked(text, tuple(blanks.values()), tuple(places))


def _is_compared(literal: exp.Expr) -> bool:
    """Whether a literal stands behind a column that it is compared with, in an arm of a WHERE or of an ON."""
    node = literal.parent
    if type(node) not in _COMPARISONS or node is None or type(node.this) is not exp.Column:
        return False
    above = node.parent
    while above is not None and type(above) in _CONNECTIVES:
        node, above = above, above.parent
    return type(above) is exp.Where or (type(above) is exp.Join and node.arg_key == "on")


@dataclass(frozen=True, slots=True)
class _Form:
    """A text for the `%` operator, with a `%s` at each blank, and the numbers of the blanks."""

    form: str
    numbers: tuple[int, ...]

    def filled(self, values: Sequence[str]) -> str:
        return self.form % tuple([values[number] for number in self.numbers])


@dataclass(frozen=True, slots=True)
class Template:
    """A statement with `blanks` in it, ready to be filled.

    `pieces` are those of its tree. `literals` says which of its literals are which blank. For each of its references,
    `before` are the blanks that come before it in the text. `fixed` are the other literals of the text.
    """

    statement: SqlStatement
    blanks: tuple[str, ...]
    pieces: tuple[_Form, ...]
    literals: tuple[tuple[int, int], ...]
    before: tuple[tuple[int, ...], ...]
    fixed: frozenset[str]

    def filled(self, values: Sequence[str]) -> SqlStatement | None:
        """The statement with `values` in place of its blanks.

        None if they are not as different from each other, and from the other literals, as the blanks are.
        """
        if not are_apart(values, self.fixed):
            return None
        literals = list(self.statement.literals)
        for at, number in self.literals:
            literals[at] = Literal(literals[at].kind, values[number])
        tree = self.statement.tree
        filled = replace(
            tree,
            pieces=tuple([piece.filled(values) for piece in self.pieces]),
            places=tuple(
                [self._moved(place, before, values) for place, before in zip(tree.places, self.before, strict=True)]
            ),
        )
        return replace(self.statement, literals=tuple(literals), digest=filled.digest(), tree=filled)

    def _moved(self, place: Reference, before: Sequence[int], values: Sequence[str]) -> Reference:
        """A reference where it stands once the blanks before it are filled."""
        moved = sum([len(values[number]) - len(self.blanks[number]) for number in before])
        return place if not moved or place.at is None else replace(place, at=place.at + moved)


def template_of(blanked: Blanked, parsed: Parsed, statement: SqlStatement) -> Template | None:
    """The template that `blanked` is, which was `parsed` and understood as `statement`; None if it cannot be one."""
    if not all(blanked.free(parsed)) or parsed.root.find(exp.Having) is not None:
        return None
    tree, often = statement.tree, Counter(number for number, _, _ in blanked.places)
    number_of = {blank: number for number, blank in enumerate(blanked.blanks)}
    pieces = tuple(_form(piece, number_of) for piece in tree.pieces)
    literals = tuple(
        (at, number_of[each.value]) for at, each in enumerate(statement.literals) if each.value in number_of
    )
    if Counter(n for piece in pieces for n in piece.numbers) != often or Counter(n for _, n in literals) != often:
        return None
    taken = {(start, end) for _, start, end in blanked.places}
    fixed = (t.text for t in parsed.tokens if t.token_type in LITERALS and (t.start, t.end + 1) not in taken)
    before = tuple(
        tuple(number for number, start, _ in blanked.places if place.at is not None and start < place.at)
        for place in tree.places
    )
    return Template(statement, blanked.blanks, pieces, literals, before, frozenset(fixed))


def _form(text: str, number_of: Mapping[str, int]) -> _Form:
    parts = re.split(f"({'|'.join(number_of)})", text)
    form = "%s".join([part.replace("%", "%%") for part in parts[::2]])
    return _Form(form, tuple(number_of[part] for part in parts[1::2]))
