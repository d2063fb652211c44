"""What has been running for long is asked after in Snowflake's own history, and not without end."""

import threading
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

from audit.journal import open_journal
from audit.note import new_signer
from audit.reading import entries
from audit.sealing import Sealer
from server import long_running
from server.database import open_engine
from server.leases import SessionLease
from server.long_running import LongRunning
from server.pool import Kind, PoolLimits, SessionPool, open_pool
from server.refusals import StatementFailed
from server.warehouse import Order
from tests.support.stub_snowflake import BROKER, StubSnowflake, failure, numbers, texts
from tests.support.watching import eventually

ADA = Kind("iss", "ada", "READER", "WH", "p1")
OWN = Kind("", "CATALOG", "CATALOG_RO", "WH", "")
TAG = '{"snowgate_call":"call_1"}'


@pytest.fixture
async def watch(stub: StubSnowflake, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[LongRunning]:
    """Looks at a pool in which one statement hangs until the test is over."""
    monkeypatch.setattr(long_running, "LONG_S", 0.0)
    sealer, signer = Sealer(b"k" * 32, "test"), new_signer("test/writer")

    def hang(_: dict[str, Any]) -> dict[str, Any]:
        stub.hang.wait(30)
        return failure(604, "SQL execution canceled", "57014")

    stub.answers["SELECT 1"] = hang
    with anyio.fail_after(40):
        async with (
            open_engine(database_url) as database,
            open_journal(database, sealer, signer) as journal,
            open_pool(stub.account, BROKER, PoolLimits()) as pool,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(_run_and_fail, pool)
            await eventually(lambda: "SELECT 1" in stub.statements)
            yield LongRunning(pool, OWN, "DB", journal)
            stub.hang.set()


async def _run_and_fail(pool: SessionPool) -> None:
    with pytest.raises(StatementFailed):
        async with SessionLease(pool, ADA, "DB", "call_1") as lease:
            await lease.run(Order("SELECT 1", (), 5, 30, TAG))


async def _journaled(watch: LongRunning, database_url: str) -> list[Any]:
    async with open_engine(database_url) as database:
        return [entry.facts["query_id"] for entry in await entries(database, call_id="call_1")]


def _asked(stub: StubSnowflake) -> int:
    return sum("QUERY_HISTORY" in sql for sql in stub.statements)


async def test_an_id_is_asked_for_once_and_only_that_of_what_runs_under_the_calls_own_tag(
    watch: LongRunning, stub: StubSnowflake, database_url: str
) -> None:
    shown = [
        ("SELECT", TAG, "SUCCESS", "q-check"),
        ("SELECT", "other", "RUNNING", "q-other"),
        ("SELECT", TAG, "RUNNING", "q-ours"),
    ]
    stub.otherwise = lambda _: texts(shown)
    await watch.look()
    await watch.look()
    assert await _journaled(watch, database_url) == ["q-ours"]
    assert _asked(stub) == 1


async def test_what_history_does_not_show_is_asked_for_a_few_times_and_no_more(
    watch: LongRunning, stub: StubSnowflake, database_url: str
) -> None:
    stub.otherwise = lambda _: texts([])
    for _ in range(long_running.ASKED_MAX + 2):
        await watch.look()
    assert await _journaled(watch, database_url) == []
    assert _asked(stub) == long_running.ASKED_MAX


async def test_a_history_that_cannot_be_asked_ends_no_watch(watch: LongRunning, stub: StubSnowflake) -> None:
    stub.otherwise = lambda _: failure(2003, "does not exist", "02000")
    with pytest.raises(StatementFailed):
        await watch.look()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.watch_forever)
        await eventually(lambda: _asked(stub) > 1)
        tasks.cancel_scope.cancel()


async def test_an_answer_that_is_no_history_ends_no_watch(watch: LongRunning, stub: StubSnowflake) -> None:
    stub.otherwise = lambda _: numbers(1)
    with pytest.raises(ValueError, match="unpack"):
        await watch.look()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.watch_forever)
        await eventually(lambda: _asked(stub) > 1)
        tasks.cancel_scope.cancel()


async def test_a_history_that_does_not_answer_is_given_up_with_its_session(
    watch: LongRunning, stub: StubSnowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_running, "ASK_TIMEOUT_S", 1)
    monkeypatch.setattr(long_running, "OVERTIME_S", 0.0)
    answers = threading.Event()

    def never(_: dict[str, Any]) -> dict[str, Any]:
        answers.wait(20)
        return texts([])

    stub.otherwise = never
    try:
        with pytest.raises(TimeoutError):
            await watch.look()
        assert watch.pool.counts() == {"idle": 0, "lent": 1, "opening": 0}  # the statement's own
    finally:
        answers.set()
