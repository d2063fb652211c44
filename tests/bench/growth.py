"""`python -m tests.bench.growth [--entries N] [--minutes M] [--json FILE]`: what an entry costs, by the journal's size.

A journal grows by decades to `--entries`, ten million unless said otherwise, of entries that the house's own writer has
numbered, sealed, chained and signed; all of it is woven, signed for and verified. At each size it says what an append
costs, a step of the sequencer, and a look of the verifier at what is new. When the time is up it ends at the size that
it got to, and says so. It needs some two gigabytes of disk a million entries, and is in no `make bench`.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
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

STEPS, STEP_ENTRIES, BURSTS, BURST_S = 15, 64, 5, 1.5
CHUNK = 4_096
MARGIN = 1.3
"""How much dearer than the last decade the next one may be an entry, before the time runs out on it."""

HEAD = (
    "entries", "appends/s", "append p50 ms", "p99 ms", "step ms", "first step ms", "look ms",
    "filled/s", "woven/s", "verified/s",
)  # fmt: skip
OUTCOME: dict[str, Any] = {
    "rows": 50,
    "truncated": False,
    "duration_ms": 12,
    "query_id": "01b2c3d4-0000-1111-0000-000000000000",
}
STEP_FIGURES = ("step_ms", "first_step_ms", "look_ms")
SETTINGS = {"max_connections": "40", "max_wal_size": "8GB", "shared_buffers": "512MB"}


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured at one size. `verified_per_s` is of processor time; `look_ms` is a look at what is new."""

    entries: int
    appends_per_s: float
    append_p50_ms: float
    append_p99_ms: float
    step_ms: float
    first_step_ms: float
    look_ms: float
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
    entries: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    sizes: list[Size] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writer, self.log = Signer.from_pem(WRITER, self.key), new_signer(ORIGIN)
        self.sequencer = Sequencer(self.engine, ORIGIN, self.log, heartbeat_s=0)

    async def to(self, entries: int) -> Size:
        """Grow to `entries`, and measure there."""
        added = entries - self.entries
        filled_s = await _timed(to_thread.run_sync, fill, self.url, self.key, added)
        woven_s = await _timed(self.weave)
        verified_s = await self.verify()
        grown = self.state["size"]
        rates = (added / filled_s, added / woven_s, added / verified_s)
        measured = Size(entries, *await self._appends(), *await self._steps(), *rates)
        self.entries = grown  # what was appended to measure belongs to the next size
        self.sizes.append(measured)
        return measured

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

    async def _appends(self) -> tuple[float, float, float]:
        sealer = Sealer(bytes(range(32)), "bench")
        async with open_journal(self.engine, sealer, self.writer) as journal:
            await by_journal(journal, 8, 0.5)
            bursts = [await by_journal(journal, 8, BURST_S) for _ in range(BURSTS)]
        return tuple(statistics.median(getattr(b, name) for b in bursts) for name in ("per_s", "p50_ms", "p99_ms"))

    async def _steps(self) -> tuple[float, float, float]:
        """A step with a few new entries, the first of a sequencer that was just started, and a look at one step."""
        await self.weave()
        await self.verify()
        took_ms: dict[str, list[float]] = {"step": [], "first": [], "look": []}
        sealer = Sealer(bytes(range(32)), "bench")
        async with open_journal(self.engine, sealer, self.writer) as journal:
            await self.weave()
            for number in range(2 * STEPS):
                async with anyio.create_task_group() as tasks:
                    for call in range(STEP_ENTRIES // 2):
                        tasks.start_soon(_call, journal, f"step-{number}-{call}")
                if number % 2:
                    self.sequencer = Sequencer(self.engine, ORIGIN, self.log, heartbeat_s=0)
                kind = "first" if number % 2 else "step"
                took_ms[kind].append(1_000 * await _timed(self.weave))
                took_ms["look"].append(1_000 * await _timed(self.verify))
        step, first, look = (statistics.median(took_ms[kind]) for kind in ("step", "first", "look"))
        return step, first, look


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


async def grow(url: str, entries: int, within_s: float) -> AsyncIterator[Size]:
    """Each size as soon as it is measured; the last one is smaller than `entries` if there is no time for more."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    began, cost_s = time.monotonic(), 0.0
    async with open_engine(url) as engine:
        growth, size = Growth(engine, url, pem), SMALLEST
        while growth.entries < entries:
            left_s = within_s - (time.monotonic() - began)
            affordable = growth.entries + int(left_s / (MARGIN * cost_s)) if cost_s else size
            if affordable < 2 * growth.entries:
                return
            before, started = growth.entries, time.monotonic()
            yield await growth.to(min(size, entries, affordable))
            cost_s = (time.monotonic() - started) / (growth.entries - before)
            size *= 10


def show(sizes: list[Size]) -> None:
    """The table."""
    console = Console(width=None if sys.stdout.isatty() else 170)
    table = Table(*HEAD, title="one journal, as it grows")
    for each in sizes:
        figures = [f"{getattr(each, name):,.2f}" for name in ("append_p50_ms", "append_p99_ms", *STEP_FIGURES)]
        rates = [f"{getattr(each, name):,.0f}" for name in ("filled_per_s", "woven_per_s", "verified_per_s")]
        table.add_row(f"{each.entries:,}", f"{each.appends_per_s:,.0f}", *figures, *rates)
    console.print(table)


async def _run(url: str, given: argparse.Namespace) -> list[Size]:
    sizes: list[Size] = []
    async for size in grow(url, given.entries, 60 * given.minutes):
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
        anyio.run(migrate, postgres.dsn("growth"))
        sizes = anyio.run(_run, postgres.dsn("growth"), given)
    show(sizes)
    if sizes[-1].entries < given.entries:
        print(f"the time was up at {sizes[-1].entries:,} of {given.entries:,} entries", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps([*map(asdict, sizes)], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
