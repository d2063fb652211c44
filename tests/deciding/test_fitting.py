"""Which mask suits which type: one that does not, and a constant that a cast would fail on, is null instead."""

from decimal import Decimal

import pytest

from policy.masks import (
    Bucket,
    Constant,
    DateTrunc,
    EmailDomain,
    Mask,
    Null,
    Partial,
    Redact,
    Round,
    describe,
    fitted,
    masked_sql,
)
from policy.sqltypes import parse_type


@pytest.mark.parametrize(
    ("mask", "kind"),
    [
        (Constant(value=True), "BOOLEAN"),
        (Constant("x"), "VARCHAR(10)"),
        (Constant(9), "FLOAT"),
        (Constant(98), "NUMBER(2,0)"),
        (Constant(99), "NUMBER(2,0)"),
        (Constant(-8), "NUMBER(3,2)"),
        (Redact(), "VARCHAR(10)"),
        (EmailDomain(), "TEXT"),
        (Round(Decimal("0.5")), "FLOAT"),
        (Round(Decimal("0.05")), "NUMBER(10,2)"),
        (Round(Decimal(10)), "NUMBER(10,0)"),
        (DateTrunc("hour"), "TIMESTAMP_NTZ"),
        (DateTrunc("month"), "DATE"),
        (Bucket((Decimal("0.25"), Decimal(8))), "NUMBER(3,2)"),
        (Bucket((Decimal("0.25"),)), "FLOAT"),
    ],
)
def test_a_mask_that_suits_its_column_stays(mask: Mask, kind: str) -> None:
    assert fitted(mask, parse_type(kind)) == mask


@pytest.mark.parametrize(
    ("mask", "kind"),
    [
        (Constant(value=True), "VARCHAR(10)"),
        (Constant("x"), "NUMBER(2,0)"),
        (Constant(1), "BOOLEAN"),
        (Constant(1), "DATE"),
        (Constant(100), "NUMBER(2,0)"),
        (Constant(20), "NUMBER(3,2)"),
        (Redact(), "NUMBER(2,0)"),
        (EmailDomain(), "DATE"),
        (Round(Decimal("0.05")), "NUMBER(10,1)"),
        (Round(Decimal(10)), "VARCHAR(10)"),
        (DateTrunc("hour"), "DATE"),
        (DateTrunc("month"), "VARCHAR(10)"),
        (Bucket((Decimal("0.25"),)), "NUMBER(3,1)"),
        (Bucket((Decimal(20),)), "NUMBER(3,2)"),
    ],
)
def test_a_mask_that_does_not_suit_its_column_is_null_instead(mask: Mask, kind: str) -> None:
    assert fitted(mask, parse_type(kind)) == Null()


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (Partial(2, 0), "partial (first 2 characters kept)"),
        (Partial(0, 4), "partial (last 4 characters kept)"),
        (Partial(2, 4), "partial (first 2 and last 4 characters kept)"),
    ],
)
def test_a_partial_mask_says_what_it_keeps(mask: Mask, said: str) -> None:
    assert describe(mask) == said


@pytest.mark.parametrize(
    ("mask", "kind", "written"),
    [
        (Constant(value=True), "BOOLEAN", "CAST(TRUE AS BOOLEAN)"),
        (Constant(value=False), "BOOLEAN", "CAST(FALSE AS BOOLEAN)"),
        (Constant("it's \\ so"), "TEXT", r"CAST('it''s \\ so' AS VARCHAR)"),
        (Partial(0, 0), "TEXT", """CASE WHEN "C" IS NULL THEN NULL WHEN LENGTH("C") >= 0 THEN '***' ELSE '***' END"""),
    ],
)
def test_a_constant_is_written_as_a_literal_that_ends_where_it_should(mask: Mask, kind: str, written: str) -> None:
    assert masked_sql(mask, parse_type(kind), '"C"') == written
