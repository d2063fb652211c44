"""What a permit lets run: as which role, where, for how long and for how many rows, whoever asks for how much."""

import pytest

from policy.decision import Hold, LimitRows, Permit, RunSql, ScanContent
from policy.detectors import Detector
from policy.engine import Engine
from tests.deciding.test_corners import ADA, HEAD, READS, code, engine, rule

ALL = READS + '  - {id: writes, effect: permit, who: {anyone: true}, verbs: [write], tables: ["D.S.*"]}\n'
LIMITED = f"{HEAD}limits: {{rows_max: 50, statement_timeout_s: 7}}\n"
MASKED = HEAD.replace('["D.S.*.*"]', "[D.S.T.B]") + 'classifications: [{name: a, columns: ["*.*.T.A"]}]\n'


def _runs(by: Engine, sql: str, rows_max: int | None = None) -> tuple[Permit, RunSql]:
    decision = by.decide(ADA, by.understand(sql), rows_max=rows_max)
    permit = decision.then if isinstance(decision, Hold) else decision
    assert isinstance(permit, Permit), permit
    assert isinstance(permit.action, RunSql)
    return permit, permit.action


def test_what_reads_runs_as_the_reading_role_and_what_writes_as_the_writing_one() -> None:
    by = engine(ALL, LIMITED)
    _, read = _runs(by, "SELECT a FROM t")
    assert (read.role, read.warehouse, read.statement_timeout_s, read.verb) == ("R", "W", 7, "read")
    for sql, verb in (
        ("INSERT INTO t (a) VALUES ('x')", "insert"),
        ("UPDATE t SET a = 'x' WHERE b = 1", "update"),
        ("DELETE FROM t WHERE b = 1", "delete"),
        ("MERGE INTO t USING u ON t.b = u.c WHEN MATCHED THEN DELETE", "merge"),
    ):
        _, write = _runs(by, sql)
        assert (write.role, write.warehouse, write.statement_timeout_s, write.verb) == ("RW", "W", 7, verb)


@pytest.mark.parametrize(("asked", "rows"), [(None, 50), (3, 3), (50, 50), (51, 50), (0, 0), (-4, 0)])
def test_a_caller_may_ask_for_fewer_rows_and_never_for_more(asked: int | None, rows: int) -> None:
    for sql in ("SELECT a FROM t", "UPDATE t SET a = 'x' WHERE b = 1"):
        permit, action = _runs(engine(ALL, LIMITED), sql, asked)
        assert action.rows_max == rows
        assert {each for each in permit.obligations if isinstance(each, LimitRows)} == {LimitRows(rows)}


def test_a_write_names_its_target_itself_and_what_it_reads_as_its_caller_sees_it() -> None:
    by = engine(ALL, MASKED)
    _, action = _runs(by, "UPDATE t SET a = 'x' WHERE b = 1")
    assert action.sql.startswith('UPDATE "D"."S"."T"')
    assert "__GW_R" not in action.sql
    _, action = _runs(by, "INSERT INTO u (c) SELECT b FROM t")
    assert '"D"."S"."U"' in action.sql
    assert "__GW_R" in action.sql


def test_a_table_that_may_be_written_and_not_read_is_written() -> None:
    by = engine(ALL + rule("effect: forbid, verbs: [read]").replace('"D.S.*"', '"D.S.T"'))
    assert code(by, "INSERT INTO t (a) VALUES ('x')") is None
    assert code(by, "SELECT a FROM t") == "forbidden"


def test_content_is_scanned_where_something_is_read_and_nowhere_else_and_nothing_less_is_owed() -> None:
    by = engine(ALL, f"{LIMITED}content_scan: [{{detect: [email]}}]\n")
    read, _ = _runs(by, "SELECT a FROM t")
    write, _ = _runs(by, "UPDATE t SET a = 'x' WHERE b = 1")
    assert read.obligations == {LimitRows(50), ScanContent(frozenset({Detector.EMAIL}))}
    assert write.obligations == {LimitRows(50)}


def test_a_write_owes_nothing_for_columns_of_its_target_that_it_does_not_read() -> None:
    write, _ = _runs(engine(ALL, MASKED), "UPDATE t SET a = 'x' WHERE b = 1")
    assert write.obligations == {LimitRows(1000)}


def test_a_hold_is_by_the_rules_that_hold_and_what_it_lets_run_by_all_of_them() -> None:
    by = engine(ALL + rule("effect: hold, verbs: [update, read]").replace('"D.S.*"', '"D.S.U"'))
    for sql, permitting in (
        ("SELECT t.a FROM t, u", {"reads", "x"}),
        ("UPDATE u SET c = 1 WHERE c = 2", {"x"}),
        ("INSERT INTO t (a) SELECT a FROM u", {"writes", "x"}),
    ):
        decision = by.decide(ADA, by.understand(sql))
        assert isinstance(decision, Hold), sql
        assert decision.determining == {"x"}
        assert decision.then.determining == permitting
    decision = engine(ALL).decide(ADA, by.understand("DELETE FROM t"))
    assert isinstance(decision, Hold)  # whatever rules say
    assert decision.determining == decision.then.determining == {"writes"}


def test_a_statement_without_a_table_is_permitted_by_the_role_and_one_with_tables_by_their_rules() -> None:
    by = engine(ALL)
    assert _runs(by, "SELECT 1")[0].determining == {"all"}
    assert _runs(by, "SELECT a FROM t")[0].determining == {"reads"}
    assert _runs(by, "INSERT INTO t (a) SELECT a FROM u")[0].determining == {"reads", "writes"}


def test_a_change_of_a_table_is_held_for_the_writing_role_and_names_the_table_in_full() -> None:
    by = engine(rule("effect: permit, verbs: [truncate, create, alter, drop, restore]"), LIMITED)
    for sql, verb, runs in (
        ("TRUNCATE TABLE t", "truncate", 'TRUNCATE TABLE "D"."S"."T"'),
        ("DROP TABLE t", "drop", 'DROP TABLE "D"."S"."T"'),
        ("ALTER TABLE t DROP COLUMN a", "alter", 'ALTER TABLE "D"."S"."T" DROP COLUMN "A"'),
        ("CREATE TABLE w (a VARCHAR)", "create", 'CREATE TABLE "D"."S"."W"'),
        ("UNDROP TABLE w", "restore", 'UNDROP TABLE "D"."S"."W"'),
    ):
        decision = by.decide(ADA, by.understand(sql))
        assert isinstance(decision, Hold), sql
        assert decision.determining == decision.then.determining == {"x"}
        action = decision.then.action
        assert isinstance(action, RunSql)
        assert (action.role, action.warehouse, action.verb, action.statement_timeout_s) == ("RW", "W", verb, 7)
        assert action.rows_max == 1
        assert action.sql.startswith(runs), action.sql
        assert decision.then.obligations == {LimitRows(1)}
