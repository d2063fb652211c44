"""What stands for a table, to the letter: its permitted columns, masked, and of a hidden row no value at all."""

import pytest

from policy.decision import FilterRows, LimitRows, MaskColumn, Obligation, Permit, RunSql
from policy.names import TableName
from policy.principal import Principal, Subject
from tests.deciding.test_corners import ADA, HEAD, READS, engine

A, B = '"__GW_R"."A"', '"__GW_R"."B"'
TAIL = f"CASE WHEN {A} IS NULL THEN NULL WHEN LENGTH({A}) >= 4 THEN CONCAT('***', RIGHT({A}, 2)) ELSE '***' END"
SOURCE = 'FROM "D"."S"."T" AS "__GW_R"'
CLEAR = HEAD
MASKED = HEAD.replace('["D.S.*.*"]', '[D.S.T.B, "D.S.U.*"]') + (
    'classifications: [{name: a, columns: ["*.*.T.A"]}]\n'
    "masks: [{classification: a, mask: {kind: partial, keep_last: 2}}]\n"
)
SECRET = HEAD.replace('["D.S.*.*"]', "[D.S.T.B]")
ONE, TWO = f"({B} > 1)", f"({A} = 'x' OR {B} < 9)"
FILTERS = (
    'row_filters: [{id: one, tables: [D.S.T], where: "b > 1"}, '
    "{id: two, tables: [D.S.T], where: \"a = 'x' OR b < 9\"}]\n"
)
NATIVE = FILTERS.replace("id: two,", "id: two, native_row_policy: true,")
BOTH, T = f"{ONE} AND {TWO}", TableName("D", "S", "T")


@pytest.mark.parametrize(
    ("head", "sql", "stands"),
    [
        (CLEAR, "SELECT a, b FROM t", f'SELECT {A} AS "A", {B} AS "B" {SOURCE}'),
        (CLEAR, "SELECT a FROM t", f'SELECT {A} AS "A" {SOURCE}'),
        (MASKED, "SELECT * FROM t", f'SELECT {TAIL} AS "A", {B} AS "B" {SOURCE}'),
        (MASKED, "SELECT COUNT(*) FROM t", f'SELECT {B} AS "B" {SOURCE}'),  # a column that hides nothing will do
        (SECRET, "SELECT a FROM t", f'SELECT CAST(NULL AS VARCHAR) AS "A" {SOURCE}'),
        (
            MASKED + FILTERS,
            "SELECT a, b FROM t",
            f'SELECT CASE WHEN {BOTH} THEN {TAIL} END AS "A", CASE WHEN {BOTH} THEN {B} END AS "B" '
            f"{SOURCE} WHERE {BOTH}",
        ),
        (
            MASKED + NATIVE,
            "SELECT b FROM t",
            f'SELECT CASE WHEN {ONE} THEN {B} END AS "B" {SOURCE} WHERE {BOTH}',
        ),
        (
            SECRET + FILTERS,
            "SELECT a FROM t",
            f'SELECT CAST(NULL AS VARCHAR) AS "A" {SOURCE} WHERE {BOTH}',  # no value of the row
        ),
        (
            CLEAR + FILTERS.replace('"b > 1"', '"b > 1", native_row_policy: true').replace(
                "b < 9\"", "b < 9\", native_row_policy: true"
            ),
            "SELECT b FROM t",
            f'SELECT {B} AS "B" {SOURCE} WHERE {BOTH}',
        ),
    ],
)  # fmt: skip
def test_a_table_is_written_as_its_caller_may_see_it(head: str, sql: str, stands: str) -> None:
    by = engine(READS, head)
    decision = by.decide(ADA, by.understand(sql))
    assert isinstance(decision, Permit)
    assert isinstance(decision.action, RunSql)
    assert f"({stands}) AS t" in decision.action.sql


