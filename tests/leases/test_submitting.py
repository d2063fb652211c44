"""A submitted statement has its id journaled before anybody waits for it, and never runs twice to be answered."""

import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import psycopg
import pytest

from audit.journal import JournalUnavailable, open_journal
from audit.note import new_signer
from audit.reading import entries
from audit.sealing import Sealer
from server.database import open_engine
from server.leases import SessionLease
from server.pool import Kind, PoolLimits, SessionPool, open_pool
from server.refusals import Revoked, SnowflakeUnavailable, StatementFailed, StatementTimedOut
from server.warehouse import Account, Order
from tests.support.databases import driver_dsn
from tests.support.stub_snowflake import BROKER, LOST, StubSnowflake, affected, failure, numbers, texts
from tests.support.watching import eventually

SQL = "SELECT 1"
ADA = Kind("iss", "ada", "READER", "WH", "p1")
TAG = '{"snowgate_call":"call_1"}'
READ = Order(SQL, (), 5, 30, TAG)
WRITE = Order(SQL, (), 0, 30, TAG, is_write=True)
CHANGE = Order(SQL, (), 0, 30, TAG, is_write=True, is_autocommitted=True)


@asynccontextmanager
async def submitting(where: Account, broker: Any, database_url: str) -> AsyncGenerator[SessionPool]:
    """A pool whose leases submit, with a journal that gives up soon."""
    with anyio.fail_after(60):
        async with (
            open_engine(database_url) as database,
            open_journal(database, Sealer(b"k" * 32, "test"), new_signer("test/writer"), deadline_s=0.5) as journal,
            open_pool(where, broker, PoolLimits(), journal=journal) as pool,
        ):
            yield pool


@pytest.fixture
async def pool(stub: StubSnowflake, database_url: str) -> AsyncGenerator[SessionPool]:
    async with submitting(stub.account, BROKER, database_url) as opened:
        yield opened


async def run(pool: SessionPool, order: Order) -> Any:
    async with SessionLease(pool, ADA, "DB", "call_1") as lease:
        return await lease.run(order)


async def journaled(database_url: str) -> list[tuple[str, Any, Any]]:
    async with open_engine(database_url) as database:
        found = await entries(database, call_id="call_1")
    return [(entry.stage, entry.facts["query_id"], entry.facts["session_id"]) for entry in found]


def fails_to_journal(database_url: str) -> None:
    """From now on, and for whoever is connected already."""
    with psycopg.connect(driver_dsn(database_url)) as db:
        db.execute("alter schema journal rename to lost")


def hanging(stub: StubSnowflake, then: dict[str, Any]) -> Any:
    def hang(_: dict[str, Any]) -> dict[str, Any]:
        stub.hang.wait(20)
        return then

    return hang


CANCELLED = failure(604, "SQL execution canceled", "57014")


@pytest.mark.parametrize(("order", "answer"), [(READ, numbers(3)), (WRITE, affected(3)), (CHANGE, numbers(1))])
async def test_the_id_is_in_the_journal_before_the_statement_has_ended(
    pool: SessionPool, stub: StubSnowflake, database_url: str, order: Order, answer: dict[str, Any]
) -> None:
    stub.answers[SQL] = hanging(stub, answer)
    raw: list[Any] = []

    async def call() -> None:
        raw.append(await run(pool, order))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)

        async def is_journaled() -> bool:
            return bool(await journaled(database_url))

        await eventually(is_journaled)
        assert not raw
        stub.hang.set()
    [submission] = stub.submissions.all.values()
    assert await journaled(database_url) == [("running", submission.query_id, "1001")]
    assert raw[0].query_id == submission.query_id
    assert len(stub.logins) == 1


async def test_what_goes_on_for_longer_than_a_request_is_held_is_asked_for_again_and_not_sent_again(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    stub.answers[SQL] = hanging(stub, numbers(3))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, READ)
        await eventually(lambda: len(stub.submissions.asked) > 2)
        stub.hang.set()
    assert stub.statements == [SQL]


@pytest.mark.parametrize("order", [READ, WRITE, CHANGE])
async def test_what_cannot_be_journaled_is_stopped_and_refused(
    pool: SessionPool, stub: StubSnowflake, database_url: str, order: Order
) -> None:
    stub.answers[SQL] = hanging(stub, CANCELLED)
    fails_to_journal(database_url)
    history = [("CREATE", TAG, "FAILED_WITH_ERROR", "q-1")]
    stub.otherwise = lambda body: texts(history) if "QUERY_HISTORY" in body["sqlText"] else numbers(1)
    with pytest.raises(JournalUnavailable if order is not CHANGE else StatementFailed):
        await run(pool, order)
    assert stub.submissions.aborted == list(stub.submissions.all)
    assert stub.statements.count(SQL) == 1
    assert "COMMIT" not in stub.statements
    assert ("ROLLBACK" in stub.statements) is (order is WRITE)
    await eventually(lambda: stub.ended >= 1)  # nobody has that session after this call


async def test_a_transaction_is_not_left_before_what_was_stopped_in_it_has_ended(
    pool: SessionPool, stub: StubSnowflake, database_url: str
) -> None:
    has_ended: list[bool] = []

    def until_asked_for(_: dict[str, Any]) -> dict[str, Any]:
        with stub.submissions.was_asked:
            stub.submissions.was_asked.wait_for(lambda: stub.submissions.asked, 20)
        return CANCELLED

    def roll_back(_: dict[str, Any]) -> dict[str, Any]:
        has_ended.extend(each.ended.is_set() for each in stub.submissions.all.values())
        return numbers(1)

    stub.answers |= {SQL: until_asked_for, "ROLLBACK": roll_back}
    fails_to_journal(database_url)
    with pytest.raises(JournalUnavailable):
        await run(pool, WRITE)
    assert has_ended == [True]


