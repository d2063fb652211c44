"""What happens to holds while nobody looks: they expire, escalate, and people are told. Any replica does it, once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from audit.journal import Journal, JournalUnavailable
from policy.approving import ApprovalEntry
from server.hold_record import HoldRecord
from server.hold_telling import Also, Telling
from server.holds import DUE_AT_ONCE, HoldStore
from server.judging import Judge
from server.outbox import Outbox
from server.refusals import CatalogUnavailable, HoldsUnavailable

KEEP_EVERY_S = 3.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HoldKeeper:
    """Keeps the holds of all replicas."""

    holds: HoldStore
    journal: Journal
    outbox: Outbox
    judge: Callable[[], Judge]
    every_s: float = KEEP_EVERY_S

    async def keep_forever(self) -> None:
        """Look every few seconds; a database that is gone is waited for, and nothing ends it."""
        while True:
            await anyio.sleep(self.every_s)
            try:
                await self.keep()
            except (HoldsUnavailable, JournalUnavailable, SQLAlchemyError) as error:
                log.warning("holds are not kept right now: %s", type(error).__name__)
            except Exception as error:  # whatever it is, holds have to expire
                log.error("holds are not kept right now: %s", type(error).__name__)

    async def keep(self) -> None:
        """Expire and escalate what is due, and send the messages that are due."""
        while len(await self.holds.expire_due(self._also("expired"))) == DUE_AT_ONCE:
            pass
        while len(await self.holds.escalate_due(self._also("escalated"))) == DUE_AT_ONCE:
            pass
        await self.outbox.send_due()

    def _also(self, event: str) -> Also:
        async def also(connection: AsyncConnection, hold: HoldRecord) -> None:
            tell = Telling(self.journal, self.outbox)
            facts = {"requester": hold.requester.subject}
            await tell.of(None, f"hold.{event}", facts, event, self._entry(hold))(connection, hold)

        return also

    def _entry(self, hold: HoldRecord) -> ApprovalEntry | None:
        """Who decides on it, where there is a policy in force that says so; nobody else is told."""
        try:
            return self.judge().engine.policy.approving.entry_of(hold.entry)
        except CatalogUnavailable:
            return None
