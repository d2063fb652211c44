"""Steps 5 and 6 of the line: what a cleared statement borrows, and how it runs there.

A lease is for exactly one cleared statement: a Snowflake session of the right principal and role, or, for a look at
the schema, the catalog page that the permit already carries. Cancelling the call cancels the statement in Snowflake.
"""

import json
import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import assert_never

import anyio

from policy.decision import ReadCatalog, RunSql
from policy.statement import WRITES
from server.line import Cleared, Lease, Progress
from server.pool import Kind, Pooled, SessionPool
from server.raw import Raw, RawRows, RawSchema
from server.refusals import OutcomeUnknown, Refusal, StatementTimedOut
from server.warehouse import Order
from tools.contract import Sql

CANCEL_WAIT_S = 5.0
"""How long a cancelled call waits for Snowflake to hear of it, and for the statement to end."""

OVERTIME_S = 15.0
"""How long past its own limit a statement may take to answer before the gate stops it itself."""

PROGRESS_EVERY_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leases:
    """Borrows from the pool, and gives back."""

    pool: SessionPool

    @asynccontextmanager
    async def __call__(self, cleared: Cleared) -> AsyncGenerator[Lease]:
        """A lease for exactly what was cleared; given back however the call ends.

        Raises:
            Busy: no session came free in time.
            SnowflakeUnavailable: Snowflake opened none.
        """
        match cleared.permit.action:
            case ReadCatalog():
                yield CatalogLease()
            case RunSql() as action:
                who = cleared.principal
                kind = Kind(who.issuer, who.subject, action.role, action.warehouse, cleared.provenance.policy)
                pooled = await self.pool.borrow(kind)
                try:
                    yield SessionLease(pooled, self.pool)
                finally:
                    self.pool.give_back(pooled)
            case _:
                assert_never(cleared.permit.action)


@dataclass(frozen=True, slots=True)
class CatalogLease:
    """Answers a look at the schema; nothing runs in Snowflake."""

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """The page that the permit carries."""
        action = cleared.permit.action
        assert isinstance(action, ReadCatalog)  # noqa: S101 - `Leases` chose this lease by the action's type
        return RawSchema(action)


@dataclass(frozen=True, slots=True)
class SessionLease:
    """A borrowed Snowflake session."""

    pooled: Pooled
    pool: SessionPool

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """Run exactly what was cleared, within its limits.

        Raises:
            StatementTimedOut, StatementFailed, SnowflakeUnavailable: as Snowflake answers.
            OutcomeUnknown: a write was sent, and whether it was committed cannot be told.
        """
        action = cleared.permit.action
        assert isinstance(action, RunSql)  # noqa: S101 - `Leases` chose this lease by the action's type
        order = order_of(cleared, action)
        try:
            with anyio.fail_after(action.statement_timeout_s + OVERTIME_S):
                if progress is None:
                    return await self._run(order)
                return await self._run_telling(order, progress)
        except TimeoutError:
            if order.is_write:  # it may have been stopped in the middle of its COMMIT
                raise OutcomeUnknown("the gate stopped waiting for a change that ran too long") from None
            raise StatementTimedOut("the statement ran longer than its limit") from None

    async def _run(self, order: Order) -> RawRows:
        ended = threading.Event()

        def work() -> RawRows:
            try:
                return self.pooled.session.run(order)
            finally:
                ended.set()

        try:
            return await self.pool.in_thread(work, abandon=True)
        except anyio.get_cancelled_exc_class():
            # First of all, for the thread goes on: nobody may borrow this session, and it may not commit.
            self.pooled.session.is_usable = False
            with anyio.move_on_after(CANCEL_WAIT_S, shield=True):
                await self._stop(ended)
            raise

    async def _stop(self, ended: threading.Event) -> None:
        """Stop the statement from a second session of the same user, and wait until it has ended.

        Raises nothing: a call that was cancelled stays cancelled, whether or not Snowflake could be told.
        """

        def stop() -> None:
            control = self.pool.open_session(self.pooled.kind)
            try:
                control.cancel_all_of(self.pooled.session.session_id)
            finally:
                control.close()
            ended.wait(CANCEL_WAIT_S)

        if ended.is_set():
            return
        try:
            await self.pool.in_thread(stop, abandon=True)
        except Exception as failure:
            log.warning("a statement could not be stopped in Snowflake: %s", type(failure).__name__)

    async def _run_telling(self, order: Order, progress: Progress) -> RawRows:
        async def tell() -> None:
            began = anyio.current_time()
            while True:
                await progress(anyio.current_time() - began, "running in Snowflake")
                await anyio.sleep(PROGRESS_EVERY_S)

        outcome: RawRows | Refusal
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell)
            try:
                outcome = await self._run(order)
            except Refusal as refusal:  # carried out by hand: the task group would wrap it
                outcome = refusal
            tasks.cancel_scope.cancel()
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome


def order_of(cleared: Cleared, action: RunSql) -> Order:
    """The order that runs `action`: its SQL, its bind values, its limits and a tag that leads back to the call."""
    tag = {"snowgate_call": cleared.call_id, "subject": cleared.principal.subject, "actor": cleared.principal.actor}
    return Order(
        sql=action.sql,
        parameters=cleared.wanted.parameters if isinstance(cleared.wanted, Sql) else (),
        rows_max=action.rows_max,
        statement_timeout_s=action.statement_timeout_s,
        tag=json.dumps(tag, separators=(",", ":"))[:2000],
        is_write=action.verb in WRITES,
    )
