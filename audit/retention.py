"""Lets whole months go when they are old enough. The database decides; the journal says so first."""

from datetime import date

import anyio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal

KEEP_DAYS = 400
"""As in `journal.drop_month`, which asks nobody."""

COVERED_WITHIN_S = 90.0

# The month of a stream is what its row says; how old its entries are, the heads say that were signed without them.
_DUE = text("""
    select month, sum(entries)::bigint as entries from (
        select s.month, (select count(*) from journal.entry e
                         where e.month = s.month and e.stream = s.stream) as entries
        from journal.stream s
        where s.month + interval '1 month' < now() - make_interval(days => :keep)
          and not exists (select from journal.legal_hold h where h.month = s.month and not h.released)) counted
    where coalesce((select max(at) from journal.checkpoint where size < (
                        select max(r.first + r.count) from journal.run r join journal.stream s on s.stream = r.stream
                        where s.month = counted.month)), '-infinity') < now() - make_interval(days => :keep)
      and exists (select from pg_inherits join pg_class c on c.oid = inhrelid
                  where inhparent = 'journal.entry'::regclass and c.relname = 'entry_' || to_char(month, 'YYYYMM'))
    group by month order by month
""")
_COVERED = text("""
    select exists (select from journal.run r where r.stream = :stream and :n >= r.n and :n < r.n + r.count
                   and r.first + r.count <= (select coalesce(max(size), 0) from journal.checkpoint))
""")


class RetentionRefused(Exception):
    """A month cannot go: it is young, held, or not wholly under signed heads."""

    code = "retention_refused"
    hint = "see that a gate with the key of the log runs, and which matters hold the month"
    retryable = True

    def __init__(self, month: date) -> None:
        self.message = f"the database does not let the month {month:%Y-%m} go"
        super().__init__(self.message)


async def retain_months(engine: AsyncEngine, journal: Journal, *, within_s: float = COVERED_WITHIN_S) -> list[str]:
    """Announce, have signed for, and drop each month that is due; says what was done.

    Raises:
        JournalUnavailable: it could not be announced.
        RetentionRefused: the database keeps the month, or no head was signed over the announcement in time.
    """
    async with engine.connect() as connection:
        due = (await connection.execute(_DUE, {"keep": KEEP_DAYS})).all()
    done: list[str] = []
    for row in due:
        facts = {"month": row.month.isoformat(), "entries": row.entries}
        receipt = await journal.append("", "retention.drop", facts)
        with anyio.move_on_after(within_s):
            while not await _is_covered(engine, receipt.stream, receipt.n):  # noqa: ASYNC110  # another process signs
                await anyio.sleep(0.2)
        try:
            async with engine.begin() as connection:
                gone = (
                    await connection.execute(text("select journal.drop_month(:month)"), {"month": row.month})
                ).scalar_one()
        except DBAPIError as error:
            raise RetentionRefused(row.month) from error
        done.append(f"{row.month:%Y-%m}: {gone} entries are gone, their hashes stay")
    return done


async def place_legal_hold(engine: AsyncEngine, journal: Journal, month: date, matter: str) -> None:
    """Keep a month whatever its age. It is in force before the journal hears of it, so that nothing slips between."""
    await _legal_hold(engine, "journal.place_legal_hold", month, matter)
    await journal.append("", "legal_hold.placed", {"month": month.isoformat(), "matter": matter})


async def release_legal_hold(engine: AsyncEngine, journal: Journal, month: date, matter: str) -> None:
    """Let a month go again as far as this matter is concerned; the journal hears of it first."""
    await journal.append("", "legal_hold.released", {"month": month.isoformat(), "matter": matter})
    await _legal_hold(engine, "journal.release_legal_hold", month, matter)


async def _legal_hold(engine: AsyncEngine, function: str, month: date, matter: str) -> None:
    async with engine.begin() as connection:
        called = text(f"select {function}(:month, :matter)")
        await connection.execute(called, {"month": month, "matter": matter})


async def _is_covered(engine: AsyncEngine, stream: object, n: int) -> bool:
    async with engine.connect() as connection:
        return bool((await connection.execute(_COVERED, {"stream": stream, "n": n})).scalar_one())
