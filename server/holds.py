"""Holds as they are kept in PostgreSQL: opened once for one exact effect, answered once, used once.

Every change of state is one atomic UPDATE that names the state it expects, so that two replicas, a replay and a crash
all meet the same answer.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import NewType

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, String, Table, and_, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.refusals import HoldsUnavailable

HoldId = NewType("HoldId", str)

log = logging.getLogger(__name__)

metadata = MetaData(schema="gate")
hold_table = Table(
    "hold",
    metadata,
    Column("id", String, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("subject", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("state", String, nullable=False),
    Column("question", JSONB, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", String),
)


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A hold that waits for its answer; `question` is what the person is shown, word for word."""

    id: HoldId
    question: str


@dataclass(frozen=True, slots=True)
class HoldStore:
    """The holds of all replicas."""

    engine: AsyncEngine
    ttl_s: float

    async def open(self, digest: bytes, *, subject: str, actor: str, tool: str, effect: str) -> OpenHold:
        """The open hold for `digest`: the one there is, else a new one whose question shows `effect`.

        Raises:
            HoldsUnavailable: the database does not answer.
        """
        hold_id = HoldId("hold_" + secrets.token_urlsafe(9))
        expires_at = func.now() + timedelta(seconds=self.ttl_s)
        fresh = insert(hold_table).values(
            id=hold_id,
            digest=digest,
            subject=subject,
            actor=actor,
            tool=tool,
            state="open",
            question={"text": f"{effect}\n\nHold {hold_id}"},
            opened_at=func.now(),
            expires_at=expires_at,
        )
        # The predicate is text: as a bind value in a prepared statement it would match no index.
        once = fresh.on_conflict_do_nothing(index_elements=["digest"], index_where=text("state = 'open'"))
        expired = and_(
            hold_table.c.digest == digest, hold_table.c.state == "open", hold_table.c.expires_at <= func.now()
        )
        mine = select(hold_table.c.id, hold_table.c.question).where(
            hold_table.c.digest == digest, hold_table.c.state == "open"
        )
        try:
            async with self.engine.begin() as connection:
                await connection.execute(update(hold_table).where(expired).values(state="expired", question={}))
                await connection.execute(once)
                row = (await connection.execute(mine)).one()
        except SQLAlchemyError as error:
            raise _unavailable(error) from error
        return OpenHold(HoldId(row.id), row.question["text"])

    async def consume(self, hold_id: HoldId, digest: bytes, *, by: str) -> bool:
        """Use an open hold up; true exactly once, and only before it expires.

        Raises:
            HoldsUnavailable: the database does not answer.
        """
        return await self._settle(hold_id, digest, "consumed", by)

    async def decline(self, hold_id: HoldId, digest: bytes, *, by: str) -> bool:
        """Close an open hold for good.

        Raises:
            HoldsUnavailable: the database does not answer.
        """
        return await self._settle(hold_id, digest, "declined", by)

    async def _settle(self, hold_id: HoldId, digest: bytes, state: str, by: str) -> bool:
        """Move an open hold to `state`; what it showed is forgotten, for it quotes values."""
        settle = (
            update(hold_table)
            .where(
                hold_table.c.id == hold_id,
                hold_table.c.digest == digest,
                hold_table.c.state == "open",
                hold_table.c.expires_at > func.now(),
            )
            .values(state=state, decided_at=func.now(), decided_by=by, question={})
        )
        try:
            async with self.engine.begin() as connection:
                return (await connection.execute(settle)).rowcount == 1
        except SQLAlchemyError as error:
            raise _unavailable(error) from error


def _unavailable(error: SQLAlchemyError) -> HoldsUnavailable:
    log.warning("holds cannot be kept: %s", type(error).__name__)  # its text would quote the question
    return HoldsUnavailable("holds cannot be kept right now")
