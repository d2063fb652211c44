"""A read is made ready while its decision is written down, and nothing of it leaves before the journal holds that."""

import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest
from snowflake.connector.cursor import SnowflakeCursor

from audit.journal import Durable
from audit.unavailable import JournalUnavailable
from policy.statement import Verb
from server import leases
from server.departures import Departure, LeftEarly
from server.leases import Leases
from server.line import Cleared
from server.pool import PoolLimits, SessionPool, open_pool
from server.warehouse import Cursor, Order
from tests.leases.test_lease import SQL as READ
from tests.leases.test_lease import cleared, run
from tests.support.decided import decided
from tests.support.stub_snowflake import BROKER, StubSnowflake, affected, failure, numbers
from tests.support.watching import eventually

CHANGE = 'INSERT INTO "DB"."S"."T" VALUES (1)'


@pytest.fixture
async def pool(stub: StubSnowflake) -> AsyncGenerator[SessionPool]:
    with anyio.fail_after(40):
        async with open_pool(stub.account, BROKER, PoolLimits()) as opened:
            yield opened


@dataclass(eq=False)
class Deciding:
    """A decision on its way to the journal; it arrives, or never will."""

    is_asked: anyio.Event = field(default_factory=anyio.Event)
    is_over: anyio.Event = field(default_factory=anyio.Event)
    is_kept: bool = True

    async def __call__(self) -> None:
        self.is_asked.set()
        await self.is_over.wait()
        if not self.is_kept:
            raise JournalUnavailable


Ready = Callable[[Deciding], bool]
"""Whether the statement is ready whose decision this is: its thread waits for the word."""


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Ready:
    waiting: list[Durable] = []
    wait = Departure._wait

    def watched(departure: Departure) -> None:
        waiting.append(departure.decided)
        wait(departure)

    monkeypatch.setattr(Departure, "_wait", watched)
    return lambda deciding: deciding in waiting


async def test_a_ready_statement_leaves_when_its_decision_is_in_the_journal_and_not_before(
    pool: SessionPool, stub: StubSnowflake, ready: Ready
) -> None:
    await run(pool, cleared())
    deciding, before, answers = Deciding(), len(stub.requests), []

    async def ask() -> None:
        answers.append(await run(pool, replace(cleared(), decided=deciding)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await eventually(lambda: ready(deciding))
        assert (len(stub.requests), answers) == (before, [])
        deciding.is_over.set()
    assert stub.statements[before:] == [READ]
    assert [raw.rows for raw in answers] == [[(0,)]]


async def test_what_the_journal_does_not_hold_never_leaves_and_its_session_lends_on(
    pool: SessionPool, stub: StubSnowflake, ready: Ready
) -> None:
    await run(pool, cleared())
    deciding, before = Deciding(is_kept=False), len(stub.requests)

    async def ask() -> None:
        with pytest.raises(JournalUnavailable):
            await run(pool, replace(cleared(), decided=deciding))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await eventually(lambda: ready(deciding))
        deciding.is_over.set()
    await run(pool, cleared())
    assert stub.statements[before:] == [READ], "the second one alone"
    assert len(stub.logins) == 1


async def test_a_call_that_is_cancelled_before_its_decision_is_durable_sends_nothing(
    pool: SessionPool, stub: StubSnowflake, ready: Ready
) -> None:
    await run(pool, cleared())
    deciding, before = Deciding(), len(stub.requests)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, replace(cleared(), decided=deciding))
        await eventually(lambda: ready(deciding))
        tasks.cancel_scope.cancel()
    await run(pool, cleared())
    assert stub.statements[before:] == [READ], "the second one alone"
    assert len(stub.logins) == 1


@pytest.mark.parametrize("turns", range(12))
async def test_whenever_a_call_is_cancelled_before_its_decision_is_durable_nothing_is_sent(
    pool: SessionPool, stub: StubSnowflake, turns: int
) -> None:
    await run(pool, cleared())
    before = len(stub.requests)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, replace(cleared(), decided=Deciding()))
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    await run(pool, cleared())
    assert stub.statements[before:] == [READ], "the second one alone"
    assert len(stub.logins) == 1


async def test_nobody_logs_in_for_a_call_before_its_decision_is_durable(pool: SessionPool, stub: StubSnowflake) -> None:
    deciding = Deciding()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, replace(cleared(), decided=deciding))
        await deciding.is_asked.wait()
        await anyio.wait_all_tasks_blocked()
        assert (stub.logins, pool.counts()["opening"]) == ([], 0)
        deciding.is_over.set()
    assert len(stub.logins) == 1


