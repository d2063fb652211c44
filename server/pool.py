"""Keeps Snowflake sessions warm for the next call of the same principal, role and policy, and for nobody else.

State is touched by the event loop alone and never across an await; waiting and driver work happen in threads.
"""

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from server.credentials import ExternalOAuth
from server.refusals import Busy
from server.warehouse import Account, SnowflakeSession

SWEEP_EVERY_S = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """Whom a session may serve: everything that must be equal for it to be used again."""

    issuer: str
    subject: str
    role: str
    warehouse: str
    policy: str


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many sessions there may be, and for how long."""

    ttl_s: float = 600.0
    idle_s: float = 60.0
    wait_s: float = 10.0
    per_principal_max: int = 32
    total_max: int = 128


@dataclass(slots=True)
class Pooled:
    """A session with its age, on the pool's clock."""

    kind: Kind
    session: SnowflakeSession
    opened_at: float
    idle_since: float


@dataclass
class SessionPool:
    """Opens, keeps and ends sessions."""

    account: Account
    credentials: ExternalOAuth
    limits: PoolLimits
    tasks: TaskGroup
    clock: Callable[[], float] = time.monotonic
    logins: int = 0
    _idle: dict[Kind, list[Pooled]] = field(default_factory=dict)
    _open: Counter[tuple[str, str]] = field(default_factory=Counter)
    _freed: anyio.Event = field(default_factory=anyio.Event)
    _threads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(512))

    async def borrow(self, kind: Kind) -> Pooled:
        """A session of `kind`: a warm one, else a new one as soon as the limits allow.

        Raises:
            Busy: nothing came free within `wait_s`.
            SnowflakeUnavailable: Snowflake opened none.
        """
        if warm := self._take(kind):
            return warm
        with anyio.move_on_after(self.limits.wait_s):
            while True:
                if warm := self._take(kind):
                    return warm
                if self._has_room(kind):
                    break
                await self._freed.wait()
            return await self._open_one(kind)
        raise Busy("every session that this caller may use is in use")

    def give_back(self, pooled: Pooled) -> None:
        """Take a session back: keep it warm, or end it in the background if there is any doubt."""
        pooled.idle_since = self.clock()
        if pooled.session.is_usable and self._is_fresh(pooled):
            self._idle.setdefault(pooled.kind, []).append(pooled)
        else:
            self.tasks.start_soon(self._end, pooled)
        self._signal()

    def open_session(self, kind: Kind) -> SnowflakeSession:
        """Log in with a credential minted for this session; blocks."""
        token = self.credentials.mint(kind.subject, kind.role)
        return SnowflakeSession(self.account, token=token, role=kind.role, warehouse=kind.warehouse)

    async def in_thread(self, work: Callable[[], T], *, abandon: bool = False) -> T:
        """Run blocking driver work in a worker thread."""
        return await to_thread.run_sync(work, abandon_on_cancel=abandon, limiter=self._threads)

    async def sweep_forever(self) -> None:
        """End idle and old sessions, every few seconds."""
        while True:
            await anyio.sleep(SWEEP_EVERY_S)
            for kind in list(self._idle):
                stale = [pooled for pooled in self._idle[kind] if not self._is_fresh(pooled)]
                for pooled in stale:
                    self._forget(pooled)
                    await self._end(pooled)

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
        if self._open[_owner(kind)] >= self.limits.per_principal_max:
            return self._make_way(of=_owner(kind))
        return self._open.total() < self.limits.total_max or self._make_way(of=None)

    def _make_way(self, of: tuple[str, str] | None) -> bool:
        """End the longest idle session (of one owner, if named), so that another can take its place."""
        idle = [p for kept in self._idle.values() for p in kept if of is None or _owner(p.kind) == of]
        if not idle:
            return False
        oldest = min(idle, key=lambda pooled: pooled.idle_since)
        self._forget(oldest)
        self._open[_owner(oldest.kind)] -= 1
        self.tasks.start_soon(self.in_thread, oldest.session.close)
        return True

    async def _open_one(self, kind: Kind) -> Pooled:
        self._open[_owner(kind)] += 1
        try:
            session = await self.in_thread(lambda: self.open_session(kind))
        except BaseException:
            self._open[_owner(kind)] -= 1
            self._signal()
            raise
        self.logins += 1
        return Pooled(kind, session, opened_at=self.clock(), idle_since=self.clock())

    async def _end(self, pooled: Pooled) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self.in_thread(pooled.session.close)
        finally:
            self._open[_owner(pooled.kind)] -= 1
            self._signal()

    def _forget(self, pooled: Pooled) -> None:
        kept = self._idle[pooled.kind]
        kept.remove(pooled)
        if not kept:
            del self._idle[pooled.kind]

    def _is_fresh(self, pooled: Pooled) -> bool:
        now = self.clock()
        return now - pooled.opened_at < self.limits.ttl_s and now - pooled.idle_since < self.limits.idle_s

    def _signal(self) -> None:
        self._freed.set()
        self._freed = anyio.Event()


@asynccontextmanager
async def open_pool(account: Account, credentials: ExternalOAuth, limits: PoolLimits) -> AsyncGenerator[SessionPool]:
    """A pool that sweeps itself, and ends its sessions on the way out."""
    async with anyio.create_task_group() as tasks:
        pool = SessionPool(account, credentials, limits, tasks)
        tasks.start_soon(pool.sweep_forever)
        try:
            yield pool
        finally:
            with anyio.CancelScope(shield=True):
                await pool.close()
            tasks.cancel_scope.cancel()


def _owner(kind: Kind) -> tuple[str, str]:
    return kind.issuer, kind.subject
