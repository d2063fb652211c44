"""What a padded call ends with leaves at a multiple of a fixed time after it began, whatever it ends with."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import pytest
from sqlalchemy import text

from policy.catalog_document import from_document
from policy.decision import Permit
from policy.document import load
from policy.effects import Effect
from policy.engine import Engine
from policy.principal import Principal, Subject
from policy.refusal import PolicyRefusal
from server.histories import Histories
from server.inflight import InFlight
from server.judging import Judged
from server.lending import Lending
from server.limits import Limits
from server.line import CallId, Cleared, Progress
from server.padding import padded
from server.quotas import Quotas
from server.raw import Raw, RawRows
from server.refusals import Held, StatementFailed
from tests.line.played import CATALOG, ENGINE, POLICY, PlayedHouse
from tests.support.decided import decided
from tools.contract import Sql

READ = "SELECT id FROM orders"
STEP_S = 0.15
LONG = 60_000
ADA = Principal(Subject("ada"), "claude", "iss", groups=frozenset({"analysts"}))


def padding(to_ms: int = round(STEP_S * 1_000), tables: str = "DB.S.*") -> Engine:
    entry = f'padding: [{{who: {{anyone: true}}, tables: ["{tables}"], to_ms: {to_ms}}}]\n'
    return Engine(load(POLICY + entry), from_document(CATALOG))


async def _until(moment: float) -> None:
    """Snowflake needs until then."""
    while anyio.current_time() < moment:
        await anyio.lowlevel.checkpoint()


def _taking(s: float, then: Exception | None = None) -> Callable[[Cleared], Awaitable[Raw]]:
    begun = anyio.current_time()

    async def execute(cleared: Cleared) -> Raw:
        await _until(begun + s)
        if then is not None:
            raise then
        return RawRows([], [], False, "q")

    return execute


@pytest.mark.parametrize(("needs", "multiples"), [(0.0, 1), (1.1, 2)])
async def test_an_answer_leaves_at_a_multiple_and_not_before(needs: float, multiples: int, played: PlayedHouse) -> None:
    played.engine, began = padding(), anyio.current_time()
    played.execute = _taking(needs * STEP_S)
    await played.walk(READ)
    assert anyio.current_time() - began >= multiples * STEP_S
    assert played.open_leases == 0


async def test_a_refusal_after_something_ran_leaves_like_an_answer(played: PlayedHouse) -> None:
    played.engine, began = padding(), anyio.current_time()
    played.execute = _taking(0.0, StatementFailed("it failed"))
    with pytest.raises(StatementFailed):
        await played.walk(READ)
    assert anyio.current_time() - began >= STEP_S


async def test_a_crash_leaves_like_an_answer(played: PlayedHouse) -> None:
    played.engine, began = padding(), anyio.current_time()
    played.execute = _taking(0.0, ValueError("a defect"))
    with pytest.raises(ValueError, match="a defect"):
        await played.walk(READ)
    assert anyio.current_time() - began >= STEP_S


async def test_what_was_measured_of_a_held_statement_is_told_at_a_multiple(played: PlayedHouse) -> None:
    played.engine, played.confirms, began = padding(), None, anyio.current_time()
    with pytest.raises(Held):
        await played.walk("SELECT id FROM audited")
    assert anyio.current_time() - began >= STEP_S


async def test_the_times_of_a_hold_do_not_tell_how_long_its_measuring_took(
    played: PlayedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, asked_at = PlayedHouse._measure, datetime.now(UTC)

    async def slowly(self: PlayedHouse, call_id: str, judged: Judged, permit: Permit) -> Effect:
        await _until(anyio.current_time() + 3 * STEP_S)
        return await measure(self, call_id, judged, permit)

    monkeypatch.setattr(PlayedHouse, "_measure", slowly)
    played.confirms = None
    with pytest.raises(Held):
        await played.walk("SELECT id FROM audited")
    async with played.database.connect() as connection:
        opened_at, expires_at = (await connection.execute(text("select opened_at, expires_at from gate.hold"))).one()
    assert (opened_at - asked_at).total_seconds() < 2 * STEP_S
    assert (expires_at - opened_at).total_seconds() % 1 == 0


async def test_the_journal_knows_how_a_call_ended_before_its_caller_does(played: PlayedHouse) -> None:
    played.engine = padding(LONG)

    async def ended() -> None:
        while "answered" not in await played.stages():
            await anyio.lowlevel.checkpoint()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(played.walk, READ)
            await ended()
            assert played.open_leases == 0
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    "sql", ["SELECT id FROM salaries", "SELECT id FROM nowhere", "selekt"], ids=["forbidden", "missing", "no SQL"]
)
async def test_what_is_refused_before_anything_is_asked_is_told_at_once(sql: str, played: PlayedHouse) -> None:
    played.engine = padding(LONG)
    with anyio.fail_after(30), pytest.raises(PolicyRefusal):
        await played.walk(sql)


async def test_an_answer_about_other_tables_is_told_at_once(played: PlayedHouse) -> None:
    played.engine = padding(LONG, "DB.S.AUDITED")
    with anyio.fail_after(30):
        await played.walk(READ)


async def test_a_cancelled_call_has_nobody_to_wait_for(played: PlayedHouse) -> None:
    played.engine = padding(LONG)
    begun = anyio.Event()

    async def execute(cleared: Cleared) -> Raw:
        begun.set()
        await anyio.sleep_forever()
        raise AssertionError

    played.execute = execute
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(played.walk, READ)
            await begun.wait()
            tasks.cancel_scope.cancel()
    assert await played.stages() == ["decided", "cancelled"]


async def test_what_has_been_owed_stays_owed() -> None:
    began = anyio.current_time()
    async with padded() as time:
        for by in (padding(), padding(tables="DB.S.SALARIES")):
            time.owe(by.decide(ADA, by.understand(READ)))
    assert anyio.current_time() - began >= STEP_S


@pytest.mark.parametrize("is_padded", [True, False])
async def test_progress_is_told_only_where_time_may_tell(is_padded: bool, played: PlayedHouse) -> None:
    told: list[Progress | None] = []

    class Session:
        async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
            told.append(progress)
            return RawRows([], [], False, "q")

    @asynccontextmanager
    async def leases(cleared: Cleared) -> AsyncGenerator[Session]:
        yield Session()

    async def progress(elapsed_s: float, what: str) -> None:
        raise AssertionError

    permit = padding(tables="DB.S.ORDERS" if is_padded else "DB.S.AUDITED").decide(ADA, ENGINE.understand(READ))
    assert isinstance(permit, Permit)
    wanted = Sql(READ, (), "why", is_write=False, rows_max=None)
    cleared = Cleared(CallId("call_1"), ADA, wanted, permit, ENGINE.provenance, decided)
    lending = Lending(leases, InFlight(), Quotas(Limits(), played.database), Histories(played.database))
    async with lending(cleared) as lease:
        await lease.execute(cleared, progress)
    assert told == [None if is_padded else progress]
