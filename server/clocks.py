"""The machine's clock against the database's, which is the one that all replicas share.

Whether a token or a proof is still good, which minute of a limit it is and when an entry was written go by the
machine's clock; holds, claims and what is kept for how long go by the database's. Where the two are too far apart
nobody is let in.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal
from server.database import ANSWER_S_MAX, DatabaseUnavailable
from server.refusals import ClockApart

_NOW = text("select extract(epoch from clock_timestamp())")

log = logging.getLogger(__name__)


@dataclass
class Clock:
    """How far `wall` is off the database's clock, at any moment since the first look; `apart_s` is how far it may be.

    Between two looks a clock that only goes forward stands in for the database's, so that a jump shows at once.
    """

    engine: AsyncEngine
    journal: Journal
    apart_s: float
    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    _ahead_s: float | None = None
    """What to add to `steady` to get the database's time."""
    _agreed: bool = True

    def check(self) -> None:
        """Let go on whoever depends on this machine's clock.

        Raises:
            ClockApart: it is too far off the database's, or has never been compared with it.
        """
        if self._ahead_s is None or abs(self._off_s(self._ahead_s)) > self.apart_s:
            raise ClockApart("this gate's clock and its database's are too far apart")

    async def look(self) -> bool:
        """Compare; whether they agree. When that changes it is journaled and logged.

        Raises:
            SQLAlchemyError, OSError, TimeoutError: the database does not say; what was known stands.
            JournalUnavailable: it could not be journaled, which the next look makes up for.
        """
        before = self.steady()
        with anyio.fail_after(ANSWER_S_MAX):
            async with self.engine.connect() as connection:
                theirs = float((await connection.execute(_NOW)).scalar_one())
        self._ahead_s = theirs - (before + self.steady()) / 2
        off_s = self._off_s(self._ahead_s)
        agrees = abs(off_s) <= self.apart_s
        if agrees is not self._agreed:
            log.log(
                logging.INFO if agrees else logging.ERROR, "this machine's clock is %.1f s off the database's", off_s
            )
            stage = "clock.agrees" if agrees else "clock.apart"
            await self.journal.append("", stage, {"clock_ahead_ms": round(1_000 * off_s)})
            self._agreed = agrees
        return agrees

    def _off_s(self, ahead_s: float) -> float:
        return self.wall() - (self.steady() + ahead_s)


async def compared(engine: AsyncEngine, journal: Journal, apart_s: float) -> Clock:
    """A clock after its first look. One that is off lets nobody in until it is set right; no start fails for it.

    Raises:
        DatabaseUnavailable: the database does not say.
        JournalUnavailable: it is off, and that cannot be journaled.
    """
    clock = Clock(engine, journal, apart_s)
    try:
        await clock.look()
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise DatabaseUnavailable from error
    return clock
