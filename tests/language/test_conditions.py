"""Conditions of rules: checked when the policy is read, told documented facts, strict where they cannot be told."""

from datetime import UTC, datetime

import pytest

from policy.circumstances import UNKNOWN, Circumstances, Estimate, History
from policy.conditions import FACTS
from policy.decision import Deny
from policy.document import load
from policy.engine import Engine
from policy.yaml_source import PolicyDocumentError
from tests.language.worlds import HEAD, PERMITS, ROOT, decide, engine, kind, person
from tests.support.timing import cpu_s

RULE = (
    '  - {{id: r, effect: {effect}, who: {{anyone: true}}, verbs: [read, write], tables: ["D.S.*"], when: "{when}"}}\n'
)
OPENED = f"""{HEAD}rules:
  - id: r
    effect: forbid
    who: {{anyone: true}}
    verbs: [read]
    tables: ['*.*.*']
"""
SQL = "SELECT id, email FROM people WHERE id = 1"


def under(when: str, effect: str = "forbid") -> Engine:
    return engine((PERMITS if effect != "permit" else "") + RULE.format(effect=effect, when=when))


WRONG = {
    "vreb == 'read'": (1, "did you mean `verb`?"),
    "estimate.row > 1": (1, "did you mean `estimate.rows`?"),
    "verb == 1": (6, ""),
    "joins": (1, ""),
    "has_where &&": (13, ""),
    "size(columns['emial']) > 0": (6, "did you mean `email`?"),
    "true || size(clear.emial) > 0": (14, "did you mean `email`?"),
    "size(functions['pur']) > 0": (6, "did you mean `pure`?"),
    "verb.startWith('r')": (15, "did you mean `startsWith`?"),
    "nothing.like.it == 1": (1, "docs/POLICY.md lists what conditions know"),
}


@pytest.mark.parametrize("when", WRONG)
def test_a_wrong_condition_is_an_error_of_the_policy_at_its_line_and_column(when: str) -> None:
    column, hint = WRONG[when]
    line = OPENED.count("\n") + 1
    for written, at in [
        (f'    when: "{when}"\n', (line, 12 + column - 1)),
        (f"    when: |\n      {when}\n", (line + 1, 7 + column - 1)),
        (f"    when: >-\n      {when}\n", (line, 11)),
    ]:
        with pytest.raises(PolicyDocumentError) as raised:
            load(OPENED + written)
        assert (raised.value.line, raised.value.column) == at, written
        assert hint in raised.value.hint


def test_the_line_inside_a_block_of_text_is_told() -> None:
    with pytest.raises(PolicyDocumentError) as raised:
        load(OPENED + "    when: |\n      verb == 'read' &&\n        vreb == 'x'\n")
    assert (raised.value.line, raised.value.column) == (OPENED.count("\n") + 3, 9)


@pytest.mark.parametrize(
    "more",
    [
        'verbs: [describe], when: "true"',
        'verbs: [read], hint: "x"',
        'verbs: [read], effect: hold, hint: "x"',
        'verbs: [read], message: "x"',
        'verbs: [read], when: ""',
    ],
)
def test_words_that_could_never_be_shown_and_conditions_without_a_statement_are_refused(more: str) -> None:
    effect = "" if "effect:" in more else "effect: permit, "
    with pytest.raises(PolicyDocumentError):
        engine(f"  - {{id: r, {effect}who: {{anyone: true}}, tables: ['*.*.*'], {more}}}\n")


TOLD = {
    "verb == 'read'": True,
    "verbs == ['read']": True,
    "'D.S.PEOPLE' in tables": True,
    "target == ''": True,
    "columns['email'] == ['D.S.PEOPLE.EMAIL'] && columns['person-name'] == []": True,
    "size(clear['email']) > 0": False,
    "classified_tables == ['D.S.PEOPLE']": True,
    "functions['aggregate'] == []": True,
    "has_where && !where_is_trivial": True,
    "unrestricted == []": True,
    "has_limit": False,
    "selects_star": False,
    "joins + cross_joins == 0": True,
    "smallest_groups == {'D.S.PEOPLE': 0}": True,
    "distinct_in_groups == {}": True,
    "rows_max == 1000": True,
    "principal.subject == 'ada' && principal.actor == 'robot'": True,
    "principal.issuer == 'https://issuer.example'": True,
    "principal.groups == ['a', 'b']": True,
    "'x' in principal.claims.tags && principal.claims.level == 2": True,
    "purpose.contains('audit')": True,
    "time.getHours() == 9 && time.getDayOfWeek() == 3": True,
    "estimate.rows == 5 && estimate.bytes == 7": True,
    "session.statements == 1 && session.refusals == 2 && session.rows == 3": True,
    "session.tables == ['D.S.T'] && session.classifications == ['email']": True,
}
KNOWN = Circumstances(
    datetime(2026, 11, 25, 9, tzinfo=UTC),
    "an audit",
    Estimate(5, 7),
    History(1, 2, 3, frozenset({"D.S.T"}), frozenset({"email"})),
)


