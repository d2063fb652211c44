"""Who has to say yes to a held statement, and whether they have: the `approvals` of a policy, decided. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from policy.decision import RuleId
from policy.effects import Effect, Risk, RiskTiers
from policy.principal import Principal
from policy.statement import TABLE_CHANGES, Verb


@dataclass(frozen=True, slots=True)
class Step:
    """`quorum` distinct people who are in one of `groups`."""

    groups: frozenset[str]
    quorum: int


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the rows really touched may be from the rows shown: the larger of the two."""

    rows: int = 0
    percent: int = 0

    def allowed(self, shown: int) -> range:
        """The counts that pass where `shown` was approved."""
        slack = max(self.rows, shown * self.percent // 100)
        return range(max(0, shown - slack), shown + slack + 1)


DESTRUCTIVE = frozenset({Verb.DELETE, Verb.TRUNCATE, Verb.DROP, Verb.RESTORE})
"""Verbs whose effect is destructive whatever is measured."""


@dataclass(frozen=True, slots=True)
class ApprovalEntry:
    """One entry of the policy's `approvals`; the first that covers a held statement counts.

    `by` is `confirmation` (the caller's own user) or `approvers`. Empty sets cover everything. Times are in seconds.
    """

    id: RuleId
    by: Literal["confirmation", "approvers"]
    rules: frozenset[str]
    verbs: frozenset[Verb]
    risks: frozenset[Risk]
    is_destructive: bool
    steps: tuple[Step, ...]
    any_step: bool
    ttl_s: int
    drift: Drift
    escalate_after_s: int | None
    escalate_to: frozenset[str]
    break_glass: frozenset[str]

    def may_cover(self, rule: str, verb: Verb) -> bool:
        """Whether a statement of `verb` that `rule` held can be one that this entry covers."""
        is_named = verb in self.verbs
        if (self.rules and rule not in self.rules) or (self.verbs and not is_named):
            return False
        if self.by == "approvers":
            return True
        return (is_named or verb not in TABLE_CHANGES) and (self.is_destructive or verb not in DESTRUCTIVE)

    def covers(self, effect: Effect, risk: Risk, rules: frozenset[RuleId]) -> bool:
        """Whether this entry is for a statement of this effect that `rules` held.

        A confirmation covers what is destructive or of high risk only where it says so itself, and a change of a whole
        table only where it names the verb.
        """
        if self.by == "confirmation" and effect.verb in TABLE_CHANGES and effect.verb not in self.verbs:
            return False
        if self.by == "confirmation" and (effect.is_destructive or risk is Risk.HIGH) and not self.is_destructive:
            return False
        return (
            (not self.rules or not self.rules.isdisjoint(rules))
            and (not self.verbs or effect.verb in self.verbs)
            and (not self.risks or risk in self.risks)
        )


@dataclass(frozen=True, slots=True)
class Approving:
    """The `approvals` of a policy, in order, and its tiers of risk."""

    entries: tuple[ApprovalEntry, ...] = ()
    tiers: RiskTiers = field(default_factory=RiskTiers)

    def entry_for(self, effect: Effect, risk: Risk, rules: frozenset[RuleId]) -> ApprovalEntry:
        """The entry that covers `effect`; where none does, nobody can approve."""
        return next((entry for entry in self.entries if entry.covers(effect, risk, rules)), UNCOVERED)

    def entry_of(self, entry_id: str) -> ApprovalEntry | None:
        """The entry of that id, if there is one."""
        return next((entry for entry in (*self.entries, UNCOVERED) if entry.id == entry_id), None)


UNCOVERED = ApprovalEntry(
    id=RuleId("no-approvers"),
    by="approvers",
    rules=frozenset(),
    verbs=frozenset(),
    risks=frozenset(),
    is_destructive=True,
    steps=(),
    any_step=False,
    ttl_s=600,
    drift=Drift(),
    escalate_after_s=None,
    escalate_to=frozenset(),
    break_glass=frozenset(),
)

BREAK_GLASS_QUORUM = 2


def groups_of(entry: ApprovalEntry) -> frozenset[str]:
    """Every group whose members may approve what `entry` covers."""
    return entry.escalate_to.union(entry.break_glass, *(step.groups for step in entry.steps))


class Verdict(StrEnum):
    """What a person says of a hold."""

    APPROVE = "approve"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's decision: `groups` are theirs, from their token, when they decided."""

    issuer: str
    subject: str
    groups: frozenset[str]
    verdict: Verdict
    is_break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What the votes come to: `open`, `approved` or `denied`, and in words what is missing."""

    state: Literal["open", "approved", "denied"]
    missing: str = ""


def standing(entry: ApprovalEntry, votes: Iterable[Vote], *, is_escalated: bool = False) -> Standing:
    """What `votes` come to. A deny wins; each person counts once, for one step, however many groups they are in."""
    people: dict[str, Vote] = {}
    for vote in votes:
        people.setdefault(vote.subject, vote)
    if any(vote.verdict is Verdict.DENY for vote in people.values()):
        return Standing("denied")
    approvals = list(people.values())
    in_emergency = [vote for vote in approvals if vote.is_break_glass and vote.groups & entry.break_glass]
    if entry.break_glass and len(in_emergency) >= BREAK_GLASS_QUORUM:
        return Standing("approved")
    regular = [vote.groups for vote in approvals if not vote.is_break_glass]
    steps = _escalated(entry) if is_escalated else entry.steps
    if not steps:
        return Standing("open", "the policy names nobody who could approve this")
    if entry.any_step:
        done = any(_filled([step], regular) == step.quorum for step in steps)
    else:
        done = _filled(steps, regular) == sum(step.quorum for step in steps)
    return Standing("approved") if done else Standing("open", wanted(entry, is_escalated=is_escalated))


def wanted(entry: ApprovalEntry, *, is_escalated: bool = False) -> str:
    """In words, whom an approval needs."""
    steps = _escalated(entry) if is_escalated else entry.steps
    parts = [f"{step.quorum} of {' or '.join(sorted(step.groups))}" for step in steps]
    return (" or " if entry.any_step else " and ").join(parts) or "nobody"


def _escalated(entry: ApprovalEntry) -> tuple[Step, ...]:
    """The steps once nobody answered in time: members of the escalation groups may stand in for anyone."""
    return tuple(Step(step.groups | entry.escalate_to, step.quorum) for step in entry.steps)


def _filled(steps: Sequence[Step], people: Sequence[frozenset[str]]) -> int:
    """How many places of `steps` distinct `people` can fill at once: a maximum matching, by augmenting paths."""
    places = [step.groups for step in steps for _ in range(step.quorum)]
    taken: dict[int, int] = {}

    def seat(person: int, tried: set[int]) -> bool:
        for place, groups in enumerate(places):
            if place not in tried and groups & people[person]:
                tried.add(place)
                if place not in taken or seat(taken[place], tried):
                    taken[place] = person
                    return True
        return False

    return sum(seat(person, set()) for person in range(len(people)))


def why_not(
    entry: ApprovalEntry, requester: Mapping[str, str], approver: Principal, *, is_escalated: bool
) -> str | None:
    """Why `approver` may not decide on a hold of `requester` (issuer, subject, actor), or None if they may.

    Nobody decides on what was asked for in their own name, through whichever client or issuer, nor does the agent that
    asked. Two issuers that give one subject to two people cost an approver; to take one person for two would cost more.
    """
    if approver.subject in (requester["subject"], requester["actor"]):
        return "own_request"
    groups = frozenset[str]().union(*(step.groups for step in entry.steps)) | entry.break_glass
    if is_escalated:
        groups |= entry.escalate_to
    return None if groups & approver.groups else "not_approver"
