"""Which rules apply to a table for one audience, and what they come to: forbid over hold over permit, else nothing.

A rule without a condition speaks by name alone, whether the table exists or not. One with a condition speaks only of
statements (`policy.ruling`); here it counts as something that may come to pass: it can make a table known to exist.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from policy.decision import Effect, RuleId
from policy.names import TableName
from policy.rulebook import Rule
from policy.statement import Verb

_STRICTEST_FIRST = (Effect.FORBID, Effect.HOLD, Effect.PERMIT)
_USES = tuple(verb for verb in Verb if verb is not Verb.DESCRIBE)


SCHEMAS_REMEMBERED = 20_000
"""Schemas of which the rules that reach them are kept."""

TABLES_REMEMBERED = 1_000
"""Tables of which it is kept whether the audience may know of them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one verb on one table. No effect means that no rule speaks, which denies."""

    effect: Effect | None
    determining: frozenset[RuleId]
    message: str | None = None
    hint: str | None = None

    @property
    def allows(self) -> bool:
        """Whether the verb may be used, at once or after an approval."""
        return self.effect in (Effect.PERMIT, Effect.HOLD)


def combine(rules: Iterable[Rule]) -> Verdict:
    """The verdict of the rules that apply, whatever their order and however often they occur."""
    by_effect: dict[Effect, list[Rule]] = {}
    for rule in rules:
        by_effect.setdefault(rule.effect, []).append(rule)
    for effect in _STRICTEST_FIRST:
        if effect in by_effect:
            found = by_effect[effect]
            message, hint = min(((rule.message or "", rule.hint or "") for rule in found), key=_said_first)
            return Verdict(effect, frozenset(rule.id for rule in found), message or None, hint or None)
    return Verdict(None, frozenset())


def both(one: Verdict, other: Verdict) -> Verdict:
    """The verdict of the rules of two verdicts together."""
    if one.effect is not other.effect:
        return min((one, other), key=_strictness)
    words = min((one.message or "", one.hint or ""), (other.message or "", other.hint or ""), key=_said_first)
    return Verdict(one.effect, one.determining | other.determining, words[0] or None, words[1] or None)


def _strictness(verdict: Verdict) -> int:
    return 3 if verdict.effect is None else _STRICTEST_FIRST.index(verdict.effect)


def reaches(rule: Rule, table: TableName) -> bool:
    """Whether a rule's tables are meant to include `table`."""
    names = table.parts
    return any(pattern.matches(names) for pattern in rule.tables)


def _said_first(words: tuple[str, str]) -> tuple[bool, str, bool, str]:
    """Of several messages the first in order is shown, with its hint; a rule that says nothing comes last."""
    message, hint = words
    return not message, message, not hint, hint


class Rules:
    """The rules of one audience, with a memo by schema so that a large catalog costs little."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Sort `rules`; `loose` are those whose conditions ask for the call, so that no two calls need agree."""
        self._by_verb: dict[Verb, list[Rule]] = {verb: [] for verb in Verb}
        self.conditional: dict[Verb, list[Rule]] = {verb: [] for verb in Verb}
        for rule in rules:
            for verb in rule.verbs:
                (self._by_verb if rule.when is None else self.conditional)[verb].append(rule)
        asked = {id(rule): rule for each in self.conditional.values() for rule in each}
        self.loose = tuple(rule for rule in asked.values() if rule.when is not None and not rule.when.is_fixed)
        reading = tuple(rule for rule in self.loose if Verb.READ in rule.verbs)
        self.loose_for = {verb: reading if verb is Verb.READ else self.loose for verb in Verb}
        self.asks_call = frozenset[str]().union(*(r.when.names for r in self.loose if r.when is not None))
        self._by_schema: dict[tuple[Verb, str, str], list[tuple[Rule, list[int]]]] = {}
        self._whole: dict[tuple[Verb, str, str], Verdict | None] = {}
        self._visible: dict[TableName, bool] = {}

    def verdict(self, verb: Verb, table: TableName) -> Verdict:
        """What the rules without a condition say of `verb` on `table`, which need not exist."""
        place = (verb, table.database, table.schema)
        candidates = self._by_schema.get(place)
        if candidates is None:
            if len(self._by_schema) >= SCHEMAS_REMEMBERED:  # callers may invent names without end
                self._by_schema.clear()
                self._whole.clear()
            candidates = self._by_schema[place] = self._reaching(*place)
            parts = [rule.tables[n].parts[2] for rule, indices in candidates for n in indices]
            is_whole = all(not part.is_exact and part.text == "*" for part in parts)
            self._whole[place] = combine(rule for rule, _ in candidates) if is_whole else None
        whole = self._whole[place]
        if whole is not None:
            return whole
        return combine(
            rule for rule, indices in candidates if any(rule.tables[n].parts[2].matches(table.name) for n in indices)
        )

    def _reaching(self, verb: Verb, database: str, schema: str) -> list[tuple[Rule, list[int]]]:
        """The rules that can mean a table of the schema, each with its patterns that do."""
        reaching: list[tuple[Rule, list[int]]] = []
        for rule in self._by_verb[verb]:
            indices = [
                n
                for n, pattern in enumerate(rule.tables)
                if pattern.parts[0].matches(database) and pattern.parts[1].matches(schema)
            ]
            if indices:
                reaching.append((rule, indices))
        return reaching

    def is_visible(self, table: TableName) -> bool:
        """Whether the audience may know that `table` exists: some verb is allowed, and looking is not forbidden."""
        known = self._visible.get(table)
        if known is None:
            if len(self._visible) >= TABLES_REMEMBERED:
                self._visible.clear()
            known = self._visible[table] = self._is_visible(table)
        return known

    def _is_visible(self, table: TableName) -> bool:
        describe = self.verdict(Verb.DESCRIBE, table)
        if describe.effect is Effect.FORBID:
            return False
        return describe.allows or any(self.may(verb, table) for verb in _USES)

    def may(self, verb: Verb, table: TableName) -> bool:
        """Whether the verb is allowed, or would be if a condition came true."""
        verdict = self.verdict(verb, table)
        if verdict.effect is not None:
            return verdict.allows
        return any(rule.effect is not Effect.FORBID and reaches(rule, table) for rule in self.conditional[verb])

    def visibility(self, table: TableName) -> frozenset[RuleId]:
        """The rules that make `table` visible."""
        verdicts = [self.verdict(verb, table) for verb in Verb]
        return frozenset[RuleId]().union(*(verdict.determining for verdict in verdicts if verdict.allows))
