"""`python -m tests.bench.growth [--entries N] [--minutes M] [--json FILE]`: what an entry costs, by the journal's size.

A journal grows by decades to `--entries`, ten million unless said otherwise, of entries that the house's own writer has
numbered, sealed, chained and signed; all of it is woven, signed for and verified. At each size it says what an append
costs, a step of the sequencer, and a look of the verifier at what is new. Machines and databases have better and worse
minutes, so a new journal of a thousand entries stands beside it at each size, in the same PostgreSQL: bursts of appends
and steps go to the two by turns, and the ratios are the answer. When the time is up it ends at the size that it got to,
and says so. It needs some two gigabytes of disk a million entries, and is in no `make bench`.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.export import Record, records
from audit.journal import Journal, open_journal
from audit.note import Signer, new_signer
from audit.sealing import Sealer
from audit.sequencer import Sequencer
from audit.store import Store
from audit.stream import Stream, month_of
from audit.ticket import Ticket
from audit.verify import Trust, Verifier
from server.database import open_engine
from server.migrating import migrate
from server.sandbox.postgres import EmbeddedPostgres
from tests.bench.journal import FACTS, by_journal
from tests.support.databases import reachable_directory

ORIGIN, WRITER = "bench/growth", "bench/writer"
SMALLEST = 1_000
FILLERS, BATCH = 2, 256
"""Processes that fill, with a stream each, and entries under one signature, as many as the writer takes at most."""

STEPS, STEP_ENTRIES, BURSTS = 15, 64, 15
LEAST_S, MOST_S = 0.05, 1.0
"""How long a burst of appends is: short in a small journal, which would be another one at its end."""

MEASURING_S = 60.0
"""What it takes to measure at one size, at most."""
FLAT = 1.25
"""How many times a thousand entries' cost an append and a step may cost at any size."""

CHUNK = 4_096
MARGIN = 1.3
"""How much dearer than the last decade the next one may be an entry, before the time runs out on it."""

