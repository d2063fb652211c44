"""Takes away what processes that died have left in Snowflake: sessions, what runs in them, tokens, users.

Every replica has one. It works off the ledger alone, so it does what a killed process would have done, whichever
process that was; what it cannot take away today it tries again.
"""

import logging
from dataclasses import dataclass

import anyio
from sqlalchemy.exc import SQLAlchemyError

from server.ledger import LeaseRecord, PostgresLedger
from server.pool import Kind, SessionPool

CLEAN_EVERY_S = 15.0

log = logging.getLogger(__name__)


@dataclass
class Janitor:
    """`own` is the gate's own kind of session, whose role operates the warehouse and so may end others' sessions."""

    ledger: PostgresLedger
    pool: SessionPool
    own: Kind

    async def clean_forever(self) -> None:
        """Clean at once, then every few seconds."""
        while True:
            await self.clean()
            await anyio.sleep(CLEAN_EVERY_S)

    async def clean(self) -> int:
        """Take away what is orphaned; how much of it is gone."""
        try:
            # What another broker left can be taken away by a gate that has that broker, and by no other.
            orphans = await self.ledger.claim_orphans(self.pool.broker_names)
        except SQLAlchemyError as failure:
            log.warning("the ledger could not be read: %s", type(failure).__name__)
            return 0
        gone = 0
        for orphan in orphans:
            try:
                await self._take_away(orphan)
            except Exception as failure:
                log.warning("what a process left in Snowflake is still there: %s", type(failure).__name__)
                continue
            await self.ledger.ended(orphan.id)
            gone += 1
        return gone

    async def _take_away(self, orphan: LeaseRecord) -> None:
        """End its session, with what runs in it, then what its credential left."""
        if orphan.session_id is not None:
            session_id = int(orphan.session_id)
            async with self.pool.aside(self.own) as session:
                await self.pool.in_thread(lambda: session.abort(session_id))
        if orphan.handle is not None:
            handle = orphan.handle
            await self.pool.in_thread(lambda: self.pool.broker.withdraw(handle))
