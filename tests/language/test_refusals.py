"""A refusal points at the piece of the caller's own text that is the reason, and says what would be accepted."""

import pytest

from policy.decision import Deny
from policy.positions import line_and_column, piece_at
from policy.report import verdict_on
from tests.language.worlds import HEAD, PERMITS, engine, person

RULES = (
    PERMITS
    + """\
  - {id: no-notes, effect: forbid, who: {anyone: true}, verbs: [read], tables: [D.S.NOTES], message: shut, hint: orders}
  - {id: no-secrets, effect: forbid, who: {anyone: true}, verbs: [read], tables: ["D.SECRET.*"], message: closed}
  - {id: no-deleting, effect: forbid, who: {anyone: true}, verbs: [delete], tables: [D.S.ORDERS]}
"""
)
FILTERED = HEAD + 'row_filters: [{id: mine, tables: [D.S.ORDERS], where: "PID = 1", who: {groups: [few]}}]\n'

POINTED = {
    "SELECT id FROM people JOIN nowhere n ON n.x = id": ("nowhere", "object_not_found"),
    "SELECT id\nFROM people\n  JOIN d.hidden.t n ON n.x = id": ("d.hidden.t", "object_not_found"),
    "SELECT id FROM people WHERE\n  emial = 'x'": ("emial", "column_not_found"),
    "SELECT p.nope FROM people p": ("p.nope", "column_not_found"),
    "SELECT id FROM people, notes": ("notes", "forbidden"),
    "SELECT id FROM people, d.secret.x": ("d.secret.x", "forbidden"),
    'SELECT id FROM people, "NOTES"': ('"NOTES"', "forbidden"),
    "DELETE FROM orders WHERE oid = 1": ("orders", "forbidden"),
    "SELECT id,\n  GET_DDL('TABLE', 'PEOPLE') FROM people": ("GET_DDL", "function_not_allowed"),
    "SELECT my_udf(id) FROM people": ("my_udf", "function_not_allowed"),
    "SELECT SYSTEM$WAIT(1)": ("SYSTEM$WAIT", "function_not_allowed"),
    "SELECT id FROM people AT(OFFSET => -60)": ("people", "construct_not_allowed"),
    "DROP VIEW people": ("DROP", "statement_not_allowed"),
    "DROP TABLE people CASCADE": ("CASCADE", "statement_not_allowed"),
    "DROP TABLE people": ("people", "not_permitted"),
    "  CALL proc()": ("CALL", "statement_not_allowed"),
    "SELECT id FRUM people": ("people", "syntax_error"),
    "UPDATE orders SET amount = 1 WHERE pid = (SELECT MAX(id) FROM people WHERE email = 'x')": (
        "people",
        "not_permitted",
    ),
}


@pytest.mark.parametrize("sql", POINTED)
def test_a_refusal_points_at_the_piece_that_is_the_reason(sql: str) -> None:
    piece, code = POINTED[sql]
    verdict = verdict_on(engine(RULES), person(), sql)
    assert isinstance(verdict.decision, Deny)
    assert verdict.decision.code == code
    assert verdict.at is not None, verdict.decision
    assert piece_at(sql, verdict.at) == piece
    assert sql[verdict.at :].startswith(piece)
    assert verdict.decision.hint


@pytest.mark.parametrize("pad", ["", "\n\n", "/* a long comment */ ", "-- one\n", "WITH q AS (SELECT 1 AS one) "])
def test_equal_statements_in_other_words_are_pointed_at_in_their_own_words(pad: str) -> None:
    by = engine(RULES)
    verdict_on(by, person(), "SELECT id FROM notes, people")
    sql = f"{pad}SELECT   id FROM     notes , people"
    verdict = verdict_on(by, person(), sql)
    assert verdict.at == sql.index("notes")


def test_who_sees_few_rows_is_told_at_the_table_what_would_do() -> None:
    sql = "SELECT oid FROM people,\n  orders SAMPLE (10)"
    verdict = verdict_on(engine(PERMITS, FILTERED), person("few"), sql)
    assert isinstance(verdict.decision, Deny)
    assert verdict.at == sql.index("orders")


def test_a_missing_and_a_hidden_table_are_refused_in_the_same_words_at_the_same_place() -> None:
    told = []
    for name in ("d.hidden.t", "d.absent.t"):
        sql = f"SELECT 1 FROM people, {name}"
        verdict = verdict_on(engine(RULES), person(), sql)
        assert isinstance(verdict.decision, Deny)
        told.append((verdict.decision.code, verdict.at, verdict.decision.hint))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("text", "at", "place"), [("abc", 1, (1, 2)), ("a\nbc", 2, (2, 1)), ("a\n\nb", 3, (3, 1)), ("", 0, (1, 1))]
)
def test_lines_and_columns_count_from_one(text: str, at: int, place: tuple[int, int]) -> None:
    assert line_and_column(text, at) == place


@pytest.mark.parametrize(
    ("text", "piece"), [('"a b".c d', '"a b"'), ("'open", "'open"), ("x y", "x"), ("(a)", "("), ("", "")]
)
def test_a_piece_is_a_word_a_name_or_a_string(text: str, piece: str) -> None:
    assert piece_at(text, 0) == piece
