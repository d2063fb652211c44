"""Steps 5 and 6 of the line: what a cleared statement borrows, and how it runs there.

A lease is for exactly one cleared statement: a Snowflake session of the right principal and role, or, for a look at
the schema, the catalog page that the permit already carries. However the call ends, its statement ends in Snowflake
too; and what cannot be known of a change is asked for, never tried again.
"""

import json
import logging
import random
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, assert_never

import anyio
from anyio import from_thread

from audit.journal import Durable
from audit.unavailable import JournalUnavailable
from policy.decision import ReadCatalog, RunSql, UseHolds
from policy.statement import TABLE_CHANGES, WRITES
from server.departures import Departure, LeftEarly
from server.fates import Became, Fate, fate_of
from server.line import Cleared, Lease, Progress
from server.pool import Kind, Pooled, SessionPool
from server.raw import Raw, RawRows, RawSchema
from server.refusals import (
    Internal,
    OutcomeUnknown,
    Refusal,
    Revoked,
    SnowflakeUnavailable,
    StatementFailed,
    StatementTimedOut,
)
from server.running import Running
from server.submitting import Fetched, Submitted
from server.warehouse import CommitUnconfirmed, Execute, Order, SessionLost, at_once
from tools.contract import Sql

CANCEL_WAIT_S = 5.0
"""How long a cancelled call waits for Snowflake to hear of it, and for the statement to end."""

STOP_WAIT_S = 2.0
"""How long a statement has to end after it was stopped; then its session is ended from another one."""

SETTLE_WAIT_S = 20.0
"""How long the gate asks what became of a change."""

OVERTIME_S = 15.0
"""How long past its own limit a statement may take to answer before the gate stops it itself."""

RETRY_AFTER_S = (0.05, 0.25)
"""Between these many seconds, at random, before a read that Snowflake did not run is sent once more."""

RETRY_WITHIN_S = 1.0
"""A session that Snowflake no longer knows is told at once. What ends later was ended on purpose, and stays ended."""

PROGRESS_EVERY_S = 1.0

_spelled = json.JSONEncoder(separators=(",", ":")).encode

NOT_COMMITTED_HINT = "Nothing was changed: it ended before it was committed. It can be asked for again."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leases:
    """Borrows from the pool, and gives back. `database` is one whose INFORMATION_SCHEMA can be asked."""

    pool: SessionPool
    database: str

    def __call__(self, cleared: Cleared) -> AbstractAsyncContextManager[Lease]:
        """A lease for exactly what was cleared; given back however the call ends.

        Raises:
            Busy: no session came free in time.
            SnowflakeUnavailable: Snowflake opened none.
            Revoked: the caller's sessions were ended while this one was being opened.
        """
        match cleared.permit.action:
            case ReadCatalog():
                return nullcontext(CatalogLease())
            case UseHolds():
                raise Internal("the holds are not Snowflake's to lend")
            case RunSql() as action:
                who = cleared.principal
                kind = Kind(who.issuer, who.subject, action.role, action.warehouse, cleared.provenance.policy)
                return SessionLease(self.pool, kind, self.database, cleared.call_id, cleared.decided)
            case _:
                assert_never(cleared.permit.action)


@dataclass(frozen=True, slots=True)
class CatalogLease:
    """Answers a look at the schema; nothing runs in Snowflake."""

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """The page that the permit carries."""
        await cleared.decided()
        action = cleared.permit.action
        assert isinstance(action, ReadCatalog)  # noqa: S101 - `Leases` chose this lease by the action's type
        return RawSchema(action)