HEAD = (
    "entries", "appends/s", "append p50 ms", "p99 ms", "append x small", "step ms", "first step ms", "look ms",
    "step x small", "filled/s", "woven/s", "verified/s",
)  # fmt: skip
OUTCOME: dict[str, Any] = {
    "rows": 50,
    "truncated": False,
    "duration_ms": 12,
    "query_id": "01b2c3d4-0000-1111-0000-000000000000",
}
FIGURES = (
    "append_p50_ms", "append_p99_ms", "append_over_small", "step_ms", "first_step_ms", "look_ms", "step_over_small",
)  # fmt: skip
SETTINGS = {"max_connections": "40", "max_wal_size": "8GB", "shared_buffers": "512MB"}


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured at one size. `verified_per_s` is of processor time; `look_ms` is a look at what is new.

    The `_over_small` are medians of the ratios of what was measured by turns here and in a journal of a thousand.
    """

    entries: int
    appends_per_s: float
    append_p50_ms: float
    append_p99_ms: float
    append_over_small: float
    step_ms: float
    first_step_ms: float
    look_ms: float
    step_over_small: float
    filled_per_s: float
    woven_per_s: float
    verified_per_s: float


@dataclass
class Growth:
    """A journal that grows. `state` is the verifier's, of all that was woven when it last looked."""

    engine: AsyncEngine
    url: str
    key: bytes
    """The writers' private key, as PEM: those who fill are processes of their own."""
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.writer, self.log = Signer.from_pem(WRITER, self.key), new_signer(ORIGIN)
        self.sequencer = Sequencer(self.engine, ORIGIN, self.log, heartbeat_s=0)

    @property
    def entries(self) -> int:
        """What is woven and verified, with what was appended to measure."""
        return int(self.state.get("size", 0))

    async def to(self, entries: int) -> tuple[float, float, float]:
        """Grow to `entries`; says how many a second were filled, woven and verified."""
        added = entries - self.entries
        filled_s = await _timed(to_thread.run_sync, fill, self.url, self.key, added)
        woven_s = await _timed(self.weave)
        return added / filled_s, added / woven_s, added / await self.verify()

    async def weave(self) -> None:
        """Let the tree catch up, and sign its head."""
        while await self.sequencer.weave():
            pass
        await self.sequencer.publish()

    async def verify(self) -> float:
        """Verify what is new since the last look; says the processor time that it took.

        Raises:
            RuntimeError: something does not hold.
        """
        trust = Trust(f"log {self.log.public}\nwriter {self.writer.public}\n")
        verifier = Verifier(trust, [], self.state or None)
        start, after = (self.state["size"], self.state["last"][0]) if self.state else (0, 0)
        spent_s = 0.0
        async for chunk in _chunks(records(self.engine, ORIGIN, start, after)):
            began = time.process_time()
            for record in chunk:
                verifier.read(record)
            spent_s += time.process_time() - began
        if not verifier.report["ok"]:
            raise RuntimeError(f"the verifier found {verifier.report['first']}")
        self.state = verifier.state
        return spent_s

    def journal(self) -> AbstractAsyncContextManager[Journal]:
        """A writer of its own, as a replica that starts has one."""
        return open_journal(self.engine, Sealer(bytes(range(32)), "bench"), self.writer)

    async def step(self, journal: Journal, name: str) -> tuple[float, float]:
        """What a step of the sequencer takes and a look at it, in milliseconds, with a few new entries."""
        async with anyio.create_task_group() as tasks:
            for call in range(STEP_ENTRIES // 2):
                tasks.start_soon(_call, journal, f"{name}-{call}")
        return 1_000 * await _timed(self.weave), 1_000 * await _timed(self.verify)


async def appends(grown: Growth, small: Growth, seconds: float) -> tuple[float, float, float, float]:
    """Appends a second, p50 and p99 in milliseconds, and the p50 over the small one's, burst by burst and by turns."""
    async with grown.journal() as here, small.journal() as there:
        await by_journal(here, 8, seconds)
        await by_journal(there, 8, seconds)
        bursts, ratios = [], []
        for number in range(BURSTS):
            turns = [await by_journal(each, 8, seconds) for each in ((here, there), (there, here))[number % 2]]
            mine, others = turns if number % 2 == 0 else reversed(turns)
            bursts.append(mine)
            ratios.append(mine.p50_ms / others.p50_ms)
    rate, p50, p99 = (statistics.median(getattr(b, name) for b in bursts) for name in ("per_s", "p50_ms", "p99_ms"))
    return rate, p50, p99, statistics.median(ratios)


async def steps(grown: Growth, small: Growth) -> tuple[float, float, float, float]:
    """A step, the first of a sequencer that was just started, a look, and the step over the small one's by turns."""
    for each in (grown, small):
        await each.weave()
        await each.verify()
    took, first, looks, ratios = [], [], [], []
    async with grown.journal() as here, small.journal() as there:
        await grown.weave()
        await small.weave()
        for number in range(STEPS):
            step, look = await grown.step(here, f"step-{number}")
            ratios.append(step / (await small.step(there, f"step-{number}"))[0])
            took.append(step)
            looks.append(look)
            grown.sequencer = Sequencer(grown.engine, ORIGIN, grown.log, heartbeat_s=0)
            first.append((await grown.step(here, f"first-{number}"))[0])
    return statistics.median(took), statistics.median(first), statistics.median(looks), statistics.median(ratios)


def fill(url: str, key: bytes, entries: int) -> None:
    """Add `entries`, by several processes at once."""
    share, more = divmod(entries, FILLERS)
    shares = [share + (number < more) for number in range(FILLERS)]
    with multiprocessing.get_context("spawn").Pool(FILLERS) as pool:
        pool.starmap(_fill, [(url, key, share) for share in shares if share > 0])


def _fill(url: str, key: bytes, entries: int) -> None:
    anyio.run(_filling, url, Signer.from_pem(WRITER, key), entries)


async def _filling(url: str, signer: Signer, entries: int) -> None:
    """A stream of `entries`, the way a writer makes it, committed without waiting for the disk."""
    stream = Stream(month_of(datetime.now(UTC)), Sealer(bytes(range(32)), "bench"), signer)
    unhurried = url + ("&" if "?" in url else "?") + "options=-csynchronous_commit%3Doff"
    async with open_engine(unhurried, connections_max=1) as engine:
        store, name = Store(engine), stream.id.hex[:8]
        await store.register(stream.row())
        rows = [stream.number(Ticket("", "stream.open", stream.opening()), datetime.now(UTC))]
        for number in range(1, entries):
            stage, facts = ("answered", OUTCOME) if number % 2 == 0 else ("decided", FACTS)
            rows.append(stream.number(Ticket(f"{name}-{(number - 1) // 2}", stage, facts), datetime.now(UTC)))
            if len(rows) == BATCH:
                await store.add([*rows[:-1], stream.sign(rows)])
                rows = []
        if rows:
            await store.add([*rows[:-1], stream.sign(rows)])
        await store.disconnect()


async def _call(journal: Journal, name: str) -> None:
    await journal.append(name, "decided", FACTS)
    await journal.append(name, "answered", OUTCOME)


async def _timed(work: Callable[..., Awaitable[object]], *given: object) -> float:
    began = time.perf_counter()
    await work(*given)
    return time.perf_counter() - began


async def _chunks(source: AsyncIterator[Record]) -> AsyncIterator[list[Record]]:
    """`source` in pieces, so that what it takes to read the database can be left out of a figure."""
    chunk: list[Record] = []
    async for record in source:
        chunk.append(record)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk


async def grow(url_of: Callable[[str], str], entries: int, within_s: float) -> AsyncIterator[Size]:
    """Each size as soon as it is measured; the last one is smaller than `entries` if there is no time for more."""
    end, cost_s, size = time.monotonic() + within_s, 0.0, SMALLEST
    async with opened(url_of("growth")) as growth:
        while growth.entries < entries:
            left_s = max(end - time.monotonic() - MEASURING_S, 0.0)
            affordable = growth.entries + int(left_s / (MARGIN * cost_s)) if cost_s else size
            if affordable < 2 * growth.entries:
                return
            before, started, goal = growth.entries, time.monotonic(), min(size, entries, affordable)
            rates = await growth.to(goal)
            cost_s = (time.monotonic() - started) / (growth.entries - before)
            async with opened(url_of(f"small_{goal}")) as small:
                await small.to(SMALLEST)
                burst_s = min(max(LEAST_S, goal / 100_000), MOST_S)
                yield Size(goal, *await appends(growth, small, burst_s), *await steps(growth, small), *rates)
            while size <= growth.entries:
                size *= 10


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Growth]:
    """An empty journal, in a database of its own."""
    await migrate(url)
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    async with open_engine(url) as engine:
        yield Growth(engine, url, key)


