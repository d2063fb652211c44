"""How rules combine, for any rules: forbid over hold over permit, and nothing is permitted by silence."""

import random

from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Decision, Deny, Effect, Hold, Permit
from policy.engine import Engine
from policy.principal import Principal
from policy.rulebook import Rule
from tests.theorems.worlds import CATALOG, STATEMENTS, policy, principals, rule_lists, rules, statements

ORDER = {Deny: 0, Hold: 1, Permit: 2}


def _decide(said: list[Rule], principal: Principal, sql: str) -> Decision:
    engine = Engine(policy(*said), CATALOG)
    return engine.decide(principal, engine.understand(sql))


def _rank(decision: Decision) -> int:
    return ORDER[type(decision)]


@given(principals, statements)
def test_default_deny(principal: Principal, sql: str) -> None:
    assert isinstance(_decide([], principal, sql), Deny)


@given(rule_lists, principals, statements)
def test_permitted_only_if_explicitly_permitted(said: list[Rule], principal: Principal, sql: str) -> None:
    decision = _decide(said, principal, sql)
    if not isinstance(decision, Deny):
        for verb, table in STATEMENTS[sql]:
            names = (table.database, table.schema, table.name)
            assert any(
                rule.effect is not Effect.FORBID
                and verb in rule.verbs
                and rule.who.matches(principal)
                and any(pattern.matches(names) for pattern in rule.tables)
                for rule in said
            )


@given(rule_lists, rules((Effect.FORBID,)), principals, statements)
def test_forbid_trumps_permit(said: list[Rule], forbid: Rule, principal: Principal, sql: str) -> None:
    applies = forbid.who.matches(principal) and any(
        verb in forbid.verbs and any(pattern.matches((t.database, t.schema, t.name)) for pattern in forbid.tables)
        for verb, t in STATEMENTS[sql]
    )
    if applies:
        assert isinstance(_decide([*said, forbid], principal, sql), Deny)


@given(rule_lists, rules((Effect.FORBID, Effect.HOLD)), principals, statements)
def test_adding_a_forbid_or_a_hold_to_what_applies_never_opens(
    said: list[Rule], more: Rule, principal: Principal, sql: str
) -> None:
    before, after = _decide(said, principal, sql), _decide([*said, more], principal, sql)
    if more.effect is Effect.FORBID or not isinstance(before, Deny):
        assert _rank(after) <= _rank(before)


@given(rule_lists, principals, statements, st.randoms(use_true_random=False))
def test_order_and_duplicate_independence(
    said: list[Rule], principal: Principal, sql: str, dice: random.Random
) -> None:
    shuffled = [*said, *said[:2]]
    dice.shuffle(shuffled)
    assert _decide(said, principal, sql) == _decide(shuffled, principal, sql)


@given(rule_lists, principals, statements)
def test_a_hidden_table_is_answered_like_a_missing_one(said: list[Rule], principal: Principal, sql: str) -> None:
    engine = Engine(policy(*said), CATALOG)
    empty = Engine(policy(*said), type(CATALOG)())
    audience = engine.audience(principal)
    if not any(audience.rules.is_visible(table) for _, table in STATEMENTS[sql]):
        shown = engine.decide(principal, engine.understand(sql))
        assert shown == empty.decide(principal, empty.understand(sql))
        assert isinstance(shown, Deny)


@given(rule_lists, principals, statements)
def test_equal_questions_have_equal_answers(said: list[Rule], principal: Principal, sql: str) -> None:
    engine = Engine(policy(*said), CATALOG)
    first = engine.decide(principal, engine.understand(sql))
    assert engine.decide(principal, engine.understand(sql)) is first
    assert first == _decide(said, principal, sql)