@dataclass(slots=True)
class SessionLease:
    """A Snowflake session that is borrowed for a call, for as long as one is inside.

    Before `decided` has returned nothing leaves for Snowflake, neither a login nor a statement. Without it the gate
    asks something itself, in order to decide.
    """

    pool: SessionPool
    kind: Kind
    database: str
    call_id: str
    decided: Durable | None = None
    pooled: Pooled | None = None

    async def __aenter__(self) -> Self:
        self.pooled = await self.pool.borrow(self.kind, self.decided)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """Run exactly what was cleared, within its limits.

        Raises:
            StatementTimedOut, StatementFailed, SnowflakeUnavailable: as Snowflake answers.
            JournalUnavailable: the statement was submitted, its id could not be written down, and so it was stopped.
            Revoked: the caller's sessions were ended.
            OutcomeUnknown: a write was sent, and whether it was committed cannot be told.
        """
        action = cleared.permit.action
        assert isinstance(action, RunSql)  # noqa: S101 - `Leases` chose this lease by the action's type
        return await self.run(order_of(cleared, action), progress)

    async def run(self, order: Order, progress: Progress | None = None) -> RawRows:
        """Run one order within its limits; when the caller is cancelled, so is the statement in Snowflake."""
        decided = self.decided
        if decided is not None and not self._waits_when_ready(order):
            await decided()
            decided = None
        running = Running(self.call_id, order.tag, decided)
        try:
            return await self._bounded(order, running, progress)
        except SessionLost as lost:
            if lost.ran or order.is_write or anyio.current_time() - running.began_at > RETRY_WITHIN_S:
                raise
        await anyio.sleep(random.uniform(*RETRY_AFTER_S))  # noqa: S311 - so that many callers do not come at once
        await self._exchange()
        return await self._bounded(order, Running(self.call_id, order.tag), progress)

    @property
    def session_id(self) -> int:
        """Snowflake's id of the session."""
        return self._held().session.session_id

    def _give_back(self) -> None:
        if self.pooled is not None:
            pooled, self.pooled = self.pooled, None
            self.pool.give_back(pooled)

    async def _exchange(self) -> None:
        """Another session in the place of one that Snowflake no longer knows."""
        self._give_back()
        self.pooled = await self.pool.borrow(self.kind)

    def _held(self) -> Pooled:
        if self.pooled is None:
            raise RuntimeError("the lease was given back")
        return self.pooled

    async def _bounded(self, order: Order, running: Running, progress: Progress | None) -> RawRows:
        """Run `order` until it ends, its time is up, or its caller's sessions are revoked."""
        pooled = self._held()
        if pooled.revoked:
            raise Revoked("this caller's sessions were ended")
        pooled.running = running
        try:
            with running.scope:
                if progress is None:
                    return await self._run(order, running)
                return await self._run_telling(order, running, progress)
        except CommitUnconfirmed as unconfirmed:
            return await self._settle(order, unconfirmed)
        except JournalUnavailable:
            if not order.is_autocommitted:
                raise
            done = RawRows([], [], False, running.query_id, 0)  # it may have been done before it was stopped
            return await self._settle(order, CommitUnconfirmed("a change was stopped, perhaps too late", done))
        finally:
            pooled.running = None
        return await self._cut_short(order, running)

    async def _cut_short(self, order: Order, running: Running) -> RawRows:
        """What to answer for a statement that the gate stopped: a change that was made is told, a read is not."""
        if order.is_write and running.raw is not None:
            return running.raw
        if order.is_write and not running.ended.is_set():
            await self._settle(order, OutcomeUnknown("the gate stopped a change and does not know when it ended"))
        if self._held().revoked:
            raise Revoked("this caller's sessions were ended")
        raise StatementTimedOut("the statement ran longer than its limit")

    async def _settle(self, order: Order, unknown: OutcomeUnknown) -> RawRows:
        """Ask Snowflake, from another session of the same user, whether a change was committed."""
        pooled = self._held()
        became = Became(Fate.UNKNOWN)
        with anyio.move_on_after(SETTLE_WAIT_S):
            try:
                async with self.pool.aside(pooled.kind) as other:
                    became = await self.pool.in_thread(
                        lambda: fate_of(other, pooled.session.session_id, order.tag, self.database), abandon=True
                    )
            except Refusal as refusal:
                log.warning("what became of a change could not be asked: %s", refusal.code)
        match became.fate:
            case Fate.COMMITTED if isinstance(unknown, CommitUnconfirmed):
                return replace(unknown.done, query_id=unknown.done.query_id or became.query_id or "")
            case Fate.NOT_COMMITTED:
                raise StatementFailed("the change was not committed", NOT_COMMITTED_HINT, **unknown.facts) from None
            case _:
                raise OutcomeUnknown(unknown.message, **unknown.facts) from None

    async def _run(self, order: Order, running: Running) -> RawRows:
        pooled, execute = self._held(), self._execute(running)
        within_s, meanwhile = order.statement_timeout_s + OVERTIME_S, None
        if isinstance(execute, Departure):
            meanwhile = partial(execute.let_go, lambda: running.begins(within_s))
        else:
            running.begins(within_s)

        def work() -> RawRows:
            try:
                running.raw = pooled.session.run(order, execute)
                return running.raw
            finally:
                running.ended.set()

        try:
            return await self.pool.in_thread(work, abandon=True, meanwhile=meanwhile)
        except anyio.get_cancelled_exc_class():
            if isinstance(execute, Departure) and not execute.is_let_go:
                raise  # nothing has left, and its thread has ended
            # First of all, for the thread goes on: nobody may borrow this session, and it may not commit.
            pooled.session.is_usable = False
            with anyio.move_on_after(CANCEL_WAIT_S, shield=True):
                await self._stop(pooled, running)
            raise
        except LeftEarly:
            self.pool.makes_ready = False
            raise
        except SessionLost as lost:
            if not isinstance(execute, Submitted) or not running.query_id or order.is_write:
                raise
            unanswered = lost
        return await self._fetch(order, running.query_id, unanswered)

    def _waits_when_ready(self, order: Order) -> bool:
        """Whether this order is made ready before its decision is in the journal, and waits for that in its thread.

        A thread wakes once more for it, which costs more than it saves where others have work for the processors.
        """
        return not order.is_write and self.pool.journal is None and self.pool.makes_ready and self.pool.is_quiet

    def _execute(self, running: Running) -> Execute:
        """How statements are run: in one request, or, where ids are journaled first, submitted and waited for."""
        session, journal = self._held().session, self.pool.journal
        if running.decided is not None:
            return Departure(running.decided, lambda: session.is_usable)
        if journal is None:
            return at_once
        loop = anyio.lowlevel.current_token()

        def tell(query_id: str) -> None:
            running.query_id = query_id
            facts = {"query_id": query_id, "session_id": str(session.session_id)}
            try:
                from_thread.run(journal.append, running.call_id, "running", facts, token=loop)
            except BaseException:
                session.is_usable = False  # whatever becomes of the statement, it ends with its session
                raise

        return Submitted(tell, lambda: session.is_usable)

    async def _fetch(self, order: Order, query_id: str, lost: SessionLost) -> RawRows:
        """Bring, from another session of the same user, what was submitted in one that was lost. Nothing is run."""
        try:
            async with self.pool.aside(self._held().kind) as other:
                try:
                    return await self.pool.in_thread(lambda: other.run(order, Fetched(query_id)), abandon=True)
                except anyio.get_cancelled_exc_class():
                    with anyio.move_on_after(CANCEL_WAIT_S, shield=True), suppress(Refusal):
                        await self.pool.in_thread(lambda: other.abort_query(query_id), abandon=True)
                    raise
        except SnowflakeUnavailable as unavailable:
            log.warning("the result of a lost session could not be asked for: %s", unavailable.message)
        raise SessionLost(lost.message, ran=True, **lost.facts)

    async def _stop(self, pooled: Pooled, running: Running) -> None:
        """Stop the statement in its own session; if that does not end it, end the session from another one.

        Raises nothing: a call that was cancelled stays cancelled, whether or not Snowflake could be told.
        """

        def stop() -> bool:
            if running.query_id:
                pooled.session.abort_query(running.query_id)
            pooled.session.stop()
            return running.ended.wait(STOP_WAIT_S)

        if running.ended.is_set():
            return
        try:
            if await self.pool.in_thread(stop, abandon=True):
                return
        except Refusal as refusal:
            log.info("a session could not stop its own statement: %s", refusal.code)
        try:
            async with self.pool.aside(pooled.kind) as other:
                await self.pool.in_thread(lambda: other.abort(pooled.session.session_id), abandon=True)
            await self.pool.in_thread(lambda: running.ended.wait(STOP_WAIT_S), abandon=True)
        except Exception as failure:
            log.warning("a statement could not be stopped in Snowflake: %s", type(failure).__name__)

    async def _run_telling(self, order: Order, running: Running, progress: Progress) -> RawRows:
        has_begun = running.has_begun = anyio.Event()

        async def tell() -> None:
            await has_begun.wait()
            while True:
                as_query = f" as {running.query_id}" if running.query_id else ""
                await progress(anyio.current_time() - running.began_at, f"running in Snowflake{as_query}")
                await anyio.sleep(PROGRESS_EVERY_S)

        outcome: RawRows | Refusal | JournalUnavailable
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell)
            try:
                outcome = await self._run(order, running)
            except (Refusal, JournalUnavailable) as refusal:  # carried out by hand: the task group would wrap it
                outcome = refusal
            tasks.cancel_scope.cancel()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def order_of(cleared: Cleared, action: RunSql) -> Order:
    """The order that runs `action`: its SQL, its bind values, its limits and a tag that leads back to the call.

    The call's id comes first in the tag, whole: with it, and from the journal alone, the statement can be found in
    Snowflake's history and stopped there, whatever became of this process.
    """
    return Order(
        sql=action.sql,
        parameters=cleared.wanted.parameters if isinstance(cleared.wanted, Sql) else (),
        rows_max=action.rows_max,
        statement_timeout_s=action.statement_timeout_s,
        tag=tag_of(cleared),
        is_write=action.verb in WRITES | TABLE_CHANGES,
        is_autocommitted=action.verb in TABLE_CHANGES,
        rows_allowed=cleared.approval.rows_allowed if cleared.approval else None,
    )


def tag_of(cleared: Cleared, purpose: str = "call") -> str:
    """The query tag of what runs for a call (at most 2,000 characters)."""
    who = cleared.principal
    tag = {f"snowgate_{purpose}": cleared.call_id, "subject": who.subject, "actor": who.actor}
    return _spelled(tag)[:2000]
