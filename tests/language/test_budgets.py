"""Which statements draw how many answers from a budget, and whose answers are padded: told before anything runs."""

import pytest

from policy.catalog import Catalog, Column, Table
from policy.checking import findings
from policy.comparing import compare
from policy.decision import CountAnswer, Hold, Obligation, PadAnswer, Permit, ReadCatalog
from policy.document import PolicyDocumentError, load
from policy.engine import Engine
from policy.explanation import explain_at_length
from policy.names import TableName
from policy.notes import notes
from policy.principal import Principal
from policy.report import verdict_on
from policy.statement import SchemaRequest
from policy.suite import read_suite, run
from tests.language.worlds import HEAD, PERMITS, catalog, decide, engine, kind, person

PEOPLE = 'budgets: [{id: people, who: {anyone: true}, tables: ["D.S.PEOPLE"], answers_per_day: 20}]\n'
EMAIL = "budgets: [{id: mail, who: {anyone: true}, classifications: [email], answers_per_day: 20}]\n"
BOTH = 'budgets: [{id: both, who: {anyone: true}, tables: ["D.S.O*"], classifications: [email], answers_per_day: 20}]\n'
PADDED = 'padding: [{who: {anyone: true}, tables: ["D.S.PEOPLE"], to_ms: 200}]\n'
CHANGES = '  - {id: change, effect: hold, who: {anyone: true}, verbs: [truncate, create, alter], tables: ["D.S.*"]}\n'


def _owed(by: Engine, sql: str, who: Principal | None = None) -> frozenset[Obligation]:
    decision = decide(by, sql, who)
    assert isinstance(decision, Permit | Hold), decision
    permit = decision.then if isinstance(decision, Hold) else decision
    return frozenset(each for each in permit.obligations if isinstance(each, CountAnswer | PadAnswer))


def _answers(entries: str, sql: str, who: Principal | None = None) -> int:
    counted = [
        each for each in _owed(engine(PERMITS + CHANGES, HEAD + entries), sql, who) if isinstance(each, CountAnswer)
    ]
    return sum(each.answers for each in counted)


@pytest.mark.parametrize(
    ("sql", "answers"),
    [
        ("SELECT COUNT(*) FROM people", 1),
        ("SELECT oid FROM orders", 0),
        ("SELECT oid FROM orders WHERE pid IN (SELECT id FROM people)", 2),
        ("SELECT (SELECT COUNT(*) FROM people WHERE id < 9), (SELECT COUNT(*) FROM people WHERE id < 10)", 3),
        ("SELECT id FROM people UNION ALL SELECT id FROM people UNION ALL SELECT oid FROM orders", 3),
        ("WITH p AS (SELECT * FROM people) SELECT (SELECT MAX(id) FROM p), (SELECT MIN(id) FROM p)", 4),
        ("SELECT id FROM contacts", 1),  # a view over people
        ("INSERT INTO people (id) VALUES (1)", 0),
        ("INSERT INTO people (id) SELECT oid FROM orders", 0),
        ("INSERT INTO orders (oid) SELECT id FROM people", 1),
        ("INSERT INTO people (id) SELECT id FROM people", 1),
        ("UPDATE people SET region = 'x' WHERE id = 7", 1),
        ("DELETE FROM people WHERE id = 7", 1),
        ("UPDATE orders SET amount = 0 WHERE pid = 7", 0),
        ("TRUNCATE TABLE people", 1),
        ("ALTER TABLE people ADD COLUMN more VARCHAR", 1),
        ("CREATE TABLE fresh (id NUMBER(38,0))", 0),
    ],
)
def test_each_select_of_a_statement_about_the_table_is_an_answer(sql: str, answers: int) -> None:
    assert _answers(PEOPLE, sql) == answers


@pytest.mark.parametrize(
    ("sql", "answers"),
    [
        ("SELECT region FROM people", 0),
        ("SELECT email FROM people", 1),
        ("SELECT * FROM people", 1),
        ("SELECT COUNT(*) FROM people WHERE email LIKE 'a%'", 1),
        ("SELECT id FROM people ORDER BY email", 1),
        ("SELECT id FROM contacts", 1),  # the view itself shows mail
        ("SELECT oid FROM orders", 0),
    ],
)
def test_a_budget_of_a_classification_counts_what_meets_a_column_of_it_masked_or_not(sql: str, answers: int) -> None:
    assert _answers(EMAIL, sql) == answers
    assert _answers(EMAIL, sql, person("stewards")) == answers


def test_tables_and_classifications_of_a_budget_must_both_be_met() -> None:
    assert _answers(BOTH, "SELECT email FROM people") == 0
    assert _answers(BOTH, "SELECT amount FROM orders, people") == 0
    assert _answers(BOTH.replace("D.S.O*", "D.S.P*"), "SELECT email FROM people") == 1


