"""Limits as they are kept by all replicas together, without a look into the database on most calls.

A replica draws a twentieth of a limit at a time from a counter in PostgreSQL and spends that by itself: the sum of what
is drawn never passes the limit, and what a replica has drawn and not spent is lost when the window ends. Places for
concurrent statements are rows that a replica takes, renews and gives back; a dead replica's expire.
"""

import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID, uuid4

import anyio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policy.principal import Principal
from server.database import answering
from server.limits import WINDOW_S, Bound, Limits, Measure
from server.refusals import BudgetSpent, LimitReached, LimitsUnavailable

PART = 20
"""A replica draws this part of a limit at a time, and keeps at most a fifth as many places warm."""

SLOT_TTL_S = 30.0
RENEW_S = 8.0
SLOT_RETRY_S = 5
BYTES_RESERVED = 1_000_000

log = logging.getLogger(__name__)

_DRAW = text("""
    insert into gate.quota as q (limit_id, holder, measure, window_start, used)
    select :limit_id, :holder, :measure, :window, :count where :count <= :maximum
    on conflict (limit_id, holder, measure, window_start) do update set used = q.used + excluded.used
    where q.used + excluded.used <= :maximum returning used
""")
_TAKE = text("""
    insert into gate.slot as s (limit_id, holder, n, replica, expires_at)
    select :limit_id, :holder, free.n, :replica, now() + make_interval(secs => :ttl)
    from generate_series(1, :maximum) free(n)
    where not exists (select from gate.slot t where t.limit_id = :limit_id and t.holder = :holder and t.n = free.n
                      and t.expires_at > now())
    order by random() limit 1
    on conflict (limit_id, holder, n) do update set replica = excluded.replica, expires_at = excluded.expires_at
    where s.expires_at <= now() returning n
""")
_LEAVE = text("delete from gate.slot where limit_id = :limit_id and holder = :holder and n = :n and replica = :replica")
_RENEW = text("update gate.slot set expires_at = now() + make_interval(secs => :ttl) where replica = :replica")
_LEAVE_ALL = text("delete from gate.slot where replica = :replica")
_FORGET = text("delete from gate.quota where window_start < :before")

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Drawn:
    """What this replica has drawn of one bound, of that maximum, in one window, and not spent.

    Of one that was lowered meanwhile nothing is left: what all replicas keep may be more than there is. The lock is one
    holder's: were it not held while drawing, callers at once would each draw a part.
    """

    window: int = -1
    maximum: int = 0
    left: int = 0
    lock: anyio.Lock = field(default_factory=anyio.Lock)


