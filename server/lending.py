"""Step 5 of the line, whole: a lease within its caller's limits, which a revocation can end."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import assert_never

import orjson

from policy.decision import ReadCatalog, RunSql, UseHolds
from server.histories import Histories
from server.inflight import InFlight
from server.limits import budgets_of
from server.line import Cleared, Lease, LeaseFor, Progress
from server.pool import SessionPool
from server.quotas import Quotas, Spending
from server.raw import Raw, RawRows
from server.revocations import Revocation


@dataclass(frozen=True, slots=True)
class Lending:
    """Lends what `leases` lends within limits, and lets it be known which calls have a lease."""

    leases: LeaseFor
    in_flight: InFlight
    quotas: Quotas
    histories: Histories

    def __call__(self, cleared: Cleared) -> AbstractAsyncContextManager[Lease]:
        """A lease for exactly what was cleared; see `Leases`.

        Raises:
            LimitReached, BudgetSpent, LimitsUnavailable: see `Quotas.statement`.
        """
        match cleared.permit.action:
            case ReadCatalog() | UseHolds():
                return self.leases(cleared)
            case RunSql(rows_max=rows_max):
                return self._metered(cleared, rows_max)
            case _:
                assert_never(cleared.permit.action)

    @asynccontextmanager
    async def _metered(self, cleared: Cleared, rows_max: int) -> AsyncGenerator[Lease]:
        answers = budgets_of(cleared.principal, cleared.permit)
        async with (
            self.quotas.statement(cleared.principal, rows_max, answers) as spending,
            self.leases(cleared) as lease,
        ):
            self.in_flight.has_lease(cleared.call_id, True)
            try:
                yield MeteredLease(lease, spending, self.histories)
            finally:
                self.in_flight.has_lease(cleared.call_id, False)


@dataclass(frozen=True, slots=True)
class MeteredLease:
    """A lease whose rows and bytes are counted."""

    lease: Lease
    spending: Spending
    histories: Histories

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """Run exactly what was cleared, and settle what it took.

        Raises:
            LimitReached: what came back goes beyond the limit, and is not shown.
            HistoryUnavailable: a rule counts the rows of the session, and they cannot be counted.
        """
        if self.spending.draws_answers:
            await cleared.decided()  # what is drawn of a budget comes back only where nothing was asked
        self.spending.asks()
        # What is told at certain times only tells nothing of it in between.
        raw = await self.lease.execute(cleared, None if cleared.permit.padded_ms else progress)
        if isinstance(raw, RawRows):
            volume = len(orjson.dumps(raw.rows, default=str)) if self.spending.counts_bytes else 0
            await self.spending.spent(len(raw.rows), volume)
            await self.histories.returned(cleared.principal, len(raw.rows))
        return raw


@dataclass(frozen=True, slots=True)
class OwnersSessions:
    """The pool's sessions, by the people whom a revocation names. `issuers` are all whose people there can be."""

    pool: SessionPool
    issuers: frozenset[str]

    async def end(self, revocation: Revocation) -> None:
        """End every session of those whom `revocation` means wholly, and what runs in them."""
        if not revocation.is_of_owners:
            return
        if revocation.name is None:
            await self.pool.revoke()
            return
        for issuer in self.issuers if revocation.issuer is None else (revocation.issuer,):
            await self.pool.revoke(owner=(issuer, revocation.name))
