"""Which rules apply to a table for one audience, and what they come to: forbid over hold over permit, else nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

from policy.decision import Effect, RuleId
from policy.names import TableName
from policy.rulebook import Rule
from policy.statement import Verb

_USES = tuple(verb for verb in Verb if verb is not Verb.DESCRIBE)


SCHEMAS_REMEMBERED = 20_000
"""Schemas of which the rules that reach them are kept."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one verb on one table. No effect means that no rule speaks, which denies."""

    effect: Effect | None
    determining: frozenset[RuleId]
    message: str | None = None

    @property
    def allows(self) -> bool:
        """Whether the verb may be used, at once or after an approval."""
        return self.effect in (Effect.PERMIT, Effect.HOLD)


def combine(rules: Iterable[Rule]) -> Verdict:
    """The verdict of the rules that apply, whatever their order and however often they occur."""
    by_effect: dict[Effect, list[Rule]] = {}
    for rule in rules:
        by_effect.setdefault(rule.effect, []).append(rule)
    for effect in (Effect.FORBID, Effect.HOLD, Effect.PERMIT):
        if effect in by_effect:
            found = by_effect[effect]
            messages = sorted({rule.message for rule in found if rule.message})
            return Verdict(effect, frozenset(rule.id for rule in found), messages[0] if messages else None)
    return Verdict(None, frozenset())


class Rules:
    """The rules of one audience, with a memo by schema so that a large catalog costs little."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_verb: dict[Verb, list[Rule]] = {verb: [] for verb in Verb}
        for rule in rules:
            for verb in rule.verbs:
                self._by_verb[verb].append(rule)
        self._by_schema: dict[tuple[Verb, str, str], list[tuple[Rule, list[int]]]] = {}
        self._whole: dict[tuple[Verb, str, str], Verdict | None] = {}

    def verdict(self, verb: Verb, table: TableName) -> Verdict:
        """What the rules say of `verb` on `table`, which need not exist."""
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
        describe = self.verdict(Verb.DESCRIBE, table)
        if describe.effect is Effect.FORBID:
            return False
        return describe.allows or any(self.verdict(verb, table).allows for verb in _USES)

    def visibility(self, table: TableName) -> frozenset[RuleId]:
        """The rules that make `table` visible."""
        verdicts = [self.verdict(verb, table) for verb in Verb]
        return frozenset[RuleId]().union(*(verdict.determining for verdict in verdicts if verdict.allows))
