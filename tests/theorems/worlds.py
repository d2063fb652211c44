"""Small random policies over a small catalog, for Hypothesis."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from hypothesis import strategies as st

from policy.catalog import Catalog, Column, Table
from policy.circumstances import Circumstances, Estimate, History
from policy.conditions import Condition, compile_condition
from policy.decision import Effect, RuleId
from policy.document import load
from policy.names import TableName
from policy.patterns import parse_pattern
from policy.principal import Principal, Subject
from policy.rulebook import Policy, Rule, Who
from policy.statement import Verb

TABLES = tuple(TableName("D", schema, name) for schema in ("A", "B") for name in ("T", "U"))
COLUMNS = (Column("K", "NUMBER(38,0)"), Column("V", "VARCHAR"))
CATALOG = Catalog.of(Table(name, COLUMNS) for name in TABLES)
GROUPS = ("red", "blue")
STATEMENTS = {
    "SELECT t.v FROM a.t": ((Verb.READ, TABLES[0]),),
    "SELECT t.v, u.v FROM a.t JOIN b.u USING (k)": ((Verb.READ, TABLES[0]), (Verb.READ, TABLES[3])),
    "INSERT INTO a.u (k) VALUES (1)": ((Verb.INSERT, TABLES[1]),),
    "UPDATE b.t SET v = 'x' WHERE k = 1": ((Verb.UPDATE, TABLES[2]),),
    "DELETE FROM b.u USING a.t WHERE t.k = u.k": ((Verb.DELETE, TABLES[3]), (Verb.READ, TABLES[0])),
    "MERGE INTO a.t USING b.t s ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v": (
        (Verb.MERGE, TABLES[0]),
        (Verb.UPDATE, TABLES[0]),
        (Verb.READ, TABLES[2]),
    ),
}
"""Statements, and what each does to which table."""

Said = Callable[[str, Principal, Circumstances], bool | None]
CONDITIONS: dict[str, Said] = {
    "true": lambda *_: True,
    "false": lambda *_: False,
    "1 / 0 == 1": lambda *_: None,
    "has_where": lambda sql, *_: "WHERE" in sql or "MERGE" in sql,
    "joins > 0": lambda sql, *_: "JOIN" in sql or "USING a.t" in sql,
    "verb == 'read' && limit > 0": lambda sql, *_: None if sql.startswith("SELECT") else False,
    "size(columns['v']) == 0": lambda sql, *_: not any(told in sql for told in (".v", "v =", "DELETE")),
    "principal.subject == 'ada'": lambda _, who, __: who.subject == "ada",
    "principal.claims.level > 1": lambda _, who, __: None if "level" not in who.claims else who.claims["level"] == 2,
    "estimate.rows > 10": lambda _, __, call: None if call.estimate.rows is None else call.estimate.rows > 10,
    "purpose == 'audit' || time < timestamp('2020-01-01T00:00:00Z')": lambda _, __, call: (
        True
        if call.purpose == "audit" or (call.time and call.time.year < 2020)
        else None
        if None in (call.purpose, call.time)
        else False
    ),
    "session.refusals == 0": lambda _, __, call: None if call.history is None else call.history.refusals == 0,
}
"""Conditions, and what a reader says of them without CEL: None where it cannot be told."""


@cache
def condition(text: str) -> Condition:
    """The condition that `text` writes."""
    return compile_condition(text, frozenset({"v"}))


BASE = load(
    """
version: 1
defaults: {database: D, schema: A}
roles: [{id: all, who: {anyone: true}, read_role: RO, write_role: RW, warehouse: W}]
public: ["D.*.*.*"]
classifications: [{name: v, columns: ["*.*.*.V"]}]
masks: [{classification: v, mask: {kind: redact}, unless: {anyone: true}}]
"""
)

whos = st.one_of(
    st.just(Who(anyone=True)),
    st.sets(st.sampled_from(GROUPS), min_size=1).map(lambda groups: Who(groups=frozenset(groups))),
    st.just(Who(subjects=frozenset({"ada"}))),
    st.just(Who(groups=frozenset({"red"}), actors=frozenset({"robot"}))),
)
patterns = st.sampled_from(["D.*.*", "D.A.*", "D.B.*", "D.A.T", "D.B.U", "*.*.T", "E.*.*", 'D.A."t"'])
principals = st.builds(
    Principal,
    subject=st.sampled_from([Subject("ada"), Subject("bob")]),
    actor=st.sampled_from(["robot", "other"]),
    issuer=st.just("https://issuer.example"),
    groups=st.frozensets(st.sampled_from(GROUPS)),
    claims=st.sampled_from([{}, {"level": 1}, {"level": 2}]),
)
times = st.sampled_from([datetime(2019, 1, 1, tzinfo=UTC), datetime(2026, 11, 25, 9, tzinfo=UTC)])
circumstances = st.builds(
    Circumstances,
    time=st.none() | times,
    purpose=st.sampled_from([None, "audit", "fun"]),
    estimate=st.builds(Estimate, rows=st.sampled_from([None, 1, 100])),
    history=st.none() | st.builds(History, refusals=st.integers(0, 1)),
)


@st.composite
def rules(draw: st.DrawFn, effects: tuple[Effect, ...] = tuple(Effect)) -> Rule:
    """One rule; its identity is made of what it says, so equal rules are the same rule."""
    effect = draw(st.sampled_from(effects))
    who = draw(whos)
    when = draw(st.none() | st.sampled_from(sorted(CONDITIONS)))
    said_of = [verb for verb in Verb if when is None or verb is not Verb.DESCRIBE]
    verbs = draw(st.frozensets(st.sampled_from(said_of), min_size=1))
    unless = draw(st.none() | whos)
    tables = tuple(parse_pattern(text, 3) for text in sorted(draw(st.sets(patterns, min_size=1, max_size=3))))
    message = draw(st.sampled_from([None, "no"])) if effect is Effect.FORBID else None
    said = (
        when,
        repr(unless),
        effect,
        sorted(verbs),
        [pattern.written for pattern in tables],
        message,
        repr(sorted(map(str, who.groups))),
    )
    id_ = RuleId(f"{said}{sorted(who.subjects)}{sorted(who.actors)}{who.anyone}")
    return Rule(id_, effect, who, verbs, tables, message, None, None if when is None else condition(when), unless)


def speaks(rule: Rule, principal: Principal, sql: str, call: Circumstances) -> bool:
    """Whether a rule's audience and condition let it speak, told without the engine."""
    if not rule.who.matches(principal) or (rule.unless is not None and rule.unless.matches(principal)):
        return False
    holds = True if rule.when is None else CONDITIONS[rule.when.text](sql, principal, call)
    return holds is True if rule.effect is Effect.PERMIT else holds is not False


EVERYTHING = Rule(RuleId("everything"), Effect.PERMIT, Who(anyone=True), frozenset(Verb), (parse_pattern("*.*.*", 3),))
rule_lists = st.lists(rules(), max_size=6)
statements = st.sampled_from(sorted(STATEMENTS))


def policy(*said: Rule) -> Policy:
    """The base policy with these rules."""
    return replace(BASE, rules=said)
