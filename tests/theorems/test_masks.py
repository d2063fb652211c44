"""Masks are total, keep the column's type, and combine into one whatever the order; more masks never show more."""

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.masks import (
    TOKEN_DIGITS,
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
    fitted,
    masked_sql,
    strongest,
)
from policy.names import TableName
from policy.sqltypes import Family, parse_type

MASKS: tuple[Mask, ...] = (
    Null(),
    Constant("x"),
    Constant("it's \\ a 'quote'"),
    Constant(Decimal("999.5")),
    Constant(7),
    Constant(True),
    Redact(),
    Partial(2, 2),
    Partial(0, 4),
    EmailDomain(),
    Round(Decimal(1000)),
    Round(Decimal("0.5")),
    DateTrunc("year"),
    DateTrunc("hour"),
    KeyedHash(TableName("GOV", "MASKS", "KEYED")),
    Token(TableName("GOV", "MASKS", "KEYED")),
    Bucket((Decimal(0),)),
    Bucket((Decimal("-0.5"), Decimal(10), Decimal(10**15))),
)
TYPES = (
    *("VARCHAR(16777216)", "VARCHAR(2)", "CHAR(1)", "NUMBER(38,0)", "NUMBER(5,2)", "NUMBER(2,2)", "INT", "FLOAT"),
    *("BOOLEAN", "DATE", "TIME(9)", "TIMESTAMP_NTZ(9)", "TIMESTAMP_TZ", "BINARY(8388608)", "VARIANT", "GEOGRAPHY"),
    *("VECTOR(FLOAT, 3)", "no such type", "VARCHAR) , x"),
)
masks = st.sampled_from(MASKS)

VALUES: dict[str, list[object]] = {
    "VARCHAR": [
        "",
        "a",
        "@",
        "a@",
        "@a",
        "a@b@c",
        "x" * 500,
        "ß",
        "日本語テキスト",
        "\U0001f600@\U0001f600",
        "'",
        "\\",
        None,
    ],
    "DECIMAL(38,0)": [10**37, -(10**37), 10**38 - 1, 1 - 10**38, 0, -1, 999, None],
    "DECIMAL(5,2)": [Decimal("999.99"), Decimal("-999.99"), Decimal("0.01"), 0, None],
    "DOUBLE": [1e308, -1e308, float("inf"), float("-inf"), float("nan"), 5e-324, 0.0, None],
    "DATE": ["0001-01-01", "9999-12-31", "2024-02-29", None],
    "TIMESTAMP": ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", None],
}
SNOWFLAKE = {
    "VARCHAR": "VARCHAR",
    "DECIMAL(38,0)": "NUMBER(38,0)",
    "DECIMAL(5,2)": "NUMBER(5,2)",
    "DOUBLE": "FLOAT",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP_NTZ",
}


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS GOV")
        connection.execute("CREATE SCHEMA GOV.MASKS")
        connection.execute("CREATE MACRO GOV.MASKS.KEYED(v) AS sha256('a key that nobody sees' || v)")
        yield connection


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("mask", MASKS, ids=str)
def test_a_mask_fits_its_type_or_is_null(mask: Mask, type_: str) -> None:
    parsed = parse_type(type_)
    fits = fitted(mask, parsed)
    assert fits == mask or fits == Null()
    sql = masked_sql(fits, parsed, '"__GW_R"."C"')
    sqlglot.parse_one(f"SELECT {sql}", dialect="snowflake")
    if parsed.family is Family.UNKNOWN:
        assert sql == "NULL"


