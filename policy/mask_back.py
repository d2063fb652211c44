"""Whether a value of a write is what a mask made: an agent that read `***` must not write `***` over what is there.

A mask whose results look like any other value (NULL, rounded numbers, the first of a month) cannot be told by them; a
write to a column so masked is of higher risk instead (`policy.effects`).
"""

import re
from collections.abc import Iterable
from typing import assert_never

from policy.decision import Deny, RuleId
from policy.exposure import Exposure
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

_TOKEN = re.compile(r"tok_[0-9A-Za-z+/=]{32}\Z")
_HASH = re.compile(r"(?:[0-9A-Fa-f]{2}){16,}\Z")


def refuse_masked(exposure: Exposure, values: Iterable[object]) -> Deny | None:
    """The refusal of a write to a table that carries what one of its masks makes, or None."""
    masked = [(column.name, column.mask) for column in exposure.columns if column.mask is not None]
    for value in values:
        for name, mask in masked:
            if isinstance(value, str) and is_made_by(mask, value):
                return Deny(
                    frozenset[RuleId](),
                    PolicyCode.MASKED_VALUE,
                    f"a value is what the mask of `{name}` shows you, and not what is in the table",
                    "leave masked columns out of the write, or state a value that your user gave you",
                )
    return None


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
