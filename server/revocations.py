"""The kill switch: who may not call any more, kept in PostgreSQL and heard by every replica.

A replica listens for changes (LISTEN) and looks for itself every `POLL_S` as well. Nobody is let in on what was read
more than `STALE_S` ago: then the call reads first, and without an answer it is refused.
"""

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, NewType, Protocol, TypeAlias

import anyio
from anyio.abc import TaskGroup
from psycopg import Error as DriverError
from sqlalchemy import Column, DateTime, MetaData, String, Table, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from policy.principal import Principal
from server.facts import facts_of_principal
from server.inflight import InFlight, Underway
from server.listening import listening, tell
from server.refusals import RevocationsUnavailable, Revoked

POLL_S = 1.0
STALE_S = 2.0
READ_S_MAX = 2.0
RETRY_S = 0.5
CHANNEL = "snowgate_revocation"

RevocationId = NewType("RevocationId", str)
RevocationKind: TypeAlias = Literal["principal", "session", "all"]

log = logging.getLogger(__name__)

_table = Table(
    "revocation",
    MetaData(schema="gate"),
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String),
    Column("issuer", String),
    Column("why", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("lifted_why", String),
    Column("lifted_by", String),
    Column("lifted_at", DateTime(timezone=True)),
)
_IN_FORCE = select(_table).where(_table.c.lifted_at.is_(None)).order_by(_table.c.made_at, _table.c.id)


@dataclass(frozen=True, slots=True)
class Revocation:
    """Who is turned away: a principal by subject (of one issuer, if it is named), a session, or everybody."""

    id: RevocationId
    kind: RevocationKind
    name: str | None
    issuer: str | None
    why: str
    made_by: str

    def matches(self, principal: Principal) -> bool:
        """Whether `principal` is meant."""
        if self.issuer is not None and self.issuer != principal.issuer:
            return False
        match self.kind:
            case "all":
                return True
            case "principal":
                return self.name == principal.subject
            case "session":
                return self.name == principal.session

    @property
    def is_of_owners(self) -> bool:
        """Whether it means whole owners of Snowflake sessions. A sign-in shares those with others of its person's."""
        return self.kind == "principal" or (self.kind == "all" and self.issuer is None)


@dataclass(frozen=True, slots=True)
class RevocationStore:
    """Revocations as they are kept; each change is told to every replica that listens."""

    engine: AsyncEngine

    async def make(
        self, kind: RevocationKind, name: str | None, issuer: str | None, *, why: str, by: str
    ) -> RevocationId:
        """Revoke, from now on.

        Raises:
            RevocationsUnavailable: the database does not answer.
        """
        new = RevocationId("revocation_" + secrets.token_urlsafe(9))
        row = {"id": new, "kind": kind, "name": name, "issuer": issuer, "why": why, "made_by": by}
        async with _within_time(), self.engine.begin() as connection:
            await connection.execute(insert(_table).values(**row, made_at=func.now()))
        await self._tell()
        return new

    async def lift(self, revocation_id: str, *, why: str, by: str) -> bool:
        """End a revocation; false if there is none of that name in force.

        Raises:
            RevocationsUnavailable: the database does not answer.
        """
        lifted = (
            update(_table)
            .where(_table.c.id == revocation_id, _table.c.lifted_at.is_(None))
            .values(lifted_at=func.now(), lifted_by=by, lifted_why=why)
        )
        async with _within_time(), self.engine.begin() as connection:
            count = (await connection.execute(lifted)).rowcount
        await self._tell()
        return count == 1

    async def _tell(self) -> None:
        """Let replicas look at once; they look for themselves all the same."""
        with suppress(RevocationsUnavailable):
            async with _within_time():
                await tell(self.engine, CHANNEL)

    async def in_force(self) -> list[Revocation]:
        """What is revoked now, oldest first.

        Raises:
            RevocationsUnavailable: the database does not answer.
        """
        async with _within_time(), self.engine.connect() as connection:
            rows = (await connection.execute(_IN_FORCE)).all()
        return [Revocation(row.id, row.kind, row.name, row.issuer, row.why, row.made_by) for row in rows]


