"""Two policies over the same statements and people: what one would decide otherwise than the other."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from policy.engine import Engine
from policy.principal import Principal
from policy.report import Verdict, verdict_on

CHANGES_SHOWN_MAX = 1_000


@dataclass(slots=True)
class Difference:
    """Counts of what changed, by kind, and the first changes themselves."""

    compared: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def opens(self) -> bool:
        """Whether anything is let through, sooner or with less masked or filtered, that was not before."""
        return any(self.counts[kind] for kind in OPENING)


OPENING = ("deny->permit", "deny->hold", "hold->permit", "less masked", "less filtered", "less counted", "less padded")
"""Changes that let somebody do or see more."""


def compare(
    old: Engine, new: Engine, principals: Mapping[str, Principal], statements: Iterable[Mapping[str, str]]
) -> Difference:
    """What `new` decides otherwise than `old` of each of `statements` (`id`, `sql`) for each of `principals`."""
    difference = Difference()
    for statement in statements:
        for name, principal in principals.items():
            before = verdict_on(old, principal, statement["sql"])
            after = verdict_on(new, principal, statement["sql"])
            difference.compared += 1
            kinds = _kinds(before, after)
            difference.counts.update(kinds)
            if kinds and len(difference.changes) < CHANGES_SHOWN_MAX:
                difference.changes.append(
                    {
                        "id": statement["id"],
                        "principal": name,
                        "changes": kinds,
                        "before": _told(before),
                        "after": _told(after),
                    }
                )
    return difference


def _kinds(before: Verdict, after: Verdict) -> list[str]:
    kinds: list[str] = []
    if before.word != after.word:
        kinds.append(f"{before.word}->{after.word}")
    if before.permit is None or after.permit is None:
        return kinds
    for what, old, new in (("masked", _masks(before), _masks(after)), ("filtered", _filters(before), _filters(after))):
        kinds += [f"less {what}"] * bool(old - new) + [f"more {what}"] * bool(new - old)
    shares, padded = (_shares(before), _shares(after)), (before.padded_ms, after.padded_ms)
    kinds += ["less counted"] * _is_less(*shares) + ["more counted"] * _is_less(*reversed(shares))
    kinds += ["less padded"] * (padded[1] < padded[0]) + ["more padded"] * (padded[1] > padded[0])
    return kinds


def _shares(verdict: Verdict) -> dict[tuple[str, bool], Fraction]:
    """The part of each budget that one statement takes."""
    return {(each.budget_id, each.is_shared): Fraction(each.answers, each.per_day) for each in verdict.counted}


def _is_less(before: Mapping[tuple[str, bool], Fraction], after: Mapping[tuple[str, bool], Fraction]) -> bool:
    return any(after.get(budget, 0) < share for budget, share in before.items())


def _masks(verdict: Verdict) -> set[str]:
    return set(verdict.masked)


def _filters(verdict: Verdict) -> set[str]:
    return set(verdict.filtered)


def _told(verdict: Verdict) -> dict[str, Any]:
    return {
        "decision": verdict.word,
        "rules": verdict.rules,
        "masked": verdict.masked,
        "filtered": verdict.filtered,
        "budgets": [f"{each.budget_id}: {each.answers} of {each.per_day}" for each in verdict.counted],
        "padded_ms": verdict.padded_ms,
    }
