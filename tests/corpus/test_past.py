"""Time travel, where a policy opens it: the same masks and filters on older rows, at moments that are constants."""

import pytest

from policy.document import load
from policy.engine import Engine
from policy.report import judge
from tests.corpus.cases import HERE
from tests.corpus.lexer import leak
from tests.corpus.world import READER, engine

POLICY = (HERE / "policy.yaml").read_text(encoding="utf-8")
OPENED = Engine(load(f'{POLICY}time_travel: ["GW.PUBLIC.*"]\n'), engine().catalog)


@pytest.mark.parametrize(
    ("clause", "written"),
    [
        ("AT(OFFSET => -60 * 5)", "AT(OFFSET => -300)"),
        ("BEFORE (OFFSET => -(60 + 0.5))", "BEFORE(OFFSET => -60.5)"),
        ("AT(TIMESTAMP => '2026-01-31')", "AT(TIMESTAMP => CAST('2026-01-31' AS TIMESTAMP))"),
        (
            "AT(TIMESTAMP => 'it''s \\\\ x'::TIMESTAMP_LTZ)",
            "AT(TIMESTAMP => CAST('it''s \\\\ x' AS TIMESTAMP_LTZ))",
        ),
        ("BEFORE(STATEMENT => '8e5d0ca9-005e-44e6')", "BEFORE(STATEMENT => '8e5d0ca9-005e-44e6')"),
    ],
)
def test_an_opened_past_is_read_through_the_same_masks_and_filters(clause: str, written: str) -> None:
    verdict = judge(OPENED, READER, f"SELECT c.* FROM customer {clause} AS c JOIN nation ON TRUE", "")
    assert verdict["decision"] == "permit", verdict
    assert f'FROM "GW"."PUBLIC"."CUSTOMER" {written} AS "__GW_R" WHERE' in verdict["sql"]
    assert leak(verdict["sql"].replace(f" {written}", "")) is None
    assert verdict["masked"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM nation AT(TIMESTAMP => (SELECT MAX(o_orderdate) FROM orders))",
        "SELECT * FROM nation AT(TIMESTAMP => CURRENT_TIMESTAMP())",
        "SELECT * FROM nation AT(TIMESTAMP => 'x'::VARCHAR)",
        "SELECT * FROM nation AT(OFFSET => n_nationkey)",
        "SELECT * FROM nation AT(OFFSET => 1e400)",
        "SELECT * FROM nation AT(STATEMENT => 'x'' OR ''y')",
        "SELECT * FROM nation AT(STATEMENT => 8)",
        "SELECT * FROM nation AT(STREAM => 's')",
        "SELECT * FROM nation AT(TIMESTAMP => $t)",
        "SELECT * FROM nation CHANGES(INFORMATION => DEFAULT) AT(OFFSET => 1)",
        "SELECT * FROM v_cust AT(OFFSET => -60)",
        "WITH c AS (SELECT * FROM nation) SELECT * FROM c AT(OFFSET => -60)",
    ],
)
def test_what_is_no_constant_moment_of_one_table_stays_refused(sql: str) -> None:
    assert judge(OPENED, READER, sql, "")["decision"] == "deny"


def test_another_moment_is_another_statement() -> None:
    texts = ["SELECT 1 FROM nation AT(OFFSET => -1)", "SELECT 1 FROM nation AT(OFFSET => -2)", "SELECT 1 FROM nation"]
    assert len({OPENED.understand(text).digest for text in texts}) == len(texts)


def test_a_moment_is_a_literal_and_not_part_of_the_skeleton() -> None:
    statement = OPENED.understand("SELECT n_name FROM nation AT(OFFSET => -3600) SAMPLE (7)")
    assert "3600" not in statement.skeleton
    assert [literal.value for literal in statement.literals] == ["AT(OFFSET => -3600)", "SAMPLE BERNOULLI (7)"]


def test_the_past_of_a_table_that_is_not_opened_stays_refused() -> None:
    one = Engine(load(f"{POLICY}time_travel: [GW.PUBLIC.NATION]\n"), engine().catalog)
    assert judge(one, READER, "SELECT 1 FROM nation AT(OFFSET => -1)", "")["decision"] == "permit"
    assert (
        judge(one, READER, "SELECT 1 FROM nation AT(OFFSET => -1), region AT(OFFSET => -1)", "")["decision"] == "deny"
    )


def test_a_sample_stands_behind_the_tables_own_alias() -> None:
    sql = judge(engine(), READER, "SELECT n_name FROM nation x SAMPLE SYSTEM (3) SEED (82)", "")["sql"]
    assert '"GW"."PUBLIC"."NATION" AS "__GW_R" SAMPLE SYSTEM (3) SEED (82)) AS x' in sql


def test_the_past_is_open_of_the_tables_that_are_named_and_of_no_others() -> None:
    one = Engine(load(f'{POLICY}time_travel: ["GW.PUBLIC.NATION"]\n'), engine().catalog)
    assert judge(one, READER, "SELECT n_name FROM nation AT(OFFSET => -60)", "")["decision"] == "permit"
    assert judge(one, READER, "SELECT r_name FROM region AT(OFFSET => -60)", "")["decision"] == "deny"