def test_columns_of_which_nobody_knows_the_tags_are_of_every_class_that_tags_may_name() -> None:
    tagged = HEAD.replace('columns: ["*.*.*.EMAIL"]', "tags: [pii]")
    late = Table(TableName("D", "S", "LATE"), (Column("A", "VARCHAR"),), are_tags_known=False)
    by = Engine(load(f"{tagged}{EMAIL}rules:\n{PERMITS}"), Catalog.of([late]))
    assert len(_owed(by, "SELECT a FROM late")) == 1


def test_who_is_meant_and_who_is_spared() -> None:
    entry = PEOPLE.replace("who: {anyone: true}", "who: {groups: [analysts]}, unless: {groups: [leads]}")
    sql = "SELECT id FROM people"
    assert [_answers(entry, sql, person(*groups)) for groups in ((), ("analysts",), ("analysts", "leads"))] == [0, 1, 0]
    both = entry + PADDED.replace("who: {anyone: true}", "who: {groups: [leads]}, unless: {groups: [boss]}")
    by = engine(PERMITS, HEAD + both)
    kinds = [{type(each) for each in _owed(by, sql, person(*groups))} for groups in (("leads",), ("leads", "boss"))]
    assert kinds == [{PadAnswer}, set()]


def test_every_budget_and_every_padding_that_means_a_statement_is_owed() -> None:
    entries = (
        "budgets:\n"
        '  - {id: people, who: {anyone: true}, tables: ["D.S.PEOPLE"], answers_per_day: 20}\n'
        '  - {id: all, who: {anyone: true}, each: all, tables: ["*.*.*"], answers_per_day: 300}\n'
        "padding:\n"
        '  - {who: {anyone: true}, tables: ["D.S.PEOPLE"], to_ms: 200}\n'
        '  - {who: {anyone: true}, tables: ["D.S.*"], to_ms: 50}\n'
    )
    by = engine(PERMITS, HEAD + entries)
    assert _owed(by, "SELECT id FROM people") == {
        CountAnswer("people", 1, 20, is_shared=False),
        CountAnswer("all", 1, 300, is_shared=True),
        PadAnswer(200),
        PadAnswer(50),
    }
    assert _owed(by, "SELECT oid FROM orders") == {CountAnswer("all", 1, 300, is_shared=True), PadAnswer(50)}
    assert _owed(by, "SELECT 1") == frozenset()


def test_nothing_else_of_a_decision_depends_on_budgets_and_paddings() -> None:
    for sql in ("SELECT id, email FROM people", "UPDATE people SET region = 'x' WHERE id = 7"):
        plain, owing = decide(engine(), sql), decide(engine(PERMITS, HEAD + PEOPLE + PADDED), sql)
        assert kind(plain) == kind(owing)
        assert isinstance(plain, Permit)
        assert isinstance(owing, Permit)
        assert plain.action == owing.action
        assert plain.obligations < owing.obligations


def test_an_answer_and_a_look_at_the_table_tell_of_the_budget() -> None:
    by = engine(PERMITS, HEAD + PEOPLE + EMAIL.replace("budgets: [", "padding: [").replace("id: mail, ", "").replace(
        "answers_per_day: 20", "to_ms: 5"
    ))  # fmt: skip
    decision = decide(by, "SELECT id FROM people")
    assert isinstance(decision, Permit)
    assert "it counts as 1 of the 20 answers a day of the budget people" in notes(decision)
    page = by.decide(person(), SchemaRequest(None, None, None, None, None))
    assert isinstance(page, Permit)
    assert isinstance(page.action, ReadCatalog)
    told = {each.name.name: each.budgets for each in page.action.tables}
    of_people = ("people: 20 answers a day",)
    assert told == {"CONTACTS": of_people, "NOTES": (), "ORDERS": (), "PEOPLE": of_people}


def test_a_shared_budget_of_a_classification_is_told_of_tables_with_such_columns() -> None:
    by = engine(PERMITS, HEAD + EMAIL.replace("who:", "each: all, who:"))
    page = by.decide(person(), SchemaRequest(None, None, "people", None, None))
    assert isinstance(page, Permit)
    assert isinstance(page.action, ReadCatalog)
    assert [each.budgets for each in page.action.tables] == [("mail: 20 answers a day, shared",)]


