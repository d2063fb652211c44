"""What is hidden cannot be told: on two databases that differ only in it, every permitted case gives the same bytes.

And what nobody hides is answered as it always was: honest statements over open tables, written and rewritten, agree.
"""

from collections.abc import Iterator

import pytest

from policy.report import judge
from tests.corpus.cases import Case, attacks
from tests.corpus.twins import Twins, run, twin
from tests.corpus.world import WRITER, engine
from tests.support.scores import Score

VOLATILE = ("RANDOM(", "CURRENT_", "LOCALTIME", "UUID_STRING(", "SAMPLE", "RANDSTR(", "UNIFORM(")
WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE")
CASES = [case for case in attacks() if not any(word in case.sql.upper() for word in VOLATILE)]
MASKED = [case for case in CASES if case.must == "MASKED"]
OPEN = [
    case
    for case in CASES
    if case.must == "ALLOW" and case.known is None and not any(word in case.sql.upper() for word in (*WRITES, "CUST"))
]
MASKED_RUN_MIN = 200
TOLD_SHARE_MIN = 0.75
OPEN_RUN_MIN = 250
ONLY_WRITTEN = {"H-lang-50", "H-lang-81", "H-tool-81"}
"""Columns of VALUES have other names in DuckDB."""


@pytest.fixture(scope="module")
def twins() -> Iterator[Twins]:
    with twin(0) as first, twin(1) as second:
        yield first, second


@pytest.mark.parametrize("case", MASKED, ids=[case.id for case in MASKED])
def test_twins_answer_alike(case: Case, twins: Twins, request: pytest.FixtureRequest) -> None:
    if case.known is not None:
        request.applymarker(pytest.mark.xfail(reason=case.known, strict=False))
    sql = judge(engine(), WRITER, case.sql, case.id)["sql"]
    try:
        answers = [run(each, sql) for each in twins]
    except NotImplementedError as missing:
        pytest.skip(f"DuckDB cannot run this one: {str(missing)[:80]}")
    assert answers[0] == answers[1]


def test_the_twins_can_be_told_apart_without_protection(twins: Twins, score: Score) -> None:
    told = ran = 0
    for case in MASKED:
        if case.known is not None:
            continue
        try:
            answers = [run(each, case.sql) for each in twins]
            run(twins[0], judge(engine(), WRITER, case.sql, case.id)["sql"])
        except NotImplementedError:
            continue
        ran += 1
        told += answers[0] != answers[1]
    score(f"masked cases that ran on twins {ran}/{len(MASKED)}, of which unprotected {told} tell them apart")
    assert ran >= MASKED_RUN_MIN
    assert told >= ran * TOLD_SHARE_MIN


def test_honest_statements_over_open_tables_are_answered_as_before(twins: Twins, score: Score) -> None:
    ran = 0
    lost: list[str] = []
    for case in OPEN:
        sql = judge(engine(), WRITER, case.sql, case.id)["sql"]
        if sql is None:
            continue  # that it is permitted is another test's business
        try:
            expected = run(twins[0], case.sql)
        except NotImplementedError:
            continue
        try:
            answer = run(twins[0], sql)
        except NotImplementedError:
            lost.append(case.id)
            continue
        ran += 1
        assert _told(answer) == _told(expected), case.id
    score(f"honest statements that ran written and rewritten, alike {ran}/{len(OPEN)}")
    assert ran >= OPEN_RUN_MIN
    assert set(lost) <= ONLY_WRITTEN


def _told(answer: object) -> object:
    """An answer without what DuckDB calls a column that has no name."""
    names, rows = answer if isinstance(answer, tuple) else ((), answer)
    return [name.upper() for name in names if name.isidentifier()], rows
