"""Keeps Snowflake sessions warm for the next call of the same principal, role and policy, and for nobody else.

State is touched by the event loop alone and never across an await; waiting and driver work happen in threads.
"""

import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

import anyio
from anyio.abc import TaskGroup

from audit.journal import Durable, Journal
from server.credentials import Broker, Handle
from server.ledger import LeaseRecord, Ledger, NoLedger
from server.refusals import Busy, Revoked, SnowflakeUnavailable
from server.running import Running
from server.threads import Threads
from server.warehouse import Account, LoginRefused, SnowflakeSession

SWEEP_EVERY_S = 5.0

THREADS_MAX = 512
"""Threads with driver work that are waited for at once."""

Owner: TypeAlias = tuple[str, str]
"""Issuer and subject: whose sessions they are."""

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """Whom a session may serve: everything that must be equal for it to be used again."""

    issuer: str
    subject: str
    role: str
    warehouse: str
    policy: str

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return self.issuer, self.subject


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many sessions there may be, and for how long."""

    ttl_s: float = 600.0
    idle_s: float = 60.0
    wait_s: float = 10.0
    per_principal_max: int = 32
    total_max: int = 512


@dataclass(slots=True, eq=False)
class Opening:
    """A session that is being opened; revoked meanwhile, it is ended before anybody has it."""

    kind: Kind
    revoked: bool = False


@dataclass(slots=True, eq=False)
class Pooled:
    """A session with its age, on the pool's clock, and what it runs, if it runs something."""

    id: str
    kind: Kind
    session: SnowflakeSession
    handle: Handle | None
    opened_at: float
    idle_since: float
    revoked: bool = False
    running: Running | None = None


