"""What several rules say together: one message in a fixed order, with its own hint, and every rule that says so."""

import itertools
from dataclasses import replace

import pytest

from policy.conditions import compile_condition
from policy.decision import Effect, RuleId
from policy.names import TableName
from policy.patterns import parse_pattern
from policy.rulebook import Rule, Who
from policy.rules import Rules, Verdict, both, combine, reaches
from policy.ruling import Ruling
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


PATTERNS = ("D.S.*", "E.S.*", "D.R.*", "*.*.*", "D.S.T", "D.S.T*", '"D"."S"."*"', "*.S.T", "D.*.U")
TABLES = [TableName(*parts) for parts in itertools.product("DE", "SR", ("T", "TT", "U", "*"))]


@pytest.mark.parametrize("written", list(itertools.combinations(PATTERNS, 2)), ids=" ".join)
def test_a_rule_speaks_of_the_tables_that_its_patterns_mean_and_of_no_other(written: tuple[str, str]) -> None:
    first, second = (
        replace(rule(effect), id=RuleId(text), tables=(parse_pattern(text, 3),))
        for effect, text in zip((Effect.PERMIT, Effect.FORBID), written, strict=True)
    )
    both_ways, one_rule = Rules([first, second]), Rules([replace(first, tables=first.tables + second.tables)])
    for table in [*TABLES, *reversed(TABLES)]:
        assert both_ways.verdict(Verb.READ, table) == combine(each for each in (first, second) if reaches(each, table))
        assert one_rule.verdict(Verb.READ, table).allows is (reaches(first, table) or reaches(second, table))
        assert both_ways.verdict(Verb.UPDATE, table) == Verdict(None, frozenset())


def rule(effect: Effect, verb: Verb = Verb.READ, when: str | None = None) -> Rule:
    """A rule on one table."""
    condition = None if when is None else compile_condition(when, frozenset())
    pattern = parse_pattern("D.S.T", 3)
    return Rule(RuleId(f"{effect}"), effect, Who(anyone=True), frozenset({verb}), (pattern,), when=condition)


@pytest.mark.parametrize(
    ("rules", "is_visible"),
    [
        ([], False),
        ([rule(Effect.PERMIT)], True),
        ([rule(Effect.HOLD, Verb.DROP)], True),
        ([rule(Effect.FORBID)], False),
        ([rule(Effect.PERMIT, Verb.DESCRIBE)], True),
        ([rule(Effect.PERMIT), rule(Effect.FORBID, Verb.DESCRIBE)], False),
        ([rule(Effect.PERMIT), rule(Effect.FORBID)], False),
        ([rule(Effect.PERMIT, when="has_limit")], True),
        ([rule(Effect.HOLD, when="has_limit")], True),
        ([rule(Effect.FORBID, when="has_limit")], False),
        ([rule(Effect.PERMIT, when="has_limit"), rule(Effect.FORBID)], False),
        ([rule(Effect.PERMIT), rule(Effect.FORBID, when="has_limit")], True),
    ],
)
def test_a_table_is_known_to_whom_something_may_be_allowed_and_looking_is_not_forbidden(
    rules: list[Rule], is_visible: bool
) -> None:
    assert Rules(rules).is_visible(TableName("D", "S", "T")) is is_visible
    assert not Rules(rules).is_visible(TableName("D", "S", "U"))


def test_what_makes_a_table_visible_is_what_allows_something() -> None:
    allowing = [rule(Effect.PERMIT, Verb.DESCRIBE), rule(Effect.HOLD, Verb.DROP)]
    assert Rules([*allowing, rule(Effect.FORBID)]).visibility(TableName("D", "S", "T")) == {"permit", "hold"}


def test_how_to_meet_a_permit_is_told_of_permits_on_the_very_table_and_the_first_in_order() -> None:
    def hinting(effect: Effect, hint: str | None, table: str = "T") -> Rule:
        return replace(rule(effect, when="has_limit"), hint=hint, tables=(parse_pattern(f"D.S.{table}", 3),))

    said = [
        hinting(Effect.PERMIT, "b"),
        hinting(Effect.PERMIT, "a"),
        hinting(Effect.PERMIT, None),
        hinting(Effect.FORBID, "A"),
        hinting(Effect.PERMIT, "1", "U"),
        hinting(Effect.PERMIT, None, "V"),
    ]
    ruling = Ruling(Rules(said), dict, dict)
    hints = [ruling.hint(Verb.READ, TableName("D", "S", name)) for name in "TUVX"]
    assert hints == ["a", "1", None, None]
    assert ruling.hint(Verb.DELETE, TableName("D", "S", "T")) is None