@dataclass
class Quotas:
    """What callers may still ask for, as far as this replica has drawn it."""

    limits: Limits
    engine: AsyncEngine
    clock: Callable[[], float] = time.time
    replica: UUID = field(default_factory=uuid4)
    _drawn: dict[_Key, _Drawn] = field(default_factory=dict)
    _free: dict[_Key, list[int]] = field(default_factory=dict)
    _busy: Counter[_Key] = field(default_factory=Counter)

    async def call(self, principal: Principal) -> None:
        """Count one call.

        Raises:
            LimitReached: the minute's calls are used up.
            LimitsUnavailable: what is used cannot be told.
        """
        for bound in self.limits.of(principal, "calls_per_minute_max"):
            await self._draw(bound, 1)

    @asynccontextmanager
    async def statement(
        self, principal: Principal, rows_max: int, answers: Iterable[tuple[Bound, int]] = ()
    ) -> AsyncGenerator["Spending"]:
        """A statement's place, with the most that it can take reserved; what it did not take is given back.

        `answers` are taken from budgets of the policy. They are spent from the moment that anything is asked.

        Raises:
            LimitReached: there is no place, or not that much left.
            BudgetSpent: a budget has not that many answers left.
            LimitsUnavailable: what is used cannot be told.
        """
        rows = list(self.limits.of(principal, "rows_per_day_max"))
        volumes = list(self.limits.of(principal, "bytes_per_day_max"))
        async with AsyncExitStack() as stack:
            for bound in self.limits.of(principal, "statements_max"):
                await stack.enter_async_context(self._place(bound))
            spending = Spending(self, rows, volumes)
            stack.callback(spending.settle)
            for bound in rows:
                await spending.reserve(bound, rows_max)
            for bound in volumes:
                await spending.reserve(bound, min(BYTES_RESERVED, max(1, bound.maximum // PART)))
            for bound, count in answers:
                await spending.reserve(bound, count)
            yield spending

    async def _draw(self, bound: Bound, count: int) -> None:
        drawn = self._drawn.setdefault((bound.limit_id, bound.holder, bound.measure), _Drawn())
        async with drawn.lock:
            length_s = WINDOW_S[cast(Measure, bound.measure)]
            window = int(self.clock()) // length_s * length_s
            if drawn.window != window or drawn.maximum > bound.maximum:
                drawn.window, drawn.left = window, 0
            drawn.maximum = bound.maximum
            if drawn.left < count:
                short = count - drawn.left
                for wanted in dict.fromkeys((max(short, bound.maximum // PART), short)):
                    if await self._drew(bound, window, wanted):
                        drawn.left += wanted
                        break
                else:
                    raise _reached(bound, round(window + length_s - self.clock()) + 1)
            drawn.left -= count

    async def _drew(self, bound: Bound, window: int, count: int) -> bool:
        async with self._answering() as connection:
            row = {"measure": bound.measure, "window": window, "count": count, "maximum": bound.maximum}
            found = await connection.execute(_DRAW, {"limit_id": bound.limit_id, "holder": bound.holder, **row})
            return found.first() is not None

    def give_back(self, bound: Bound, count: int, window: int) -> None:
        """Return what was reserved and not taken, if its window still lasts and as much is allowed."""
        drawn = self._drawn.get((bound.limit_id, bound.holder, bound.measure))
        if drawn is not None and drawn.window == window and drawn.maximum >= bound.maximum:
            drawn.left += count

    def window_of(self, bound: Bound) -> int:
        """The window that this replica last drew in."""
        return self._drawn[(bound.limit_id, bound.holder, bound.measure)].window

    async def take(self, bound: Bound, count: int) -> int:
        """Draw `count`, and say in which window."""
        await self._draw(bound, count)
        return self.window_of(bound)

    @asynccontextmanager
    async def _place(self, bound: Bound) -> AsyncGenerator[None]:
        key = (bound.limit_id, bound.holder, bound.measure)
        kept = self._free.get(key)
        n = kept.pop() if kept else await self._took(bound)
        self._busy[key] += 1
        try:
            yield
        finally:
            self._busy[key] -= 1
            free = self._free.setdefault(key, [])
            if len(free) + self._busy[key] < bound.maximum * 4 // PART:
                free.append(n)
            else:
                with anyio.CancelScope(shield=True):
                    await self._left(bound, n)

    async def _took(self, bound: Bound) -> int:
        row = {"limit_id": bound.limit_id, "holder": bound.holder, "maximum": bound.maximum, "ttl": SLOT_TTL_S}
        for _ in range(3):  # another replica may take the same place at the same moment
            async with self._answering() as connection:
                found = (await connection.execute(_TAKE, {**row, "replica": self.replica})).first()
            if found is not None:
                return int(found.n)
        raise _reached(bound, SLOT_RETRY_S)

    async def _left(self, bound: Bound, n: int) -> None:
        row = {"limit_id": bound.limit_id, "holder": bound.holder, "n": n, "replica": self.replica}
        try:
            async with self._answering() as connection:
                await connection.execute(_LEAVE, row)
        except LimitsUnavailable:
            log.warning("a place for a statement was not given back; it expires")

    async def keep(self) -> None:
        """Renew this replica's places, and give back those that nobody used; without end."""
        while True:
            await anyio.sleep(RENEW_S)
            idle = [(key, n) for key, kept in self._free.items() for n in kept]
            self._forget_what_has_passed()
            try:
                async with self._answering() as connection:
                    await connection.execute(_RENEW, {"ttl": SLOT_TTL_S, "replica": self.replica})
                    await connection.execute(_FORGET, {"before": int(self.clock()) - 2 * 86_400})
                    for (limit_id, holder, _), n in idle:
                        row = {"limit_id": limit_id, "holder": holder, "n": n, "replica": self.replica}
                        await connection.execute(_LEAVE, row)
            except LimitsUnavailable:
                log.warning("places for statements could not be renewed")

    def _forget_what_has_passed(self) -> None:
        """Keep nothing of holders who ask for nothing now."""
        begun = int(self.clock()) - max(WINDOW_S.values())
        for key in [key for key, drawn in self._drawn.items() if drawn.window < begun and not drawn.lock.locked()]:
            del self._drawn[key]
        for key, kept in list(self._free.items()):
            kept.clear()
            if not self._busy[key]:
                del self._free[key], self._busy[key]

    async def close(self) -> None:
        """Give every place back."""
        try:
            async with self._answering() as connection:
                await connection.execute(_LEAVE_ALL, {"replica": self.replica})
        except LimitsUnavailable:
            log.warning("places for statements were not given back; they expire")

    def _answering(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return answering(self.engine, lambda: LimitsUnavailable("nobody can say right now what is left of a limit"))


@dataclass
class Spending:
    """What one statement has reserved, by bound, and the windows that it was reserved in."""

    quotas: Quotas
    rows: Sequence[Bound]
    volumes: Sequence[Bound]
    _reserved: dict[Bound, tuple[int, int]] = field(default_factory=dict)

    @property
    def draws_answers(self) -> bool:
        """Whether a budget has answers reserved for it."""
        return any(bound.is_budget for bound in self._reserved)

    @property
    def counts_bytes(self) -> bool:
        """Whether anybody asks how many bytes there were."""
        return bool(self.volumes)

    async def reserve(self, bound: Bound, count: int) -> None:
        """Draw `count` ahead of use."""
        self._reserved[bound] = (count, await self.quotas.take(bound, count))

    def asks(self) -> None:
        """Something is about to be asked, so its answer counts whatever becomes of it: that it fails is one too."""
        self._reserved = {each: kept for each, kept in self._reserved.items() if not each.is_budget}

    async def spent(self, rows: int, volume: int) -> None:
        """Settle what was taken: the rest is given back, what goes beyond is drawn.

        Raises:
            LimitReached: it goes beyond, and there is no more.
        """
        for bounds, taken in ((self.rows, rows), (self.volumes, volume)):
            for bound in bounds:
                count, window = self._reserved.pop(bound)
                if taken > count:
                    await self.quotas.take(bound, taken - count)
                else:
                    self.quotas.give_back(bound, count - taken, window)

    def settle(self) -> None:
        """Give back what a statement that brought nothing had reserved."""
        for bound, (count, window) in self._reserved.items():
            self.quotas.give_back(bound, count, window)
        self._reserved.clear()


@asynccontextmanager
async def kept(quotas: Quotas) -> AsyncGenerator[None]:
    """Quotas that keep their places while inside, and give them back."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(quotas.keep)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await quotas.close()


def _reached(bound: Bound, again_s: int) -> LimitReached | BudgetSpent:
    if bound.is_budget:
        return BudgetSpent(
            f"the budget `{bound.limit_id}` has not that many answers left: it has {bound.maximum} a day",
            f"Each SELECT of a statement counts as an answer. There are more in {again_s} seconds, at midnight UTC; "
            "until then use the answers that you have, or ask for other data.",
            limit=bound.limit_id,
            retry_after_s=again_s,
        )
    return LimitReached(
        f"the limit `{bound.limit_id}` is reached: {bound.measure} {bound.maximum}",
        f"Nothing more will run for {again_s} seconds. Wait, or ask for less.",
        limit=bound.limit_id,
        retry_after_s=again_s,
    )
