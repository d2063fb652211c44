"""What a condition may ask of a call beside its statement: when, what for, and what went before.

Policy reads no clock and keeps no history: who judges a call hands these in, and what is not handed in is unknown.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Estimate:
    """How much a statement is expected to read or change, as measured before it runs; None is unknown."""

    rows: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What the caller's session has done before this call.

    `statements` were permitted or held, `refusals` were denied, `rows` were returned; `tables` (full names) were read
    or written, and `classifications` were met in clear.
    """

    statements: int = 0
    refusals: int = 0
    rows: int = 0
    tables: frozenset[str] = frozenset()
    classifications: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one statement adds to the history of its session."""

    tables: frozenset[str]
    classifications: frozenset[str]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The call that a statement came with. `time` is aware; whatever is None is unknown."""

    time: datetime | None = None
    purpose: str | None = None
    estimate: Estimate = Estimate()
    history: History | None = None


UNKNOWN = Circumstances()
"""Nothing is known but the statement and its caller."""