async def test_of_a_change_not_even_its_transaction_is_begun_before_its_decision_is_durable(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    await run(pool, cleared())
    stub.answers[CHANGE] = lambda _: affected(1)
    deciding, before = Deciding(), len(stub.requests)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, replace(cleared(verb=Verb.INSERT, sql=CHANGE), decided=deciding))
        await deciding.is_asked.wait()
        await anyio.wait_all_tasks_blocked()
        assert len(stub.requests) == before
        deciding.is_over.set()
    assert stub.statements[before:] == ["BEGIN", CHANGE, "COMMIT"]


async def test_an_answer_of_a_driver_that_does_not_wait_is_not_shown(
    pool: SessionPool, stub: StubSnowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cursor, "_execute_query", SnowflakeCursor._execute_query)
    with pytest.raises(LeftEarly):
        await run(pool, cleared())
    assert (await run(pool, cleared())).rows == [(0,)], "from then on it is made ready when it may leave"
    deciding, before = Deciding(is_kept=False), len(stub.requests)
    deciding.is_over.set()
    with pytest.raises(JournalUnavailable):
        await run(pool, replace(cleared(), decided=deciding))
    assert len(stub.requests) == before


async def test_a_statement_that_is_sent_twice_is_let_go_once() -> None:
    """The driver sends a statement again whose bind values the server could not take."""
    sent: list[Any] = []

    class Twice:
        before_leaving: Callable[[], None] = staticmethod(lambda: None)

        def execute(self, *order: Any, **limits: Any) -> None:
            for _ in range(2):
                self.before_leaving()
                sent.append(order)

    departure = Departure(decided, lambda: True)
    await departure.let_go(lambda: None)
    departure(Twice(), Order(READ, (), 5, 30, "tag"))
    assert len(sent) == 2


async def test_a_call_that_is_cancelled_while_its_statement_is_still_made_ready_sends_it_no_more(
    pool: SessionPool, stub: StubSnowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(pool, cleared())
    before, wait = len(stub.requests), Departure._wait
    begun, slow = threading.Event(), threading.Event()

    def slowly(departure: Departure) -> None:
        begun.set()
        assert slow.wait(20)
        wait(departure)

    monkeypatch.setattr(Departure, "_wait", slowly)

    async def ask(scope: anyio.CancelScope) -> None:
        with scope:
            await run(pool, cleared())

    async with anyio.create_task_group() as tasks:
        scope = anyio.CancelScope()
        tasks.start_soon(ask, scope)
        await eventually(begun.is_set)
        scope.cancel()
        await eventually(lambda: len(stub.requests) > before)
        slow.set()
    monkeypatch.undo()
    await run(pool, cleared())
    assert [sql for sql in stub.statements[before:] if sql == READ] == [READ], "the second one alone"


async def test_nobody_is_told_that_a_statement_runs_before_it_does(
    pool: SessionPool, stub: StubSnowflake, ready: Ready
) -> None:
    await run(pool, cleared())
    told: list[str] = []

    async def progress(elapsed_s: float, what: str) -> None:
        told.append(what)

    async def ask(what: Cleared) -> None:
        async with Leases(pool, "DB")(what) as lease:
            await lease.execute(what, progress)

    deciding = Deciding()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, replace(cleared(), decided=deciding))
        await eventually(lambda: ready(deciding))
        await anyio.wait_all_tasks_blocked()
        assert told == []
        deciding.is_over.set()
    assert told == ["running in Snowflake"]


async def test_a_read_that_snowflake_did_not_run_is_sent_again_however_long_its_decision_took(
    pool: SessionPool, stub: StubSnowflake, ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(pool, cleared())
    monkeypatch.setattr(leases, "RETRY_WITHIN_S", 0.5)
    lost, deciding, before = [failure(390111, "gone", "08001")], Deciding(), len(stub.requests)
    stub.answers[READ] = lambda _: lost.pop() if lost else numbers(1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, replace(cleared(), decided=deciding))
        await eventually(lambda: ready(deciding))
        since = anyio.current_time()
        await eventually(lambda: anyio.current_time() > since + 0.6)
        deciding.is_over.set()
    assert stub.statements[before:] == [READ, READ]


async def test_among_others_a_statement_is_made_ready_when_it_may_leave(
    pool: SessionPool, stub: StubSnowflake, ready: Ready
) -> None:
    async with Leases(pool, "DB")(cleared()), Leases(pool, "DB")(cleared()):
        pass  # two sessions are warm
    first, second, before = Deciding(), Deciding(), len(stub.requests)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, replace(cleared(), decided=first))
        await eventually(lambda: ready(first))
        tasks.start_soon(run, pool, replace(cleared(), decided=second))
        await second.is_asked.wait()
        assert len(stub.requests) == before
        for deciding in (second, first):
            deciding.is_over.set()
    assert stub.statements[before:] == [READ, READ]
    assert (ready(first), ready(second)) == (True, False)
