"""Many writers, many callers: one order within each stream, and nothing lost when connections die."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import anyio
import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.entry import JournalEntry
from audit.journal import Journal, JournalUnavailable, Receipt, open_journal
from audit.note import Signer
from audit.reading import check_chain, entries
from audit.schema import entry_table
from audit.sealing import Sealer
from tests.support.databases import driver_dsn


def by_stream(everything: list[JournalEntry]) -> Iterator[list[JournalEntry]]:
    for stream in {entry.stream for entry in everything}:
        yield sorted((entry for entry in everything if entry.stream == stream), key=lambda entry: entry.n)


async def append_many(journal: Journal, callers: int, each: int) -> list[Receipt]:
    receipts: list[Receipt] = []

    async def caller(name: int) -> None:
        for number in range(each):
            receipt = await journal.append(f"call-{name}-{number}", "decided", {"rows": number})
            receipts.append(receipt)

    async with anyio.create_task_group() as tasks:
        for name in range(callers):
            tasks.start_soon(caller, name)
    return receipts


async def test_two_journals_on_one_database_keep_a_stream_each(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    async with (
        open_journal(engine, sealer, signer) as one,
        open_journal(engine, sealer, signer) as two,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(append_many, one, 10, 20)
        tasks.start_soon(append_many, two, 10, 20)
    everything = await entries(engine, last=10_000)
    streams = list(by_stream(everything))
    assert [len(stream) for stream in streams] == [202, 202]
    for stream in streams:
        check_chain(stream)
        assert (stream[0].stage, stream[-1].stage) == ("stream.open", "stream.close")


async def test_receipts_name_the_entries_that_are_there(journal: Journal, engine: AsyncEngine) -> None:
    receipts = await append_many(journal, 30, 10)
    table = entry_table.c
    async with engine.connect() as connection:
        there = {(row.stream, row.n, row.digest.hex()) for row in await connection.execute(select(entry_table))}
        first, last = (await connection.execute(select(func.min(table.n), func.max(table.n)))).one()
    assert set(receipts) <= there
    assert len(set(receipts)) == 300
    assert (first, last) == (0, 300)


async def test_killed_backends_lose_and_repeat_nothing(
    engine: AsyncEngine, journal: Journal, database_url: str
) -> None:
    kill = """select pg_terminate_backend(pid) from pg_stat_activity
              where pid <> pg_backend_pid() and application_name = 'snowgate'"""
    acknowledged: list[Receipt] = []
    refused = 0

    async def caller(name: int) -> None:
        nonlocal refused
        for number in range(40):
            try:
                acknowledged.append(await journal.append(f"call-{name}-{number}", "decided", {}))
            except JournalUnavailable:
                refused += 1

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for name in range(16):
                tasks.start_soon(caller, name)
            async with await psycopg.AsyncConnection.connect(driver_dsn(database_url), autocommit=True) as killer:
                for _ in range(10):
                    await killer.execute(kill)
                    await anyio.sleep(0.02)
    stored = await entries(engine, last=10_000)
    check_chain(stored)
    places = {(entry.stream, entry.n) for entry in stored}
    assert {(receipt.stream, receipt.n) for receipt in acknowledged} <= places
    assert len(acknowledged) + refused == 640
    assert max(Counter(entry.call_id for entry in stored if entry.call_id).values()) == 1


async def test_a_clock_that_is_set_back_does_not_turn_the_stream_around(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    now = datetime.now(UTC).replace(day=9)
    clock = iter([now, now, now - timedelta(days=40), now + timedelta(hours=1), now - timedelta(minutes=5)])
    async with open_journal(engine, sealer, signer, clock=lambda: next(clock)) as journal:
        await journal.append("call-1", "decided", {})
        await journal.append("call-2", "decided", {})
    seen = await entries(engine)
    assert [entry.at - now for entry in sorted(seen, key=lambda entry: entry.n)] == [
        timedelta(0), timedelta(0), timedelta(hours=1), timedelta(hours=1)
    ]  # fmt: skip
    check_chain(sorted(seen, key=lambda entry: entry.n))


async def test_the_newest_entries_are_read_oldest_first(journal: Journal, engine: AsyncEngine) -> None:
    await append_many(journal, 20, 1)
    newest = await entries(engine, last=5)
    assert [entry.n for entry in newest] == [16, 17, 18, 19, 20]


async def test_entries_that_come_together_are_committed_together(journal: Journal, engine: AsyncEngine) -> None:
    rounds, callers = 20, 16

    async def caller(name: int) -> None:
        for number in range(rounds):
            await journal.append(f"call-{name}-{number}", "decided", {})

    await journal.append("alone", "decided", {})
    async with anyio.create_task_group() as tasks:
        for name in range(callers):
            tasks.start_soon(caller, name)
    async with engine.connect() as connection:
        signed = await connection.scalar(select(func.count()).where(entry_table.c.signature.is_not(None)))
    batches = (signed or 0) - 2  # but for the opening, and the one that came alone
    assert rounds <= batches <= rounds + 5, "a round is a batch; only the first could not know that it had company"


async def test_a_writer_that_cannot_go_on_refuses_everything_and_ends(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    times = iter([datetime.now(UTC)] * 5)  # and no time after that: what no code of ours expects
    with anyio.fail_after(20):
        async with open_journal(engine, sealer, signer, clock=lambda: next(times)) as journal:
            refused = 0
            for number in range(6):
                try:
                    await journal.append(f"call-{number}", "decided", {})
                except JournalUnavailable:
                    refused += 1
    assert 0 < refused < 6
    check_chain(sorted(await entries(engine, last=100), key=lambda entry: entry.n))


async def test_an_entry_that_comes_alone_in_another_month_goes_into_another_stream(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    now = [datetime.now(UTC)]
    async with open_journal(engine, sealer, signer, clock=lambda: now[0]) as journal:
        before = [await journal.append(f"call-{number}", "decided", {}) for number in range(3)]
        now[0] = (now[0].replace(day=1) + timedelta(days=31)).replace(day=1)
        after = [await journal.append(f"call-{number}", "answered", {}) for number in range(3)]
    assert len({receipt.stream for receipt in before}) == len({receipt.stream for receipt in after}) == 1
    assert before[0].stream != after[0].stream


async def test_entries_about_people_whom_nobody_knows_yet_come_one_by_one_without_a_hitch(
    journal: Journal, engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        await journal.append(f"call-{number}", "decided", {"subject": f"person {number}", "purpose": "to be encrypted"})
    assert [entry.call_id for entry in await entries(engine, last=5)] == [f"call-{number}" for number in range(5)]
    assert not [record for record in caplog.records if record.name == "audit.writer"]