async def test_a_change_that_was_made_before_it_could_be_stopped_is_told_as_made(
    pool: SessionPool, stub: StubSnowflake, database_url: str
) -> None:
    fails_to_journal(database_url)
    stub.answers[SQL] = lambda _: numbers(1)
    history = [("CREATE", TAG, "SUCCESS", "q-1")]
    stub.otherwise = lambda body: texts(history) if "QUERY_HISTORY" in body["sqlText"] else numbers(1)
    raw = await run(pool, CHANGE)
    assert raw.query_id in stub.submissions.all
    assert stub.statements.count(SQL) == 1


async def test_a_result_whose_connection_broke_is_fetched_by_another_session_and_not_run_again(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    stub.answers[SQL] = lambda _: numbers(3)
    stub.submissions.lose = 1
    raw = await run(pool, READ)
    assert [list(row) for row in raw.rows] == [[0], [1], [2]]
    assert stub.statements == [SQL]
    assert len(stub.logins) == len(set(stub.submissions.asked)) == 2


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (failure(100051, "Division by zero"), StatementFailed),
        (failure(630, "timeout", "57014"), StatementTimedOut),
        (failure(390111, "Session no longer exists.", "08001"), SnowflakeUnavailable),
        (LOST, SnowflakeUnavailable),
    ],
)
@pytest.mark.parametrize("lose", [0, 1])
async def test_what_failed_is_told_and_not_run_again_though_its_session_was_lost(
    pool: SessionPool, stub: StubSnowflake, answer: dict[str, Any], refused: type[Exception], lose: int
) -> None:
    stub.answers[SQL] = lambda _: answer
    stub.submissions.lose = lose
    with pytest.raises(refused):
        await run(pool, READ)
    assert stub.statements == [SQL]


async def test_a_result_that_nobody_is_shown_is_unavailable_and_its_statement_is_not_run_again(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    stub.answers[SQL] = lambda _: numbers(3)
    stub.submissions.lose, stub.submissions.hides = 1, True
    with pytest.raises(SnowflakeUnavailable):
        await run(pool, READ)
    assert stub.statements == [SQL]
    await eventually(lambda: stub.ended == 2)


async def test_a_change_of_rows_whose_result_was_lost_is_not_committed(pool: SessionPool, stub: StubSnowflake) -> None:
    stub.answers[SQL] = lambda _: affected(1)
    stub.submissions.lose = 1
    with pytest.raises(SnowflakeUnavailable):
        await run(pool, WRITE)
    assert stub.statements.count(SQL) == 1
    assert "COMMIT" not in stub.statements


async def test_a_change_of_a_table_whose_result_was_lost_is_asked_for_in_history(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    stub.answers[SQL] = lambda _: numbers(1)
    stub.submissions.lose = 1
    history = [("CREATE", TAG, "SUCCESS", "q-1")]
    stub.otherwise = lambda body: texts(history) if "QUERY_HISTORY" in body["sqlText"] else numbers(1)
    await run(pool, CHANGE)
    assert stub.statements.count(SQL) == 1


async def test_a_submission_that_is_refused_is_unavailable_and_the_next_call_has_another_session(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    """The driver does not say why; so nobody knows that nothing has run."""
    stub.answers[SQL] = lambda _: numbers(3)
    stub.submissions.refuse = failure(390111, "Session no longer exists.", "08001")
    with pytest.raises(SnowflakeUnavailable):
        await run(pool, READ)
    assert stub.statements == [SQL]
    assert len((await run(pool, READ)).rows) == 3
    assert len(stub.logins) == 2


async def test_a_cancelled_call_stops_its_statement_by_its_id(
    pool: SessionPool, stub: StubSnowflake, database_url: str
) -> None:
    stub.answers[SQL] = hanging(stub, CANCELLED)
    stub.deaf_to = "SYSTEM$"

    async def is_journaled() -> bool:
        return bool(await journaled(database_url))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, READ)
        await eventually(is_journaled)
        tasks.cancel_scope.cancel()
    assert stub.submissions.aborted == list(stub.submissions.all)
    assert all(each.ended.is_set() for each in stub.submissions.all.values())
    assert len(stub.logins) == 1  # no other session had to end this one


async def test_a_revoked_caller_is_stopped_while_a_lost_result_is_fetched(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    stub.answers[SQL] = hanging(stub, CANCELLED)
    stub.submissions.lose = 1
    refused: list[str] = []

    async def call() -> None:
        try:
            await run(pool, READ)
        except Revoked as refusal:
            refused.append(refusal.code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await eventually(lambda: len(set(stub.submissions.asked)) == 2)
        await pool.revoke(owner=("iss", "ada"))
    assert refused == ["revoked"]
    assert stub.submissions.aborted == list(stub.submissions.all)


async def test_a_statement_that_is_submitted_after_its_call_was_given_up_is_stopped(
    pool: SessionPool, stub: StubSnowflake, database_url: str
) -> None:
    """What was to stop it came before there was anything to stop."""
    arrived, goes_on = threading.Event(), threading.Event()

    def begin(_: dict[str, Any]) -> dict[str, Any]:
        arrived.set()
        goes_on.wait(20)
        return numbers(1)

    stub.answers |= {SQL: hanging(stub, CANCELLED), "BEGIN": begin}

    async def call() -> None:
        with pytest.raises(StatementFailed):
            await run(pool, WRITE)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await eventually(arrived.is_set)
        pool.lent()[0].session.is_usable = False
        goes_on.set()
    assert stub.submissions.aborted == list(stub.submissions.all)
    assert "COMMIT" not in stub.statements
