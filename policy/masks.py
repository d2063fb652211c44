"""What a column looks like to someone who may not see it: total SQL expressions of the column's own type.

Total means that the expression raises no error for any value, so no error can tell a value. A mask that does not suit a
column's type becomes NULL. NULL, constant and redact hide whether there is a value; the others keep NULL as NULL.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias, assert_never

from policy.names import TableName
from policy.sqltypes import Family, SqlType

REDACTED = "***"


@dataclass(frozen=True, slots=True)
class Null:
    """No value at all."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every row."""

    value: str | int | Decimal | bool


@dataclass(frozen=True, slots=True)
class Redact:
    """`***` in every row; text only."""


@dataclass(frozen=True, slots=True)
class Partial:
    """The first and last characters round `***`; text only. Too little text to hide half of it shows nothing."""

    keep_first: int
    keep_last: int


@dataclass(frozen=True, slots=True)
class EmailDomain:
    """`***@` and what follows the last `@`; text only."""


@dataclass(frozen=True, slots=True)
class Round:
    """Down towards zero to a multiple of `to`, which has no more decimals than the column; numbers only."""

    to: Decimal


@dataclass(frozen=True, slots=True)
class DateTrunc:
    """The start of the year, quarter, month, day or hour; dates (not to the hour) and timestamps."""

    to: str


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """What the secure function `function` makes of the value, in full; text only."""

    function: TableName


@dataclass(frozen=True, slots=True)
class Token:
    """A short stand-in made by the secure function `function`, equal for equal values, so that joins work.

    Text becomes `tok_` and 32 characters; numbers with at least `TOKEN_DIGITS` digits before the point become others.
    """

    function: TableName


@dataclass(frozen=True, slots=True)
class Bucket:
    """The largest of `edges` (rising) that is not above the value, and NULL below them all; numbers only."""

    edges: tuple[Decimal, ...]


Mask: TypeAlias = Null | Constant | Redact | Partial | EmailDomain | Round | DateTrunc | KeyedHash | Token | Bucket

TOKEN_DIGITS = 17
"""Digits of a number's token: with fewer, different values would soon have one token."""


def strongest(masks: Iterable[Mask]) -> Mask | None:
    """The mask that stands for several, whatever their order; None for none.

    NULL is stronger than constant, which is stronger than redact, which is stronger than the masks that show a part.
    Two masks of which neither is stronger (two constants, two that show different parts) make NULL.
    """
    distinct = set(masks)
    if not distinct:
        return None
    ranks = [_rank(mask) for mask in distinct]
    if len(set(ranks)) < len(ranks):
        return Null()
    return max(distinct, key=_rank)


def _rank(mask: Mask) -> int:
    match mask:
        case Null():
            return 3
        case Constant():
            return 2
        case Redact():
            return 1
        case Partial() | EmailDomain() | Round() | DateTrunc() | KeyedHash() | Token() | Bucket():
            return 0
        case _:
            assert_never(mask)


_NAMES: dict[type[Mask], str] = {
    Null: "null",
    Constant: "constant",
    Redact: "redact",
    EmailDomain: "email_domain",
    KeyedHash: "hash",
    Token: "token",
}


def describe(mask: Mask) -> str:
    """The mask in a few words, for people and models."""
    match mask:
        case Null() | Constant() | Redact() | EmailDomain() | KeyedHash() | Token():
            return _NAMES[type(mask)]
        case Partial(keep_first, keep_last):
            kept = [f"first {keep_first}"] * bool(keep_first) + [f"last {keep_last}"] * bool(keep_last)
            return f"partial ({' and '.join(kept)} characters kept)"
        case Round(to):
            return f"round (to {to:f})"
        case DateTrunc(to):
            return f"date_trunc (to {to})"
        case Bucket(edges):
            return f"bucket (from {', '.join(f'{edge:f}' for edge in edges)})"
        case _:
            assert_never(mask)


def fitted(mask: Mask, type_: SqlType) -> Mask:
    """`mask`, or NULL where it does not suit the type."""
    return mask if _suits(mask, type_) else Null()