class Sessions(Protocol):
    """Snowflake sessions that can be ended for a revocation; see `server.lending`."""

    async def end(self, revocation: Revocation) -> None:
        """End those of the owners whom `revocation` means, and what runs in them."""
        ...


@dataclass
class Revocations:
    """What this replica knows to be revoked, and how old that is."""

    store: RevocationStore
    in_flight: InFlight
    sessions: Sessions
    clock: Callable[[], float] = time.monotonic
    _named: dict[tuple[RevocationKind, str | None], list[Revocation]] = field(default_factory=dict)
    _read_at: float = float("-inf")
    _tasks: TaskGroup | None = None
    _reading: anyio.Lock = field(default_factory=anyio.Lock)

    async def check(self, principal: Principal) -> None:
        """Refuse a principal who is revoked.

        Raises:
            Revoked: an operator turned them away.
            RevocationsUnavailable: nobody can say whether one did.
        """
        if self._is_stale():
            async with self._reading:
                if self._is_stale():
                    await self.read()
        revocation = self.of(principal)
        if revocation is not None:
            told = facts_of_principal(principal)
            raise Revoked("an operator has revoked this caller's access", revocation=revocation.id, **told)

    def of(self, principal: Principal) -> Revocation | None:
        """The revocation in force that means `principal`."""
        kinds: tuple[tuple[RevocationKind, str | None], ...] = (
            ("all", None), ("principal", principal.subject), ("session", principal.session),
        )  # fmt: skip
        for kind in kinds:
            for each in self._named.get(kind, ()):
                if each.matches(principal):
                    return each
        return None

    async def read(self) -> None:
        """Read what is revoked, and end the calls under way and the sessions that it means.

        Raises:
            RevocationsUnavailable: the database does not answer; what was known stays, and ages.
        """
        began = self.clock()
        named: dict[tuple[RevocationKind, str | None], list[Revocation]] = {}
        found = await self.store.in_force()
        for each in found:
            named.setdefault((each.kind, each.name), []).append(each)
        known = {each.id for kept in self._named.values() for each in kept}
        self._named, self._read_at = named, began
        self.in_flight.end(self._reason)
        for each in found:
            if each.id not in known and self._tasks is not None:
                log.warning("a revocation is in force: %s", each.id)
                self._tasks.start_soon(self.sessions.end, each)

    def _reason(self, underway: Underway) -> str | None:
        """Why a call is to be ended at once; one whose session is ended for it ends by itself."""
        revocation = self.of(underway.principal) if underway.principal is not None else None
        if revocation is None or (revocation.is_of_owners and underway.has_lease):
            return None
        return revocation.id

    async def watch(self) -> None:
        """Read whenever a change is told, and every `POLL_S`; without end."""
        while True:
            try:
                async with listening(self.store.engine, CHANNEL, "snowgate revocations") as connection:
                    while True:
                        await self.read()
                        async for _ in connection.notifies(timeout=POLL_S, stop_after=1):
                            pass
            except (RevocationsUnavailable, DriverError, OSError) as failure:
                log.warning("revocations cannot be read: %s", type(failure).__name__)
                await anyio.sleep(RETRY_S)

    def _is_stale(self) -> bool:
        return self.clock() - self._read_at > STALE_S


@asynccontextmanager
async def watched(revocations: Revocations) -> AsyncGenerator[None]:
    """Revocations that keep themselves fresh while inside, and have been read once.

    Raises:
        RevocationsUnavailable: they cannot be read.
    """
    await revocations.read()
    async with anyio.create_task_group() as tasks:
        revocations._tasks = tasks
        tasks.start_soon(revocations.watch)
        yield
        revocations._tasks = None
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _within_time() -> AsyncGenerator[None]:
    try:
        with anyio.fail_after(READ_S_MAX):
            yield
    except (SQLAlchemyError, TimeoutError, OSError) as error:
        log.warning("revocations cannot be read or changed: %s", type(error).__name__)
        raise RevocationsUnavailable("nobody can say right now who is revoked") from error
