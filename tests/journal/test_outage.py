"""PostgreSQL gone, hanging or killed: calls are refused, nothing that was acknowledged is lost, and it passes."""

# ruff: noqa: PT012

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter

import anyio
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.entry import JournalEntry
from audit.journal import Journal, JournalUnavailable, Receipt, open_journal
from audit.note import Signer
from audit.reading import check_chain, entries
from audit.sealing import Sealer
from server.database import open_engine
from server.migrating import migrate
from server.sandbox.postgres import EmbeddedPostgres
from tests.support.databases import driver_dsn, reachable_directory
from tests.support.watching import eventually


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, since it gets killed."""
    with reachable_directory() as home, EmbeddedPostgres(home) as postgres:
        anyio.run(migrate, postgres.dsn())
        yield postgres


@pytest.fixture
def postgres(cluster: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """It runs again when a test is over."""
    yield cluster
    if cluster.pid is None:
        cluster.start()


@asynccontextmanager
async def journal_on(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> AsyncIterator[tuple[Journal, AsyncEngine]]:
    async with (
        open_engine(postgres.dsn()) as engine,
        open_journal(engine, sealer, signer, deadline_s=1, retry_s=0.05) as journal,
    ):
        yield journal, engine


async def works(journal: Journal) -> bool:
    try:
        await journal.append("probe", "decided", {})
    except JournalUnavailable:
        return False
    return True


async def entries_of_calls(journal: Journal, engine: AsyncEngine) -> list[JournalEntry]:
    mine = [entry for entry in await entries(engine, last=100_000) if entry.stream == journal.stream]
    check_chain(sorted(mine, key=lambda entry: entry.n))
    return [entry for entry in mine if entry.call_id not in ("", "probe")]


async def stream_of(journal: Journal, engine: AsyncEngine) -> list[tuple[str, str]]:
    return [(entry.call_id, entry.stage) for entry in await entries_of_calls(journal, engine)]


async def test_without_a_database_there_is_no_journal(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    url = postgres.dsn()
    postgres.stop()
    async with open_engine(url) as engine:
        with anyio.fail_after(5), pytest.raises(JournalUnavailable):
            async with open_journal(engine, sealer, signer, deadline_s=1):
                pytest.fail("it must not open")


async def test_down_before_the_decision_nothing_runs(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    ran = False
    async with journal_on(postgres, sealer, signer) as (journal, engine):
        postgres.stop(immediately=True)
        with anyio.fail_after(5), pytest.raises(JournalUnavailable) as caught:
            async with journal.record("call-1") as record:
                await record.commit("decided")
                ran = True
        assert (caught.value.code, caught.value.retryable, ran) == ("journal_unavailable", True, False)
        postgres.start()
        await eventually(lambda: works(journal))
        # The decision had its number when the database went away, so it is kept, and so is what became of it.
        assert await stream_of(journal, engine) == [("call-1", "decided"), ("call-1", "refused")]


async def test_a_decision_that_is_dropped_is_told_by_its_outcome(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    """While the circuit is open a decision is never written; what it said then stands in what is."""
    async with journal_on(postgres, sealer, signer) as (journal, engine):
        postgres.stop(immediately=True)
        assert not await works(journal)
        with anyio.fail_after(20), pytest.raises(JournalUnavailable):
            async with journal.record("call-1") as record:
                record.note(decision="permit")
                with pytest.raises(JournalUnavailable):
                    record.begin("decided")
                postgres.start()
                await eventually(lambda: works(journal))
                raise JournalUnavailable
        (refused,) = await entries_of_calls(journal, engine)
        assert (refused.call_id, refused.stage, refused.facts["decision"]) == ("call-1", "refused", "permit")


async def test_a_decision_that_is_dropped_after_its_call_has_ended_is_told_by_its_outcome(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    async with journal_on(postgres, sealer, signer) as (journal, engine):
        async with await psycopg.AsyncConnection.connect(driver_dsn(postgres.dsn())) as other:
            await other.execute("lock table journal.entry in access exclusive mode")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(works, journal)  # what is under way, so that the decision waits its turn
                await anyio.wait_all_tasks_blocked()
                with anyio.fail_after(20), pytest.raises(JournalUnavailable):
                    async with journal.record("call-1") as record:
                        record.note(decision="permit")
                        record.begin("decided")
                        raise ZeroDivisionError
            await other.rollback()
        await eventually(lambda: works(journal))
        (failed,) = await entries_of_calls(journal, engine)
        assert (failed.call_id, failed.stage, failed.facts["decision"]) == ("call-1", "failed", "permit")


async def test_down_while_a_decision_is_under_way_who_waits_for_it_goes_no_further(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    async with journal_on(postgres, sealer, signer) as (journal, engine):
        postgres.stop(immediately=True)
        with anyio.fail_after(5), pytest.raises(JournalUnavailable):
            async with journal.record("call-1") as record:
                decided = record.begin("decided")
                for _ in range(2):
                    with pytest.raises(JournalUnavailable):
                        await decided()
        postgres.start()
        await eventually(lambda: works(journal))
        assert await stream_of(journal, engine) == [("call-1", "decided"), ("call-1", "answered")]


async def test_down_before_the_outcome_nothing_is_returned_and_the_outcome_is_kept(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    async with journal_on(postgres, sealer, signer) as (journal, engine):
        with anyio.fail_after(5), pytest.raises(JournalUnavailable):
            async with journal.record("call-1") as record:
                await record.commit("decided")
                postgres.stop(immediately=True)
        postgres.start()
        await eventually(lambda: works(journal))
        assert await stream_of(journal, engine) == [("call-1", "decided"), ("call-1", "answered")]


async def test_cancelled_while_down_the_outcome_is_kept(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    async with journal_on(postgres, sealer, signer) as (journal, engine):
        with anyio.fail_after(5), anyio.CancelScope() as scope:
            async with journal.record("call-1") as record:
                await record.commit("decided")
                postgres.stop(immediately=True)
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        postgres.start()
        await eventually(lambda: works(journal))
        assert await stream_of(journal, engine) == [("call-1", "decided"), ("call-1", "cancelled")]


async def test_while_it_is_down_calls_are_refused_at_once(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    async with journal_on(postgres, sealer, signer) as (journal, _):
        postgres.stop(immediately=True)
        assert not await works(journal)
        started = perf_counter()
        for _ in range(100):
            assert not await works(journal)
        assert perf_counter() - started < 10  # the deadline of ten of them
        postgres.start()
        await eventually(lambda: works(journal))


async def test_a_database_that_hangs_is_not_waited_for(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    async with journal_on(postgres, sealer, signer) as (journal, engine):
        async with await psycopg.AsyncConnection.connect(driver_dsn(postgres.dsn())) as other:
            await other.execute("lock table journal.entry in access exclusive mode")
            with anyio.fail_after(5):
                assert not await works(journal)
                with pytest.raises(JournalUnavailable):
                    async with journal.record("call-1") as record:
                        await record.commit("decided")
            await other.rollback()
        await eventually(lambda: works(journal))
        assert await stream_of(journal, engine) == []


async def test_a_backend_that_hangs_is_given_up_for_another(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    async with journal_on(postgres, sealer, signer) as (journal, _):
        async with await psycopg.AsyncConnection.connect(driver_dsn(postgres.dsn())) as other:
            found = await other.execute("select pid from pg_stat_activity where application_name = 'snowgate'")
            backends = [int(pid) for (pid,) in await found.fetchall()]
        assert backends
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        try:
            with anyio.fail_after(20):
                assert not await works(journal)
                await eventually(lambda: works(journal))
        finally:
            for pid in backends:
                os.kill(pid, signal.SIGCONT)


async def test_killed_under_load_every_acknowledged_entry_is_there(
    postgres: EmbeddedPostgres, sealer: Sealer, signer: Signer
) -> None:
    acknowledged: list[Receipt] = []
    answered: list[str] = []
    stopping = False

    async def caller(journal: Journal, name: int) -> None:
        number = 0
        while not stopping:
            number += 1
            try:
                async with journal.record(f"call-{name}-{number}") as record:
                    acknowledged.append(await record.commit("decided"))
                answered.append(record.call_id)
            except JournalUnavailable:
                await anyio.sleep(0.01)

    async def reached(count: int) -> bool:
        return len(answered) >= count

    with anyio.fail_after(60):
        async with journal_on(postgres, sealer, signer) as (journal, engine), anyio.create_task_group() as tasks:
            for name in range(16):
                tasks.start_soon(caller, journal, name)
            for _ in range(3):
                await eventually(partial(reached, len(answered) + 50))
                postgres.stop(immediately=True)
                postgres.start()
            stopping = True
        async with open_engine(postgres.dsn()) as engine:
            stored = [entry for entry in await entries(engine, last=100_000) if entry.stream == journal.stream]
    stored.sort(key=lambda entry: entry.n)
    check_chain(stored)
    assert stored[-1].stage == "stream.close"
    assert {receipt.n for receipt in acknowledged} <= {entry.n for entry in stored}
    decided = [entry.call_id for entry in stored if entry.stage == "decided"]
    closed = [entry.call_id for entry in stored if entry.stage in ("answered", "refused")]
    assert set(answered) <= set(closed)
    assert set(decided) <= set(closed), "a decision without its outcome"
    assert len(decided) == len(set(decided))
    assert len(closed) == len(set(closed))