@pytest.mark.parametrize(
    ("head", "sql", "owed"),
    [
        (CLEAR, "SELECT a FROM t", set()),
        (MASKED, "SELECT a FROM t", {MaskColumn(T, "A", "partial (last 2 characters kept)")}),
        (MASKED, "SELECT b FROM t", set()),
        (SECRET, "SELECT a, b FROM t", {MaskColumn(T, "A", "null")}),
        (CLEAR + FILTERS, "SELECT a FROM t", {FilterRows(T, "one"), FilterRows(T, "two")}),
        (
            MASKED + NATIVE,
            "SELECT a FROM t, u",
            {FilterRows(T, "one"), FilterRows(T, "two"), MaskColumn(T, "A", "partial (last 2 characters kept)")},
        ),
    ],
)
def test_what_is_masked_and_filtered_is_owed(head: str, sql: str, owed: set[Obligation]) -> None:
    by = engine(READS, head)
    decision = by.decide(ADA, by.understand(sql.replace("SELECT a FROM t, u", "SELECT t.a FROM t, u")))
    assert isinstance(decision, Permit)
    assert decision.obligations == owed | {LimitRows(1000)}


@pytest.mark.parametrize(
    ("asked", "stands"),
    [
        ("t SAMPLE (10)", f'SELECT {A} AS "A" {SOURCE} SAMPLE BERNOULLI (10)'),
        ("t SAMPLE ROW (10 ROWS)", f'SELECT {A} AS "A" {SOURCE} SAMPLE ROW (10 ROWS)'),
        (
            "t AT(OFFSET => -60) SAMPLE (10)",
            f'SELECT {A} AS "A" FROM "D"."S"."T" AT(OFFSET => -60) AS "__GW_R" SAMPLE BERNOULLI (10)',
        ),
    ],
)
def test_what_follows_a_name_stays_with_the_table(asked: str, stands: str) -> None:
    by = engine(READS, HEAD + 'time_travel: ["D.S.*"]\n')
    decision = by.decide(ADA, by.understand(f"SELECT a FROM {asked}"))
    assert isinstance(decision, Permit)
    assert isinstance(decision.action, RunSql)
    assert f"({stands}) AS t" in decision.action.sql


ASKED = [
    "SELECT a FROM t",
    "SELECT b FROM t",
    "SELECT a, b FROM t",
    "SELECT * FROM t",
    "SELECT COUNT(*) FROM t",
    "SELECT a AS b FROM t",
    "SELECT a FROM t SAMPLE (10)",
    "SELECT a FROM t AT(OFFSET => -60)",
    "SELECT t.a, u.c FROM t, u",
    "SELECT a FROM u",
    "SELECT a FROM nowhere",
]
SPARED = Principal(Subject("sue"), "agent", "iss", frozenset({"stewards"}))


@pytest.mark.parametrize("order", [1, -1], ids=["forwards", "backwards"])
def test_what_stands_for_a_table_does_not_depend_on_what_was_asked_before(order: int) -> None:
    head = MASKED.replace("keep_last: 2}", "keep_last: 2}, unless: {groups: [stewards]}") + FILTERS
    head += 'time_travel: ["D.S.*"]\n'
    asked = [(who, sql) for sql in ASKED for who in (ADA, SPARED)]
    warm = engine(READS, head)
    said = [warm.decide(who, warm.understand(sql)) for who, sql in asked[::order]]
    for (who, sql), decision in zip(asked[::order], said, strict=True):
        fresh = engine(READS, head)
        assert decision == fresh.decide(who, fresh.understand(sql)), sql


def test_a_wide_table_is_written_alike_each_time() -> None:
    columns = {f"COLUMN_WITH_A_LONG_NAME_{n}": "VARCHAR" for n in range(200)}
    by = engine(READS, HEAD, {"D": {"S": {"T": columns}}})
    texts = set()
    for n in (1, 2):
        decision = by.decide(ADA, by.understand(f"SELECT * FROM t LIMIT {n}"))
        assert isinstance(decision, Permit)
        assert isinstance(decision.action, RunSql)
        texts.add(decision.action.sql.rpartition(" ")[0])
    assert len(texts) == 1
    assert texts.pop().count(" AS ") == len(columns) + 2
