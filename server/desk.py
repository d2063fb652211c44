"""The one service behind every channel on which people meet holds: MCP tools, console, command line.

Whoever comes is a proven principal; what they may see and do is decided here, by policy and by the hold, and nowhere
else. Every word that changes something is in the journal before it changes anything. A channel only renders.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from audit.fields import Fact
from audit.journal import Journal, JournalUnavailable
from policy.approving import ApprovalEntry, Standing, Verdict, groups_of, why_not
from policy.decision import Deny, Permit
from policy.engine import Engine
from policy.holding import decide_holds
from policy.names import TableName
from policy.principal import Principal
from policy.statement import HoldsAct, HoldsRequest
from server.executing import Refresh, shown_by
from server.hold_record import HoldRecord, Requester, Said, State
from server.hold_refusals import Denied, HoldNotFound, HoldStale, NotApprover, NothingToUndo, OwnRequest
from server.hold_telling import Also, Tell, Telling, new_call_id
from server.holds import HOLDS_LISTED_MAX, HoldStore
from server.judging import Judge, Judged
from server.line import Approval, Call, Cleared, Progress
from server.raw import Raw, RawHolds
from server.refusals import Declined, Held, HoldSpent, Internal
from server.showing import approving_object, digest_of, full_object, hold_object, question
from server.undo_points import UndoPoints
from tools.contract import Holds, JsonObject, Sql, Wanted

DECIDED_DAYS = 90
"""How long somebody who has decided is shown among those who decide."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """A hold as one person may see it: `text` is what they are asked with, `shown` its digest (SHA-256, hex)."""

    hold: HoldRecord
    entry: ApprovalEntry
    text: str
    shown: str
    content: JsonObject
    may_decide: bool


@dataclass(frozen=True, slots=True)
class HoldDesk:
    """Lists, shows, decides, withdraws and follows holds; a `server.line.Lease` for tools that use them."""

    holds: HoldStore
    journal: Journal
    judge: Callable[[], Judge]
    tell: Tell
    points: UndoPoints
    recover: Callable[[HoldRecord], Awaitable[HoldRecord]]
    refresh: Refresh

    async def waiting(self, who: Principal, cursor: str | None = None) -> tuple[list[View], str | None]:
        """Open holds on which `who` may decide, oldest first, and the cursor of the next page; briefly, without SQL."""
        after = None if cursor is None else await self.holds.find(cursor)
        page = await self.holds.waiting_for(who, after)
        views = [view for hold in page if (view := self._brief(who, hold)) is not None and view.may_decide]
        return views, (page[-1].id if len(page) == HOLDS_LISTED_MAX else None)

    async def mine(self, who: Principal, cursor: str | None = None) -> tuple[list[View], str | None]:
        """What `who` asked for, through whichever agent, newest first; briefly, without SQL."""
        after = None if cursor is None else await self.holds.find(cursor)
        page = await self.holds.asked_by(who.issuer, who.subject, after)
        views = [view for hold in page if (view := self._brief(who, hold)) is not None]
        return views, (page[-1].id if len(page) == HOLDS_LISTED_MAX else None)

    async def approvers(self, who: Principal) -> JsonObject:
        """Whom the policy lets decide on what, and who has decided lately; for those whom it names themselves.

        Raises:
            NotApprover: it does not name them.
        """
        approving = self.judge().engine.policy.approving
        if isinstance(decide_holds(approving, who, HoldsRequest(HoldsAct.LIST)), Deny):
            raise NotApprover("who approves what is for approvers to see")
        people = [said for said in await self.holds.deciders(DECIDED_DAYS) if said.issuer == who.issuer]
        return approving_object(approving, who.groups, people)

    async def show(self, who: Principal, hold_id: str, *, via: str, call_id: str | None = None) -> View:
        """One hold with its effect and history, as its requester or somebody who decides on it may see it.

        Raises:
            HoldNotFound: there is none, or `who` is neither.
        """
        hold, entry = await self._visible(who, hold_id)
        view = self._full(who, hold, entry)
        shown = {"hold_id": hold.id, "shown": view.shown, "via": via, "bound": hold.bound.hex()}
        await self.journal.append(call_id or new_call_id(), "hold.shown", {**shown, "subject": who.subject})
        return view

    async def decide(
        self,
        who: Principal,
        hold_id: str,
        verdict: Verdict,
        reason: str,
        *,
        shown: str,
        via: str,
        is_break_glass: bool = False,
        call_id: str | None = None,
    ) -> Standing:
        """Count `who`'s word on a hold; `shown` is the digest of the text that they saw (`View.shown`).

        Raises:
            HoldNotFound, OwnRequest, NotApprover: it is not theirs to decide.
            HoldSpent: it is not open any more.
            HoldStale: policy, an object, or what would be shown has changed.
            AlreadyDecided: their first word stands.
            JournalUnavailable: the journal does not know of it, so it does not count.
        """
        hold, entry = await self._visible(who, hold_id)
        self._check_may_decide(who, hold, entry, is_break_glass=is_break_glass)
        if hold.state is not State.OPEN:
            raise HoldSpent(f"the hold is not open any more, it is {hold.state}", hold_id=hold.id)
        await self._refuse_stale(hold, call_id)
        if self._full(who, hold, entry).shown != shown:
            raise HoldStale("what you were shown has changed", "Look at the hold again.", hold_id=hold.id)
        groups = who.groups & groups_of(entry)
        said = Said(who.issuer, who.subject, groups, verdict, is_break_glass, who.actor, via, reason)
        call_id = call_id or new_call_id()
        now = await self.holds.vote(hold, said, entry, self._deciding(call_id, said, shown, entry))
        counted = {"hold_id": hold.id, "subject": who.subject, "verdict": verdict.value, "outcome": now.state}
        try:
            await self.journal.append(call_id, "hold.counted", counted)
        except JournalUnavailable:  # the word itself is there; this only says that nothing came in between
            log.warning("the journal has a decision on %s, and not that it was counted", hold.id)
        return now

    def _deciding(self, call_id: str, said: Said, shown: str, entry: ApprovalEntry) -> Also:
        """Tells of a word that is about to count."""

        async def also(connection: AsyncConnection, hold: HoldRecord) -> None:
            event = "break_glass" if said.is_break_glass else "voted" if hold.state is State.OPEN else hold.state.value
            facts: dict[str, Fact] = {
                "bound": hold.bound.hex(),
                "shown": shown,
                "verdict": said.verdict.value,
                "reason": said.reason,
                "break_glass": said.is_break_glass,
                "via": said.via,
                "subject": said.subject,
                "actor": said.actor,
                "issuer": said.issuer,
                "groups": sorted(said.groups),
                "requester": hold.requester.subject,
            }
            telling = Telling(self.journal, self.tell)
            await telling.of(call_id, "hold.decided", facts, event, entry)(connection, hold)

        return also

    async def withdraw(
        self, who: Principal, hold_id: str, reason: str, *, call_id: str | None = None, is_in_person: bool = False
    ) -> None:
        """Take one's own request back, before it runs; in person, whichever agent made it.

        Raises:
            HoldNotFound: it is not theirs.
            HoldSpent: it runs, ran, or has ended otherwise.
        """
        hold = await self.own(who, hold_id, is_in_person=is_in_person)
        facts = {"reason": reason, "subject": who.subject}
        telling = Telling(self.journal, self.tell)
        also = telling.of(call_id, "hold.withdrawn", facts, "withdrawn", self._entry(hold))
        if not await self.holds.close(hold, State.WITHDRAWN, also):
            raise HoldSpent(f"it cannot be withdrawn any more, it is {hold.state}", hold_id=hold.id)

    async def own(self, who: Principal, hold_id: str, *, is_in_person: bool = False) -> HoldRecord:
        """What `who` asked for; in person, through whichever agent.

        Raises:
            HoldNotFound: there is none, or it is not theirs.
        """
        hold = await self.holds.find(hold_id)
        asked = hold.requester
        is_same = (asked.issuer, asked.subject) == (who.issuer, who.subject)
        if not is_same or not (is_in_person or asked.actor == who.actor):
            raise HoldNotFound("there is no such hold for you")
        return hold

    async def recall(self, principal: Principal, wanted: Wanted) -> Wanted:
        """`wanted`, or what it follows once that may run; a claim that was left behind is looked into first.

        Raises:
            HoldNotFound: it follows nothing of this caller's.
            NothingToUndo: what it would undo has no undo.
        """
        if isinstance(wanted, Holds) and wanted.act == "undo":
            return await self._undoing(principal, wanted)
        if not isinstance(wanted, Holds) or wanted.act != "check" or wanted.hold_id is None:
            return wanted
        hold = await self.recover(await self.own(principal, wanted.hold_id))
        asked, entry = hold.asked, self._entry(hold)
        is_asked_here = hold.state is State.OPEN and entry is not None and entry.by == "confirmation"
        if asked is None or not (hold.state is State.APPROVED or is_asked_here):
            return wanted
        return Sql(asked.text, asked.parameters, asked.reason, asked.is_write, asked.rows_max, hold.id)

    async def _undoing(self, principal: Principal, wanted: Holds) -> Sql:
        """The statement that takes back what was made in a call of the caller's: a write like any other.

        It is judged by what the catalog shows now: another replica may have made the table, or dropped it.
        """
        undo = await self.points.find(principal, wanted.call_id or "")
        if undo is None:
            hold = await self.holds.executed(principal.issuer, principal.subject, wanted.call_id or "")
            if hold is None or hold.requester.actor != principal.actor:
                raise HoldNotFound("no request of yours was executed in that call", "Use the call_id of its answer.")
            undo = hold.outcome.get("undo")
            if not isinstance(undo, str):
                raise NothingToUndo("no command takes this change back", hold_id=hold.id)
        await shown_by(self.refresh)
        return Sql(undo, (), wanted.reason, is_write=True)

    async def confirmed(self, call: Call, judged: Judged, permit: Permit) -> Approval:
        """Ask an approver, through their client, to confirm a decision in view of the hold it is about.

        Raises:
            Held: their client cannot ask, or has to ask first.
            Declined: they did not confirm.
        """
        wanted = _decision(judged.wanted)
        hold, entry = await self._visible(judged.principal, wanted.hold_id or "")
        self._check_may_decide(judged.principal, hold, entry, is_break_glass=wanted.is_break_glass)
        if hold.state is not State.OPEN:
            raise HoldSpent(f"the hold is not open any more, it is {hold.state}", hold_id=hold.id)
        view = self._full(judged.principal, hold, entry)
        what = {"approve": "APPROVE", "deny": "DENY"}[wanted.verdict or "deny"]
        emergency = " IN AN EMERGENCY (break glass)" if wanted.is_break_glass else ""
        asking = f"You are about to {what}{emergency}:\n\n{view.text}"
        try:
            is_confirmed = await call.confirm(hold.id, asking)
        except Held as held:
            raise held.told(hold_id=hold.id) from None
        if not is_confirmed:
            raise Declined("the decision was not confirmed, so nothing was decided", hold_id=hold.id)
        return Approval(permit, hold.id, shown=view.shown)

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """Do what a tool asks of the holds."""
        who, wanted = cleared.principal, cleared.wanted
        assert isinstance(wanted, Holds)  # noqa: S101 - this lease is for nothing else
        hold_id = wanted.hold_id or ""
        match wanted.act:
            case "list":
                views, cursor = await self.waiting(who, wanted.cursor)
                return RawHolds({"holds": [view.content for view in views], "next_cursor": cursor})
            case "show":
                return RawHolds((await self.show(who, hold_id, via="mcp", call_id=cleared.call_id)).content)
            case "decide":
                assert cleared.approval is not None  # noqa: S101 - a decision is cleared by its confirmation
                now = await self.decide(
                    who,
                    hold_id,
                    Verdict(wanted.verdict or Verdict.DENY),
                    wanted.reason,
                    shown=cleared.approval.shown,
                    via="mcp",
                    is_break_glass=wanted.is_break_glass,
                    call_id=cleared.call_id,
                )
                return RawHolds({"hold_id": hold_id, "state": now.state, "missing": now.missing})
            case "withdraw":
                await self.withdraw(who, hold_id, wanted.reason, call_id=cleared.call_id)
                return RawHolds({"hold_id": hold_id, "state": State.WITHDRAWN.value})
            case "undo":
                raise Internal("what undoes a change is a statement")
            case "check":
                return RawHolds(await self._status(who, hold_id))

    async def _status(self, who: Principal, hold_id: str) -> JsonObject:
        """Where the caller's own request is. A request that was denied or has ended unrun is a refusal."""
        hold = await self.own(who, hold_id)
        entry = self._entry(hold)
        match hold.state:
            case State.DENIED:
                raise Denied("an approver denied it: " + _reasons(hold.votes), hold_id=hold.id)
            case State.STALE:
                raise HoldStale("policy or an object has changed since this was asked for", hold_id=hold.id)
            case State.EXPIRED | State.WITHDRAWN:
                raise HoldSpent(f"the request is {hold.state}", hold_id=hold.id)
            case _:
                return {"status": hold.state.value, **({} if entry is None else hold_object(hold, entry))}

    async def _visible(self, who: Principal, hold_id: str) -> tuple[HoldRecord, ApprovalEntry]:
        hold = await self.holds.find(hold_id)
        entry = self._entry(hold)
        is_own = (hold.requester.issuer, hold.requester.subject) == (who.issuer, who.subject)
        if entry is None or not (is_own or groups_of(entry) & who.groups):
            raise HoldNotFound("there is no such hold for you")
        return hold, entry

    def _check_may_decide(
        self, who: Principal, hold: HoldRecord, entry: ApprovalEntry, *, is_break_glass: bool
    ) -> None:
        match why_not(entry, hold.requester.facts(), who, is_escalated=hold.is_escalated):
            case "own_request":
                raise OwnRequest("you cannot decide on your own request", hold_id=hold.id)
            case None if not is_break_glass or entry.break_glass & who.groups:
                return
            case _:
                raise NotApprover("you are in no group that may decide so on this hold", hold_id=hold.id)

    async def _refuse_stale(self, hold: HoldRecord, call_id: str | None) -> None:
        """Nobody approves what cannot run any more because policy or an object has changed underneath."""
        engine = self.judge().engine
        objects = hold.asked.objects if hold.asked is not None else ()
        is_same = all(engine.catalog.digest_of(TableName(*name)) == digest for *name, digest in objects if digest)
        if engine.provenance.policy == hold.policy and is_same:
            return
        await self.holds.close(hold, State.STALE, Telling(self.journal, self.tell).of(call_id, "hold.stale", {}))
        raise HoldStale("policy or an object has changed since this was asked for", hold_id=hold.id)

    def _entry(self, hold: HoldRecord) -> ApprovalEntry | None:
        return self.judge().engine.policy.approving.entry_of(hold.entry)

    def _brief(self, who: Principal, hold: HoldRecord) -> View | None:
        entry = self._entry(hold)
        if entry is None:
            return None
        content = hold_object(hold, entry)
        return View(hold, entry, "", "", content, self._may_decide(who, hold, entry))

    def _may_decide(self, who: Principal, hold: HoldRecord, entry: ApprovalEntry) -> bool:
        reason = why_not(entry, hold.requester.facts(), who, is_escalated=hold.is_escalated)
        return hold.state is State.OPEN and reason is None

    def _full(self, who: Principal, hold: HoldRecord, entry: ApprovalEntry) -> View:
        cells = _cells(self.judge().engine, who, hold)
        text = question(hold, entry, cells)
        content = {**full_object(hold, entry, cells), "text": text, "may_decide": self._may_decide(who, hold, entry)}
        return View(hold, entry, text, digest_of(text), content, self._may_decide(who, hold, entry))


def _cells(engine: Engine, who: Principal, hold: HoldRecord) -> Sequence[bool] | None:
    """Which cells `who` may see: the requester all (they were masked for them), others what they could read.

    Through another client the requester is another audience, to which policy may show less.
    """
    if hold.asked is None or hold.requester == Requester(who.issuer, who.subject, who.actor):
        return None
    names = [TableName(database, schema, name) for database, schema, name, _ in hold.asked.objects]
    cells = hold.asked.effect.sample.cells
    return engine.cells_shown(who, names[0], names[1:], cells) if names else (False,) * len(cells)


def _decision(wanted: Wanted) -> Holds:
    assert isinstance(wanted, Holds)  # noqa: S101 - only decide_hold gets here, and its arguments need a verdict
    return wanted


def _reasons(votes: Sequence[Said]) -> str:
    return "; ".join(vote.reason for vote in votes if vote.verdict is Verdict.DENY) or "no reason is on record"
