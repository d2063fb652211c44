"""What is refused, for which protection of the table, and at which piece of the caller's text: the first that is."""

import pytest

from policy.decision import Deny
from policy.engine import Engine
from policy.report import verdict_on
from tests.deciding.test_corners import ADA, HEAD, READS, TABLES, engine, rule
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
        (MASKED, "INSERT INTO u (a) SELECT b FROM t", "", ""),  # `a` is a column of the target alone
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


def _refused(by: Engine, sql: str) -> tuple[str, str, str, set[str], str]:
    """Code, message, hint, rules and the word at the place of a refusal."""
    verdict = verdict_on(by, ADA, sql)
    assert isinstance(verdict.decision, Deny), verdict.decision
    denied = verdict.decision
    word = "" if verdict.at is None else sql[verdict.at :].split()[0]
    return denied.code.value, denied.message, denied.hint, set(denied.determining), word


def _forbidding(words: str, table: str = "D.S.T", verbs: str = "read") -> str:
    return f'  - {{id: shut, effect: forbid, who: {{anyone: true}}, verbs: [{verbs}], tables: ["{table}"]{words}}}\n'


A = [{"name": "A", "type": "VARCHAR"}]
ASK = "rewording will not change this; ask for other data, or ask the policy's owners for a rule"


def test_a_forbid_by_name_that_has_a_message_is_told_before_anything_else() -> None:
    by = engine(ALL + _forbidding(", message: never, hint: use u"))
    assert _refused(by, "SELECT 1 FROM nowhere, t") == ("forbidden", "never", "use u", {"shut"}, "t")
    assert _refused(by, "SELECT 1 FROM t, nowhere") == ("forbidden", "never", "use u", {"shut"}, "t,")


def test_a_forbid_without_a_message_is_told_after_what_does_not_exist() -> None:
    by = engine(ALL + _forbidding(""))
    assert _refused(by, "SELECT 1 FROM t, nowhere")[0] == "object_not_found"
    code, message, hint, rules, word = _refused(by, "SELECT 1 FROM u, t")
    assert (code, hint, rules, word) == ("forbidden", ASK, {"shut"}, "t")
    assert message == "a rule forbids you to read `D.S.T`"


def test_a_table_that_is_hidden_is_refused_like_one_that_is_missing_and_by_the_rule_that_hides_it() -> None:
    hint = "use describe_schema to see what is open to you, and write full names"
    by = engine(READS.replace("D.S.*", "D.S.U") + _forbidding(""))
    missing = "`D.S.{}` does not exist or is not open to you"
    assert _refused(by, "SELECT 1 FROM u, t") == ("object_not_found", missing.format("T"), hint, {"shut"}, "t")
    for each in (by, engine(READS)):
        assert _refused(each, "SELECT 1 FROM u, v") == ("object_not_found", missing.format("V"), hint, set(), "v")


def test_what_no_rule_permits_is_refused_by_none() -> None:
    by = engine(READS)
    code, message, hint, rules, word = _refused(by, "DELETE FROM t WHERE b = 1")
    assert (code, hint, rules, word) == ("not_permitted", ASK, set(), "t")
    assert message == "no rule lets you delete `D.S.T`"


def test_a_sample_of_filtered_rows_is_refused_by_no_rule() -> None:
    code, _, _, rules, word = _refused(engine(READS, FILTERED), "SELECT u.a FROM u, t SAMPLE (10)")
    assert (code, rules, word) == ("construct_not_allowed", set(), "t")


def test_the_past_of_a_table_is_refused_by_no_rule() -> None:
    code, _, _, rules, word = _refused(engine(READS), "SELECT u.a FROM u, t AT(OFFSET => -60)")
    assert (code, rules, word) == ("construct_not_allowed", set(), "t")


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("", "a rule forbids this", ASK),
        (", message: never", "never", ASK),
        (", message: never, hint: use u", "never", "use u"),
    ],
)
def test_what_is_forbidden_inside_a_view_is_named_at_the_view(words: str, message: str, hint: str) -> None:
    tables = {"D": {"S": {**TABLES["D"]["S"], "V": {"kind": "view", "definition": "SELECT a FROM t", "columns": A}}}}
    by = engine(ALL + _forbidding(words), tables=tables)
    assert _refused(by, "SELECT v.a FROM u, v") == ("forbidden", message, hint, {"shut"}, "v")


CHANGES = rule("effect: permit, verbs: [truncate, create, alter, drop, restore]")


def test_what_a_change_of_a_table_is_refused_for_is_told_by_which_rule_and_at_its_name() -> None:
    asks = "ask the policy's owners for a rule that names this verb and table"
    look = "use describe_schema to see what is open to you, and write full names"
    missing = "`D.S.ZZZ` does not exist or is not open to you"
    told = engine(CHANGES + _forbidding(", message: never, hint: use u", "D.S.*", "truncate"))
    assert _refused(told, "TRUNCATE TABLE t") == ("forbidden", "never", "use u", {"shut"}, "t")
    assert _refused(told, "TRUNCATE TABLE zzz") == ("forbidden", "never", "use u", {"shut"}, "zzz")
    assert _refused(told, "DROP TABLE zzz") == ("object_not_found", missing, look, set(), "zzz")
    untold = engine(CHANGES + _forbidding("", "D.S.*", "truncate"))
    message = "a rule forbids you to truncate `D.S.T`"
    assert _refused(untold, "TRUNCATE TABLE t") == ("forbidden", message, asks, {"shut"}, "t")
    assert _refused(untold, "TRUNCATE TABLE zzz") == ("object_not_found", missing, look, set(), "zzz")
    sometimes = engine(
        CHANGES + _forbidding(", when: verb == 'truncate', message: never, hint: use u", verbs="truncate")
    )
    assert _refused(sometimes, "TRUNCATE TABLE t") == ("forbidden", "never", "use u", {"shut"}, "t")
    unsaid = engine(READS)
    message = "no rule lets you truncate `D.S.T`"
    assert _refused(unsaid, "TRUNCATE TABLE t") == ("not_permitted", message, asks, set(), "t")
