"""Every attack ends refused or with nothing to see; every honest statement passes. The two scores are printed."""

from collections import Counter

import pytest

from policy.report import judge
from tests.corpus.cases import Case, attacks, ours
from tests.corpus.lexer import leak
from tests.corpus.world import WRITER, engine
from tests.support.scores import Score

CASES = attacks()
ATTACKS_MIN = 400
HONEST_MIN = 120
REFUSED = "refused"
"""The category of honest statements that stay refused, in refused.sql."""


def _ends_well(case: Case) -> bool:
    verdict = judge(engine(), WRITER, case.sql, case.id)
    if case.must == "DENY":
        return bool(verdict["decision"] == "deny" and verdict["code"])
    if case.must == "RESIDUAL":
        return verdict["code"] is not None or leak(verdict["sql"]) is None
    expected = "hold" if case.must == "HOLD" else "permit"
    return verdict["decision"] == expected and leak(verdict["sql"]) is None


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_every_case_ends_as_it_must(case: Case, request: pytest.FixtureRequest) -> None:
    if case.known is not None:
        request.applymarker(pytest.mark.xfail(reason=case.known, strict=False))
    assert _ends_well(case), judge(engine(), WRITER, case.sql, case.id)


def test_case_ids_are_unique() -> None:
    ids = [case.id for case in CASES]
    assert len(set(ids)) == len(ids)


def test_what_the_gate_alone_does_not_stop_names_the_control_that_does() -> None:
    for case in ours():
        assert (case.must == "RESIDUAL") == case.what.startswith("control="), case.id


def test_there_are_as_many_cases_as_promised() -> None:
    count = Counter(case.must for case in ours())
    assert count["DENY"] + count["MASKED"] >= ATTACKS_MIN
    assert count["ALLOW"] >= HONEST_MIN


def test_the_two_scores(score: Score) -> None:
    hostile = [case for case in CASES if case.must in ("DENY", "MASKED") and case.category != REFUSED]
    honest = [case for case in CASES if case.must in ("ALLOW", "HOLD")]
    open_ = [case for case in hostile if not _ends_well(case)]
    refused = [case for case in honest if not _ends_well(case)]
    stopped, permitted = len(hostile) - len(open_), len(honest) - len(refused)
    told = sum(case.category == REFUSED for case in CASES)
    score(f"attacks stopped {stopped}/{len(hostile)}, honest statements permitted {permitted}/{len(honest)}")
    score(f"honest statements that are refused and told what to write instead {told}")
    for case in (*open_, *refused):
        score(f"  {case.id} ({case.must}): {case.known or 'not known'}: {_why(case)}")
    assert [case.id for case in open_ if case.known is None] == []
    assert [case.id for case in refused if case.known is None] == []


def _why(case: Case) -> str:
    verdict = judge(engine(), WRITER, case.sql, case.id)
    return f"{verdict['decision']} {verdict['code'] or ''} {verdict['message'] or ''}"