@dataclass
class SessionPool:
    """Opens, keeps and ends sessions.

    With a `journal`, leases submit their statements, and journal each one's id before they wait for it.
    """

    account: Account
    broker: Broker
    limits: PoolLimits
    tasks: TaskGroup
    threads: Threads
    ledger: Ledger
    own: Broker | None = None
    journal: Journal | None = None
    makes_ready: bool = True
    """Whether the driver waits where it should; see `server.departures`."""
    clock: Callable[[], float] = time.monotonic
    logins: int = 0
    _idle: dict[Kind, list[Pooled]] = field(default_factory=dict)
    _lent: set[Pooled] = field(default_factory=set)
    _opening: set[Opening] = field(default_factory=set)
    _open: Counter[Owner] = field(default_factory=Counter)
    _freed: anyio.Event | None = None

    @property
    def broker_names(self) -> frozenset[str]:
        """Whose sessions this pool can open, and whose traces it can take away."""
        return frozenset({self.broker.name} | ({self.own.name} if self.own is not None else set()))

    async def borrow(self, kind: Kind, first: Durable | None = None) -> Pooled:
        """A session of `kind`: a warm one at once, else, after `first`, a new one as soon as the limits allow.

        Raises:
            Busy: nothing came free within `wait_s`.
            SnowflakeUnavailable: Snowflake opened none.
            Revoked: the owner's sessions were ended while this one was being opened.
            JournalUnavailable: it could not be written down, so nobody gets it.
        """
        warm = self._take(kind)
        if warm is None and first is not None:
            await first()
            warm = self._take(kind)
        warm = warm or await self._wait_for_one(kind)
        self._lent.add(warm)
        return warm

    async def _wait_for_one(self, kind: Kind) -> Pooled:
        with anyio.move_on_after(self.limits.wait_s):
            while True:
                if self._has_room(kind):
                    return await self._open_one(kind)
                self._freed = self._freed or anyio.Event()
                await self._freed.wait()
                if warm := self._take(kind):
                    return warm
        raise Busy("every session that this caller may use is in use")

    def give_back(self, pooled: Pooled) -> None:
        """Take a session back: keep it warm, or end it in the background if there is any doubt."""
        self._lent.discard(pooled)
        pooled.idle_since = self.clock()
        if pooled.session.is_usable and not pooled.revoked and self._is_fresh(pooled):
            self._idle.setdefault(pooled.kind, []).append(pooled)
        else:
            self.tasks.start_soon(self._end, pooled)
        self._signal()

    @property
    def is_quiet(self) -> bool:
        """Whether at most one session is in use."""
        return len(self._lent) <= 1

    def lent(self) -> list[Pooled]:
        """The sessions that are in use now."""
        return list(self._lent)

    async def revoke(self, *, owner: Owner | None = None, session_id: int | None = None) -> int:
        """End sessions, and what runs in them: one owner's, one by its id in Snowflake, or all but the gate's own.

        What runs is cancelled at once; its call stops it in Snowflake, is refused as `revoked`, and gives the session
        back to be ended. Returns how many sessions are concerned, with the idle ones already ended.
        """

        def is_meant(kind: Kind, its_id: int | None) -> bool:
            if session_id is not None:
                return its_id == session_id
            return kind.issuer != "" if owner is None else kind.owner == owner

        opening = [each for each in self._opening if is_meant(each.kind, None)]
        for each in opening:
            each.revoked = True
        lent = [each for each in self._lent if is_meant(each.kind, each.session.session_id)]
        for pooled in lent:
            pooled.revoked = True
            if pooled.running is not None:
                pooled.running.scope.cancel()
        idle = [p for kept in self._idle.values() for p in kept if is_meant(p.kind, p.session.session_id)]
        for pooled in idle:
            self._forget(pooled)
        async with anyio.create_task_group() as tasks:
            for pooled in idle:
                tasks.start_soon(self._end, pooled)
        return len(opening) + len(lent) + len(idle)

    @asynccontextmanager
    async def aside(self, kind: Kind) -> AsyncGenerator[SnowflakeSession]:
        """A session beside the pool, of the same user, to ask after or end another one; ended on the way out.

        Raises:
            SnowflakeUnavailable, JournalUnavailable: as `borrow`.
        """
        pooled = await self._log_in(kind)
        try:
            yield pooled.session
        finally:
            self.tasks.start_soon(self._close, pooled)

    def counts(self) -> dict[str, int]:
        """How many sessions there are in each state."""
        return {"idle": sum(map(len, self._idle.values())), "lent": len(self._lent), "opening": len(self._opening)}

    async def in_thread(self, work: Callable[[], T], *, abandon: bool = False, meanwhile: Durable | None = None) -> T:
        """Run blocking driver work in a worker thread; see `Threads.run`."""
        return await self.threads.run(work, abandon=abandon, meanwhile=meanwhile)

    async def sweep_forever(self) -> None:
        """End idle and old sessions, and idle threads, every few seconds."""
        while True:
            await anyio.sleep(SWEEP_EVERY_S)
            self.threads.trim()
            for kind in list(self._idle):
                stale = [pooled for pooled in self._idle.get(kind, []) if not self._is_fresh(pooled)]
                for pooled in stale:
                    self._forget(pooled)
                    self.tasks.start_soon(self._end, pooled)

    async def close(self) -> None:
        """End every idle session; one that is still in use ends when it comes back."""
        self.limits = replace(self.limits, ttl_s=0.0)
        idle = [pooled for kept in self._idle.values() for pooled in kept]
        self._idle.clear()
        async with anyio.create_task_group() as tasks:
            for pooled in idle:
                tasks.start_soon(self._end, pooled)

    def _take(self, kind: Kind) -> Pooled | None:
        kept = self._idle.get(kind, [])
        while kept:
            pooled = kept.pop()
            if not kept:
                del self._idle[kind]
            if self._is_fresh(pooled):
                return pooled
            self.tasks.start_soon(self._end, pooled)
        return None

    def _has_room(self, kind: Kind) -> bool:
        """Whether one more may be opened; when all are taken, an idle one of somebody else makes way."""
        if self._open[kind.owner] >= self.limits.per_principal_max:
            return self._end_oldest(of=kind.owner)
        return self._open.total() < self.limits.total_max or self._end_oldest(of=None)

    def _end_oldest(self, of: Owner | None) -> bool:
        """End the longest idle session (of one owner, if named); its place is free at once."""
        idle = [p for kept in self._idle.values() for p in kept if of is None or p.kind.owner == of]
        if not idle:
            return False
        oldest = min(idle, key=lambda pooled: pooled.idle_since)
        self._forget(oldest)
        self._open[oldest.kind.owner] -= 1
        self.tasks.start_soon(self._close, oldest)
        return True

    async def _open_one(self, kind: Kind) -> Pooled:
        opening = Opening(kind)
        self._opening.add(opening)
        self._open[kind.owner] += 1
        try:
            pooled = await self._log_in(kind)
            if opening.revoked:
                self.tasks.start_soon(self._close, pooled)
                raise Revoked("this caller's sessions were ended")
        except BaseException:
            self._open[kind.owner] -= 1
            self._signal()
            raise
        finally:
            self._opening.discard(opening)
        return pooled

    async def _log_in(self, kind: Kind) -> Pooled:
        """Open a session with a credential made for it. What it will leave in Snowflake is written down first."""
        broker = self.own if kind.issuer == "" and self.own is not None else self.broker
        handle = broker.plan(kind.subject)
        lease = LeaseRecord(
            secrets.token_hex(8), broker.name, kind.issuer, kind.subject, kind.role, kind.warehouse, handle
        )
        if handle is not None:
            await self.ledger.planned(lease)
        session = None
        try:
            opened, handle = await self.in_thread(lambda: self._open_session(kind, broker, lease.handle))
            session = opened
            await self.ledger.opened(lease, opened.session_id)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._undo(lease, session)
            raise
        self.logins += 1
        return Pooled(lease.id, kind, opened, handle, opened_at=self.clock(), idle_since=self.clock())

    def _open_session(
        self, kind: Kind, broker: Broker, handle: Handle | None
    ) -> tuple[SnowflakeSession, Handle | None]:
        def log_in() -> SnowflakeSession:
            credential = broker.issue(kind.subject, kind.role, handle)
            return SnowflakeSession(self.account, credential, role=kind.role, warehouse=kind.warehouse)

        try:
            session = log_in()
        except LoginRefused:
            if not broker.refused():
                raise
            session = log_in()
        try:
            return session, broker.logged_in(handle)
        except BaseException:
            session.close()
            raise

    async def _undo(self, lease: LeaseRecord, session: SnowflakeSession | None) -> None:
        """Leave nothing of a login that came to nothing."""
        if session is not None or lease.handle is not None:
            await self._take_away(lease.id, session, lease.handle)

    async def _end(self, pooled: Pooled) -> None:
        try:
            await self._close(pooled)
        finally:
            self._open[pooled.kind.owner] -= 1
            self._signal()

    async def _close(self, pooled: Pooled) -> None:
        with anyio.CancelScope(shield=True):
            await self._take_away(pooled.id, pooled.session, pooled.handle)

    async def _take_away(self, lease_id: str, session: SnowflakeSession | None, handle: Handle | None) -> None:
        """End the session and withdraw what its credential left; what fails is left to the janitor, by the ledger."""

        def take_away() -> None:
            try:
                if session is not None and not session.close():
                    raise SnowflakeUnavailable("a session could not be ended")
            finally:
                if handle is not None:
                    self.broker.withdraw(handle)

        try:
            await self.in_thread(take_away)
        except Exception as failure:
            log.warning("a session could not be ended cleanly: %s", type(failure).__name__)
            self.ledger.abandoned(lease_id)
        else:
            await self.ledger.ended(lease_id)

    def _forget(self, pooled: Pooled) -> None:
        kept = self._idle[pooled.kind]
        kept.remove(pooled)
        if not kept:
            del self._idle[pooled.kind]

    def _is_fresh(self, pooled: Pooled) -> bool:
        now = self.clock()
        return now - pooled.opened_at < self.limits.ttl_s and now - pooled.idle_since < self.limits.idle_s

    def _signal(self) -> None:
        """Let everybody who waits for a session look again; mostly nobody does."""
        if self._freed is not None:
            self._freed.set()
            self._freed = None


@asynccontextmanager
async def open_pool(
    account: Account,
    broker: Broker,
    limits: PoolLimits,
    ledger: Ledger | None = None,
    own: Broker | None = None,
    journal: Journal | None = None,
) -> AsyncGenerator[SessionPool]:
    """A pool that sweeps itself, and ends its sessions on the way out.

    Without a ledger nobody else knows of them. `own` logs in the gate itself, where `broker` makes sessions of people.
    `journal`: as in `SessionPool`.
    """
    with closing(Threads(THREADS_MAX)) as threads:
        async with anyio.create_task_group() as tasks:
            pool = SessionPool(account, broker, limits, tasks, threads, ledger or NoLedger(), own, journal)
            tasks.start_soon(pool.sweep_forever)
            try:
                yield pool
            finally:
                with anyio.CancelScope(shield=True):
                    await pool.close()
                tasks.cancel_scope.cancel()