@pytest.mark.parametrize("when", TOLD)
def test_each_fact_is_what_it_is_said_to_be(when: str) -> None:
    who = person("a", "b", claims={"level": 2, "tags": ("x", "y")})
    for effect, applied in (("forbid", "deny"), ("hold", "hold")):
        expected = applied if TOLD[when] else "permit"
        assert kind(decide(under(when, effect), SQL, who, KNOWN)) == expected
    assert kind(decide(under(when, "permit"), SQL, who, KNOWN)) == ("permit" if TOLD[when] else "deny")


def test_every_fact_is_tried_above_and_documented() -> None:
    tried, documented = " ".join(TOLD), (ROOT / "docs" / "POLICY.md").read_text(encoding="utf-8")
    assert [name for name in FACTS if name not in tried and name != "limit"] == []
    for name, fact in FACTS.items():
        assert f"| `{name}` | `{fact.type}` | {fact.says} |" in documented


@pytest.mark.parametrize(
    ("sql", "when"),
    [
        ("SELECT id FROM people LIMIT 5", "limit == 5"),
        ("SELECT email FROM contacts", "classified_tables == ['D.S.CONTACTS', 'D.S.PEOPLE']"),
        ("SELECT id FROM contacts", "tables == ['D.S.CONTACTS', 'D.S.PEOPLE']"),
        ("SELECT COUNT(*), UPPER('x') FROM notes", "functions == functions && functions['aggregate'] == ['COUNT']"),
        ("SELECT COUNT(*) FROM people", "classified_tables == []"),
        ("SELECT * FROM people", "'D.S.PEOPLE.FULL_NAME' in columns['person-name'] && selects_star"),
        ("SELECT email, COUNT(*) FROM people GROUP BY 1", "unrestricted == ['D.S.PEOPLE']"),
        ("SELECT region, COUNT(*) FROM people GROUP BY 1", "unrestricted == []"),
        ("UPDATE notes SET text = 'a' WHERE nid = 1", "verb == 'update' && target == 'D.S.NOTES'"),
        (
            "MERGE INTO notes n USING orders o ON n.nid = o.oid WHEN MATCHED THEN DELETE",
            "verbs == ['delete', 'merge']",
        ),
    ],
)
def test_facts_follow_the_statement(sql: str, when: str) -> None:
    assert kind(decide(under(when), sql)) == "deny"
    assert kind(decide(under(f"!({when})"), sql)) != "deny"


def test_what_an_audience_meets_in_clear_is_told() -> None:
    by = under("size(clear['email']) > 0", "hold")
    assert kind(decide(by, SQL, person("stewards"))) == "hold"
    assert kind(decide(by, SQL, person("others"))) == "permit"


@pytest.mark.parametrize(
    "when", ["estimate.rows > 5", "1 / 0 == 1", "session.rows > 5", "principal.claims.x == 1", "limit > 5"]
)
def test_what_cannot_be_told_never_permits_and_lets_nothing_strict_pass(when: str) -> None:
    for written in (when, f"!({when})"):
        assert kind(decide(under(written), SQL)) == "deny"
        assert kind(decide(under(written, "hold"), SQL)) == "hold"
        assert kind(decide(under(written, "permit"), SQL)) == "deny"


def test_a_condition_that_another_part_settles_is_told() -> None:
    assert kind(decide(under("estimate.rows > 5 || true", "permit"), SQL)) == "permit"
    assert kind(decide(under("estimate.rows > 5 && false"), SQL)) == "permit"