@pytest.mark.parametrize("type_", VALUES)
@pytest.mark.parametrize("mask", MASKS, ids=str)
def test_a_mask_is_total_and_keeps_the_type(database: duckdb.DuckDBPyConnection, mask: Mask, type_: str) -> None:
    parsed = parse_type(SNOWFLAKE[type_])
    database.execute(f"CREATE OR REPLACE TABLE t (c {type_})")
    for value in VALUES[type_]:
        database.execute("INSERT INTO t VALUES (?)", [value])
    sql = f"SELECT {masked_sql(fitted(mask, parsed), parsed, 'c')} AS c FROM t"
    shown = sqlglot.transpile(sql, read="snowflake", write="duckdb")[0]
    masked = database.execute(shown)
    assert str(masked.description[0][1]).split("(")[0] == type_.split("(")[0]
    assert len(masked.fetchall()) == len(VALUES[type_])


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(exclude_characters="*\0", exclude_categories=["Cs"]), max_size=12), st.data())
def test_partial_shows_both_ends_of_what_is_twice_as_long_and_else_nothing(text: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, 3))
    last = data.draw(st.integers(0 if first else 1, 3))
    sql = masked_sql(Partial(first, last), parse_type("VARCHAR"), "c")
    with duckdb.connect() as connection:
        shown = sqlglot.transpile(f"SELECT {sql}, LENGTH(c) FROM t", read="snowflake", write="duckdb")[0]
        connection.execute("CREATE TABLE t AS SELECT ? AS c", [text])
        ((value, length),) = connection.execute(shown).fetchall()
        ends = connection.execute(f"SELECT LEFT(c, {first}), RIGHT(c, {last}) FROM t").fetchall()[0]
    assert value == (f"{ends[0]}***{ends[1]}" if length >= 2 * (first + last) else "***")


@given(st.lists(masks), st.randoms(use_true_random=False))
def test_the_strongest_mask_does_not_depend_on_order_or_duplicates(chosen: list[Mask], dice: object) -> None:
    doubled = [*chosen, *chosen][::-1]
    assert strongest(chosen) == strongest(doubled)


@given(st.lists(masks, min_size=1), masks)
def test_one_more_mask_never_shows_more(chosen: list[Mask], more: Mask) -> None:
    rank = {Redact: 1, Constant: 2, Null: 3}
    before, after = strongest(chosen), strongest([*chosen, more])
    assert rank.get(type(after), 0) >= rank.get(type(before), 0)
    if rank.get(type(after), 0) == 0:
        assert after == before


def test_no_mask_is_no_mask() -> None:
    assert strongest([]) is None
    assert strongest([Constant("a"), Constant("b")]) == Null()


def _shown(database: duckdb.DuckDBPyConnection, mask: Mask, type_: str, values: list[object]) -> list[object]:
    parsed = parse_type(SNOWFLAKE[type_])
    assert fitted(mask, parsed) == mask
    database.execute(f"CREATE OR REPLACE TABLE t (c {type_}, n INT)")
    for n, value in enumerate(values):
        database.execute("INSERT INTO t VALUES (?, ?)", [value, n])
    sql = sqlglot.transpile(f"SELECT {masked_sql(mask, parsed, 'c')} FROM t ORDER BY n", "snowflake", write="duckdb")[0]
    return [value for (value,) in database.execute(sql).fetchall()]


@pytest.mark.parametrize(
    "mask", [KeyedHash(TableName("GOV", "MASKS", "KEYED")), Token(TableName("GOV", "MASKS", "KEYED"))]
)
@pytest.mark.parametrize(
    ("type_", "values"), [("VARCHAR", ["a", "b", "a", "", None]), ("DECIMAL(38,0)", [1, 2, 1, 0, None])]
)
def test_a_token_is_equal_for_equal_values_and_for_no_others(
    database: duckdb.DuckDBPyConnection, mask: Mask, type_: str, values: list[object]
) -> None:
    if isinstance(mask, KeyedHash) and type_ != "VARCHAR":
        assert fitted(mask, parse_type(SNOWFLAKE[type_])) == Null()
        return
    shown = _shown(database, mask, type_, values)
    assert shown[0] == shown[2] != shown[1]
    assert shown[4] is None
    assert len(set(shown)) == 4
    assert not set(shown[:4]) & set(values)


def test_a_number_too_short_for_a_token_is_null() -> None:
    token = Token(TableName("GOV", "MASKS", "KEYED"))
    assert fitted(token, parse_type(f"NUMBER({TOKEN_DIGITS},0)")) == token
    assert fitted(token, parse_type(f"NUMBER({TOKEN_DIGITS},1)")) == Null()


def test_a_bucket_shows_the_edge_below(database: duckdb.DuckDBPyConnection) -> None:
    mask = Bucket((Decimal(0), Decimal(10), Decimal(100)))
    values: list[object] = [-1, 0, 9, 10, 99, 100, 10**30, None]
    assert _shown(database, mask, "DECIMAL(38,0)", values) == [None, 0, 0, 10, 10, 100, 100, None]
