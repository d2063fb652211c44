"""What is refused, for which protection of the table, and at which piece of the caller's text: the first that is."""

import pytest

from policy.report import verdict_on
from tests.deciding.test_corners import ADA, HEAD, engine, rule
from tests.deciding.test_what_runs import ALL, MASKED

FILTERED = HEAD + 'row_filters: [{id: one, tables: [D.S.T], where: "b > 1"}]\n'
PAST = 'time_travel: ["D.S.U"]\n'
FORBIDDEN = ALL + rule("effect: forbid, verbs: [read]").replace('"D.S.*"', '"D.S.T"')
DEPENDS, READS_IT = "not_permitted: so a write cannot depend on it", "not_permitted: so a write cannot read it"


@pytest.mark.parametrize(
    ("head", "sql", "refused", "piece"),
    [
        (MASKED, "INSERT INTO u (a) SELECT a FROM t", READS_IT, "t"),
        (MASKED, "INSERT INTO u (c) SELECT b FROM t", "", ""),
        (MASKED, "UPDATE t SET b = 2 WHERE a = 'x'", DEPENDS, "t SET"),
        (MASKED, "UPDATE t SET a = 'x' WHERE b = 2", "", ""),
        (MASKED, "SELECT a FROM t SAMPLE (10)", "", ""),
        (FILTERED, "INSERT INTO u (c) SELECT b FROM t", READS_IT, "t"),
        (FILTERED, "UPDATE u SET c = 1 WHERE c IN (SELECT b FROM t)", READS_IT, "t)"),
        (FILTERED, "UPDATE t SET b = 2 WHERE b = 3", "not_permitted: you see only some rows", "t SET"),
        (FILTERED, "SELECT a FROM t SAMPLE (10)", "construct_not_allowed: a sample", "t SAMPLE"),
        (FILTERED, "SELECT u.a FROM u SAMPLE (10)", "", ""),
        (HEAD, "INSERT INTO u (a) SELECT a FROM t", "", ""),
        (HEAD, "SELECT a FROM t AT(OFFSET => -60)", "construct_not_allowed: time travel", "t AT"),
        (HEAD, "SELECT u.a FROM u, t AT(OFFSET => -60)", "construct_not_allowed: time travel", "t AT"),
        (HEAD, "SELECT a FROM u AT(OFFSET => -60)", "", ""),
        (HEAD, "SELECT nope FROM t", "column_not_found: `nope`", "nope"),
        (HEAD, "SELECT 1 FROM nowhere, elsewhere", "object_not_found: `D.S.NOWHERE`", "nowhere"),
        (HEAD, "SELECT (SELECT 1 FROM zzz) FROM nowhere", "object_not_found: `D.S.ZZZ`", "zzz"),
        (HEAD, "WITH x AS (SELECT 1 AS q FROM zzz) SELECT q FROM x, aaa", "object_not_found: `D.S.ZZZ`", "zzz"),
    ],
)
def test_what_is_refused_is_named_at_its_place(head: str, sql: str, refused: str, piece: str) -> None:
    verdict = verdict_on(engine(ALL, head + PAST), ADA, sql)
    code, message = getattr(verdict.decision, "code", ""), getattr(verdict.decision, "message", "")
    expected_code, _, said = refused.partition(": ")
    assert code == expected_code, message
    assert said in message
    assert (verdict.at is None) is (not piece)
    assert verdict.at is None or sql[verdict.at :].startswith(piece)


@pytest.mark.parametrize(
    ("sql", "piece"),
    [
        ("SELECT u.a FROM u, t", "t"),
        ("SELECT u.a FROM t, u", "t, u"),
        ("SELECT (SELECT MAX(a) FROM t x) FROM t y", "t x"),
        ("INSERT INTO u (a) SELECT a FROM t", "t"),
    ],
)
def test_what_a_rule_forbids_is_named_at_its_first_place(sql: str, piece: str) -> None:
    verdict = verdict_on(engine(FORBIDDEN), ADA, sql)
    assert getattr(verdict.decision, "code", "") == "forbidden"
    assert verdict.at is not None
    assert sql[verdict.at :].startswith(piece)