def test_equal_statements_are_judged_anew_where_the_call_counts() -> None:
    by = under("purpose == 'fun' || time.getHours() > 17")
    for _ in range(2):
        assert kind(decide(by, SQL, None, Circumstances(KNOWN.time, "audit"))) == "permit"
        assert kind(decide(by, SQL, None, Circumstances(KNOWN.time, "fun"))) == "deny"
        assert kind(decide(by, SQL, None, Circumstances(KNOWN.time, None))) == "deny"
        assert kind(decide(by, SQL, None, UNKNOWN)) == "deny"


def test_people_of_one_audience_are_told_apart_where_a_condition_asks() -> None:
    by = under("principal.claims.region != 'EU'")
    assert kind(decide(by, SQL, person("a", claims={"region": "EU"}))) == "permit"
    assert kind(decide(by, SQL, person("a", claims={"region": "US"}))) == "deny"
    assert kind(decide(by, SQL, person("a"))) == "deny"


def test_a_permit_whose_condition_is_not_met_says_how_to_meet_it() -> None:
    rule = RULE.format(effect="permit", when="has_limit").replace('"}', '", hint: add a LIMIT}')
    denied = decide(engine(rule), SQL)
    assert isinstance(denied, Deny)
    assert denied.hint == "add a LIMIT"
    assert kind(decide(engine(rule), f"{SQL} LIMIT 1")) == "permit"


def test_a_rule_spares_those_whom_it_says_it_spares() -> None:
    rule = RULE.format(effect="forbid", when="true").replace('"}', '", unless: {groups: [stewards]}}')
    assert kind(decide(engine(PERMITS + rule), SQL)) == "deny"
    assert kind(decide(engine(PERMITS + rule), SQL, person("stewards"))) == "permit"


def test_a_forbid_on_a_table_inside_a_view_counts_with_its_condition() -> None:
    rule = '  - {{id: r, effect: {0}, who: {{anyone: true}}, verbs: [read], tables: [D.S.PEOPLE], when: "{1}"}}\n'
    for effect, expected in (("forbid", "deny"), ("hold", "hold")):
        assert kind(decide(engine(PERMITS + rule.format(effect, "!has_limit")), "SELECT id FROM contacts")) == expected
        assert kind(decide(engine(PERMITS + rule.format(effect, "has_limit")), "SELECT id FROM contacts")) == "permit"


def test_a_policy_without_conditions_on_the_call_remembers_its_decisions() -> None:
    for by in (engine(), under("cross_joins > 0")):
        who = person()
        first = decide(by, SQL, who, KNOWN)
        assert decide(by, SQL, who, UNKNOWN) is first
        assert not by.audience(who).rules.loose


def test_a_hostile_statement_does_not_make_conditions_slow() -> None:
    by = under("tables.exists(t, tables.exists(u, t + u == 'x')) || cross_joins > 100")
    tables = ", ".join(f"people p{n}" for n in range(60))
    assert cpu_s(lambda: decide(by, f"SELECT COUNT(*) FROM {tables}")) < 5


@pytest.mark.parametrize(
    ("sql", "writes_email"),
    [
        ("INSERT INTO people (id, email) VALUES (1, 'x')", True),
        ("INSERT INTO people VALUES (1, 'a', 'x', 'r')", True),
        ("INSERT INTO people SELECT oid, 'a', 'x', 'r' FROM orders", True),
        (
            "MERGE INTO people p USING orders o ON p.id = o.oid WHEN NOT MATCHED THEN INSERT VALUES (1, 'a', 'x', 'r')",
            True,
        ),
        ("INSERT INTO people (id) VALUES (1)", False),
    ],
)
def test_a_write_that_names_no_columns_meets_the_rules_of_them_all(sql: str, writes_email: bool) -> None:
    assert kind(decide(engine(PERMITS), sql)) != "deny"
    assert (kind(decide(under("size(columns['email']) > 0"), sql)) == "deny") is writes_email


def test_rules_with_and_without_a_condition_of_one_effect_speak_together() -> None:
    rule = '  - {{id: {0}, effect: forbid, who: {{anyone: true}}, verbs: [read], tables: ["D.S.*"]{1}}}\n'
    plain, conditional = rule.format("plain", ""), rule.format("asks", ", when: \"verb == 'read'\", message: not so")
    refused = decide(engine(PERMITS + plain + conditional), SQL)
    assert isinstance(refused, Deny)
    assert refused.determining == {"plain", "asks"}
    assert refused.message == "not so"