def _suits(mask: Mask, type_: SqlType) -> bool:
    match mask:
        case Null():
            return True
        case Constant(value):
            return _fits(value, type_)
        case Redact() | Partial() | EmailDomain() | KeyedHash():
            return type_.family is Family.TEXT
        case Token():
            return type_.family is Family.TEXT or (
                type_.family is Family.NUMBER and type_.precision - type_.scale >= TOKEN_DIGITS
            )
        case Bucket(edges):
            is_exact = type_.family is Family.FLOAT or all(_digits_after(edge) <= type_.scale for edge in edges)
            return is_exact and all(_fits(edge, type_) for edge in edges)
        case Round(to):
            return type_.family is Family.FLOAT or (type_.family is Family.NUMBER and _digits_after(to) <= type_.scale)
        case DateTrunc(to):
            return type_.family is Family.TIMESTAMP or (type_.family is Family.DATE and to != "hour")
        case _:
            assert_never(mask)


def _digits_after(number: Decimal) -> int:
    """How many digits `number` has after its point."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _fits(value: str | int | Decimal | bool, type_: SqlType) -> bool:
    """Whether casting `value` to the type cannot fail."""
    if isinstance(value, bool):
        return type_.cast == "BOOLEAN"
    if isinstance(value, str):
        return type_.family is Family.TEXT
    if type_.family is Family.FLOAT:
        return True
    if type_.family is not Family.NUMBER:
        return False
    try:
        return abs(Decimal(value)) + 1 <= Decimal(10) ** (type_.precision - type_.scale)
    except InvalidOperation:
        return False


def masked_sql(mask: Mask, type_: SqlType, column: str) -> str:
    """The SQL expression that stands for `column` (already quoted SQL); `mask` must suit the type."""
    match mask:
        case Null():
            return f"CAST(NULL AS {type_.cast})" if type_.cast else "NULL"
        case Constant(value):
            return f"CAST({_literal(value)} AS {type_.cast})"
        case Redact():
            return f"CAST('{REDACTED}' AS VARCHAR)"
        case Partial(first, last):
            return _partial(column, first, last)
        case EmailDomain():
            shown = f"CONCAT('{REDACTED}@', SPLIT_PART({column}, '@', -1))"
            return (
                f"CASE WHEN {column} IS NULL THEN NULL WHEN CONTAINS({column}, '@') THEN {shown} ELSE '{REDACTED}' END"
            )
        case Round(to):
            return f"CAST({column} - MOD({column}, {to:f}) AS {type_.cast})"
        case DateTrunc(to):
            return f"CAST(DATE_TRUNC('{to.upper()}', {column}) AS {type_.cast})"
        case KeyedHash() | Token():
            return _keyed_sql(mask, type_, column)
        case Bucket(edges):
            cases = [f"WHEN {column} >= {edge:f} THEN {edge:f}" for edge in reversed(edges)]
            return f"CAST(CASE {' '.join(cases)} END AS {type_.cast})"
        case _:
            assert_never(mask)


def _partial(column: str, first: int, last: int) -> str:
    shown = [f"LEFT({column}, {first})"] * bool(first) + [f"'{REDACTED}'"] + [f"RIGHT({column}, {last})"] * bool(last)
    joined = f"CONCAT({', '.join(shown)})" if len(shown) > 1 else shown[0]
    return (
        f"CASE WHEN {column} IS NULL THEN NULL WHEN LENGTH({column}) >= {2 * (first + last)} "
        f"THEN {joined} ELSE '{REDACTED}' END"
    )


def _keyed(function: TableName, text: str) -> str:
    """The call of a policy's secure function. Its key is in the function, so it is in no statement's text."""
    return f"CASE WHEN {text} IS NULL THEN NULL ELSE {function.quoted}({text}) END"


def _keyed_sql(mask: KeyedHash | Token, type_: SqlType, column: str) -> str:
    keyed = _keyed(mask.function, column)
    if isinstance(mask, KeyedHash):
        return f"CAST({keyed} AS VARCHAR)"
    if type_.family is Family.TEXT:
        return f"CASE WHEN {column} IS NULL THEN NULL ELSE CONCAT('tok_', LEFT({keyed}, 32)) END"
    # What is hashed once more is keyed already, so that everybody may know how.
    keyed = _keyed(mask.function, f"CAST({column} AS VARCHAR)")
    number = f"MOD(ABS(HASH({keyed})), 1{'0' * TOKEN_DIGITS})"
    return f"CAST(CASE WHEN {column} IS NULL THEN NULL ELSE {number} END AS {type_.cast})"


def _literal(value: str | int | Decimal | bool) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"{Decimal(value):f}"
