"""`python -m tests.bench.journal [--quick] [--gate] [--flat ROWS] [--json FILE]`: what the journal costs.

Each bound is a ratio within one run, on one PostgreSQL with fsync on: group commit against a connection a caller, a
chain that takes an advisory lock an insert, a standby that adds 5 ms to each commit, an entry in a table of many.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio
import psycopg
from rich.console import Console
from rich.table import Table

from audit.entry import JournalEntry, digest
from audit.export import records
from audit.journal import Journal, open_journal
from audit.note import Signer, new_signer
from audit.sealing import Sealer
from audit.sequencer import Sequencer
from audit.verify import Trust, Verifier
from server.database import open_engine
from server.migrating import migrate
from server.sandbox.postgres import EmbeddedPostgres
from tests.support.clusters import StandbyMissing, standby
from tests.support.databases import driver_dsn, reachable_directory

ORIGIN = "bench/journal"
CALLERS = (1, 8, 64)
FLUSHED_S = 11.0
"""After so long without work a backend has told the statistics of all that it did (PGSTAT_IDLE_INTERVAL)."""

FACTS: dict[str, Any] = {
    "tool": "run_query", "subject": "ada", "actor": "claude", "issuer": "https://issuer.example",
    "groups": ["analysts"], "verb": "read", "rules": ["read-sales"],
    "sql": "SELECT C.NAME, SUM(O.TOTAL) FROM CRM.SALES.CUSTOMERS C JOIN CRM.SALES.ORDERS O USING (ID) WHERE O.DAY > ? "
    "GROUP BY C.NAME ORDER BY 2 DESC LIMIT 50", "literals": ["2026-01-01"], "decision": "permit",
    "tables": ["CRM.SALES.CUSTOMERS", "CRM.SALES.ORDERS"], "policy": "a" * 64, "catalog": "b" * 64,
}  # fmt: skip
INSERT = """insert into journal.entry (month, stream, n, at, stage, call_id, subject, digest, body)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"""


@dataclass(frozen=True)
class Burst:
    """So many appends by so many callers at once."""

    method: str
    callers: int
    per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Bound:
    """Something that must hold, and what was measured."""

    what: str
    measured: float
    at_least: float

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.measured >= self.at_least


async def burst(method: str, callers: int, seconds: float, append: Callable[[int], Awaitable[None]]) -> Burst:
    """`callers` that append one after the other for `seconds`."""
    taken: list[float] = []
    end = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        while (begun := time.perf_counter()) < end:
            await append(number)
            taken.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for number in range(callers):
            tasks.start_soon(caller, number)
    elapsed = time.perf_counter() - begun
    taken.sort()
    p50, p99 = (taken[int(len(taken) * part)] * 1_000 for part in (0.5, 0.99))
    return Burst(method, callers, len(taken) / elapsed, p50, p99)


async def by_journal(journal: Journal, callers: int, seconds: float) -> Burst:
    """The journal itself: sealed, chained, signed, committed in groups."""

    async def append(number: int) -> None:
        await journal.append(f"call-{number}", "decided", FACTS)

    return await burst("journal", callers, seconds, append)


async def by_inserts(url: str, callers: int, seconds: float, *, lock: bool) -> Burst:
    """A connection a caller and a commit an entry; with `lock`, behind one advisory lock as a single chain needs it."""
    month, connections = JournalMonth(), [await _connect(url) for _ in range(callers)]
    body = JournalEntry(month.stream, 0, "", month.now, "decided", "call", FACTS).body()
    numbers = iter(range(10**9))

    async def append(number: int) -> None:
        connection = connections[number]
        row = (month.first, month.stream, next(numbers), month.now, "decided", "call", "ada", digest(body), body)
        if not lock:
            await connection.execute(INSERT, row)
            return
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(42)")
            await connection.execute(INSERT, row)

    try:
        return await burst("lock an insert" if lock else "inserts", callers, seconds, append)
    finally:
        for connection in connections:
            await connection.close()


class JournalMonth:
    """A stream that is nobody's, in the month that is now."""

    def __init__(self) -> None:
        from datetime import UTC, datetime
        from uuid import uuid4

        self.now = datetime.now(UTC)
        self.first = self.now.date().replace(day=1)
        self.stream = uuid4()


