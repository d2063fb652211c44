"""Runs an approved statement exactly once, whatever crashes, and says how it ended.

Before it runs, the claim is written down together with the Snowflake session that will run it. So whoever finds a claim
without an end can end that session, after which nothing of it can be committed any more, and then ask Snowflake's own
history by the query tag. Nothing is ever run a second time to find out.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import anyio

from audit.fields import Fact, Facts
from audit.journal import Journal
from policy.decision import RunSql, UseHolds
from policy.names import TableName
from policy.statement import PutBack, Verb
from policy.undo import prepared_undo, undo_command
from server.hold_record import Claim, State
from server.hold_refusals import EffectDrifted, HoldStale
from server.holds import HoldStore
from server.leases import tag_of
from server.line import Approval, Cleared, Lease, LeaseFor, Progress
from server.measuring import Version, count_rows, versions_of
from server.raw import Raw, RawRows
from server.refusals import HoldSpent, HoldsUnavailable, OutcomeUnknown, Refusal, StatementFailed
from server.undo_points import Undoable, UndoPoints
from server.warehouse import Order
from tools.contract import Scalar

log = logging.getLogger(__name__)

CHECK_TIMEOUT_S = 30


REFRESH_WAIT_S = 30.0
"""How long the answer to a change of a table waits for the catalog to show it."""

Refresh: TypeAlias = Callable[[], Awaitable[object]]
"""Reads the catalog anew; see `server.engine_room`."""


async def shown_by(refresh: Refresh) -> None:
    """Let the catalog show a change of a table that has been made; one that cannot be read now is read later."""
    with anyio.move_on_after(REFRESH_WAIT_S):
        await refresh()


class StatementLease(Lease, Protocol):
    """A lease on a Snowflake session, which can be asked other things than what was cleared."""

    @property
    def session_id(self) -> int:
        """Snowflake's id of the session."""
        ...

    async def run(self, order: Order) -> RawRows:
        """Run one order."""
        ...


@dataclass(frozen=True, slots=True)
class Claims:
    """Leases for everything; the claim of an approval is given back where its call is turned away before it has one.

    It stands round whatever else a lease asks for, such as limits: what they turn away is as good as before.
    """

    leases: LeaseFor
    holds: HoldStore

    def __call__(self, cleared: Cleared) -> AbstractAsyncContextManager[Lease]:
        """A lease for exactly what was cleared."""
        approval = cleared.approval
        return self.leases(cleared) if approval is None else self._claimed(cleared, approval)

    @asynccontextmanager
    async def _claimed(self, cleared: Cleared, approval: Approval) -> AsyncGenerator[Lease]:
        is_lent = False
        try:
            async with self.leases(cleared) as lease:
                is_lent = True
                yield lease
        finally:
            if approval.claim and not is_lent:
                with anyio.CancelScope(shield=True):
                    await _quietly_release(self.holds, approval)


@dataclass(frozen=True, slots=True)
class Executions:
    """Leases for everything; one for an approved statement keeps the hold's books."""

    leases: LeaseFor
    desk: Lease
    holds: HoldStore
    journal: Journal
    refresh: Refresh
    points: UndoPoints | None = None

    def __call__(self, cleared: Cleared) -> AbstractAsyncContextManager[Lease]:
        """A lease for exactly what was cleared. An approval that was not begun on is given back."""
        if isinstance(cleared.permit.action, UseHolds):
            return nullcontext(self.desk)
        if cleared.approval is not None and cleared.approval.claim:
            return self._once(cleared, cleared.approval)
        if self.points is None or cleared.target is None:
            return self.leases(cleared)
        return self._undoable(cleared, self.points)

    @asynccontextmanager
    async def _undoable(self, cleared: Cleared, points: UndoPoints) -> AsyncGenerator[Lease]:
        async with self.leases(cleared) as lease:
            yield Undoable(lease, points)

    @asynccontextmanager
    async def _once(self, cleared: Cleared, approval: Approval) -> AsyncGenerator[Lease]:
        execution = Execution(approval, self.holds, self.journal, self.refresh)
        try:
            async with self.leases(cleared) as lease:
                execution.lease = lease
                yield execution
        finally:
            if not execution.has_begun:
                with anyio.CancelScope(shield=True):
                    await _quietly_release(self.holds, approval)


