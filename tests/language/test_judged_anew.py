"""An engine remembers what it has said, and still says of every call what a new engine would say."""

import itertools

import pytest

from policy.circumstances import Circumstances
from policy.principal import Principal
from policy.statement import SqlStatement
from tests.language.worlds import PERMITS, decide, engine, kind, person

RULES = PERMITS + "".join(
    f'  - {{id: no-{word}-{verb}, effect: forbid, who: {{anyone: true}}, verbs: [{verb}], tables: ["D.S.{table}"], '
    f"when: \"purpose == '{word}'\"}}\n"
    for word, verb, table in (
        ("fun", "read", "ORDERS"),
        ("spite", "read", "*"),
        ("fun", "update", "ORDERS"),
        ("haste", "delete", "*"),
        ("spite", "merge", "ORDERS"),
    )
)
READ, UPDATE, DELETE = (
    "SELECT oid FROM orders",
    "UPDATE orders SET amount = 1 WHERE oid = 7",
    "DELETE FROM orders WHERE oid = 7",
)
MERGE = "MERGE INTO orders USING notes ON oid = nid WHEN MATCHED THEN DELETE"
DENIED = {
    (READ, "fun"), (READ, "spite"), (UPDATE, "fun"), (DELETE, "haste"), (MERGE, "spite"), (MERGE, "haste"),
}  # fmt: skip


@pytest.mark.parametrize("sql", [READ, UPDATE, DELETE, MERGE])
def test_one_engine_says_of_each_purpose_what_its_rules_say_in_whatever_order_it_is_asked(sql: str) -> None:
    for order in itertools.permutations(("fun", "spite", "haste", "work")):
        by = engine(RULES)
        for purpose in (*order, *order):
            said = kind(decide(by, sql, None, Circumstances(None, purpose)))
            assert (said == "deny") == ((sql, purpose) in DENIED), (order, purpose)


@pytest.mark.parametrize("when", ["session.rows > 5", "estimate.rows > 5"])
def test_what_a_rule_asks_of_the_call_is_found_out_for_whom_it_means(when: str) -> None:
    rule = '  - {{id: r, effect: forbid, who: {{groups: [a]}}, verbs: [read], tables: [D.S.ORDERS], when: "{}"}}\n'
    by = engine(PERMITS + rule.format(when))
    statement, other = by.understand(READ), by.understand("SELECT nid FROM notes")
    meant, unmeant = person("a"), person("b")

    def is_estimated(who: Principal, of: SqlStatement) -> bool:
        return by.estimable(who, of, rows_max=None, circumstances=Circumstances(None, "work")) is not None

    assert by.remembers(meant) is when.startswith("session")
    assert is_estimated(meant, statement) is when.startswith("estimate")
    assert by.asked_of_call(meant, statement) == {when.split()[0]}
    assert not by.remembers(unmeant)
    assert not is_estimated(unmeant, statement)
    assert not is_estimated(meant, other)
    assert by.asked_of_call(meant, other) == by.asked_of_call(unmeant, statement) == frozenset()