def show(sizes: list[Size]) -> None:
    """The table."""
    console = Console(width=None if sys.stdout.isatty() else 170)
    table = Table(*HEAD, title="one journal, as it grows")
    for each in sizes:
        figures = [f"{getattr(each, name):,.2f}" for name in FIGURES]
        rates = [f"{getattr(each, name):,.0f}" for name in ("filled_per_s", "woven_per_s", "verified_per_s")]
        table.add_row(f"{each.entries:,}", f"{each.appends_per_s:,.0f}", *figures, *rates)
    console.print(table)


async def _run(url_of: Callable[[str], str], given: argparse.Namespace) -> list[Size]:
    sizes: list[Size] = []
    async for size in grow(url_of, given.entries, 60 * given.minutes):
        sizes.append(size)
        print(f"{size.entries:,} entries: {size}", file=sys.stderr)
    return sizes


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with reachable_directory() as home, EmbeddedPostgres(home, settings=SETTINGS) as postgres:
        sizes = anyio.run(_run, postgres.dsn, given)
    show(sizes)
    if sizes[-1].entries < given.entries:
        print(f"the time was up at {sizes[-1].entries:,} of {given.entries:,} entries", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps([*map(asdict, sizes)], indent=1) + "\n")
    worst = max(ratio for each in sizes for ratio in (each.append_over_small, each.step_over_small))
    print(f"at most {worst:.2f} times what it costs at {SMALLEST:,} entries; the bound is {FLAT}", file=sys.stderr)
    return int(worst > FLAT)


if __name__ == "__main__":
    sys.exit(main())
