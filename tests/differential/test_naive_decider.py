"""The engine against ten lines that say the same of rules alone, their conditions told without CEL."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given

from policy.circumstances import UNKNOWN, Circumstances, Estimate, History
from policy.decision import Deny, Effect, Hold, Permit, RuleId
from policy.engine import Engine
from policy.principal import Principal, Subject
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
    speaks,
    statements,
)


def naive(said: list[Rule], principal: Principal, sql: str, call: Circumstances) -> type[Permit | Hold | Deny]:
    """Every use of a table needs a rule; one forbid denies, one hold holds."""
    effects: list[set[Effect]] = []
    for verb, table in STATEMENTS[sql]:
        names = (table.database, table.schema, table.name)
        mine = [rule for rule in said if verb in rule.verbs and speaks(rule, principal, sql, call)]
        effects.append({rule.effect for rule in mine if any(pattern.matches(names) for pattern in rule.tables)})
    if any(not each or Effect.FORBID in each for each in effects):
        return Deny
    return Hold if any(Effect.HOLD in each for each in effects) else Permit


@given(rule_lists, principals, statements, circumstances)
def test_the_engine_agrees_with_the_naive_decider(
    said: list[Rule], principal: Principal, sql: str, call: Circumstances
) -> None:
    engine = Engine(policy(*said), CATALOG)
    decision = engine.decide(principal, engine.understand(sql), circumstances=call)
    hidden = {table for _, table in STATEMENTS[sql] if not engine.audience(principal).rules.is_visible(table)}
    assert type(decision) is (Deny if hidden else naive(said, principal, sql, call))


@pytest.mark.parametrize("when", CONDITIONS)
@pytest.mark.parametrize("sql", STATEMENTS)
@pytest.mark.parametrize("effect", Effect)
def test_each_condition_is_told_of_each_statement_as_a_reader_tells_it(when: str, sql: str, effect: Effect) -> None:
    conditional = replace(EVERYTHING, id=RuleId("conditional"), effect=effect, when=condition(when))
    principal = Principal(Subject("ada"), "robot", "https://issuer.example", claims={"level": 2})
    known = Circumstances(datetime(2026, 11, 25, tzinfo=UTC), "fun", Estimate(rows=100), History(refusals=1))
    for said in ([EVERYTHING, conditional], [conditional]):
        engine = Engine(policy(*said), CATALOG)
        for call in (UNKNOWN, known):
            decision = engine.decide(principal, engine.understand(sql), circumstances=call)
            assert type(decision) is naive(said, principal, sql, call)
