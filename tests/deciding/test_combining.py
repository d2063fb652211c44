"""What several rules say together: one message in a fixed order, with its own hint, and every rule that says so."""

import itertools

import pytest

from policy.decision import Effect, RuleId
from policy.names import TableName
from policy.rulebook import Rule, Who
from policy.rules import Rules, Verdict, both, combine
from policy.statement import Verb


def forbid(id: str, message: str | None = None, hint: str | None = None) -> Rule:
    """A forbid with these words."""
    return Rule(RuleId(id), Effect.FORBID, Who(anyone=True), frozenset({Verb.READ}), (), message, hint)


A, B, SILENT = forbid("a", "apples", "ask for pears"), forbid("b", "berries"), forbid("c", None, "say more")
HINTED, UNHINTED = forbid("d", "apples", "at noon"), forbid("e", "apples")


@pytest.mark.parametrize(
    ("rules", "message", "hint"),
    [
        ((A, B), "apples", "ask for pears"),
        ((B, SILENT), "berries", None),
        ((A, UNHINTED), "apples", "ask for pears"),
        ((A, HINTED), "apples", "ask for pears"),
        ((SILENT,), None, "say more"),
        ((forbid("f"),), None, None),
        ((forbid("f"), SILENT), None, "say more"),
        ((forbid("g", "ZEBRAS"), SILENT), "ZEBRAS", None),
        ((forbid("g", "ZEBRAS", "YAKS"), forbid("h", "ZEBRAS")), "ZEBRAS", "YAKS"),
        ((A, B, SILENT, HINTED, UNHINTED), "apples", "ask for pears"),
    ],
)
def test_the_first_message_is_told_with_its_own_hint_and_silence_comes_last(
    rules: tuple[Rule, ...], message: str | None, hint: str | None
) -> None:
    ids = frozenset(rule.id for rule in rules)
    for order in itertools.permutations(rules):
        assert combine(order) == Verdict(Effect.FORBID, ids, message, hint)
        for n in range(1, len(order)):
            assert both(combine(order[:n]), combine(order[n:])) == Verdict(Effect.FORBID, ids, message, hint)


def test_where_no_rule_speaks_none_determines() -> None:
    silence = Verdict(None, frozenset())
    assert combine([]) == silence
    assert both(silence, silence) == silence
    assert not silence.allows


def test_what_is_stricter_stands_alone_whichever_comes_first() -> None:
    effects = [Verdict(effect, frozenset({RuleId(effect)})) for effect in Effect]
    permit, hold, prohibition = effects
    silence = Verdict(None, frozenset())
    for weak, strong in ((permit, hold), (permit, prohibition), (hold, prohibition), (silence, permit)):
        assert both(weak, strong) == both(strong, weak) == strong
    assert [each.allows for each in effects] == [True, True, False]


def test_rules_of_nobody_show_nothing() -> None:
    table = TableName("D", "S", "T")
    assert not Rules([]).is_visible(table)
    assert Rules([]).visibility(table) == frozenset()
