"""A change of a hold is told before it is so: its message is put by, its entry is committed, and only then the change.

So nothing becomes of a hold that the journal does not know, and a message about it is there exactly when the change is.
A process that dies between entry and change leaves an entry of something that did not come about.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from audit.fields import Facts
from audit.journal import Journal
from policy.approving import ApprovalEntry
from server.hold_record import HoldRecord

Also: TypeAlias = Callable[[AsyncConnection, HoldRecord], Awaitable[None]]
"""What is done in the transaction of a change, right before its commit, given the hold as it will be. If it fails,
nothing has changed."""


Tell: TypeAlias = Callable[[AsyncConnection, str, HoldRecord, ApprovalEntry], Awaitable[None]]
"""Puts a message by in the transaction of its first argument, to be sent soon after the commit; see `server.outbox`."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells the journal and people of changes of holds."""

    journal: Journal
    tell: Tell

    def of(
        self, call_id: str | None, stage: str, facts: Facts, event: str = "", entry: ApprovalEntry | None = None
    ) -> Also:
        """An entry of `stage`, and a message where there is an `event` and an `entry` that says who needs it."""

        async def also(connection: AsyncConnection, hold: HoldRecord) -> None:
            if event and entry is not None:
                await self.tell(connection, event, hold, entry)
            await self.journal.append(call_id or new_call_id(), stage, {"hold_id": hold.id, **facts})

        return also


async def nothing_else(connection: AsyncConnection, hold: HoldRecord) -> None:
    """Where a change is told otherwise, or is none that anybody has to hear of."""


def new_call_id() -> str:
    """An id for what happens outside of any call."""
    return "call_" + secrets.token_urlsafe(12)
