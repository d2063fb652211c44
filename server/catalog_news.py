"""Tells every replica that a table was changed through one of them, so that all read the catalog anew.

Who does not hear of it, for want of a connection that can listen (a pooler in transaction mode has none), sees it when
it looks next.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from psycopg import AsyncConnection
from psycopg import Error as DriverError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.listening import listening, tell

CHANNEL = "snowgate_catalog"
TELL_S_MAX = 2.0
RETRY_S = 5.0

APART_S = 5.0
"""Any login of the database can tell news that are none: between two looks for their sake there is a pause."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CatalogNews:
    """News of one replica, told to the others. `refresh` reads the catalog anew here."""

    engine: AsyncEngine
    refresh: Callable[[], Awaitable[object]]
    apart_s: float = APART_S
    _name: str = field(default_factory=lambda: secrets.token_hex(8))

    async def spread(self) -> None:
        """Read the catalog anew, here and everywhere. That nobody could be told is logged, and they look later."""
        try:
            with anyio.fail_after(TELL_S_MAX):
                await tell(self.engine, CHANNEL, self._name)
        except (SQLAlchemyError, OSError, TimeoutError) as failure:
            log.warning("other replicas were not told that a table was changed: %s", type(failure).__name__)
        await self.refresh()

    async def hear_forever(self) -> None:
        """Read the catalog anew whenever another replica tells news; what is told meanwhile is one more look."""
        while True:
            try:
                async with listening(self.engine, CHANNEL, "snowgate catalog") as connection:
                    await self._hear(connection)
            except (DriverError, OSError, TimeoutError) as failure:
                log.warning("news of the catalog cannot be heard: %s", type(failure).__name__)
            await anyio.sleep(RETRY_S)

    async def _hear(self, connection: AsyncConnection) -> None:
        looked_at = float("-inf")
        while True:
            told = [news.payload async for news in connection.notifies(stop_after=1)]
            if all(payload == self._name for payload in told):
                continue
            await anyio.sleep_until(looked_at + self.apart_s)
            async for _ in connection.notifies(timeout=0):  # whatever they tell is in what is read now
                pass
            looked_at = anyio.current_time()
            await self.refresh()
