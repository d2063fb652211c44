"""Every attack ends refused or with nothing to see; every honest statement passes. The two scores are printed."""

import pytest

from policy.report import judge
from tests.corpus.cases import Case, attacks
from tests.corpus.world import WRITER, engine

CASES = attacks()
RAW_TABLE = '"GW"."PUBLIC"."CUSTOMER"'
PROTECTED = f'{RAW_TABLE} AS "__GW_R" WHERE ("__GW_R"."C_MKTSEGMENT" <> \'MACHINERY\')'


def _ends_well(case: Case) -> bool:
    verdict = judge(engine(), WRITER, case.sql, case.id)
    if case.must == "DENY":
        return bool(verdict["decision"] == "deny" and verdict["code"])
    if case.must == "HOLD":
        return bool(verdict["decision"] == "hold")
    if case.must == "RESIDUAL":
        return verdict["code"] is not None or verdict["sql"] is not None
    sql = str(verdict["sql"] or "")
    return bool(verdict["decision"] == "permit") and sql.count(RAW_TABLE) == sql.count(PROTECTED)


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_every_case_ends_as_it_must(case: Case) -> None:
    assert _ends_well(case), judge(engine(), WRITER, case.sql, case.id)


def test_case_ids_are_unique() -> None:
    ids = [case.id for case in CASES]
    assert len(set(ids)) == len(ids)


def test_the_two_scores(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = [case for case in CASES if case.must in ("DENY", "MASKED")]
    honest = [case for case in CASES if case.must in ("ALLOW", "HOLD")]
    stopped = sum(map(_ends_well, hostile))
    permitted = sum(map(_ends_well, honest))
    with capsys.disabled():
        print(f"\nattacks stopped {stopped}/{len(hostile)}, honest statements permitted {permitted}/{len(honest)}")
    assert stopped == len(hostile)
    assert permitted == len(honest)
