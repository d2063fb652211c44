"""Whether a write carries what a mask made: an agent that read `***` must not write `***` over what is there.

What counts is where a value ends up: in a column that is masked for the caller, through whatever expressions, queries
and bind values (`policy.flows`). A column that is clear may hold anything. A mask whose results look like any other
value (NULL, rounded numbers, the first of a month) cannot be told by them; a write to a column so masked is of higher
risk instead (`policy.effects`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from policy.catalog import Table
from policy.decision import Deny, RuleId
from policy.exposure import Appearance, Exposures
from policy.masks import (
    REDACTED,
    Bucket,
    Constant,
    DateTrunc,
    EmailDomain,
    KeyedHash,
    Mask,
    Null,
    Partial,
    Redact,
    Round,
    Token,
)
from policy.refusal import PolicyCode
from policy.tree import Assigned, Flow

_TOKEN = re.compile(r"tok_[0-9A-Za-z+/=]{32}\Z")
_BEGINS = "tok_"
_HASH = re.compile(r"(?:[0-9A-Fa-f]{2}){16,}\Z")


def refuse_masked(
    exposures: Exposures, table: Table, assigned: Iterable[Assigned], values: Sequence[object] | None = None
) -> Deny | None:
    """The refusal of a write to `table` that puts what a mask makes into a column that is masked, or None.

    With `values`, those of the `?`, it is about them; without, about the constants of the text.
    """
    columns = exposures.of(table).columns
    for each in assigned:
        for column in _reached(columns, each.column):
            if column.mask is None:
                continue
            is_unfollowed = values is None and each.flow.is_made and is_told(column.mask)
            if is_unfollowed or any(_carries(mask, each.flow, values) for mask in exposures.shown_instead(column.mask)):
                return Deny(
                    frozenset[RuleId](),
                    PolicyCode.MASKED_VALUE,
                    f"a value for `{column.name}` is what a mask shows you, and not what is in the table",
                    "leave masked columns out of the write, or state a value that your user gave you",
                )
    return None


def _reached(columns: Sequence[Appearance], column: str | int | None) -> Iterator[Appearance]:
    yield from (each for n, each in enumerate(columns) if column is None or column in (n, each.name))


def _carries(mask: Mask, flow: Flow, values: Sequence[object] | None) -> bool:
    if values is None:
        return (
            any(is_made_by(mask, text) for text in flow.texts)
            or any(_is_piece(mask, text, is_alone=True) for text in flow.pieces)
            or any(_is_piece(mask, text, is_alone=False) for text in flow.beside)
        )
    whole, parts = ([values[n - 1] for n in sorted(numbers)] for numbers in (flow.binds, flow.piece_binds))
    return any(isinstance(value, str) and is_made_by(mask, value) for value in whole) or any(
        isinstance(value, str) and _is_piece(mask, value, is_alone=True) for value in parts
    )


def is_told(mask: Mask) -> bool:
    """Whether results of `mask` can be told from other values."""
    return not isinstance(mask, Null | Round | DateTrunc | Bucket)


def _is_piece(mask: Mask, piece: str, *, is_alone: bool) -> bool:
    """Whether `piece` may be a piece of a result of `mask`: of constants alone, or beside what is read from columns."""
    match mask:
        case Redact() | EmailDomain() | Partial():
            # One asterisk beside a column may be of a pattern.
            return ("*" in piece) if is_alone else ("**" in piece or (bool(piece) and not piece.strip("*")))
        case Token():
            return _BEGINS in piece
        case _:
            return is_made_by(mask, piece)


def is_made_by(mask: Mask, value: str) -> bool:
    """Whether `value` can be told to be a result of `mask`."""
    match mask:
        case Redact():
            return value == REDACTED
        case EmailDomain():
            return value == REDACTED or value.startswith(f"{REDACTED}@")
        case Partial(first, last):
            end = len(value) - last
            return value == REDACTED or (len(value) == first + last + len(REDACTED) and value[first:end] == REDACTED)
        case Constant(constant):
            return isinstance(constant, str) and value == constant != ""
        case Token():
            return _TOKEN.match(value) is not None
        case KeyedHash():
            return _HASH.match(value) is not None
        case Null() | Round() | DateTrunc() | Bucket():
            return False
        case _:
            assert_never(mask)
