"""Bind values as the driver sends them (text with a type) to the values that DuckDB binds.

Source: the binding types of the Python connector; DATE is milliseconds and the TIMESTAMPs are nanoseconds since 1970,
TIME is nanoseconds since midnight.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

BindValue = int | Decimal | float | bool | bytes | date | time | datetime | str | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def value_of(binding: Mapping[str, str | None]) -> BindValue:
    """Return the value of one binding `{"type": ..., "value": ...}`; a type without a rule stays text.

    Raises ValueError or ArithmeticError for text that is no such value.
    """
    text = binding["value"]
    if text is None:
        return None
    return _RULES.get(str(binding["type"]), str)(text)


def _fixed(text: str) -> int | Decimal:
    return Decimal(text) if "." in text or "e" in text.lower() else int(text)


def _since_epoch(nanoseconds: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(nanoseconds) // 1_000)


def _with_offset(text: str) -> datetime:
    nanoseconds, _, _ = text.partition(" ")
    return _since_epoch(nanoseconds)


_RULES: dict[str, Callable[[str], BindValue]] = {
    "FIXED": _fixed,
    "REAL": float,
    "BOOLEAN": lambda text: text.lower() == "true",
    "BINARY": bytes.fromhex,
    "DATE": lambda text: (_EPOCH + timedelta(milliseconds=int(text))).date(),
    "TIME": lambda text: (_EPOCH + timedelta(microseconds=int(text) // 1_000)).time(),
    "TIMESTAMP_NTZ": lambda text: _since_epoch(text).replace(tzinfo=None),
    "TIMESTAMP_LTZ": _since_epoch,
    "TIMESTAMP_TZ": _with_offset,
}