async def _connect(url: str) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(driver_dsn(url), autocommit=True, prepare_threshold=1)


async def commits_of(url: str, work: Callable[[], Awaitable[None]]) -> int:
    """Transactions that the database commits meanwhile, but for those that ask."""
    async with await _connect(url) as connection:

        async def count() -> int:
            await connection.execute("select pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
            cursor = await connection.execute(
                "select xact_commit from pg_stat_database where datname = current_database()"
            )
            row = await cursor.fetchone()
            return int(row[0]) if row else 0

        await anyio.sleep(FLUSHED_S)
        before = await count()
        await work()
        await anyio.sleep(FLUSHED_S)
        return await count() - before - 2


async def two_commits(url: str, sealer: Sealer, signer: Signer) -> float:
    """Commits a call, of calls one after the other: a decision and an outcome."""
    calls = 200
    async with open_engine(url) as engine, open_journal(engine, sealer, signer) as journal:

        async def call() -> None:
            for number in range(calls):
                async with journal.record(f"two-{number}") as record:
                    record.note(**FACTS)
                    await record.commit("decided")

        await journal.append("", "warm", {"subject": "ada", "reason": "x"})
        return await commits_of(url, call) / calls


async def verified_per_s(url: str, sealer: Sealer, signer: Signer, entries: int) -> float:
    """Entries a second of processor time that the verifier reads, of a journal that 64 callers wrote."""
    log = new_signer(ORIGIN)
    async with open_engine(url) as engine:
        async with open_journal(engine, sealer, signer) as journal:
            limit = anyio.CapacityLimiter(64)

            async def call(number: int) -> None:
                async with limit, journal.record(f"verify-{number}") as record:
                    record.note(**FACTS)
                    await record.commit("decided")

            async with anyio.create_task_group() as tasks:
                for number in range(entries // 2):
                    tasks.start_soon(call, number)
        sequencer = Sequencer(engine, ORIGIN, log)
        while await sequencer.weave():
            pass
        await sequencer.publish()
        lines = [json.dumps(record) async for record in records(engine, ORIGIN)]
    verifier = Verifier(Trust(f"log {log.public}\nwriter {signer.public}\n"))
    begun = time.process_time()
    for line in lines:
        verifier.read(json.loads(line))
    took = time.process_time() - begun
    if not verifier.report["ok"]:
        raise RuntimeError(f"the verifier found {verifier.report['first']}")
    return float(verifier.report["entries"] / took)


async def flatness(url: str, sealer: Sealer, signer: Signer, rows: int, seconds: float) -> float:
    """How fast appends to a journal of `rows` entries are, against one of 1,000: 1 is flat."""
    rates: list[float] = []
    for size in (1_000, rows):
        await anyio.to_thread.run_sync(fill, url, size)
        async with open_engine(url) as engine, open_journal(engine, sealer, signer) as journal:
            await by_journal(journal, 8, 0.5)
            rates.append(statistics.median([(await by_journal(journal, 8, seconds)).per_s for _ in range(3)]))
    return rates[1] / rates[0]


def fill(url: str, rows: int) -> None:
    """Let the present month hold at least so many entries, which are nobody's."""
    month = JournalMonth()
    with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
        connection.execute("select journal.ensure_month(%s)", (month.first,))
        (there,) = connection.execute("select count(*) from journal.entry").fetchone() or (0,)
        connection.execute(
            """insert into journal.entry (month, stream, n, at, stage, call_id, subject, digest, body)
               select %s, %s, n, now(), 'decided', 'call-' || n, 'ada', sha256(n::text::bytea),
                      convert_to(repeat(md5(n::text), 24), 'utf8')
               from generate_series(1, %s) n""",
            (month.first, month.stream, max(0, rows - there)),
        )
        connection.execute("analyze journal.entry")


async def measure(url: str, given: argparse.Namespace) -> tuple[list[Burst], list[Bound]]:
    """All that one PostgreSQL shows."""
    sealer, signer = Sealer(bytes(range(32)), "bench"), new_signer("bench/writer")
    seconds, rounds = (0.5, 2) if given.quick else (2.0, 4)
    bursts: list[Burst] = []
    async with open_engine(url) as engine, open_journal(engine, sealer, signer) as journal:
        for _ in range(rounds):
            for callers in CALLERS:
                bursts.append(await by_journal(journal, callers, seconds))
                bursts.append(await by_inserts(url, callers, seconds, lock=False))
                bursts.append(await by_inserts(url, callers, seconds, lock=True))
    ours, inserts, locked = (_median(bursts, method, 64) for method in ("journal", "inserts", "lock an insert"))
    bounds = [
        Bound(
            "64 callers: group commit, times plain inserts with a connection a caller", ours.per_s / inserts.per_s, 1.5
        ),
        Bound("64 callers: p99 of a lock an insert, times that of the journal", locked.p99_ms / ours.p99_ms, 2.0),
        Bound("two commits a call and no more: 2 / commits", 2 / await two_commits(url, sealer, signer), 0.99),
    ]
    return bursts, bounds


async def measure_standby(url: str, given: argparse.Namespace) -> tuple[list[Burst], list[Bound]]:
    """With a synchronous standby that applies 5 ms late."""
    sealer, signer = Sealer(bytes(range(32)), "bench"), new_signer("bench/writer")
    seconds = 1.0 if given.quick else 3.0
    async with open_engine(url) as engine, open_journal(engine, sealer, signer) as journal:
        ours = await by_journal(journal, 64, seconds)
    locked = await by_inserts(url, 64, seconds, lock=True)
    named = [Burst(f"{each.method}, standby", *list(asdict(each).values())[1:]) for each in (ours, locked)]
    return named, [Bound("standby, 64 callers: group commit, times a lock an insert", ours.per_s / locked.per_s, 20.0)]


def _median(bursts: list[Burst], method: str, callers: int) -> Burst:
    found = [each for each in bursts if (each.method, each.callers) == (method, callers)]
    parts = [[getattr(each, name) for each in found] for name in ("per_s", "p50_ms", "p99_ms")]
    return Burst(method, callers, *map(statistics.median, parts))


def show(bursts: list[Burst], bounds: list[Bound]) -> None:
    """Both tables."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table("method", "callers", "appends/s", "p50 ms", "p99 ms", title="appends")
    for method, callers in dict.fromkeys((each.method, each.callers) for each in bursts):
        each = _median(bursts, method, callers)
        table.add_row(method, str(callers), f"{each.per_s:,.0f}", f"{each.p50_ms:.2f}", f"{each.p99_ms:.2f}")
    console.print(table)
    table = Table("must hold", "measured", "at least", "")
    for bound in bounds:
        table.add_row(bound.what, f"{bound.measured:,.2f}", f"{bound.at_least:,g}", "holds" if bound.holds else "NOT")
    console.print(table)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.journal", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--gate", action="store_true", help="end with 1 if a bound does not hold")
    parser.add_argument("--flat", type=int, default=100_000, metavar="ROWS", help="the larger journal; 0 leaves it out")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    sealer, signer = Sealer(bytes(range(32)), "bench"), new_signer("bench/writer")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, most), most))
    with reachable_directory() as home, EmbeddedPostgres(home, settings={"max_connections": "150"}) as postgres:
        for name in ("bench", "verified", "flat"):
            anyio.run(migrate, postgres.dsn(name))
        bursts, bounds = anyio.run(measure, postgres.dsn("bench"), given)
        rate = anyio.run(verified_per_s, postgres.dsn("verified"), sealer, signer, 6_000 if given.quick else 40_000)
        bounds.append(Bound("entries that a core verifies in a second", rate, 20_000))
        if given.flat:
            flat = anyio.run(flatness, postgres.dsn("flat"), sealer, signer, given.flat, 1.0)
            bounds.append(Bound(f"rate of appends at {given.flat:,} entries, times that at 1,000", flat, 0.8))
    try:
        with reachable_directory() as home, standby(home, apply_delay_ms=5) as url:
            anyio.run(migrate, url)
            more, told = anyio.run(measure_standby, url, given)
            bursts, bounds = bursts + more, bounds + told
    except StandbyMissing as missing:
        print(f"no standby: {missing}", file=sys.stderr)
    show(bursts, bounds)
    if given.json:
        given.json.write_text(json.dumps({"bursts": [*map(asdict, bursts)], "bounds": [*map(asdict, bounds)]}))
    return 1 if given.gate and not all(bound.holds for bound in bounds) else 0


if __name__ == "__main__":
    sys.exit(main())
