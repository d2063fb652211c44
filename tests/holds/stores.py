"""Holds for tests: a measured effect, who asks for it, and who may approve."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.sealing import Sealer
from policy.approving import ApprovalEntry, Drift, Step, Verdict
from policy.decision import RuleId
from policy.effects import Effect, Risk, Sample, Touched
from policy.statement import Verb
from server.hold_record import Asked, HoldRecord, Requester, Said
from server.holds import HoldStore

ONE, OTHER = b"1" * 32, b"2" * 32
ADA = Requester("iss", "ada", "agent")


def store(engine: AsyncEngine) -> HoldStore:
    return HoldStore(engine, Sealer(b"k" * 32, "test"))


def entry(*steps: tuple[str, int], ttl_s: int = 60, **facts: Any) -> ApprovalEntry:
    """An entry whose steps are (group, quorum); without steps a confirmation."""
    return ApprovalEntry(
        id=RuleId("entry"),
        by="approvers" if steps else "confirmation",
        rules=frozenset(),
        verbs=frozenset(),
        risks=frozenset(),
        is_destructive=True,
        steps=tuple(Step(frozenset({group}), quorum) for group, quorum in steps),
        any_step=False,
        ttl_s=ttl_s,
        drift=Drift(),
        escalate_after_s=facts.get("escalate_after_s"),
        escalate_to=frozenset(facts.get("escalate_to", ())),
        break_glass=frozenset(facts.get("break_glass", ())),
    )


def asked(sql: str = "DELETE FROM t WHERE a = 'secret'") -> Asked:
    effect = Effect(
        Verb.DELETE, (Touched("D.S.T", True, "v1", 1),), {Verb.DELETE: 1}, "", None, Sample((), ()), is_narrowed=True
    )
    return Asked(
        sql, ("secret",), "because", True, None, sql, "R", "W", (("D", "S", "T", "d1"),), effect, Risk.MEDIUM, (), 60
    )


async def opened(
    holds: HoldStore, digest: bytes = ONE, by: ApprovalEntry | None = None, requester: Requester = ADA
) -> HoldRecord:
    return await holds.open(
        digest,
        asked(),
        by or entry(),
        requester=requester,
        call_id="call_1",
        tool="request_write",
        policy="p1",
        summary={"verb": "delete", "objects": ["D.S.T"], "risk": "medium", "rows_measured": 1},
    )


def said(who: str, *groups: str, verdict: Verdict = Verdict.APPROVE, emergency: bool = False) -> Said:
    return Said("iss", who, frozenset(groups), verdict, emergency, "console", "test", "because I looked at it")