@dataclass
class Execution:
    """The one run of an approved statement."""

    approval: Approval
    holds: HoldStore
    journal: Journal
    refresh: Refresh
    lease: Lease | None = None
    has_begun: bool = False
    rows_counted: int = 0

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """Run what was approved, if it is still so.

        Raises:
            HoldStale: an object is not what it was when the effect was measured.
            HoldSpent: somebody else has taken the claim over.
            EffectDrifted: other rows were touched than were approved, so the change was rolled back.
            OutcomeUnknown: it was sent, and whether it was committed has to be found out.
        """
        lease: StatementLease = self.lease  # type: ignore[assignment]  # a claim is only ever on a statement
        asking = Asking(lease, cleared)
        await self._check_versions(asking, cleared)
        await self._count_again(asking, cleared)
        known = await self._prepared(asking)
        self.has_begun = True
        claim, tag = Claim(self.approval.claim), tag_of(cleared)
        if not await self.holds.begin(self.approval.hold_id, claim, lease.session_id, tag, **known):
            raise HoldSpent("the approval was taken over by another process", hold_id=self.approval.hold_id)
        try:
            raw = await lease.execute(cleared, progress)
        except OutcomeUnknown:
            raise  # it stays claimed until somebody has asked Snowflake
        except Refusal as refusal:
            await self._settle(cleared, State.FAILED, {"code": refusal.code})
            raise
        return await self._done(cleared, raw)

    async def _check_versions(self, ask: "Asking", cleared: Cleared) -> None:
        if not self.approval.versions:
            return
        now = await versions_of(ask, list(self.approval.versions))
        changed = [name for name, version in self.approval.versions.items() if _version(now, name) != version]
        if changed:
            self.has_begun = True
            await self._settle(cleared, State.STALE, {"code": HoldStale.code})
            raise HoldStale("an object has changed since the effect was measured", hold_id=self.approval.hold_id)

    async def _count_again(self, ask: "Asking", cleared: Cleared) -> None:
        """What cannot be rolled back must touch the rows that were approved before it runs, and not after."""
        allowed = self.approval.rows_allowed
        if self.approval.change is None or allowed is None:
            return
        rows, why_not = await count_rows(ask, self.approval.recount, {}, ())
        if rows is None or any(rows.get(Verb(verb), -1) not in counts for verb, counts in allowed.items()):
            self.has_begun = True
            await self._settle(cleared, State.FAILED, {"code": EffectDrifted.code})
            raise EffectDrifted(why_not or "the table has other rows than were approved", hold_id=self.approval.hold_id)
        self.rows_counted = sum(rows.values())

    async def _prepared(self, ask: "Asking") -> dict[str, str]:
        """How a change of a whole table is taken back, before it is made: after a crash somebody has to know."""
        target, change = next(iter(self.approval.versions), None), self.approval.change
        if change is None or target is None:
            return {}
        [[moment]] = (await ask("SELECT SYSDATE()", (), 1)).rows
        undo = prepared_undo(target, change, f"{str(moment).replace('T', ' ')[:23]} +0000")
        if undo is None and not isinstance(change, PutBack):
            raise StatementFailed("how it could be taken back cannot be told, so it was not run")
        return {} if undo is None else {"undo": undo}

    async def _done(self, cleared: Cleared, raw: Raw) -> Raw:
        action = cleared.permit.action
        if not isinstance(raw, RawRows) or not isinstance(action, RunSql) or raw.rows_affected is None:
            await self._settle(cleared, State.EXECUTED, {})
            return raw
        target, change = next(iter(self.approval.versions), None), self.approval.change
        undo = undo_command(target, raw.query_id, change) if target is not None else None
        rows = raw.rows_affected if change is None else self.rows_counted
        outcome: dict[str, Fact] = {"rows_affected": rows, "query_id": raw.query_id, "undo": undo}
        await self._settle(cleared, State.EXECUTED, {**outcome, "call_id": cleared.call_id})
        if change is not None:
            await shown_by(self.refresh)
        return replace(raw, undo=undo, rows_affected=rows)

    async def _settle(self, cleared: Cleared, state: State, outcome: dict[str, Fact]) -> None:
        """Say how it ended. What is done is done: books that cannot be kept now are mended by whoever looks next."""
        facts = {key: value for key, value in outcome.items() if key not in ("code", "call_id")}
        stage = "hold.executed" if state is State.EXECUTED else "hold.failed"
        told: Facts = {"hold_id": self.approval.hold_id, **facts, "code": outcome.get("code")}
        is_told = False

        async def also(*_: object) -> None:
            nonlocal is_told
            await self.journal.append(cleared.call_id, stage, told)
            is_told = True

        claim = Claim(self.approval.claim)
        with anyio.CancelScope(shield=True):
            try:
                await self.holds.settle(self.approval.hold_id, claim, state, outcome, also)
            except HoldsUnavailable:
                log.warning("a hold's end could not be kept; it will be found out when somebody asks")
            if not is_told:
                await also()


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks, in the session that is about to run what was approved; a `server.measuring.Ask`."""

    lease: StatementLease
    cleared: Cleared

    async def __call__(self, sql: str, binds: Sequence[Scalar], rows_max: int) -> RawRows:
        """Run one read."""
        order = Order(sql, tuple(binds), rows_max, CHECK_TIMEOUT_S, tag_of(self.cleared, "check"))
        return await self.lease.run(order)


def _version(now: dict[TableName, Version], name: TableName) -> str:
    found = now.get(name)
    return "" if found is None else found.digest


async def _quietly_release(holds: HoldStore, approval: Approval) -> None:
    try:
        await holds.release(approval.hold_id, Claim(approval.claim), begun=False)
    except HoldsUnavailable:
        log.warning("an approval could not be given back; it is given back when its claim has run out")
