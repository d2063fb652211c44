"""Snowflake's Arrow columns as JSON values, without losing a digit.

The driver hands over Arrow batches as the server sent them; each field's metadata names Snowflake's own type. A value
that JSON's numbers cannot hold exactly (beyond 53 bits, or with decimals) becomes a string of its digits.

| Snowflake | JSON |
| --- | --- |
| NUMBER(p,0) | number up to 2^53 - 1 in size, else string |
| NUMBER(p,s), DECFLOAT | string, all digits |
| FLOAT | number; `NaN`, `Infinity`, `-Infinity` as strings |
| DATE, TIME, TIMESTAMP_NTZ | ISO 8601 string, with the column's fractional digits |
| TIMESTAMP_LTZ | the instant in UTC, `Z` |
| TIMESTAMP_TZ | local time with the stored offset |
| INTERVAL | SQL's text: `+1-02` years and months, `+1 02:03:04.000000000` days and time |
| BINARY | upper-case hexadecimal, as Snowflake prints it |
| VARIANT, OBJECT, ARRAY, MAP | the JSON value, its numbers under the same rule; as text what JSON cannot carry |
| GEOGRAPHY, GEOMETRY, anything else | text as Snowflake sent it |

Sources: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
"""

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, TypeAlias

import pyarrow as pa

SAFE_INTEGER_MAX = 2**53 - 1

NESTING_MAX = 100
"""Levels of a VARIANT that are sent as JSON; encoders and clients give up at a few hundred."""

_DECFLOAT = Context(prec=64)
"""Wide enough for DECFLOAT's 38 digits; Python's own default would round to 28."""

_CYCLE_DAYS = 146_097
"""Days in 400 years, after which the calendar repeats."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_NANOS = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Encoder: TypeAlias = Callable[[Any, int], Any]
"""A non-null Arrow value and its column's scale (decimal or fractional-second digits), to a JSON value."""


Reader: TypeAlias = Callable[[pa.Array], list[Any]]
"""One column's Arrow values as JSON values, `None` for NULL."""


def readers_of(schema: pa.Schema) -> list[Reader]:
    """How to read each column of `schema`; made once for a result, used for each of its batches."""
    return [_reader(field) for field in schema]


def rows_of(batch: pa.RecordBatch, readers: Sequence[Reader]) -> list[Sequence[Any]]:
    """The rows of one Arrow batch, as tuples of JSON values."""
    return list(zip(*(read(column) for read, column in zip(readers, batch.columns, strict=True)), strict=True))


def _reader(field: pa.Field) -> Reader:
    metadata = field.metadata or {}
    scale = int(metadata.get(b"scale") or 0)
    logical = metadata.get(b"logicalType", b"").decode().upper()
    if _is_plain(field.type, logical, scale):
        return _as_they_are
    if logical == "DATE":
        return _dates
    encode = ENCODERS.get(logical) or _by_arrow_type(field.type)
    return lambda column: [None if value is None else encode(value, scale) for value in column.to_pylist()]