def test_an_explanation_names_what_is_taken_and_when_the_answer_leaves() -> None:
    for more, who in (("", "each person"), ("each: all, ", "all of its people together")):
        by = engine(PERMITS, HEAD + PEOPLE.replace("who:", f"{more}who:") + PADDED)
        sql = "SELECT id FROM people"
        said = list(explain_at_length(by, person(), sql, verdict_on(by, person(), sql)))
        assert f"  it takes 1 of the 20 answers a day that {who} may draw: `people`" in said
        assert "  the answer leaves at a multiple of 200 ms" in said


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (PEOPLE, "", ["less counted"]),
        ("", PEOPLE, ["more counted"]),
        (PEOPLE, PEOPLE.replace("20", "21"), ["less counted"]),
        (PEOPLE, PEOPLE.replace("20", "19"), ["more counted"]),
        (PEOPLE, PEOPLE.replace("id: people", "id: others"), ["less counted", "more counted"]),
        (PEOPLE.replace("who:", "each: all, who:"), PEOPLE, ["less counted", "more counted"]),
        (PADDED, "", ["less padded"]),
        (PADDED, PADDED.replace("200", "300"), ["more padded"]),
        (PEOPLE + PADDED, PEOPLE + PADDED, []),
    ],
)
def test_a_comparison_of_policies_sees_budgets_and_paddings(old: str, new: str, kinds: list[str]) -> None:
    one, other = engine(PERMITS, HEAD + old), engine(PERMITS, HEAD + new)
    found = compare(one, other, {"ada": person()}, [{"id": "1", "sql": "SELECT id FROM people"}])
    assert sorted(found.counts) == kinds
    assert found.opens is any(each.startswith("less") for each in kinds)


def test_a_suite_can_expect_them() -> None:
    text = """
version: 1
principals: {ada: {subject: ada}}
tests:
  - {name: right, principals: [ada], sql: SELECT id FROM people,
     expect: {decision: permit, budgets: [people], padded_ms: 200}}
  - {name: wrong, principals: [ada], sql: SELECT oid FROM orders,
     expect: {decision: permit, budgets: [people], padded_ms: 200}}
"""
    right, wrong = run(read_suite(text), engine(PERMITS, HEAD + PEOPLE + PADDED))
    assert right.complaints == ()
    assert wrong.complaints == ("expected budgets ['people'], got []", "expected padded_ms 200, got 0")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (PEOPLE.replace('tables: ["D.S.PEOPLE"], ', ""), "needs `tables` or `classifications`"),
        (EMAIL.replace("[email]", "[e-mail]"), "the classification `e-mail` does not exist"),
        (
            PEOPLE.replace("}]", '}, {id: people, who: {anyone: true}, tables: ["*.*.*"], answers_per_day: 1}]'),
            "two",
        ),
        (PEOPLE.replace("D.S.PEOPLE", "PEOPLE"), "1 parts"),
        (PEOPLE.replace("20", "0"), "greater than or equal to 1"),
        (PADDED.replace("200", "60001"), "less than or equal to 60000"),
        (PADDED.replace("to_ms", "to_s"), "`to_s` is not known"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_an_error(entries: str, message: str) -> None:
    with pytest.raises(PolicyDocumentError, match=message) as refused:
        load(f"{HEAD}{entries}rules:\n{PERMITS}")
    assert refused.value.line == len(HEAD.splitlines()) + 1


def test_an_entry_over_no_table_of_the_catalog_is_doubted() -> None:
    policy = load(f"{HEAD}{PEOPLE}{PADDED.replace('PEOPLE', 'GONE')}rules:\n{PERMITS}")
    found = [each for each in findings(policy, catalog()) if each.path[0] in ("budgets", "padding")]
    assert [(each.kind, each.path) for each in found] == [("unused_pattern", ("padding", 0, "tables", 0))]


APART = """
  - {id: groups, effect: forbid, who: {anyone: true}, verbs: [read], tables: [D.S.ORDERS],
     when: "smallest_groups['D.S.ORDERS'] < 5"}
"""
SINGLED = """
  - {id: nobody-is-singled-out, effect: forbid, who: {anyone: true}, verbs: [read], tables: [D.S.ORDERS],
     when: "size(columns['tells-apart']) > 0"}
"""
SUM = "SELECT SUM(amount) FROM orders{} HAVING COUNT(*) >= 5 AND COUNT(amount) >= 5"


@pytest.mark.parametrize(
    "without_one",
    [
        SUM.format(" WHERE pid <> 7"),
        SUM.format(" WHERE NOT pid = 7"),
        SUM.format(" WHERE pid < 7 OR pid > 7"),
        f"SELECT * FROM ({SUM.format(' WHERE pid NOT IN (7)')})",
        "WITH o AS (SELECT pid AS a, amount AS b FROM orders) SELECT SUM(b) FROM o WHERE a <> 7",
    ],
)
def test_a_rule_on_columns_that_tell_people_apart_leaves_no_difference_by_them(without_one: str) -> None:
    """Two sums, of all and of all but one, are each of many rows; both together are one row's."""
    head = HEAD.replace("classifications:\n", "classifications:\n  - {name: tells-apart, columns: [D.S.ORDERS.PID]}\n")
    head = head.replace(
        "masks:\n", 'masks:\n  - {classification: tells-apart, mask: {kind: "null"}, unless: {groups: [a]}}\n'
    )
    alone, both = engine(PERMITS + APART, head), engine(PERMITS + APART + SINGLED, head)
    analyst = person("a")
    assert kind(decide(alone, SUM.format(""), analyst)) == kind(decide(both, SUM.format(""), analyst)) == "permit"
    assert kind(decide(both, without_one, analyst)) == "deny"
