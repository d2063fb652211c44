"""The way back from changes that policy permits without asking anybody; of what was held, the hold keeps it.

What is kept names a table and a statement of Snowflake's, and no values. Time is the database's.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import anyio
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policy.principal import Principal
from policy.undo import undo_command
from server.line import Cleared, Lease, Progress
from server.raw import Raw, RawRows
from server.refusals import HoldsUnavailable

KEPT_DAYS = 90
"""As far as time travel can go back, in any edition of Snowflake."""

WITHIN_S = 5.0
"""How long an answer waits for its way back to be kept."""

_KEEP = text("""
    insert into gate.undo_point (call_id, issuer, subject, actor, undo)
    values (:call_id, :issuer, :subject, :actor, :undo)
""")
_SWEEP = text("delete from gate.undo_point where made_at < now() - make_interval(days => :days)")
_FIND = text("""
    select undo from gate.undo_point
    where call_id = :call_id and issuer = :issuer and subject = :subject and actor = :actor
""")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UndoPoints:
    """The ways back of all replicas."""

    engine: AsyncEngine

    async def keep(self, cleared: Cleared, undo: str) -> bool:
        """Keep how the change that a call has made is taken back; false if that cannot be kept."""
        try:
            async with self._transaction() as connection:
                await connection.execute(_SWEEP, {"days": KEPT_DAYS})
                who = _of(cleared.principal)
                await connection.execute(_KEEP, {**who, "call_id": cleared.call_id, "undo": undo})
        except HoldsUnavailable:  # the change is made, and its answer says how it is taken back
            log.warning("how a change is taken back could not be kept")
            return False
        return True

    async def find(self, who: Principal, call_id: str) -> str | None:
        """How the change is taken back that this principal, through the same agent, made in that call.

        Raises:
            HoldsUnavailable: the database does not answer.
        """
        async with self._transaction() as connection:
            found = await connection.execute(_FIND, {**_of(who), "call_id": call_id})
            undo: str | None = found.scalar_one_or_none()
        return undo

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        try:
            with anyio.fail_after(WITHIN_S, shield=True):
                async with self.engine.begin() as connection:
                    yield connection
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("ways back cannot be reached: %s", type(error).__name__)
            raise HoldsUnavailable("how changes are taken back cannot be kept or looked up right now") from error


@dataclass(frozen=True, slots=True)
class Undoable:
    """A `server.line.Lease` for a change that nobody was asked about: its way back is kept before its answer leaves."""

    lease: Lease
    points: UndoPoints

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """Run it, and keep how it is taken back."""
        raw = await self.lease.execute(cleared, progress)
        if not isinstance(raw, RawRows) or raw.rows_affected is None or cleared.target is None:
            return raw
        undo = undo_command(cleared.target, raw.query_id)
        if undo is None:
            return raw
        with anyio.CancelScope(shield=True):
            await self.points.keep(cleared, undo)
        return replace(raw, undo=undo)


def _of(who: Principal) -> dict[str, str]:
    return {"issuer": who.issuer, "subject": who.subject, "actor": who.actor}
