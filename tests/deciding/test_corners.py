"""Corners of the policy that everyday statements do not turn: each says no, or says nothing, where it should."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from policy import decide as deciding
from policy import probes, rules, understand
from policy.approving import groups_of, why_not
from policy.catalog import Catalog, Column, Table
from policy.catalog_document import from_document
from policy.circumstances import Circumstances
from policy.conditions import ConditionError, compile_condition
from policy.decision import Deny, FilterRows, Hold, LimitRows, MaskColumn, Obligation, Permit, RunSql
from policy.document import load
from policy.engine import Engine
from policy.masks import Bucket, Constant, Null, describe, fitted
from policy.names import TableName
from policy.notes import notes
from policy.positions import position_of
from policy.principal import Principal, Subject
from policy.reach import reach
from policy.refusal import PolicyCode
from policy.report import judge
from policy.sqltypes import Family, parse_type
from policy.statement import HoldsAct, HoldsRequest, SchemaRequest, SqlStatement, Verb
from policy.undo import undo_command
from policy.views import view_statement
from policy.yaml_source import PolicyDocumentError, YamlSource

HEAD = """
version: 1
defaults: {database: D, schema: S}
roles: [{id: all, who: {anyone: true}, read_role: R, write_role: RW, warehouse: W}]
public: ["D.S.*.*"]
"""
READS = '  - {id: reads, effect: permit, who: {anyone: true}, verbs: [read], tables: ["D.S.*"]}\n'
TABLES = {"D": {"S": {"T": {"A": "VARCHAR", "B": "NUMBER(38,0)"}, "U": {"A": "VARCHAR", "C": "NUMBER(38,0)"}}}}
ADA = Principal(Subject("ada"), "agent", "iss", frozenset({"staff"}), claims={"team": ("red", "blue"), "level": 3})


def engine(rules: str = READS, head: str = HEAD, tables: Any = TABLES) -> Engine:
    """An engine of a policy over two tables."""
    return Engine(load(f"{head}rules:\n{rules}"), from_document(tables))


def code(by: Engine, sql: str, who: Principal = ADA) -> str | None:
    """The code with which `sql` is refused."""
    found: str | None = judge(by, who, sql, "")["code"]
    return found


def rule(text: str) -> str:
    """One rule for everybody over D.S."""
    return f'  - {{id: x, who: {{anyone: true}}, tables: ["D.S.*"], {text}}}\n'


# Documents


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\ndefaults: {database: 'a b c'}",
        "version: 1\nroles: [{id: a, who: {anyone: true, groups: [x]}, read_role: R, warehouse: W}]",
        "version: 1\nclassifications: [{name: a}]",
        *(
            f"version: 1\nclassifications: [{{name: a, columns: [D.S.T.A]}}]\n"
            f"masks: [{{classification: a, mask: {{{mask}}}}}]"
            for mask in (
                "kind: partial",
                "kind: bucket, edges: [3, 1]",
                "kind: hash, function: 'a..b'",
                "kind: token, function: F",
            )
        ),
        f"{HEAD}rules:\n" + rule("effect: permit, verbs: [read], message: no"),
        f"{HEAD}rules:\n{READS}approvals: [{{id: a, by: confirmation, rules: [reads, nope]}}]",
        "version: 1\nrules: {a: [b}",
        "\x00",
    ],
)
def test_a_document_with_a_contradiction_is_no_policy(text: str) -> None:
    with pytest.raises(PolicyDocumentError):
        load(text)


def test_a_place_that_is_not_written_is_the_nearest_above_it() -> None:
    source = YamlSource(
        "a: [1, 2]\nb: {c: |\n    x\n    y\n}\n".replace("{c: |\n    x\n    y\n}", "\n  c: |\n    x\n    y")
    )
    assert source.at(["a", 7]) == source.at(["a"])
    assert source.at(["nope", 0]) == (1, 1)
    assert source.inside(["a"], 1, 1) == source.at(["a"])
    assert source.inside(["nope", 3], 1, 1) == source.at([])
    assert source.inside(["b", "c"], 2, 1) == (5, 5)


def test_a_condition_that_is_too_deep_is_an_error() -> None:
    with pytest.raises(ConditionError) as error:
        compile_condition("(" * 400 + "true" + ")" * 400, frozenset())
    assert "deep" in error.value.message


# Rules and roles


def test_claims_of_any_shape_are_matched_by_any_value() -> None:
    def may(claims: str) -> bool:
        who = f"{{claims: {claims}}}"
        text = f'  - {{id: r, effect: permit, who: {who}, verbs: [read], tables: ["D.S.*"]}}\n'
        return code(engine(text), "SELECT a FROM t") is None

    assert may("{team: [blue, green]}")
    assert may("{level: [3]}")
    assert not may("{team: [green]}")
    assert not may("{nothing: [red]}")


def test_a_role_that_does_not_write_writes_nothing() -> None:
    by = engine(rule("effect: permit, verbs: [write]"), HEAD.replace("write_role: RW, ", ""))
    assert code(by, "DELETE FROM t WHERE b = 1") == PolicyCode.NOT_PERMITTED


def test_a_caller_without_a_role_does_nothing() -> None:
    by = engine(READS, HEAD.replace("who: {anyone: true}, read_role", "who: {groups: [nobody]}, read_role"))
    assert code(by, "SELECT a FROM t") == PolicyCode.NOT_PERMITTED


def test_callers_who_invent_names_without_end_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SCHEMAS_REMEMBERED", 3)
    by = engine()
    for n in range(20):
        assert code(by, f"SELECT a FROM d.s{n}.t") == PolicyCode.OBJECT_NOT_FOUND
    assert len(by.audience(ADA).rules._by_schema) <= 4
    assert code(by, "SELECT a FROM t") is None


def test_a_short_name_without_defaults_is_not_found() -> None:
    by = engine(READS, HEAD.replace("defaults: {database: D, schema: S}\n", ""))
    assert code(by, "SELECT a FROM t") == PolicyCode.OBJECT_NOT_FOUND
    assert code(by, "SELECT a FROM d.s.t") is None


def test_a_statement_that_would_grow_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "TEXT_CHARACTERS_MAX", 300)
    assert code(engine(), "SELECT x.a FROM t x") is None
    many = ", ".join(f"t x{n}" for n in range(9))
    assert code(engine(), f"SELECT x0.a FROM {many}") == PolicyCode.NOT_PERMITTED


def test_reach_tells_what_is_forbidden() -> None:
    by = engine(READS + rule("effect: forbid, verbs: [insert]"))
    told = [str(each) for each in reach(by)]
    assert any("forbid" in each for each in told)


def test_holds_are_for_those_who_approve() -> None:
    head = f"{HEAD}approvals: [{{id: big, by: approvers, steps: [{{groups: [owners], quorum: 1}}], ttl_s: 60, "
    head += "escalate: {after_s: 5, groups: [heads]}, break_glass: [oncall]}]\n"
    by = engine(rule("effect: hold, verbs: [write]"), head)
    owner = replace(ADA, subject=Subject("olga"), groups=frozenset({"owners"}))
    assert isinstance(by.decide(ADA, HoldsRequest(HoldsAct.CHECK, "h")), Permit)
    assert isinstance(by.decide(ADA, HoldsRequest(HoldsAct.LIST)), Deny)
    assert isinstance(by.decide(owner, HoldsRequest(HoldsAct.LIST)), Permit)
    assert isinstance(by.decide(owner, HoldsRequest(HoldsAct.DECIDE, "h")), Hold)
    entry = by.policy.approving.entry_of("big")
    assert entry is not None
    assert by.policy.approving.entry_of("none") is None
    assert groups_of(entry) == {"owners", "heads", "oncall"}
    asked = {"issuer": "iss", "subject": "ada", "actor": "agent"}
    head_of = replace(owner, groups=frozenset({"heads"}))
    assert why_not(entry, asked, ADA, is_escalated=False) == "own_request"
    assert why_not(entry, asked, head_of, is_escalated=False) == "not_approver"
    assert why_not(entry, asked, head_of, is_escalated=True) is None


# Tables and columns


def test_a_name_that_is_none_finds_nothing() -> None:
    assert code(engine(), "SELECT a FROM t") is None
    page = engine().decide(ADA, SchemaRequest(table="a..b"))
    assert isinstance(page, Permit)
    assert page.action.tables == ()  # type: ignore[union-attr]  # a look at the schema reads the catalog
    assert position_of(SchemaRequest(), Deny(frozenset(), PolicyCode.NOT_PERMITTED, "", "")) is None


def test_what_is_no_view_is_not_looked_into() -> None:
    by = engine()
    for text in ("CREATE TABLE x (a INT)", "DELETE FROM t", "SELECT 1; SELECT 2", "not sql at all ("):
        assert view_statement(text, by.catalog.tables, by.policy.defaults, frozenset()) is None


def test_a_view_that_samples_filtered_rows_is_not_written() -> None:
    head = HEAD + 'row_filters: [{id: f, tables: [D.S.T], where: "b > 0"}]\n'
    view = {"columns": [{"name": "A", "type": "VARCHAR"}], "kind": "view"}
    plain = {**view, "definition": "CREATE VIEW v AS SELECT a FROM d.s.t"}
    sampling = {**view, "definition": "CREATE VIEW v AS SELECT a FROM d.s.t SAMPLE (10)"}
    tables = {"D": {"S": {**TABLES["D"]["S"], "V": plain, "W": sampling}}}
    by = engine(READS, head, tables)
    assert code(by, "SELECT a FROM v") is None
    assert code(by, "SELECT a FROM w") == PolicyCode.NOT_PERMITTED


def test_types_and_masks_that_do_not_suit_show_nothing() -> None:
    assert parse_type("WHATEVER").family is Family.UNKNOWN
    for mask, type_ in ((Constant("many"), "NUMBER(3,0)"), (Constant(5), "DATE"), (Constant("x"), "WHATEVER")):
        assert fitted(mask, parse_type(type_)) == Null()
    assert "from 1, 2" in describe(Bucket((Decimal(1), Decimal(2))))


def test_an_answer_says_what_it_does_not_show() -> None:
    table = TableName("D", "S", "T")
    owed: frozenset[Obligation] = frozenset({MaskColumn(table, "A", "redact"), FilterRows(table, "own"), LimitRows(3)})
    action = RunSql("SELECT 1", Verb.READ, "R", "W", 3, 60)
    filtered, masked = notes(Permit(frozenset(), action, owed))
    assert "masked: redact" in masked
    assert "own" in filtered


def test_a_change_is_undone_by_an_id_and_by_nothing_else() -> None:
    table = TableName("D", "S", 'T"x')
    command = undo_command(table, "01b2-ab") or ""
    assert command.count('"D"."S"."T""x"') == 2
    assert "BEFORE (STATEMENT => '01b2-ab')" in command
    assert undo_command(table, "x' --") is None


def test_a_digest_tells_a_table_from_its_absence() -> None:
    name = TableName("D", "S", "T")
    one, same = (Catalog.of([Table(name, (Column("A", "VARCHAR"),))]) for _ in range(2))
    assert one.digest_of(name) == same.digest_of(name)
    assert one.digest_of(name) != Catalog.of([]).digest_of(name)


# Facts of conditions


@pytest.mark.parametrize(
    ("sql", "unrestricted"),
    [
        ("SELECT * FROM (VALUES (1), (2)) v", []),
        ("SELECT * FROM (SELECT a || 'x' FROM t) q", ["D.S.T"]),
        ("SELECT q.* FROM (SELECT COUNT(*) FROM t) q", []),
        ("SELECT (SELECT MAX(c) FROM u), a FROM t", ["D.S.T"]),
        ("SELECT x.n FROM (SELECT COUNT(*) AS n, a FROM t GROUP BY a) x", []),
        ("SELECT * FROM (SELECT * FROM (VALUES (1)) v) q JOIN t ON TRUE", ["D.S.T"]),
        ("SELECT a FROM nowhere", ["D.S.NOWHERE"]),
        ("SELECT t.a FROM t JOIN u ON OBJECT_CONSTRUCT(t.*) = OBJECT_CONSTRUCT(u.*)", ["D.S.T", "D.S.U"]),
    ],
)
def test_rows_that_leave_whole_are_told(sql: str, unrestricted: list[str]) -> None:
    by = engine(READS + rule("effect: forbid, verbs: [read], when: 'size(unrestricted) > 9'"))
    statement = by.understand(sql)
    facts = by._facts_of(by.audience(ADA), statement)
    assert facts["unrestricted"] == unrestricted


def test_what_is_not_observed_is_not_known() -> None:
    by_joins = rule("effect: permit, verbs: [read], when: 'joins == 0'")
    by = engine(by_joins)
    blind = understand.understand("SELECT a FROM t", by.catalog.tables, by.policy.defaults)
    assert isinstance(engine(by_joins).decide(ADA, blind), Deny)
    assert isinstance(by.decide(ADA, by.understand("SELECT a FROM t")), Permit)


# What a write would do


def asked(by: Engine, sql: str, who: Principal = ADA) -> Any:
    """The questions about a write."""
    return by.questions(who, by.understand(sql), sql)


WRITES = READS + '  - {id: w, effect: hold, who: {anyone: true}, verbs: [write], tables: ["D.S.*"]}\n'


@pytest.mark.parametrize(
    "sql",
    [
        "WITH c AS (SELECT a FROM u) DELETE FROM t USING c WHERE c.a = t.a",
        "DELETE FROM t USING u WHERE TRUE",
        "DELETE FROM t USING u",
        "DELETE FROM t USING u, u AS v WHERE u.a = t.a",
        "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
        "MERGE INTO t USING (WITH c AS (SELECT a FROM u) SELECT a FROM c) q ON t.a = q.a WHEN MATCHED THEN DELETE",
        "WITH c AS (SELECT a FROM u) MERGE INTO t USING c ON t.a = c.a WHEN MATCHED THEN DELETE",
        "UPDATE t SET a = (SELECT MAX(a) FROM u) FROM u WHERE u.a = t.a",
    ],
)
def test_a_write_that_is_held_is_counted_by_questions_that_only_read(sql: str) -> None:
    by = engine(WRITES)
    assert judge(by, ADA, sql, "")["decision"] == "hold"
    counts = asked(by, sql).counts
    assert counts
    assert all(isinstance(sqlglot.parse_one(each.sql, dialect="snowflake"), exp.Query) for each in counts)


@pytest.mark.parametrize("sql", ["UPDATE t SET a = nope.x WHERE b = 1", "SELECT a FROM t"])
def test_what_no_read_can_tell_the_effect_of_has_no_questions(sql: str) -> None:
    assert asked(engine(WRITES), sql).counts is None


def test_what_cannot_be_derived_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    by, sql = engine(WRITES), "DELETE FROM t WHERE b = 1"
    statement = by.understand(sql)
    assert by.questions(ADA, statement, sql).counts

    def trip(*_: object, **__: object) -> SqlStatement:
        raise IndexError

    monkeypatch.setattr(probes, "understand", trip)
    assert by.questions(ADA, statement, sql).counts is None


def test_a_count_of_rows_that_a_filter_hides_is_not_asked() -> None:
    head = HEAD + 'row_filters: [{id: f, tables: [D.S.T], where: "b > 0"}]\n'
    by, sql = engine(WRITES, head), "DELETE FROM t WHERE b = 1"
    assert by.questions(ADA, by.understand(sql), sql).counts is None


def test_cells_are_shown_where_the_whole_row_may_be_read() -> None:
    by, sql = engine(WRITES), "UPDATE t SET b = b + 1 WHERE a = 'x'"
    sample = asked(by, sql).sample
    target = TableName("D", "S", "T")
    assert by.cells_shown(ADA, target, (), sample.cells) == (True,) * len(sample.cells)
    gone = TableName("D", "S", "GONE")
    assert by.cells_shown(ADA, gone, (), sample.cells) == (False,) * len(sample.cells)


def test_circumstances_that_nobody_gave_are_unknown() -> None:
    by = engine(rule("effect: permit, verbs: [read], when: 'purpose == \"audit\"'"))
    statement = by.understand("SELECT a FROM t")
    assert isinstance(by.decide(ADA, statement), Deny)
    assert isinstance(by.decide(ADA, statement, circumstances=Circumstances(purpose="audit")), Permit)
