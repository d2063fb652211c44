"""How rules combine, for any rules with any conditions: forbid over hold over permit, nothing permitted by silence."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policy.circumstances import UNKNOWN, Circumstances
from policy.decision import Decision, Deny, Effect, Hold, Obligation, Permit
from policy.engine import Engine
from policy.principal import Principal
from policy.rulebook import Rule
from tests.theorems.worlds import (
    CATALOG,
    CONDITIONS,
    EVERYTHING,
    STATEMENTS,
    circumstances,
    condition,
    policy,
    principals,
    rule_lists,
    rules,
    speaks,
    statements,
)

ORDER = {Deny: 0, Hold: 1, Permit: 2}
UNTOLD = sorted(text for text in CONDITIONS if text in ("1 / 0 == 1", "estimate.rows > 10", "session.refusals == 0"))
"""Conditions that cannot be told of a call of which nothing is known."""


def _decide(said: list[Rule], principal: Principal, sql: str, call: Circumstances = UNKNOWN) -> Decision:
    engine = Engine(policy(*said), CATALOG)
    return engine.decide(principal, engine.understand(sql), circumstances=call)


def _rank(decision: Decision) -> int:
    return ORDER[type(decision)]


def _owed(decision: Decision) -> frozenset[Obligation]:
    match decision:
        case Permit():
            return decision.obligations
        case Hold():
            return decision.then.obligations
        case Deny():
            raise AssertionError


@given(principals, statements, circumstances)
def test_default_deny(principal: Principal, sql: str, call: Circumstances) -> None:
    assert isinstance(_decide([], principal, sql, call), Deny)


@given(rule_lists, principals, statements, circumstances)
def test_permitted_only_if_explicitly_permitted(
    said: list[Rule], principal: Principal, sql: str, call: Circumstances
) -> None:
    decision = _decide(said, principal, sql, call)
    if not isinstance(decision, Deny):
        for verb, table in STATEMENTS[sql]:
            names = (table.database, table.schema, table.name)
            assert any(
                rule.effect is not Effect.FORBID
                and verb in rule.verbs
                and speaks(rule, principal, sql, call)
                and any(pattern.matches(names) for pattern in rule.tables)
                for rule in said
            )


@given(rule_lists, rules((Effect.FORBID,)), principals, statements, circumstances)
def test_forbid_trumps_permit(
    said: list[Rule], forbid: Rule, principal: Principal, sql: str, call: Circumstances
) -> None:
    applies = speaks(forbid, principal, sql, call) and any(
        verb in forbid.verbs and any(pattern.matches((t.database, t.schema, t.name)) for pattern in forbid.tables)
        for verb, t in STATEMENTS[sql]
    )
    if applies:
        assert isinstance(_decide([*said, forbid], principal, sql, call), Deny)


@given(rule_lists, rules((Effect.FORBID, Effect.HOLD)), principals, statements, circumstances)
def test_adding_a_forbid_or_a_hold_to_what_applies_never_opens(
    said: list[Rule], more: Rule, principal: Principal, sql: str, call: Circumstances
) -> None:
    before, after = _decide(said, principal, sql, call), _decide([*said, more], principal, sql, call)
    if more.effect is Effect.FORBID or not isinstance(before, Deny):
        assert _rank(after) <= _rank(before)


@given(rule_lists, rules(), principals, statements, circumstances)
def test_obligations_only_grow(
    said: list[Rule], more: Rule, principal: Principal, sql: str, call: Circumstances
) -> None:
    open_ = [rule for rule in said if rule.effect is not Effect.FORBID] + [EVERYTHING]
    before, after = _decide(open_, principal, sql, call), _decide([*open_, more], principal, sql, call)
    if not isinstance(after, Deny):
        assert _owed(before) <= _owed(after)


@given(rule_lists, rules((Effect.PERMIT,)), st.sampled_from(UNTOLD), principals, statements)
def test_a_condition_that_cannot_be_told_never_permits(
    said: list[Rule], permit: Rule, untold: str, principal: Principal, sql: str
) -> None:
    verbs = permit.verbs - {verb for verb in permit.verbs if verb.value == "describe"}
    more = replace(permit, verbs=verbs, when=condition(untold))
    assert _rank(_decide([*said, more], principal, sql)) <= _rank(_decide(said, principal, sql)) or not verbs


@given(rule_lists, rules((Effect.FORBID, Effect.HOLD)), st.sampled_from(UNTOLD), principals, statements)
def test_a_condition_that_cannot_be_told_lets_no_hold_and_no_forbid_pass(
    said: list[Rule], strict: Rule, untold: str, principal: Principal, sql: str
) -> None:
    verbs = strict.verbs - {verb for verb in strict.verbs if verb.value == "describe"}
    told, plain = replace(strict, verbs=verbs, when=condition(untold)), replace(strict, verbs=verbs, when=None)
    if all(rule.effect is not Effect.PERMIT or rule.when is None for rule in said):
        assert _rank(_decide([*said, told], principal, sql)) == _rank(_decide([*said, plain], principal, sql))


@given(rule_lists, principals, statements, circumstances, st.randoms(use_true_random=False))
def test_order_and_duplicate_independence(
    said: list[Rule], principal: Principal, sql: str, call: Circumstances, dice: random.Random
) -> None:
    shuffled = [*said, *said[:2]]
    dice.shuffle(shuffled)
    assert _decide(said, principal, sql, call) == _decide(shuffled, principal, sql, call)


@given(rule_lists, principals, statements, circumstances)
def test_a_hidden_table_is_answered_like_a_missing_one(
    said: list[Rule], principal: Principal, sql: str, call: Circumstances
) -> None:
    engine = Engine(policy(*said), CATALOG)
    empty = Engine(policy(*said), type(CATALOG)())
    audience = engine.audience(principal)
    if not any(audience.rules.is_visible(table) for _, table in STATEMENTS[sql]):
        shown = engine.decide(principal, engine.understand(sql), circumstances=call)
        assert shown == empty.decide(principal, empty.understand(sql), circumstances=call)
        assert isinstance(shown, Deny)


@given(rule_lists, principals, statements, circumstances, circumstances)
def test_equal_questions_have_equal_answers(
    said: list[Rule], principal: Principal, sql: str, call: Circumstances, another: Circumstances
) -> None:
    engine = Engine(policy(*said), CATALOG)
    first = engine.decide(principal, engine.understand(sql), circumstances=call)
    between = engine.decide(principal, engine.understand(sql), circumstances=another)
    assert engine.decide(principal, engine.understand(sql), circumstances=call) is first
    assert first == _decide(said, principal, sql, call)
    assert between == _decide(said, principal, sql, another)
