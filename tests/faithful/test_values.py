"""Every Snowflake type reaches the agent without losing a digit, in the Arrow encodings that the server sends."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import CallToolResult

from server.values import SAFE_INTEGER_MAX, readers_of, rows_of


def field(arrow_type: pa.DataType, logical: str, scale: int = 0) -> pa.Field:
    return pa.field("C", arrow_type, metadata={"logicalType": logical, "scale": str(scale)})


def encoded(values: list[Any], arrow_type: pa.DataType, logical: str, scale: int = 0) -> list[Any]:
    [read] = readers_of(pa.schema([field(arrow_type, logical, scale)]))
    return read(pa.array(values, arrow_type))


@given(st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1))
def test_every_integer_keeps_its_digits(value: int) -> None:
    [out] = encoded([Decimal(value)], pa.decimal128(38, 0), "FIXED")
    assert int(out) == value
    assert isinstance(out, int) == (abs(value) <= SAFE_INTEGER_MAX)


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1), st.integers(min_value=1, max_value=18))
def test_every_scaled_number_keeps_its_digits(unscaled: int, scale: int) -> None:
    [out] = encoded([unscaled], pa.int64(), "FIXED", scale)
    assert Decimal(out) == Decimal(unscaled).scaleb(-scale)
    assert len(out.rsplit(".", 1)[1]) == scale


@given(st.decimals(min_value=Decimal("-9e19"), max_value=Decimal("9e19"), places=18))
def test_every_wide_decimal_keeps_its_digits(value: Decimal) -> None:
    [out] = encoded([value], pa.decimal128(38, 18), "FIXED", 18)
    assert Decimal(out) == value
    assert "E" not in out


@pytest.mark.parametrize(
    ("value", "said"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (-float("inf"), "-Infinity"), (0.1, 0.1)]
)
def test_floats_that_json_lacks_are_said_in_words(value: float, said: Any) -> None:
    assert encoded([value], pa.float64(), "REAL") == [said]


@given(st.dates())
def test_dates_are_iso(value: date) -> None:
    assert encoded([value], pa.date32(), "DATE") == [value.isoformat()]


@given(st.integers(min_value=0, max_value=86_400 * 10**9 - 1))
def test_times_keep_nanoseconds(nanos: int) -> None:
    [out] = encoded([nanos], pa.int64(), "TIME", 9)
    hours, minutes, seconds = out.split(":")
    assert (int(hours) * 3600 + int(minutes) * 60) * 10**9 + int(Decimal(seconds) * 10**9) == nanos


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00")
INSTANTS = st.datetimes(
    min_value=datetime.fromisoformat("0001-01-03T00:00:00"), max_value=datetime.fromisoformat("9999-12-28T00:00:00")
)


@given(INSTANTS, st.integers(min_value=0, max_value=999_999_999))
def test_timestamps_keep_nanoseconds_from_year_1_to_9999(value: datetime, nanos: int) -> None:
    whole = value.replace(microsecond=0)
    struct = pa.struct([("epoch", pa.int64()), ("fraction", pa.int32())])
    epoch = (whole - EPOCH) // timedelta(seconds=1)
    [out] = encoded([{"epoch": epoch, "fraction": nanos}], struct, "TIMESTAMP_NTZ", 9)
    assert out == f"{whole.isoformat()}.{nanos:09}"


@given(INSTANTS, st.integers(min_value=-840, max_value=840))
def test_timestamps_with_a_zone_keep_the_stored_offset(value: datetime, offset_min: int) -> None:
    whole = value.replace(microsecond=0)
    struct = pa.struct([("epoch", pa.int64()), ("fraction", pa.int32()), ("timezone", pa.int32())])
    epoch = (whole - EPOCH) // timedelta(seconds=1)
    [out] = encoded([{"epoch": epoch, "fraction": 0, "timezone": offset_min + 1440}], struct, "TIMESTAMP_TZ", 9)
    back = datetime.fromisoformat(out[:19] + out[-6:])
    assert back.utcoffset() == timedelta(minutes=offset_min)
    assert back.replace(tzinfo=None) - timedelta(minutes=offset_min) == whole


def test_a_two_field_timestamp_with_a_zone_counts_in_its_scale() -> None:
    struct = pa.struct([("epoch", pa.int64()), ("timezone", pa.int32())])
    value = {"epoch": 1_700_000_000_123, "timezone": 1440 + 330}
    assert encoded([value], struct, "TIMESTAMP_TZ", 3) == ["2023-11-15T03:43:20.123+05:30"]


def test_a_local_timestamp_is_the_instant_in_utc() -> None:
    assert encoded([1_700_000_000_000_000], pa.int64(), "TIMESTAMP_LTZ", 6) == ["2023-11-14T22:13:20.000000Z"]


def test_a_timestamp_before_1970_borrows_from_its_seconds() -> None:
    assert encoded([-1], pa.int64(), "TIMESTAMP_NTZ", 3) == ["1969-12-31T23:59:59.999"]


def test_binary_is_hexadecimal() -> None:
    assert encoded([b"\x00\xffa"], pa.binary(), "BINARY") == ["00FF61"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":{"b":[1,2.5,null,true]}}', {"a": {"b": [1, 2.5, None, True]}}),
        ("9007199254740993", "9007199254740993"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1.50", 1.5),
        ("[undefined,1]", "[undefined,1]"),
        ('"text"', "text"),
        ('{"a":NaN,"b":[-Infinity]}', {"a": "NaN", "b": ["-Infinity"]}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('["\\ud800"]', '["\\ud800"]'),
        ("[" * 90 + "]" * 90, json.loads("[" * 90 + "]" * 90)),
        ("[" * 300 + "]" * 300, "[" * 300 + "]" * 300),
        ("[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000),
        ("[" + "[]," * 200 + "1]", [*([[]] * 200), 1]),
    ],
    ids=lambda case: repr(case)[:30],
)
def test_semi_structured_values_are_json_and_lose_no_digit(text: str, value: Any) -> None:
    assert encoded([text], pa.string(), "VARIANT") == [value]


def test_geography_is_the_text_that_snowflake_sent() -> None:
    point = '{"coordinates":[-122.35,37.55],"type":"Point"}'
    assert encoded([point], pa.string(), "GEOGRAPHY") == [point]


def test_vectors_are_lists() -> None:
    assert encoded([[1.5, 2.0]], pa.list_(pa.float32(), 2), "VECTOR") == [[1.5, 2.0]]


def test_decimal_floats_keep_their_digits() -> None:
    struct = pa.struct([("exponent", pa.int16()), ("significand", pa.binary())])
    value = {"exponent": -5, "significand": (12345678901234567890).to_bytes(9, "big", signed=True)}
    assert encoded([value], struct, "DECFLOAT") == ["123456789012345.67890"]
    widest = {"exponent": -10, "significand": (10**38 - 1).to_bytes(16, "big", signed=True)}
    assert encoded([widest], struct, "DECFLOAT") == ["9999999999999999999999999999.9999999999"]


def test_whatever_is_sent_can_be_written_as_json() -> None:
    [out] = encoded(['{"a":["\\ud800",NaN,1e999]}'], pa.string(), "VARIANT")
    assert CallToolResult(content=[], structured_content={"v": out}).model_dump_json()


@pytest.mark.parametrize(
    ("months", "scale", "said"), [(14, 0, "+1-02"), (-1, 0, "-0-01"), (24, 1, "+2"), (-14, 2, "-14"), (0, 0, "+0-00")]
)
def test_intervals_of_months_are_sql_text(months: int, scale: int, said: str) -> None:
    assert encoded([months], pa.int64(), "INTERVAL_YEAR_MONTH", scale) == [said]


@pytest.mark.parametrize("arrow_type", [pa.int64(), pa.decimal128(38, 0)])
@pytest.mark.parametrize(
    ("nanos", "said"), [(93_784_000_000_001, "+1 02:03:04.000000001"), (-1, "-0 00:00:00.000000001")]
)
def test_intervals_of_days_are_sql_text(arrow_type: pa.DataType, nanos: int, said: str) -> None:
    assert encoded([Decimal(nanos) if arrow_type != pa.int64() else nanos], arrow_type, "INTERVAL_DAY_TIME") == [said]


@pytest.mark.parametrize(("days", "said"), [(2_932_897, "10000-01-01"), (2_932_896, "9999-12-31")])
def test_a_year_beyond_pythons_dates_is_no_failure(days: int, said: str) -> None:
    whole = pa.array([days, None], pa.int32()).cast(pa.date32())
    [read] = readers_of(pa.schema([field(pa.date32(), "DATE")]))
    assert read(whole) == [said, None]
    assert encoded([days * 86_400], pa.int64(), "TIMESTAMP_NTZ") == [f"{said}T00:00:00"]


def test_null_stays_null_in_every_type() -> None:
    for arrow_type, logical in [
        (pa.int64(), "FIXED"),
        (pa.float64(), "REAL"),
        (pa.string(), "VARIANT"),
        (pa.date32(), "DATE"),
    ]:
        assert encoded([None], arrow_type, logical, 2) == [None]


def test_rows_are_in_column_order() -> None:
    schema = pa.schema([field(pa.int64(), "FIXED").with_name("A"), field(pa.string(), "TEXT").with_name("B")])
    batch = pa.record_batch([pa.array([1, 2]), pa.array(["x", None])], schema=schema)
    assert rows_of(batch, readers_of(schema)) == [(1, "x"), (2, None)]
