"""Step 4 of the line: a hold becomes a permit when people have approved exactly what will run, once.

A held statement is measured, and its hold opened, before anybody is asked. Where policy says that a confirmation is
enough, the caller's own user is asked through their client: that is consent of the client software, not proof of a
person. Else nothing is asked here; approvers decide through channels of their own, and the caller comes back.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import anyio
from sqlalchemy.ext.asyncio import AsyncConnection

from audit.fields import Fact, Facts
from audit.journal import Journal, JournalUnavailable
from policy.approving import ApprovalEntry, wanted
from policy.decision import Hold, Permit, ReadCatalog, RunSql, UseHolds
from policy.effects import Effect, risk_of
from policy.questions import Question
from policy.statement import SqlStatement, TableChange
from server.binding import asked_digest, object_digest, objects_of
from server.hold_record import Asked, HoldRecord, Requester, State
from server.hold_refusals import HoldStale, Waiting
from server.hold_telling import Also, Tell, Telling, nothing_else
from server.holds import HoldStore
from server.judging import Judged
from server.line import Approval, Call, Lead
from server.refusals import Declined, Held, Internal
from server.showing import digest_of, question, time_text
from tools.contract import Sql

CLAIM_SLACK_S = 30.0
"""How much longer than its statement's limit a claim lasts before somebody else may ask what became of it."""

log = logging.getLogger(__name__)


class Measure(Protocol):
    """Measures what a statement would do; see `server.measuring`."""

    async def __call__(self, call_id: str, judged: Judged, permit: Permit) -> Effect:
        """Its effect, or why it is not known."""
        ...


class ConfirmDecision(Protocol):
    """Asks an approver to confirm a decision in view of the hold; see `server.desk`."""

    async def __call__(self, call: Call, judged: Judged, permit: Permit) -> Approval:
        """The decision, confirmed."""
        ...


