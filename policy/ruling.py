"""What the rules of an audience come to for one statement in one call, conditions included.

A condition that cannot be told (an error, a fact that is not known) never permits, and keeps a hold or a forbid.
"""

from collections.abc import Callable, Mapping
from typing import Any

from policy.decision import Effect
from policy.names import TableName
from policy.rulebook import Rule
from policy.rules import Rules, Verdict, both, combine, reaches
from policy.statement import Verb

Bits = tuple[bool, ...]
"""Whether each rule whose condition asks for the call applies to it, in the order of the policy."""


Facts = Callable[[], Mapping[str, Any]]
"""Values of facts by name, worked out when called."""

_NOTHING: Mapping[str, Any] = {}


class Ruling:
    """The rules of one audience, for one statement in one call; facts are worked out when a condition needs them.

    A condition that asks for a fact in `hoped` is taken to come out as the caller would like it.
    """

    def __init__(self, rules: Rules, of_statement: Facts, of_call: Facts, hoped: frozenset[str] = frozenset()) -> None:
        self._rules = rules
        self._hoped = hoped
        self._of_statement = of_statement
        self._of_call = of_call
        self._known: dict[Facts, Mapping[str, Any]] = {}
        self._applies: dict[int, bool] = {}

    def verdict(self, verb: Verb, table: TableName) -> Verdict:
        """What the rules say of `verb` on `table`."""
        by_name = self._rules.verdict(verb, table)
        conditional = [r for r in self._rules.conditional[verb] if reaches(r, table) and self.applies(r)]
        return both(by_name, combine(conditional)) if conditional else by_name

    def bits(self, verb: Verb) -> Bits:
        """Everything that the call, beside the statement and the audience, adds to what is decided."""
        return tuple(map(self.applies, self._rules.loose_for[verb]))

    def hint(self, verb: Verb, table: TableName) -> str | None:
        """What a permit whose condition is not met says of how to meet it."""
        hints = [r.hint for r in self._rules.conditional[verb] if r.effect is Effect.PERMIT and reaches(r, table)]
        return min((hint for hint in hints if hint is not None), default=None)

    def applies(self, rule: Rule) -> bool:
        """Whether the condition of `rule` lets it speak."""
        known = self._applies.get(id(rule))
        if known is None:
            known = self._applies[id(rule)] = self._evaluated(rule)
        return known

    def _facts(self, worked_out: Facts) -> Mapping[str, Any]:
        """What `worked_out` gives, which is called once."""
        known = self._known.get(worked_out)
        if known is None:
            known = self._known[worked_out] = worked_out()
        return known

    def _evaluated(self, rule: Rule) -> bool:
        assert rule.when is not None  # noqa: S101 - only rules with a condition are asked about
        if not self._hoped.isdisjoint(rule.when.names):
            return rule.effect is Effect.PERMIT
        fixed = self._facts(self._of_statement) if rule.when.asks_statement else _NOTHING
        holds = rule.when.holds(fixed, self._facts(self._of_call))
        return holds is True if rule.effect is Effect.PERMIT else holds is not False
