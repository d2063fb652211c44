"""Small random policies over a small catalog, for Hypothesis."""

from dataclasses import replace

from hypothesis import strategies as st

from policy.catalog import Catalog, Column, Table
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

BASE = load(
    """
version: 1
defaults: {database: D, schema: A}
roles: [{id: all, who: {anyone: true}, read_role: RO, write_role: RW, warehouse: W}]
public: ["D.*.*.*"]
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
)


@st.composite
def rules(draw: st.DrawFn, effects: tuple[Effect, ...] = tuple(Effect)) -> Rule:
    """One rule; its identity is made of what it says, so equal rules are the same rule."""
    effect = draw(st.sampled_from(effects))
    who = draw(whos)
    verbs = draw(st.frozensets(st.sampled_from(list(Verb)), min_size=1))
    tables = tuple(parse_pattern(text, 3) for text in sorted(draw(st.sets(patterns, min_size=1, max_size=3))))
    message = draw(st.sampled_from([None, "no"])) if effect is Effect.FORBID else None
    said = (effect, sorted(verbs), [pattern.written for pattern in tables], message, repr(sorted(map(str, who.groups))))
    id_ = RuleId(f"{said}{sorted(who.subjects)}{sorted(who.actors)}{who.anyone}")
    return Rule(id_, effect, who, verbs, tables, message)


rule_lists = st.lists(rules(), max_size=6)
statements = st.sampled_from(sorted(STATEMENTS))


def policy(*said: Rule) -> Policy:
    """The base policy with these rules."""
    return replace(BASE, rules=said)
