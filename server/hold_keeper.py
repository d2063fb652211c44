"""What happens to holds while nobody looks: they expire, escalate, and people are told. Any replica does it, once."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from sqlalchemy.exc import SQLAlchemyError

from audit.journal import Journal, JournalUnavailable
from server.hold_record import HoldRecord
from server.holds import HoldStore
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
        """Look every few seconds; a database that is gone is waited for."""
        while True:
            await anyio.sleep(self.every_s)
            try:
                await self.keep()
            except (HoldsUnavailable, JournalUnavailable, SQLAlchemyError) as error:
                log.warning("holds are not kept right now: %s", type(error).__name__)

    async def keep(self) -> None:
        """Expire and escalate what is due, and send the messages that are due."""
        for hold in await self.holds.expire_due():
            await self._say("expired", hold)
        for hold in await self.holds.escalate_due():
            await self._say("escalated", hold)
        await self.outbox.send_due()

    async def _say(self, event: str, hold: HoldRecord) -> None:
        facts = {"hold_id": hold.id, "requester": hold.requester.subject}
        await self.journal.append("call_" + secrets.token_urlsafe(12), f"hold.{event}", facts)
        try:
            entry = self.judge().engine.policy.approving.entry_of(hold.entry)
        except CatalogUnavailable:
            return
        if entry is not None:
            await self.outbox(event, hold, entry)
