"""What the people of each group can reach: which tables, by which verbs, with which columns clear, masked or hidden."""

from collections.abc import Iterator
from dataclasses import dataclass

from policy.decision import Effect
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal, Subject
from policy.rulebook import Policy
from policy.rules import Rules, reaches
from policy.statement import Verb


@dataclass(frozen=True, slots=True)
class Reach:
    """One table for one group. `verbs` say `permit`, `hold`, `forbid` or, where a condition decides, `condition`."""

    group: str | None
    table: TableName
    verbs: dict[str, str]
    clear: tuple[str, ...]
    masked: dict[str, str]
    row_filters: tuple[str, ...]


def groups_of(policy: Policy) -> tuple[str, ...]:
    """Every group that the policy names, in order."""
    return tuple(sorted({group for who in policy.audiences() for group in who.groups}))


def reach(engine: Engine) -> Iterator[Reach]:
    """What somebody reaches who is in one group and nothing else, for each group, and for nobody's member (None).

    People whom the policy knows by name, agent, issuer or claim may reach more; `who` of such rules is not tried.
    """
    for group in (*groups_of(engine.policy), None):
        groups = frozenset() if group is None else frozenset({group})
        audience = engine.audience(Principal(Subject("-"), "-", "-", groups))
        if audience.role is None:
            continue
        for table in engine.visible(audience):
            exposure = audience.exposures.of(table)
            verbs = {verb.value: said for verb in Verb if (said := _said(audience.rules, verb, table.name)) is not None}
            yield Reach(
                group=group,
                table=table.name,
                verbs=verbs,
                clear=tuple(column.name for column in exposure.columns if column.mask is None),
                masked={c.name: c.how.removeprefix("masked: ") for c in exposure.columns if c.mask is not None},
                row_filters=tuple(each.id for each in exposure.filters),
            )


def _said(rules: Rules, verb: Verb, table: TableName) -> str | None:
    """What the rules say of a verb; None where they say nothing, which denies."""
    verdict = rules.verdict(verb, table)
    if verdict.effect is Effect.FORBID:
        return "forbid"
    if any(reaches(rule, table) for rule in rules.conditional[verb]):
        return "condition"
    return None if verdict.effect is None else verdict.effect.value
