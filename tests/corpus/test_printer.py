"""Known ways in which the printer says something else than was written: each is put right or refused."""

import pytest

from policy.report import judge
from tests.corpus.world import READER, engine


def _judge(sql: str) -> tuple[str, str]:
    verdict = judge(engine(), READER, sql, "")
    return verdict["code"] or verdict["decision"], verdict["sql"] or ""


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT @@a, '$$ , c_phone FROM GW.PUBLIC.CUSTOMER --' FROM region",
        "SELECT $1 FROM region",
        "SELECT * FROM region FOR UPDATE",
        "SELECT DISTINCT ON (r_name) r_regionkey FROM region",
        'SELECT "abs"(1)',
        "SELECT c_name INTO x FROM customer",
    ],
)
def test_what_prints_as_something_else_is_not_allowed(sql: str) -> None:
    assert _judge(sql)[0] in {"construct_not_allowed", "function_not_allowed"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 SEMI JOIN nation",
        "SELECT TO_TIMESTAMP_LTZ(5)",
        "SELECT TO_TIMESTAMP_TZ(5)",
        "SELECT MAX(1, 2)",
        "SELECT DIV0(n_nationkey, ?) FROM nation",
    ],
)
def test_what_loses_its_meaning_in_print_is_refused(sql: str) -> None:
    assert _judge(sql)[0] in {"unfaithful_print", "construct_not_allowed", "syntax_error"}


def test_a_table_function_stays_in_the_subquery_that_it_was_written_in() -> None:
    code, sql = _judge(
        "SELECT (SELECT LISTAGG(f.value) FROM LATERAL FLATTEN(INPUT => SPLIT(n_name, ' ')) f) FROM nation"
    )
    assert code == "permit"
    assert sql.startswith("SELECT (SELECT LISTAGG(f.value) FROM LATERAL FLATTEN(")


def test_comments_are_never_printed() -> None:
    code, sql = _judge("SELECT /* one */ 1 -- two\n FROM nation // three\n")
    assert code == "permit"
    assert not any(word in sql for word in ("one", "two", "three", "--", "/*"))


def test_binds_stay_binds_in_their_order() -> None:
    code, sql = _judge(
        "SELECT POSITION(? IN n_name), ?::DATE, DATEADD(day, ?, ?) FROM nation WHERE n_nationkey IN (?, ?) LIMIT ?"
    )
    assert code == "permit"
    assert sql.count("?") == 7
    assert "__GW_P" not in sql


def test_a_string_that_looks_like_a_placeholder_stays_a_string() -> None:
    code, sql = _judge("SELECT '\"__GW_T0\"', ':__GW_P1', ? FROM nation")
    assert code == "permit"
    assert "'\"__GW_T0\"', ':__GW_P1', ?" in sql


@pytest.mark.parametrize(
    "literal", ["it''s", "back\\\\slash", "new\\nline", "-- x", "/* x */", "$$", "\\x5f_GW_T0", "?"]
)
def test_a_string_stays_the_same_string(literal: str) -> None:
    first = engine().understand(f"SELECT '{literal}'")
    again = engine().understand(first.tree.written(()))
    assert first.literals == again.literals
