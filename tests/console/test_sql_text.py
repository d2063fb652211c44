"""SQL for the eye: nothing of it is lost, what the gate put in is marked, and hostile text takes no longer."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from policy.dialect import print_sql
from server.console.sql_text import words

pieces = st.sampled_from(
    ["'", '"', "\\", "$$", "//", "--", "/*", "*/", "\n", " ", "SELECT", "a", "1.5", "''", "é", "(", ";"]
)
texts = st.lists(pieces, max_size=40).map("".join) | st.text(max_size=60)


@given(texts, st.none() | texts)
def test_joined_the_pieces_are_the_statement(sql: str, asked: str | None) -> None:
    assert "".join(word.text for word in words(sql, asked)) == sql


@given(texts)
def test_nothing_is_marked_in_what_was_asked_for(sql: str) -> None:
    assert [word for word in words(sql, sql) if word.is_new] == []


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        (r"'x\' WHERE id = 1 --' , b = 9", ["text", "sign", "name", "sign", "number"]),
        (r"'x\\' , b", ["text", "sign", "name"]),
        (r"'it''s' , b", ["text", "sign", "name"]),
        ("$$ it's -- $$ , b", ["text", "sign", "name"]),
        ("a // it's\n, b", ["name", "comment", "sign", "name"]),
        ("a -- $$\n, b", ["name", "comment", "sign", "name"]),
        ("a /* ' */ , b", ["name", "comment", "sign", "name"]),
        (r"""a "x' \" , 'b'""", ["name", "name", "sign", "text"]),
    ],
)
def test_what_looks_like_a_string_or_a_comment_is_one_for_snowflake(sql: str, kinds: list[str]) -> None:
    assert [word.kind for word in words(sql) if word.kind != "space"] == kinds


@given(st.text("'\\\"-/ ab\n", max_size=30))
def test_strings_and_names_are_shown_where_the_statement_that_runs_has_them(value: str) -> None:
    printed = print_sql(exp.select(exp.Literal.string(value)))
    strings = [word.text for word in words(printed) if word.kind == "text"]
    assert strings == [printed.removeprefix("SELECT ")]


def test_what_the_gate_put_in_is_marked_and_case_and_quotes_are_not() -> None:
    found = words('SELECT "ID" FROM "T" WHERE region = 1 AND a = 2', "select id from t where a = 2")
    assert "".join(word.text for word in found if word.is_new) == "region1AND"


def test_hostile_text_takes_no_longer_than_other_text_of_its_length() -> None:
    began = time.perf_counter()
    for hostile in (
        "'" * 100_001,
        "'" + "\\" * 100_001,
        "$" * 100_001,
        "'\\'" * 33_000 + "\\",
        "/*" * 50_000,
        '"a' * 50_001,
        "a " * 50_000,
    ):
        words(hostile, hostile[:-1])
    words("a " * 50_000, "b " * 50_000)
    assert time.perf_counter() - began < 20
