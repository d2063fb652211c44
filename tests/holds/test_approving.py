"""Who has to say yes, and whether they have: true of every set of votes."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.approving import UNCOVERED, ApprovalEntry, Approving, Drift, Step, Verdict, Vote, standing, why_not
from policy.decision import RuleId
from policy.document import PolicyDocumentError, load
from policy.effects import Cost, Effect, Risk, RiskTiers, Sample, Touched, risk_of
from policy.principal import Principal, Subject
from policy.statement import Verb

GROUPS = ["a", "b", "c"]


def entry(
    *steps: Step, any_step: bool = False, break_glass: tuple[str, ...] = (), to: tuple[str, ...] = ()
) -> ApprovalEntry:
    return ApprovalEntry(
        id=RuleId("e"),
        by="approvers",
        rules=frozenset(),
        verbs=frozenset(),
        risks=frozenset(),
        is_destructive=False,
        steps=steps,
        any_step=any_step,
        ttl_s=60,
        drift=Drift(),
        escalate_after_s=None,
        escalate_to=frozenset(to),
        break_glass=frozenset(break_glass),
    )


def step(*groups: str, quorum: int = 1) -> Step:
    return Step(frozenset(groups), quorum)


def vote(who: str, *groups: str, verdict: Verdict = Verdict.APPROVE, emergency: bool = False) -> Vote:
    return Vote("iss", who, frozenset(groups), verdict, emergency)


votes = st.lists(
    st.builds(
        Vote,
        issuer=st.just("iss"),
        subject=st.sampled_from(["p", "q", "r", "s"]),
        groups=st.frozensets(st.sampled_from(GROUPS)),
        verdict=st.sampled_from([Verdict.APPROVE, Verdict.APPROVE, Verdict.APPROVE, Verdict.DENY]),
    ),
    max_size=6,
)
steps = st.lists(
    st.builds(Step, groups=st.frozensets(st.sampled_from(GROUPS), min_size=1), quorum=st.integers(1, 2)),
    min_size=1,
    max_size=3,
)


def can_be_seated(places: list[frozenset[str]], people: list[frozenset[str]]) -> bool:
    """The naive answer: try every way to give each place a person of its own."""
    return any(
        all(groups & person for groups, person in zip(places, order, strict=True))
        for order in permutations(people, len(places))
    )


@given(steps, votes)
def test_all_steps_are_done_exactly_when_every_place_has_a_person_of_its_own(
    steps: list[Step], votes: list[Vote]
) -> None:
    first: dict[str, Vote] = {}
    for each in votes:
        first.setdefault(each.subject, each)
    is_denied = any(each.verdict is Verdict.DENY for each in first.values())
    places = [step.groups for step in steps for _ in range(step.quorum)]
    seated = can_be_seated(places, [each.groups for each in first.values()])
    expected = "denied" if is_denied else "approved" if seated else "open"
    assert standing(entry(*steps), votes).state == expected


@given(steps, votes)
def test_any_step_is_enough_where_the_policy_says_any(steps: list[Step], votes: list[Vote]) -> None:
    each_alone = {standing(entry(one), votes).state for one in steps}
    state = standing(entry(*steps, any_step=True), votes).state
    assert (state == "approved") == ("approved" in each_alone)


def test_one_person_in_three_groups_is_no_quorum_of_three() -> None:
    three = entry(step("a"), step("b"), step("c"))
    assert standing(three, [vote("p", "a", "b", "c")]).state == "open"
    assert standing(three, [vote("p", "a", "b", "c"), vote("p", "b"), vote("p", "c")]).state == "open"
    assert standing(three, [vote("p", "a", "b"), vote("q", "a"), vote("r", "c")]).state == "approved"


def test_a_deny_wins_over_a_whole_quorum() -> None:
    yes = [vote("p", "a"), vote("q", "a")]
    assert standing(entry(step("a", quorum=2)), [*yes, vote("r", "a", verdict=Verdict.DENY)]).state == "denied"


def test_break_glass_needs_two_people_of_its_own_group() -> None:
    emergency = entry(step("a", quorum=3), break_glass=("oncall",))
    one = [vote("p", "oncall", emergency=True)]
    assert standing(emergency, one).state == "open"
    assert standing(emergency, [*one, vote("q", "a", emergency=True)]).state == "open"
    assert standing(emergency, [*one, vote("q", "oncall", emergency=True)]).state == "approved"
    assert standing(entry(step("a")), [*one, vote("q", "oncall", emergency=True)]).state == "open"


def test_a_place_that_somebody_could_leave_for_another_is_given_up() -> None:
    asked = entry(step("a", "b"), step("a"))
    assert standing(asked, [vote("p", "a"), vote("q", "b")]).state == "approved"
    assert standing(asked, [vote("p", "b"), vote("q", "b")]).state == "open"
    assert standing(replace(asked, any_step=True), [vote("p", "b")]).state == "approved"


def test_nobody_named_means_nobody_can_approve() -> None:
    assert standing(UNCOVERED, [vote("p", "a"), vote("q", "b")]).state == "open"


def test_escalation_lets_others_stand_in_only_once_it_happened() -> None:
    one = entry(step("a"), to=("heads",))
    assert standing(one, [vote("p", "heads")]).state == "open"
    assert standing(one, [vote("p", "heads")], is_escalated=True).state == "approved"


@pytest.mark.parametrize(
    ("subject", "actor", "groups", "issuer", "expected"),
    [
        ("ada", "console", {"a"}, "iss", "own_request"),
        ("agent", "console", {"a"}, "iss", "own_request"),
        ("ada", "agent", {"a", "admins"}, "iss", "own_request"),
        ("ada", "console", {"a"}, "another-issuer", "own_request"),
        ("ben", "agent", {"a"}, "iss", None),
        ("ben", "console", {"b"}, "iss", "not_approver"),
        ("ben", "console", set(), "iss", "not_approver"),
    ],
)
def test_nobody_decides_on_what_was_asked_in_their_own_name(
    subject: str, actor: str, groups: set[str], issuer: str, expected: str | None
) -> None:
    requester = {"issuer": "iss", "subject": "ada", "actor": "agent"}
    approver = Principal(Subject(subject), actor, issuer, groups=frozenset(groups))
    assert why_not(entry(step("a")), requester, approver, is_escalated=False) == expected


def effect(verb: Verb = Verb.UPDATE, rows: int | None = 3, retention: int | None = 1, narrowed: bool = True) -> Effect:
    return Effect(
        verb=verb,
        objects=(Touched("DB.S.T", True, "", retention),),
        rows=None if rows is None else {verb: rows},
        why_not="it timed out" if rows is None else "",
        cost=Cost(1, 1, 1),
        sample=Sample((), ()),
        is_narrowed=narrowed,
    )


@pytest.mark.parametrize(
    ("measured", "risk", "is_destructive"),
    [
        (effect(), Risk.LOW, False),
        (effect(rows=100), Risk.MEDIUM, False),
        (effect(rows=10_000), Risk.HIGH, False),
        (effect(rows=None), Risk.HIGH, True),
        (effect(narrowed=False), Risk.HIGH, False),
        (effect(Verb.DELETE), Risk.MEDIUM, True),
        (effect(Verb.DELETE, retention=0), Risk.HIGH, True),
        (effect(retention=None), Risk.MEDIUM, False),
        (effect(Verb.INSERT, retention=None), Risk.LOW, False),
        (effect(Verb.READ, rows=None), Risk.LOW, False),
        (replace(effect(), overwrites=("EMAIL",)), Risk.MEDIUM, False),
        (effect(Verb.TRUNCATE), Risk.HIGH, True),
        (effect(Verb.DROP, retention=0), Risk.HIGH, True),
        (effect(Verb.ALTER, retention=None), Risk.HIGH, True),
        (effect(Verb.RESTORE, retention=None), Risk.HIGH, True),
        (effect(Verb.RESTORE, rows=None), Risk.HIGH, True),
        (effect(Verb.CREATE), Risk.MEDIUM, False),
        (replace(effect(Verb.RESTORE), rows={}), Risk.MEDIUM, False),
        (replace(effect(Verb.ALTER), rows={}, breaks=("D.S.V",)), Risk.HIGH, False),
    ],
)
def test_risk_has_its_reasons(measured: Effect, risk: Risk, is_destructive: bool) -> None:
    found, reasons = risk_of(measured, RiskTiers())
    assert (found, measured.is_destructive) == (risk, is_destructive)
    assert bool(reasons) == (risk is not Risk.LOW)


CONFIRMED = """
version: 1
approvals:
  - {id: own, by: confirmation%s}
  - {id: others, by: approvers, steps: [{groups: [a]}]}
