"""Learns Snowflake's id of a statement that has been running for a while, and journals it while the statement runs.

The driver says the id when a statement has ended (decision 0016). Whoever waits long, or looks for what runs there,
needs it before: it is asked of Snowflake's own history, in a session of the gate's own, once for each statement.

Source: Snowflake, "QUERY_HISTORY, QUERY_HISTORY_BY_*": statements that still run are shown, and with OPERATE on the
warehouse those of everybody.
"""

import json
import logging
from dataclasses import dataclass

import anyio

from audit.journal import Journal
from audit.unavailable import JournalUnavailable
from server.fates import ENDED, ask_history
from server.pool import Kind, Pooled, SessionPool
from server.query_history import TAG
from server.refusals import Refusal
from server.running import Running
from server.warehouse import Order

LONG_S = 2.0
"""What runs for longer is asked after."""

LOOK_EVERY_S = 1.0
ASK_TIMEOUT_S = 10
OVERTIME_S = 5.0
"""How long past its own limit that question may take before the gate gives it up."""

ASKED_MAX = 3
"""How often a statement is asked after: history may show it a moment late, or not at all."""

SHOWN_MAX = 20
"""A session runs one statement at a time, so that what runs is among its newest."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LongRunning:
    """Looks through the sessions that are lent. `database` is one whose INFORMATION_SCHEMA can be asked."""

    pool: SessionPool
    kind: Kind
    database: str
    journal: Journal

    async def watch_forever(self) -> None:
        """Look every second; what cannot be learnt is told by the statement's outcome."""
        while True:
            await anyio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except (Refusal, JournalUnavailable) as failure:
                log.warning("the id of what runs in Snowflake could not be learnt: %s", failure.code)
            except Exception as failure:  # whatever it is: it would end the pool that this looks at, and the gate
                log.error("the id of what runs in Snowflake could not be learnt: %s", type(failure).__name__)

    async def look(self) -> None:
        """Learn the ids of what has been running for long and has none yet.

        Raises:
            Refusal: Snowflake could not be asked.
            JournalUnavailable: an id could not be written down.
            TimeoutError: Snowflake took too long to say.
        """
        since = anyio.current_time() - LONG_S
        for pooled in self.pool.lent():
            running = pooled.running
            if running is None or running.query_id or running.began_at > since or running.asked >= ASKED_MAX:
                continue
            running.asked += 1
            query_id = await self._query_id(pooled, running)
            if query_id and pooled.running is running:  # it may have ended meanwhile, and another begun
                running.query_id = query_id
                facts = {"query_id": query_id, "session_id": str(pooled.session.session_id)}
                await self.journal.append(running.call_id, "running", facts)

    async def _query_id(self, pooled: Pooled, running: Running) -> str:
        """Snowflake's id of what runs in that session under that tag, empty if history does not show it running."""
        session_id = pooled.session.session_id
        asked = ask_history(self.database, session_id, SHOWN_MAX)
        order = Order(asked, (), SHOWN_MAX, ASK_TIMEOUT_S, json.dumps({TAG: running.call_id}))
        own = await self.pool.borrow(self.kind)
        try:
            with anyio.fail_after(ASK_TIMEOUT_S + OVERTIME_S):
                shown = (await self.pool.in_thread(lambda: own.session.run(order), abandon=True)).rows
        except (TimeoutError, anyio.get_cancelled_exc_class()):
            own.session.is_usable = False  # its statement goes on in its thread
            raise
        finally:
            self.pool.give_back(own)
        ours = (str(sent) for _, tag, status, sent in shown if tag == running.tag and str(status).lower() not in ENDED)
        return next(ours, "")