def _as_they_are(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


def _is_plain(arrow_type: pa.DataType, logical: str, scale: int) -> bool:
    """Whether the values are JSON's own already: text, booleans, integers that always fit."""
    if logical in ("TEXT", "BOOLEAN"):
        return True
    narrow = pa.types.is_int8(arrow_type) or pa.types.is_int16(arrow_type) or pa.types.is_int32(arrow_type)
    return logical == "FIXED" and scale == 0 and narrow


def _fixed(value: int | Decimal, scale: int) -> Any:
    """NUMBER: Arrow holds the unscaled integer, or a decimal128 whose own scale is applied."""
    if isinstance(value, Decimal):
        return _integer(int(value)) if scale == 0 else format(value, "f")
    if scale == 0:
        return _integer(value)
    digits = str(abs(value)).zfill(scale + 1)
    return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def _integer(value: int) -> int | str:
    return value if -SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX else str(value)


def _real(value: float, _: int) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decfloat(value: Any, _: int) -> str:
    if not isinstance(value, dict):
        return str(value)
    significand = int.from_bytes(value["significand"], byteorder="big", signed=True)
    return str(Decimal(significand).scaleb(value["exponent"], _DECFLOAT))


def _dates(column: pa.Array) -> list[Any]:
    try:
        return [None if value is None else value.isoformat() for value in column.to_pylist()]
    except (OverflowError, ValueError):  # a year that Python's dates do not reach
        return [None if days is None else _day(days) for days in column.cast(pa.int32()).to_pylist()]


def _day(days: int) -> str:
    """The date that is `days` after 1970-01-01, in any year."""
    cycles, rest = divmod(days, _CYCLE_DAYS)
    day = date.fromordinal(_EPOCH_DAY + rest)
    return f"{day.year + 400 * cycles:04}-{day.month:02}-{day.day:02}"


def _time(value: Any, scale: int) -> str:
    """TIME: an integer of 10^-scale seconds since midnight."""
    if not isinstance(value, int):
        return str(value)
    seconds, fraction = divmod(value, 10**scale)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return clock + _fraction(fraction, scale)


def _timestamp_ntz(value: Any, scale: int) -> str:
    seconds, fraction, _ = _instant(value, scale)
    return _clock(seconds) + fraction


def _timestamp_ltz(value: Any, scale: int) -> str:
    seconds, fraction, _ = _instant(value, scale)
    return _clock(seconds) + fraction + "Z"


def _timestamp_tz(value: Any, scale: int) -> str:
    seconds, fraction, offset_min = _instant(value, scale)
    sign, minutes = ("-", -offset_min) if offset_min < 0 else ("+", offset_min)
    return f"{_clock(seconds + offset_min * 60)}{fraction}{sign}{minutes // 60:02}:{minutes % 60:02}"


def _instant(value: Any, scale: int) -> tuple[int, str, int]:
    """Whole seconds since 1970 UTC, the fraction's text, and the stored offset in minutes.

    The server sends an integer of 10^-scale seconds, or a struct: `epoch` seconds with a `fraction` of nanoseconds,
    or (TIMESTAMP_TZ in two fields) `epoch` in 10^-scale seconds; `timezone` is minutes plus 1440.
    """
    if isinstance(value, int):
        seconds, fraction = divmod(value, 10**scale)
        return seconds, _fraction(fraction, scale), 0
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        micros = (aware - _EPOCH) // timedelta(microseconds=1)
        return micros // 10**6, _fraction(micros % 10**6, 6), 0
    offset_min = int(value.get("timezone", 1440)) - 1440
    if "fraction" in value:
        return int(value["epoch"]), _fraction(int(value["fraction"]) // 10 ** (9 - scale), scale), offset_min
    seconds, fraction = divmod(int(value["epoch"]), 10**scale)
    return seconds, _fraction(fraction, scale), offset_min


def _fraction(value: int, digits: int) -> str:
    return f".{value:0{digits}}" if digits else ""


def _clock(seconds: int) -> str:
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").zfill(19)
    except OverflowError:  # a year that Python's dates do not reach
        days, rest = divmod(seconds, 86_400)
        return f"{_day(days)}T{_time(rest, 0)}"


def _interval_year_month(value: Any, scale: int) -> str:
    """Months; the scale says which fields the type has: 0 years and months, 1 years alone, 2 months alone."""
    sign, months = ("-", -value) if value < 0 else ("+", int(value))
    match scale:
        case 1:
            return f"{sign}{months // 12}"
        case 2:
            return f"{sign}{months}"
        case _:
            return f"{sign}{months // 12}-{months % 12:02}"


def _interval_day_time(value: Any, _: int) -> str:
    """Nanoseconds, as a 64-bit integer or a decimal."""
    sign, nanos = ("-", -int(value)) if value < 0 else ("+", int(value))
    days, rest = divmod(nanos, 86_400 * _NANOS)
    return f"{sign}{days} {_time(rest, 9)}"


def _binary(value: bytes, _: int) -> str:
    return value.hex().upper()


def _semi_structured(value: Any, _: int) -> Any:
    """JSON text as its value; text that is not JSON (such as a sparse array's `undefined`) stays text."""
    if not isinstance(value, str):
        return _nested(value, 0)
    try:
        parsed = json.loads(
            value, parse_int=lambda text: _integer(int(text)), parse_float=_exact_float, parse_constant=str
        )
    except (ValueError, RecursionError):
        return value
    return parsed if _can_be_sent(value, parsed) else value


def _can_be_sent(text: str, parsed: Any) -> bool:
    """Whether `parsed` can be written as JSON again: no half of a surrogate pair, not too many levels."""
    if "\\u" in text:
        try:
            json.dumps(parsed, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return False
    return text.count("[") + text.count("{") <= NESTING_MAX or not _nests_past(parsed, NESTING_MAX)


def _nests_past(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_nests_past(each, levels - 1) for each in inner)


def _exact_float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) and Decimal(repr(number)) == Decimal(text) else text


def _nested(value: Any, _: int) -> Any:
    """Structured values (VECTOR, MAP, typed OBJECT and ARRAY) that Arrow carries as lists and structs."""
    match value:
        case None | str() | bool():
            return value
        case int():
            return _integer(value)
        case float():
            return _real(value, 0)
        case dict():
            return {str(k): _nested(v, 0) for k, v in value.items()}
        case list() | tuple():
            return [_nested(v, 0) for v in value]
        case bytes():
            return _binary(value, 0)
        case _:
            return str(value)


def _by_arrow_type(arrow_type: pa.DataType) -> Encoder:
    """For a field without Snowflake's metadata: what its Arrow type means."""
    if pa.types.is_decimal(arrow_type):
        return lambda value, _: _fixed(value, arrow_type.scale)
    if pa.types.is_timestamp(arrow_type):
        return _timestamp_ntz if arrow_type.tz is None else _timestamp_ltz
    return _nested


ENCODERS: dict[str, Encoder] = {
    "FIXED": _fixed,
    "REAL": _real,
    "DECFLOAT": _decfloat,
    "TIME": _time,
    "TIMESTAMP_NTZ": _timestamp_ntz,
    "TIMESTAMP": _timestamp_ntz,
    "TIMESTAMP_LTZ": _timestamp_ltz,
    "TIMESTAMP_TZ": _timestamp_tz,
    "INTERVAL_YEAR_MONTH": _interval_year_month,
    "INTERVAL_DAY_TIME": _interval_day_time,
    "BINARY": _binary,
    "VARIANT": _semi_structured,
    "OBJECT": _semi_structured,
    "ARRAY": _semi_structured,
    "MAP": _semi_structured,
    "VECTOR": _nested,
}
