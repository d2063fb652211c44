"""What is hidden cannot be told: on two databases that differ only in it, every permitted case gives the same bytes."""

from collections.abc import Iterator

import duckdb
import pytest

from policy.report import judge
from tests.corpus.cases import Case, attacks
from tests.corpus.twins import run, twin
from tests.corpus.world import WRITER, engine

MASKED = [case for case in attacks() if case.must == "MASKED"]
VOLATILE = ("RANDOM(", "CURRENT_", "UUID_STRING(")


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]]:
    with twin(0) as first, twin(1) as second:
        yield first, second


@pytest.mark.parametrize("case", MASKED, ids=[case.id for case in MASKED])
def test_twins_answer_alike(case: Case, twins: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]) -> None:
    sql = judge(engine(), WRITER, case.sql, case.id)["sql"]
    try:
        answers = [run(each, sql) for each in twins]
    except NotImplementedError:
        pytest.skip("DuckDB cannot run this one")
    assert answers[0] == answers[1]


def test_the_twins_can_be_told_apart_without_protection(
    twins: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    told = ran = 0
    for case in MASKED:
        try:
            answers = [run(each, case.sql) for each in twins]
        except NotImplementedError:
            continue
        ran += 1
        told += answers[0] != answers[1]
    assert ran > 20
    assert told > ran * 3 / 4
