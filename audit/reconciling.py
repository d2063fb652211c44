"""Closes what a process that died has left open: decided, and never said how it ended.

A stream is dead when its process has not been seen for a while, by the clock of the database. Whoever sequences closes
its calls as `unknown`, with what the account's own history knows of them.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.fields import Facts
from audit.journal import Journal

_log = logging.getLogger(__name__)

DEAD_S = 60.0
BATCH_MAX = 100

Lookup = Callable[[Sequence[str]], Awaitable[Mapping[str, Facts]]]
"""What is known elsewhere of calls, by their ids: whether they ran, and as which query. It may know nothing of some."""

_TURN = text("select free from journal.turn where name = 'reconciler' for update skip locked")
_OPEN = text("""
    select e.call_id, e.stream, e.n from journal.entry e
    join journal.stream s on s.stream = e.stream and s.month = e.month
    join journal.seen v on v.stream = e.stream
    where e.stage = 'decided' and v.at < clock_timestamp() - make_interval(secs => :dead_s)
      and e.month >= date_trunc('month', now() - interval '62 days')::date
      and not exists (select from journal.entry o where o.call_id = e.call_id
                      and o.stage in ('answered', 'refused', 'failed', 'cancelled', 'unknown'))
    order by e.at limit :limit
""")
_SEEN = text("""
    insert into journal.seen (stream, at) values (:stream, clock_timestamp())
    on conflict (stream) do update set at = clock_timestamp()
""")


async def be_seen(engine: AsyncEngine, journal: Journal) -> None:
    """Say that this process is alive, so that nobody closes its calls."""
    async with engine.begin() as connection:
        await connection.execute(_SEEN, {"stream": journal.stream})


async def reconcile(
    engine: AsyncEngine, journal: Journal, lookup: Lookup | None = None, *, dead_s: float = DEAD_S
) -> int:
    """Close the open calls of dead processes, the oldest first; says how many. One replica does it at a time.

    Raises:
        JournalUnavailable: an entry could not be committed; the rest is closed another time.
    """
    async with engine.begin() as connection:
        if not (await connection.execute(_TURN)).scalar_one_or_none():
            return 0
        found = (await connection.execute(_OPEN, {"dead_s": dead_s, "limit": BATCH_MAX})).all()
        known = await lookup([row.call_id for row in found]) if found and lookup else {}
        for row in found:
            facts = {"effect": "unknown", "stream": str(row.stream), "n": row.n, **known.get(row.call_id, {})}
            await journal.append(row.call_id, "unknown", facts)
    if found:
        _log.warning("%s calls of a process that died were closed as unknown", len(found))
    return len(found)
