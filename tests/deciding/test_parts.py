"""Parts that only defend: what others promise never to hand in is refused, hidden or left unmeasured all the same."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from policy import probes
from policy.binds import BIND_PREFIX
from policy.coverage import covers_who
from policy.decision import Deny
from policy.dialect import SNOWFLAKE
from policy.guard import guard
from policy.masks import Constant, Null, fitted
from policy.names import TableName
from policy.printing import _functions, print_verified
from policy.refusal import PolicyCode, PolicyRefusal
from policy.resolve import TABLE_PREFIX, Resolved
from policy.rulebook import Who
from policy.sqltypes import parse_type
from policy.statement import SqlStatement, Verb
from policy.syntax import Parsed
from policy.tree import Reference
from policy.understand import understand
from policy.yaml_source import PolicyDocumentError
from tests.deciding.test_corners import ADA, HEAD, READS, WRITES, asked, code, engine, rule

BIND = f"{BIND_PREFIX}1"


def refused(root: exp.Expr, text: str = "") -> PolicyRefusal:
    """The refusal of a tree."""
    with pytest.raises(PolicyRefusal) as caught:
        guard(root, text)
    return caught.value


def test_a_parameter_stands_for_a_value_and_for_nothing_else() -> None:
    length = exp.DataTypeParam(this=exp.Placeholder(this=BIND))
    type_ = exp.DataType(this=exp.DType.VARCHAR, expressions=[length])
    root = exp.Select(expressions=[exp.Cast(this=exp.Literal.number(1), to=type_)])
    assert refused(root).code is PolicyCode.BAD_PARAMETERS


def test_a_lateral_of_anything_else_is_refused() -> None:
    lateral = exp.Lateral(this=exp.Literal.number(1))
    root = exp.Select(expressions=[exp.Star()], from_=exp.From(this=lateral))
    assert refused(root).code is PolicyCode.CONSTRUCT_NOT_ALLOWED


def test_a_function_without_a_place_is_looked_for_in_the_text() -> None:
    root = exp.Select(expressions=[exp.Anonymous(this="NOPE", expressions=[])])
    assert refused(root, "SELECT nope ()").at == 7


def test_a_number_that_is_none_suits_no_column() -> None:
    assert fitted(Constant(Decimal("NaN")), parse_type("NUMBER(3,0)")) == Null()
    assert fitted(Constant(Decimal(5)), parse_type("NUMBER(3,0)")) != Null()


@pytest.mark.parametrize("call", ['"UPPER"(1)', "a.UPPER(1)", "NOPE(1)"])
def test_a_printed_call_of_anything_but_an_allowed_function_is_refused(call: str) -> None:
    tokens = SNOWFLAKE.tokenize(f"SELECT {call}")
    with pytest.raises(PolicyRefusal):
        _functions(tokens, [token.token_type for token in tokens], frozenset({"UPPER"}))


def test_a_placeholder_that_is_printed_twice_is_refused() -> None:
    place = f"{TABLE_PREFIX}0"
    root = sqlglot.parse_one(f'SELECT 1 FROM "{place}" AS a, "{place}" AS b', read="snowflake")
    reference = Reference(TableName("D", "S", "T"), place, is_target=False, is_sampled=False, at=0)
    with pytest.raises(PolicyRefusal) as caught:
        print_verified(Parsed(root, Verb.READ, (), 0), Resolved((reference,), frozenset()), frozenset())
    assert caught.value.code is PolicyCode.UNFAITHFUL_PRINT


def test_everybody_is_in_no_narrower_audience() -> None:
    assert not covers_who(Who(groups=frozenset({"x"})), Who(anyone=True))
    assert covers_who(Who(anyone=True), Who(groups=frozenset({"x"})))


def test_numerals_that_snowflake_has_are_no_error() -> None:
    assert code(engine(), "SELECT X'AB', a FROM t") is None
    assert code(engine(), "SELECT 0xAB, a FROM t") == PolicyCode.SYNTAX_ERROR


@pytest.mark.parametrize(
    "more",
    [
        "risk: {rows_medium: 9, rows_high: 3}",
        "approvals: [{id: a, by: approvers}]",
        "approvals: [{id: a, by: confirmation, break_glass: [x]}]",
        "approvals: [{id: a, by: approvers, destructive: true, steps: [{groups: [x], quorum: 1}]}]",
    ],
)
def test_approvals_that_nobody_could_follow_are_errors(more: str) -> None:
    with pytest.raises(PolicyDocumentError):
        engine(READS, f"{HEAD}{more}\n")


@pytest.mark.parametrize("words", ["message: no", "hint: no"])
@pytest.mark.parametrize("effect", ["hold", "permit"])
def test_words_that_nobody_would_read_are_errors(effect: str, words: str) -> None:
    with pytest.raises(PolicyDocumentError):
        engine(rule(f"effect: {effect}, verbs: [read], {words}"))


def test_a_bucket_is_a_mask() -> None:
    head = HEAD.replace('public: ["D.S.*.*"]', 'public: ["D.S.T.A"]')
    head += "classifications: [{name: n, columns: [D.S.T.B]}]\n"
    head += "masks: [{classification: n, mask: {kind: bucket, edges: [1, 10]}}]\n"
    assert code(engine(READS, head), "SELECT b FROM t") is None


def test_a_rule_about_writes_asks_nothing_of_a_read() -> None:
    by = engine(READS + rule("effect: forbid, verbs: [write], when: session.statements > 3"))
    assert by.remembers(ADA)
    assert by.asked_of_call(ADA, by.understand("SELECT a FROM t")) == frozenset()
    assert by.asked_of_call(ADA, by.understand("DELETE FROM t WHERE b = 1")) == {"session.statements"}


@pytest.mark.parametrize(
    ("sql", "unrestricted"),
    [
        ("SELECT a, COUNT(*) FROM (SELECT a, c AS d, a || 'x' FROM u) q GROUP BY a", []),
        ("SELECT q.a FROM (SELECT * FROM (SELECT * FROM (VALUES (1)) v) x) q JOIN u ON q.a = u.a", ["D.S.U"]),
        ("SELECT COUNT(*), (SELECT MAX(c) FROM u), a FROM t GROUP BY a", []),
        (f"SELECT q.a FROM {'(SELECT * FROM ' * 30}t{')' * 29}) q JOIN u ON q.a = u.a", ["D.S.T", "D.S.U"]),
    ],
)
def test_rows_are_followed_as_far_as_they_can_be(sql: str, unrestricted: list[str]) -> None:
    by = engine(READS + rule("effect: forbid, verbs: [read], when: 'size(unrestricted) > 9'"))
    assert by._facts_of(by.audience(ADA), by.understand(sql))["unrestricted"] == unrestricted


# What a write would do

CHANGE = "UPDATE t SET b = b + 1 WHERE a = 'x'"


def patched(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Have probes understood as other than they are."""

    def other(*arguments: Any, **named: Any) -> SqlStatement:
        return replace(understand(*arguments, **named), **changes)

    monkeypatch.setattr(probes, "understand", other)


