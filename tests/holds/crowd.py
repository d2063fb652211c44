"""`python -m tests.holds.crowd 10000`: how long inbox, look, decide and check take with so many open holds.

Through the desk, as every channel does, with a real engine, journal and database. Prints milliseconds; exit code 1 if
one of them is above the bound at the 99th percentile.
"""

import sys
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import anyio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import open_journal
from audit.note import new_signer
from audit.sealing import Sealer
from policy.approving import Verdict
from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal, Subject
from server.database import open_engine
from server.desk import HoldDesk, View
from server.hold_record import HoldRecord, Requester
from server.holds import HoldStore
from server.judging import Judge
from server.migrating import migrate
from server.sandbox.postgres import EmbeddedPostgres
from server.undo_points import UndoPoints
from tests.holds.stores import asked
from tests.support.databases import reachable_directory
from tools.contract import Holds

BOUND_MS = 50.0
TIMES = 300
PAGES = 20
ENGINE = Engine(
    load(
        """
version: 1
approvals:
  - {id: entry, by: approvers, steps: [{groups: [owners], quorum: 1}]}
"""
    ),
    from_document({}),
)
APPROVER = Principal(Subject("olga"), "console", "iss", groups=frozenset({"owners"}))


async def _tell(*_: object) -> None:
    """No webhook."""


async def _as_it_is(hold: HoldRecord) -> HoldRecord:
    return hold


async def measure(engine: AsyncEngine, count: int) -> dict[str, list[float]]:
    """Milliseconds of each kind of use, with `count` holds open from the beginning."""
    took: dict[str, list[float]] = {}
    entry = ENGINE.policy.approving.entries[0]
    store = HoldStore(engine, Sealer(b"k" * 32, "test"))
    facts = {"verb": "delete", "objects": ["D.S.T"], "risk": "medium", "rows_measured": 1}
    known = ENGINE.catalog.digest_of(TableName("D", "S", "T"))
    what = replace(asked(), objects=(("D", "S", "T", known),))

    async def timed(kind: str, work: Awaitable[Any]) -> Any:
        began = time.perf_counter()
        result = await work
        took.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
        return result

    async def open_one(n: int) -> HoldRecord:
        return await store.open(
            n.to_bytes(32),
            what,
            entry,
            requester=Requester("iss", f"person-{n % 500}", "agent"),
            call_id=f"call_{n}",
            tool="request_write",
            policy=ENGINE.provenance.policy,
            summary=facts,
        )

    async with open_journal(engine, store.sealer, new_signer("test/writer")) as journal:
        desk = HoldDesk(store, journal, lambda: Judge(ENGINE), _tell, UndoPoints(engine), _as_it_is, _tell)
        holds = [await open_one(n) for n in range(count)]
        async with engine.begin() as connection:
            await connection.execute(text("analyze gate.hold"))
        for n in range(TIMES):
            hold = holds[n * (count // TIMES)]
            requester = Principal(Subject(hold.requester.subject), "agent", "iss")
            cursor = None if n % PAGES == 0 else hold.id
            await timed("open", open_one(count + n))
            await timed("inbox", desk.waiting(APPROVER, cursor))
            view: View = await timed("look", desk.show(APPROVER, hold.id, via="console"))
            await timed("check", desk.recall(requester, Holds("check", hold.id)))
            await timed("mine", desk.mine(requester))
            word = desk.decide(APPROVER, hold.id, Verdict.APPROVE, "I have read it", shown=view.shown, via="console")
            await timed("decide", word)
            await timed("expiry", store.expire_due())
    return took


def told(took: dict[str, list[float]]) -> bool:
    """Print the figures; whether all are within the bound."""
    is_within = True
    for kind, values in sorted(took.items()):
        ranked = sorted(values)
        p50, p99 = ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]
        is_within &= p99 < BOUND_MS
        print(f"{kind:7} p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  worst {ranked[-1]:6.1f} ms  of {len(ranked)}")
    return is_within


async def main(count: int) -> int:
    """Measure on a PostgreSQL of its own."""
    async with AsyncExitStack() as stack:
        home = stack.enter_context(reachable_directory())
        url = stack.enter_context(EmbeddedPostgres(home / "postgres")).dsn("postgres")
        await migrate(url)
        engine = await stack.enter_async_context(open_engine(url))
        return 0 if told(await measure(engine, count)) else 1


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1])))