"""


@pytest.mark.parametrize("risky", [effect(Verb.DELETE), effect(rows=None), effect(rows=10_000)])
def test_a_confirmation_covers_what_is_destructive_only_where_it_says_so(risky: Effect) -> None:
    def covering(more: str) -> str:
        approving = load(CONFIRMED % more).approving
        return approving.entry_for(risky, risk_of(risky, approving.tiers)[0], frozenset()).id

    assert covering("") == "others"
    assert covering(", destructive: true") == "own"


def test_a_confirmation_covers_a_change_of_a_table_only_where_it_names_the_verb() -> None:
    def covering(more: str) -> str:
        approving = load(CONFIRMED % more).approving
        return approving.entry_for(effect(Verb.TRUNCATE), Risk.HIGH, frozenset()).id

    assert covering(", destructive: true") == "others"
    assert covering(", destructive: true, verbs: [truncate]") == "own"


def test_where_no_entry_covers_a_statement_nobody_can_approve() -> None:
    assert Approving().entry_for(effect(), Risk.LOW, frozenset()) is UNCOVERED


@given(st.integers(0, 10_000), st.integers(0, 100), st.integers(0, 100))
def test_drift_is_bounded_and_always_lets_the_shown_number_pass(shown: int, rows: int, percent: int) -> None:
    allowed = Drift(rows, percent).allowed(shown)
    assert shown in allowed
    assert max(allowed) - shown == max(rows, shown * percent // 100)
    assert min(allowed) >= 0


@pytest.mark.parametrize(
    "wrong",
    [
        "approvals: [{id: x, by: approvers}]",
        "approvals: [{id: x, by: confirmation, steps: [{groups: [a]}]}]",
        "approvals: [{id: x, by: approvers, steps: [{groups: []}]}]",
        "approvals: [{id: x, by: approvers, destructive: true, steps: [{groups: [a]}]}]",
        "approvals: [{id: x, by: confirmation, rules: [no-such-rule]}]",
        "approvals: [{id: x, by: confirmation}, {id: x, by: confirmation}]",
        "risk: {rows_medium: 10, rows_high: 9}",
    ],
)
def test_an_approval_that_nobody_could_give_is_refused_with_its_place(wrong: str) -> None:
    with pytest.raises(PolicyDocumentError) as refused:
        load(f"version: 1\n{wrong}\n")
    assert refused.value.line is not None
