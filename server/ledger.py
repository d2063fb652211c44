"""Which Snowflake sessions and credentials this gate has out, in PostgreSQL: so that a crash leaves none behind.

A row is there before its session is used, and what a broker is about to make in Snowflake is there before it is made.
Each process says every few seconds that it still holds its rows; what nobody says that of is taken away by the janitor
of any other. The journal hears of each session's beginning and end.
"""

import logging
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import anyio
from sqlalchemy import Column, DateTime, MetaData, String, Table, Uuid, delete, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal, JournalUnavailable

SEEN_EVERY_S = 10.0
ORPHAN_AFTER_S = 60.0
CLAIMED_AT_ONCE_MAX = 50

log = logging.getLogger(__name__)

lease_table = Table(
    "lease",
    MetaData(schema="gate"),
    Column("id", String, primary_key=True),
    Column("replica", Uuid, nullable=False),
    Column("state", String, nullable=False),
    Column("broker", String, nullable=False),
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("role", String, nullable=False),
    Column("warehouse", String, nullable=False),
    Column("handle", String),
    Column("session_id", String),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """One session and what was made in Snowflake for it. `handle` is its broker's name for that, if there is any."""

    id: str
    broker: str
    issuer: str
    subject: str
    role: str
    warehouse: str
    handle: str | None
    session_id: str | None = None


class Ledger(Protocol):
    """Keeps account of what is out."""

    async def planned(self, lease: LeaseRecord) -> None:
        """Its handle is about to be made in Snowflake. Raises JournalUnavailable if that is not written down."""

    async def opened(self, lease: LeaseRecord, session_id: int) -> None:
        """Its session is open. Raises JournalUnavailable if that is not written down."""

    async def ended(self, lease_id: str) -> None:
        """Nothing is left of it in Snowflake. Raises nothing: what cannot be written now is written later."""

    def abandoned(self, lease_id: str) -> None:
        """It could not be ended; from here on it is the janitor's."""


class NoLedger:
    """For a look that leaves nothing behind, such as the doctor's."""

    async def planned(self, lease: LeaseRecord) -> None:
        """Not written down."""

    async def opened(self, lease: LeaseRecord, session_id: int) -> None:
        """Not written down."""

    async def ended(self, lease_id: str) -> None:
        """Not written down."""

    def abandoned(self, lease_id: str) -> None:
        """Not written down."""


@dataclass
class PostgresLedger:
    """The ledger of one process, in the database of all replicas. The process is named by its journal stream."""

    engine: AsyncEngine
    journal: Journal
    _live: dict[str, LeaseRecord] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    @property
    def replica(self) -> UUID:
        """The process whose ledger it is."""
        return self.journal.stream

    async def planned(self, lease: LeaseRecord) -> None:
        """Write it down before it exists."""
        self._live[lease.id] = lease
        await self._write(insert(lease_table).values(**self._row(lease, None)))

    async def opened(self, lease: LeaseRecord, session_id: int) -> None:
        """Write it down, and tell the journal, before anything runs in it."""
        self._live[lease.id] = lease
        if lease.handle is None:
            await self._write(insert(lease_table).values(**self._row(lease, str(session_id))))
        else:
            its_own = lease_table.c.id == lease.id
            await self._write(update(lease_table).where(its_own).values(session_id=str(session_id), seen_at=func.now()))
        await self.journal.append(
            "",
            "lease.opened",
            {
                "lease_id": lease.id,
                "session_id": str(session_id),
                "broker": lease.broker,
                "issuer": lease.issuer,
                "subject": lease.subject,
                "role": lease.role,
                "warehouse": lease.warehouse,
            },
        )

    async def ended(self, lease_id: str) -> None:
        """Strike it out, now or at the next beat."""
        self._live.pop(lease_id, None)
        try:
            async with self.engine.begin() as connection:
                await connection.execute(delete(lease_table).where(lease_table.c.id == lease_id))
            await self.journal.append("", "lease.ended", {"lease_id": lease_id})
        except (SQLAlchemyError, JournalUnavailable) as failure:
            self._ended.add(lease_id)
            log.warning("the end of a session could not be written down: %s", type(failure).__name__)

    def abandoned(self, lease_id: str) -> None:
        """Say no longer that it is ours."""
        self._live.pop(lease_id, None)

    async def beat_forever(self) -> None:
        """Say every few seconds what this process still holds, and strike out what it does not."""
        while True:
            await anyio.sleep(SEEN_EVERY_S)
            await self.beat()

    async def beat(self) -> None:
        """Say it once."""
        for lease_id in tuple(self._ended):
            self._ended.discard(lease_id)
            await self.ended(lease_id)
        if not self._live:
            return
        still_held = lease_table.c.id.in_(tuple(self._live))
        try:
            async with self.engine.begin() as connection:
                await connection.execute(update(lease_table).where(still_held).values(seen_at=func.now()))
        except SQLAlchemyError as failure:
            log.warning("the sessions in use could not be confirmed: %s", type(failure).__name__)

    async def claim_orphans(self, brokers: frozenset[str]) -> list[LeaseRecord]:
        """Take over what these brokers made and nobody holds any more: no other janitor gets it while this one lives.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        is_silent = lease_table.c.seen_at < func.now() - timedelta(seconds=ORPHAN_AFTER_S)
        is_ours = (lease_table.c.state == "orphan") & (lease_table.c.replica == self.replica)
        found = (
            select(lease_table.c.id)
            .where(or_(is_silent, is_ours), lease_table.c.broker.in_(brokers))
            .order_by(lease_table.c.seen_at)
            .limit(CLAIMED_AT_ONCE_MAX)
            .with_for_update(skip_locked=True)
        )
        claim = (
            update(lease_table)
            .where(lease_table.c.id.in_(found.scalar_subquery()))
            .values(state="orphan", replica=self.replica, seen_at=func.now())
            .returning(*(lease_table.c[name] for name in LeaseRecord.__slots__))
        )
        async with self.engine.begin() as connection:
            return [LeaseRecord(**row._mapping) for row in await connection.execute(claim)]

    def _row(self, lease: LeaseRecord, session_id: str | None) -> dict[str, Any]:
        ours = {"replica": self.replica, "state": "live", "opened_at": func.now(), "seen_at": func.now()}
        return {**asdict(lease), "session_id": session_id, **ours}

    async def _write(self, statement: Any) -> None:
        try:
            async with self.engine.begin() as connection:
                await connection.execute(statement)
        except SQLAlchemyError:
            failure = JournalUnavailable()
        else:
            return
        raise failure