@dataclass(frozen=True, slots=True)
class Approvals:
    """Opens holds, asks the caller's own user where that is enough, and lets each approval be used once."""

    holds: HoldStore
    journal: Journal
    measure: Measure
    tell: Tell
    confirm_decision: ConfirmDecision
    claim_slack_s: float = CLAIM_SLACK_S

    async def __call__(self, call: Call, judged: Judged, decision: Hold | Permit) -> Approval:
        """The approval of a hold.

        Raises:
            Held: people have not decided yet, or the user must be asked before the call is made again.
            Declined: the user said no.
            HoldStale: what was approved is not what would run now.
            HoldSpent: the hold was used, or expired, before the answer came.
        """
        if isinstance(decision, Permit):
            await self._refuse_stale(call, judged, None)
            raise Internal("what is permitted and follows nothing needs no approval")
        hold = decision
        match hold.then.action:
            case RunSql() as action:
                return await self._statement(call, judged, hold, action)
            case UseHolds():
                return await self.confirm_decision(call, judged, hold.then)
            case ReadCatalog():
                raise Internal("a look at the schema is never held")

    async def _statement(self, call: Call, judged: Judged, hold: Hold, action: RunSql) -> Approval:
        digest = asked_digest(judged, hold.then)
        record = await self.holds.alive(digest)
        await self._refuse_stale(call, judged, record)
        if record is None:
            record = await self._open(call, judged, hold, action, digest)
        entry = judged.engine.policy.approving.entry_of(record.entry)
        asked = record.asked
        if asked is None or entry is None:
            raise HoldStale("the policy that held this is not in force any more", hold_id=record.id)
        rows = _rows_allowed(asked.effect, entry)
        recount = _recount(judged, asked, rows)
        if recount is None:
            await self.holds.close(record, State.STALE, self._telling.of(call.id, "hold.stale", {}))
            raise HoldStale("what people were shown cannot be counted any more", hold_id=record.id)
        is_confirmed = False
        match record.state:
            case State.OPEN if entry.by == "confirmation":
                await self._ask(call, record, entry)
                is_confirmed = True
            case State.OPEN:
                if entry.steps and call.lead is not None:
                    await self._lead(call.lead, record, entry)
                raise self._held(record, entry)
            case State.EXECUTING:
                raise self._held(record, entry, "the approved statement is running")
            case _:
                pass
        within_s = asked.statement_timeout_s + self.claim_slack_s
        also = self._decided(call, record, "approve") if is_confirmed else nothing_else
        claim = await self.holds.claim(record, confirmed=is_confirmed, within_s=within_s, also=also)
        if is_confirmed:
            await self._counted(call, record, "approve", State.APPROVED)
        if not asked.is_write:
            return Approval(hold.then, record.id, claim, rows)
        versions = {name: each.version for name, each in zip(objects_of(judged), asked.effect.objects, strict=True)}
        return Approval(hold.then, record.id, claim, rows, versions, change=_change(judged), recount=recount)

    async def _refuse_stale(self, call: Call, judged: Judged, alive: HoldRecord | None) -> None:
        """Refuse to follow a hold to which this call, as it would run now, does not lead any more."""
        followed = judged.wanted.hold_id if isinstance(judged.wanted, Sql) else None
        if followed is None or (alive is not None and alive.id == followed):
            return
        record = await self.holds.find(followed)
        await self.holds.close(record, State.STALE, self._telling.of(call.id, "hold.stale", {}))
        raise HoldStale("policy or an object has changed since this was asked for", hold_id=followed)

    async def _open(self, call: Call, judged: Judged, hold: Hold, action: RunSql, digest: bytes) -> HoldRecord:
        who, approving = judged.principal, judged.engine.policy.approving
        asked_at = anyio.current_time()
        effect = await self.measure(call.id, judged, hold.then)
        risk, reasons = risk_of(effect, approving.tiers)
        entry = approving.entry_for(effect, risk, hold.determining)
        want = judged.wanted
        assert isinstance(want, Sql)  # noqa: S101 - the action is SQL, so what is wanted is
        asked = Asked(
            text=want.text,
            parameters=want.parameters,
            reason=want.reason,
            is_write=want.is_write,
            rows_max=want.rows_max,
            sql=action.sql,
            role=action.role,
            warehouse=action.warehouse,
            objects=tuple((*each.parts, object_digest(judged, each)) for each in objects_of(judged)),
            effect=effect,
            risk=risk,
            risk_reasons=reasons,
            statement_timeout_s=action.statement_timeout_s,
        )
        facts: dict[str, Fact] = {
            "risk": risk.value,
            "rows_measured": effect.rows_total,
            "rules": sorted(hold.determining),
        }
        return await self.holds.open(
            digest,
            asked,
            entry,
            requester=Requester(who.issuer, who.subject, who.actor),
            call_id=call.id,
            tool=call.tool.name,
            policy=judged.provenance.policy,
            # Its times are told, and how long its measuring took is not: that would say more than a padded answer.
            ago_s=anyio.current_time() - asked_at,
            summary={"verb": effect.verb.value, "objects": [each.name for each in effect.objects], **facts},
            also=self._requested(call, facts, entry),
            expired=self._telling.of(call.id, "hold.expired", {"requester": who.subject}, "expired", entry),
        )

    def _requested(self, call: Call, facts: Facts, entry: ApprovalEntry) -> Also:
        async def also(connection: AsyncConnection, record: HoldRecord) -> None:
            expires_at = record.expires_at.isoformat()
            bound = {"bound": record.bound.hex(), "approval": entry.id, "expires_at": expires_at}
            told = self._telling.of(call.id, "hold.requested", {**facts, **bound}, "requested", entry)
            await told(connection, record)

        return also

    async def _ask(self, call: Call, record: HoldRecord, entry: ApprovalEntry) -> None:
        text = question(record, entry)
        shown = {"shown": digest_of(text), "via": "elicitation", "bound": record.bound.hex()}
        telling = self._telling.of(call.id, "hold.shown", shown)
        try:
            is_confirmed = await call.confirm(record.id, text, lambda: self.holds.shown(record.id, telling))
        except Held as held:
            raise held.told(**_following(record, entry)) from None
        if not is_confirmed:
            if await self.holds.close(record, State.DENIED, self._decided(call, record, "deny")):
                await self._counted(call, record, "deny", State.DENIED)
            raise Declined("the user did not confirm the statement", hold_id=record.id)

    async def _lead(self, lead: Lead, record: HoldRecord, entry: ApprovalEntry) -> None:
        try:
            await lead(record.id)
        except Held as held:
            raise held.told(**_following(record, entry)) from None

    def _decided(self, call: Call, record: HoldRecord, verdict: str) -> Also:
        facts = {"verdict": verdict, "via": "elicitation", "bound": record.bound.hex()}
        return self._telling.of(call.id, "hold.decided", {**facts, "subject": record.requester.subject})

    async def _counted(self, call: Call, record: HoldRecord, verdict: str, outcome: State) -> None:
        """Say that the user's word has counted, and nothing came in between; see `server.rebuilding`."""
        facts = {"verdict": verdict, "via": "elicitation", "outcome": outcome.value}
        try:
            subject = record.requester.subject
            await self.journal.append(call.id, "hold.counted", {"hold_id": record.id, "subject": subject, **facts})
        except JournalUnavailable:  # the word itself is there
            log.warning("the journal has a user's word on %s, and not that it was counted", record.id)

    @property
    def _telling(self) -> Telling:
        return Telling(self.journal, self.tell)

    def _held(self, record: HoldRecord, entry: ApprovalEntry, why: str = "") -> Held:
        needs = wanted(entry, is_escalated=record.is_escalated)
        hint = (
            f"Nothing has run. Tell the user that this waits for {needs}, then follow it with check_request and this "
            "hold id; do not make the request again."
            if entry.steps
            else "Nothing has run, and nobody can approve it: the policy names no approvers for a statement like this."
        )
        message = why or f"people must decide first: {needs}"
        held = Waiting(message, hint, record) if entry.steps else Held(message, hint, hold_id=record.id)
        return held.told(**_following(record, entry))


def _change(judged: Judged) -> TableChange | None:
    return judged.statement.change if isinstance(judged.statement, SqlStatement) else None


def _recount(judged: Judged, asked: Asked, rows: Mapping[str, range] | None) -> tuple[Question, ...] | None:
    """What counts again, right before it is made, the rows of a change that cannot be rolled back.

    None where they were counted for people and cannot be now: the catalog may say other things of the table than then.
    """
    statement = judged.statement
    if rows is None or not isinstance(statement, SqlStatement) or statement.change is None:
        return ()
    return judged.engine.questions(judged.principal, statement, asked.text).counts


def _following(record: HoldRecord, entry: ApprovalEntry) -> dict[str, str]:
    """What a caller needs to follow a hold."""
    needs = "the user of this client" if entry.by == "confirmation" else wanted(entry, is_escalated=record.is_escalated)
    return {"hold_id": record.id, "approval": needs, "expires_at": time_text(record.expires_at)}


def _rows_allowed(effect: Effect, entry: ApprovalEntry) -> dict[str, range] | None:
    if effect.rows is None:
        return None
    return {verb.value: entry.drift.allowed(count) for verb, count in effect.rows.items()}