@pytest.mark.parametrize("changes", [{"verb": Verb.DELETE}, {"binds": 7}])
def test_a_probe_that_is_no_read_of_the_same_values_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    by = engine(WRITES)
    assert asked(by, CHANGE).counts
    patched(monkeypatch, **changes)
    assert asked(by, CHANGE).counts is None


def test_a_change_by_several_others_is_counted_by_all_of_them() -> None:
    (count,) = asked(engine(WRITES), "DELETE FROM t USING u AS v, u AS w WHERE v.a = w.a AND w.a = t.a").counts
    assert count.sql.count('"D"."S"."U"') == 2


def test_a_sample_that_cannot_be_derived_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(sql: str, *arguments: Any, **named: Any) -> SqlStatement:
        if "COUNT" not in sql.upper():
            raise PolicyRefusal(PolicyCode.UNFAITHFUL_PRINT, "no", "no")
        return understand(sql, *arguments, **named)

    by = engine(WRITES)
    monkeypatch.setattr(probes, "understand", refusing)
    found = asked(by, CHANGE)
    assert found.counts
    assert found.sample is None


def test_rows_of_what_cannot_be_written_out_are_not_counted() -> None:
    view = {"columns": [{"name": "A", "type": "VARCHAR"}], "kind": "view"}
    tables = {"D": {"S": {"T": {"A": "VARCHAR", "B": "NUMBER(38,0)"}, "OPAQUE": view}}}
    by = engine(WRITES, HEAD, tables)
    sql = "DELETE FROM t USING opaque AS o WHERE o.a = t.a"
    statement = by.understand(sql)
    assert by.questions(ADA, statement, sql).counts is None
    assert isinstance(by.decide(ADA, statement), Deny)


def test_cells_beside_a_protected_table_are_hidden() -> None:
    target, other = TableName("D", "S", "T"), TableName("D", "S", "U")
    sample = asked(engine(WRITES), CHANGE).sample
    hidden = engine(WRITES, HEAD.replace('"D.S.*.*"', '"D.S.T.*"'))
    assert any(engine(WRITES).cells_shown(ADA, target, (other,), sample.cells))
    assert len(hidden.cells_shown(ADA, target, (other,), sample.cells)) == len(sample.cells)
