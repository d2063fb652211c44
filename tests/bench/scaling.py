"""What grows: one call's cost by the size of the statement, the catalog and the journal, and by how many people ask."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle

import anyio

from tests.bench import proc
from tests.bench.cases import CASES, POINT, PRICE, Query, numbers
from tests.bench.client import LightCaller
from tests.bench.figures import percentile
from tests.bench.journal import fill
from tests.bench.stage import SERVE, STUB, Premises, Server, backend, floor, snowgate
from tests.bench.target import Answer

ROUNDS, CALLS = 3, 60
SELECTS = (1, 10, 30, 100)
TABLES = (10, 1_000, 10_000, 100_000)
ENTRIES = (1_000, 10_000, 100_000, 1_000_000)
PRINCIPALS = (1, 10, 100, 1_000)
IDLE_SHARE_MAX, IDLE_LOOK_S, IDLE_WITHIN_S = 0.05, 1.0, 240.0


@dataclass(frozen=True, slots=True)
class Point:
    """One size: `p50_ms` and `p99_ms` of a call, CPU a call, the start to the first answer, and what is resident."""

    size: int
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    first_answer_s: float
    resident_mib: float


Scaling = Mapping[str, list[Point]]
"""Points by what grows, smallest first."""


async def scaling(place: Premises) -> AsyncGenerator[tuple[str, list[Point]]]:
    """Each thing that grows, as soon as it is measured."""
    async with backend(place, STUB) as (port, _):
        async with snowgate(place, port, SERVE) as gate:
            yield "SELECTs in one statement", [await _measure(gate, size, partial(_union, size)) for size in SELECTS]
        async with floor(place, port) as below:
            yield (
                "SELECTs in one statement, without a gate",
                [await _measure(below, size, partial(_union, size)) for size in SELECTS],
            )
        yield "entries in the journal", [await _with_entries(place, port, size) for size in ENTRIES]
        yield "people who ask in turn", [await _with_people(place, port, size) for size in PRINCIPALS]
    yield "tables in the catalog", [await _with_tables(place, size) for size in TABLES]


async def _with_tables(place: Premises, size: int) -> Point:
    async with backend(place, STUB, size) as (port, _), snowgate(place, port, SERVE) as gate:
        return await _measure(gate, size, _point)


async def _with_entries(place: Premises, port: int, size: int) -> Point:
    async with snowgate(place, port, SERVE, prepare=partial(fill, rows=size)) as gate:
        await _idle(gate)  # the tree takes in what was there
        return await _measure(gate, size, _point)


async def _with_people(place: Premises, port: int, size: int) -> Point:
    most = str(max(256, 2 * size))
    async with (
        snowgate(place, port, SERVE, {"SNOWGATE_SESSIONS_MAX": most}) as gate,
        _people(place, port, gate, size) as those,
    ):
        people = cycle(those)

        async def ask(query: Query) -> Answer:
            answer, _ = await next(people).call(query)
            return answer

        for _ in range(2 * size):  # the first of each logs in
            await ask(_point())
        return await _timed(gate, size, [_point() for _ in range(max(ROUNDS * CALLS, size))], ask)


@asynccontextmanager
async def _people(place: Premises, port: int, gate: Server, size: int) -> AsyncGenerator[list[LightCaller]]:
    """Callers with a token each, on a socket each."""
    issuer, target = f"http://127.0.0.1:{port}/issuer", gate.target
    tokens = [place.keys.token(issuer, target.url, f"person-{number}") for number in range(size)]
    callers = [LightCaller(target.url, token, target.extra) for token in tokens]
    try:
        yield callers
    finally:
        for caller in callers:
            await caller.close()


async def _measure(server: Server, size: int, make: Callable[[], Query]) -> Point:
    """`server` by its own client, warmed up."""
    await server.target.burst(iter([make() for _ in range(CALLS // 2)]), 1)

    async def ask(query: Query) -> Answer:
        (answer,) = await server.target.burst(iter([query]), 1)
        return answer

    return await _timed(server, size, [make() for _ in range(ROUNDS * CALLS)], ask)


async def _timed(server: Server, size: int, queries: list[Query], ask: Callable[[Query], Awaitable[Answer]]) -> Point:
    before_s = proc.cpu_s(server.pid)
    elapsed_ms = [1_000 * (await ask(query)).elapsed_s for query in queries]
    spent_ms = 1_000 * (proc.cpu_s(server.pid) - before_s)
    return Point(
        size=size,
        p50_ms=percentile(elapsed_ms, 50),
        p99_ms=percentile(elapsed_ms, 99),
        cpu_ms=spent_ms / len(queries),
        first_answer_s=server.first_answer_s,
        resident_mib=proc.memory_mib(proc.tree(server.pid)[-1])[0],
    )


async def _idle(server: Server) -> None:
    """Return once `server` uses next to no CPU."""
    with anyio.fail_after(IDLE_WITHIN_S):
        while True:
            before_s, began = proc.cpu_s(server.pid), time.monotonic()
            await anyio.sleep(IDLE_LOOK_S)
            if proc.cpu_s(server.pid) - before_s < IDLE_SHARE_MAX * (time.monotonic() - began):
                return


def _point() -> Query:
    return CASES["point-unseen"].make()


def _union(selects: int) -> Query:
    """A statement of so many SELECTs, none of which was asked before."""
    parts = [POINT.format(literal=next(numbers), name=next(numbers)) for _ in range(selects)]
    return Query("\nUNION ALL\n".join(parts), 1, PRICE)
