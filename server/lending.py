"""Step 5 of the line, whole: a lease within its caller's limits, which a revocation can end."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.inflight import InFlight
from server.line import Cleared, Lease, LeaseFor
from server.pool import SessionPool
from server.revocations import Revocation


@dataclass(frozen=True, slots=True)
class Lending:
    """Lends what `leases` lends, and lets it be known which calls have a lease."""

    leases: LeaseFor
    in_flight: InFlight

    @asynccontextmanager
    async def __call__(self, cleared: Cleared) -> AsyncGenerator[Lease]:
        """A lease for exactly what was cleared; see `Leases`."""
        async with self.leases(cleared) as lease:
            with self.in_flight.leased(cleared.call_id):
                yield lease


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
