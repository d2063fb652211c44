"""Limits hold for all replicas together, cost no look into the database on most calls, and are never overdrawn."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import pytest
from sqlalchemy import TextClause, event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from policy.principal import Principal, Subject
from server import quotas as counting
from server.config import SettingsError
from server.database import open_engine
from server.limits import Limits, read_limits
from server.quotas import Quotas
from server.refusals import LimitReached, LimitsUnavailable
from tests.identity.issuer import Clock

ADA = Principal(Subject("ada"), "claude", "iss", groups=frozenset({"analysts"}))
BEN = Principal(Subject("ben"), "claude", "iss", groups=frozenset({"analysts"}))
EVE = Principal(Subject("eve"), "claude", "iss", groups=frozenset({"others"}))


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000_020.0)


def limits(tmp_path: Path, text: str) -> Limits:
    file = tmp_path / "limits.yaml"
    file.write_text(f"limits:\n  - {{id: l, who: {{groups: [analysts]}}, {text}}}\n", encoding="utf-8")
    return read_limits(file)


async def _let_in(quotas: Quotas, who: Principal, count: int) -> int:
    let_in = 0

    async def one() -> None:
        nonlocal let_in
        try:
            await quotas.call(who)
        except LimitReached:
            return
        let_in += 1

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(one)
    return let_in


@pytest.mark.parametrize("maximum", [1, 7, 30, 100])
async def test_replicas_together_let_in_no_more_than_the_limit(
    maximum: int, engine: AsyncEngine, tmp_path: Path, clock: Clock
) -> None:
    asked = limits(tmp_path, f"calls_per_minute_max: {maximum}")
    one, two = Quotas(asked, engine, clock), Quotas(asked, engine, clock)
    let_in = [0, 0]

    async def many(n: int, quotas: Quotas) -> None:
        let_in[n] = await _let_in(quotas, ADA, maximum + 10)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(many, 0, one)
        tasks.start_soon(many, 1, two)
    assert sum(let_in) == maximum
    assert await _let_in(one, BEN, 1) == 1  # everybody has a limit of their own
    assert await _let_in(one, EVE, maximum + 10) == maximum + 10  # she has none
    clock.now += 60
    assert await _let_in(two, ADA, 1) == 1


async def test_most_calls_need_no_look_into_the_database(engine: AsyncEngine, tmp_path: Path, clock: Clock) -> None:
    quotas = Quotas(limits(tmp_path, "calls_per_minute_max: 2000"), engine, clock)
    looks: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *a: looks.append(a[2]))
    assert await _let_in(quotas, ADA, 200) == 200
    assert len(looks) == 2


async def test_all_of_an_audience_can_share_one_limit(engine: AsyncEngine, tmp_path: Path, clock: Clock) -> None:
    quotas = Quotas(limits(tmp_path, "each: all, calls_per_minute_max: 5"), engine, clock)
    assert await _let_in(quotas, ADA, 3) + await _let_in(quotas, BEN, 3) == 5


async def test_a_refusal_says_when_to_come_again(engine: AsyncEngine, tmp_path: Path, clock: Clock) -> None:
    quotas = Quotas(limits(tmp_path, "calls_per_minute_max: 1"), engine, clock)
    await quotas.call(ADA)
    with pytest.raises(LimitReached) as refused:
        await quotas.call(ADA)
    assert refused.value.facts == {"limit": "l", "retry_after_s": 60 - int(clock.now) % 60 + 1}


async def test_no_more_statements_run_at_once_than_the_limit_on_all_replicas(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    asked = limits(tmp_path, "statements_max: 3")
    replicas = [Quotas(asked, engine), Quotas(asked, engine)]
    async with AsyncExitStack() as stack:
        for quotas in (replicas[0], replicas[1], replicas[0]):
            await stack.enter_async_context(quotas.statement(ADA, 10))
        for quotas in replicas:
            with pytest.raises(LimitReached):
                await stack.enter_async_context(quotas.statement(ADA, 10))
        async with replicas[1].statement(BEN, 10):
            pass
    async with replicas[1].statement(ADA, 10), replicas[0].statement(ADA, 10), replicas[1].statement(ADA, 10):
        pass


async def test_the_places_of_a_replica_that_died_come_free(engine: AsyncEngine, tmp_path: Path) -> None:
    asked = limits(tmp_path, "statements_max: 1")
    dead = Quotas(asked, engine).statement(ADA, 10)
    await dead.__aenter__()
    alive = Quotas(asked, engine)
    with pytest.raises(LimitReached):
        await alive.statement(ADA, 10).__aenter__()
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE gate.slot SET expires_at = now() - interval '1 second'"))
    async with alive.statement(ADA, 10):
        pass


async def test_a_place_is_kept_for_the_next_statement_and_given_back_at_the_end(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    quotas = Quotas(limits(tmp_path, "statements_max: 20"), engine)
    looks: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *a: looks.append(a[2]))
    for _ in range(10):
        async with quotas.statement(ADA, 10):
            pass
    assert len(looks) == 1
    await quotas.close()
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM gate.slot"))).scalar_one() == 0


async def test_what_is_in_flight_is_reserved_and_what_it_did_not_take_is_given_back(
    engine: AsyncEngine, tmp_path: Path, clock: Clock
) -> None:
    quotas = Quotas(limits(tmp_path, "rows_per_day_max: 1000"), engine, clock)
    async with quotas.statement(ADA, 600) as first:
        with pytest.raises(LimitReached):
            await quotas.statement(ADA, 600).__aenter__()
        await first.spent(10, 0)
    async with quotas.statement(ADA, 600):
        pass  # one that failed, and brought nothing
    async with quotas.statement(ADA, 990) as last:
        await last.spent(990, 0)
    with pytest.raises(LimitReached):
        await quotas.statement(ADA, 1).__aenter__()
    clock.now += 86_400
    async with quotas.statement(ADA, 600):
        pass


async def test_an_answer_that_is_too_large_for_what_is_left_is_not_shown(
    engine: AsyncEngine, tmp_path: Path, clock: Clock
) -> None:
    quotas = Quotas(limits(tmp_path, "bytes_per_day_max: 1000"), engine, clock)
    async with quotas.statement(ADA, 10) as small:
        assert small.counts_bytes
        await small.spent(1, 700)
    async with quotas.statement(ADA, 10) as large:
        with pytest.raises(LimitReached):
            await large.spent(1, 700)


async def test_no_statement_about_limits_reads_a_whole_table(engine: AsyncEngine) -> None:
    """However much other callers have used: each is found by a key, as PostgreSQL's own plans say."""
    many = text("""
        insert into gate.quota select 'l' || n % 50, 'h' || n, 'calls_per_minute_max', n % 7 * 60, 1
        from generate_series(1, 20000) n""")
    taken = text("""
        insert into gate.slot select 'l' || n % 50, 'h' || n, 1, gen_random_uuid(), now()
        from generate_series(1, 20000) n""")
    row = {"limit_id": "l1", "holder": "h1", "maximum": 100}
    asked: dict[TextClause, dict[str, Any]] = {
        counting._DRAW: {**row, "measure": "rows_per_day_max", "window": 60, "count": 5},
        counting._TAKE: {**row, "replica": UUID(int=0), "ttl": 30.0},
        counting._LEAVE: {"limit_id": "l1", "holder": "h1", "n": 1, "replica": UUID(int=0)},
        counting._RENEW: {"replica": UUID(int=0), "ttl": 30.0},
        counting._LEAVE_ALL: {"replica": UUID(int=0)},
        counting._FORGET: {"before": 1},
    }
    async with engine.connect() as connection:
        await connection.execute(many)
        await connection.execute(taken)
        await connection.execute(text("analyze gate.quota, gate.slot"))
        for statement, binds in asked.items():
            plan = await connection.execute(text(f"explain {statement.text}"), binds)
            told = "\n".join(line for (line,) in plan)
            assert "Seq Scan" not in told, told
        await connection.rollback()


async def test_without_a_database_that_answers_nobody_with_a_limit_is_let_in(
    free_tcp_port: int, tmp_path: Path
) -> None:
    async with open_engine(f"postgresql://nobody:nothing@127.0.0.1:{free_tcp_port}/none") as engine:
        quotas = Quotas(limits(tmp_path, "calls_per_minute_max: 5, statements_max: 1"), engine)
        with anyio.fail_after(20):
            with pytest.raises(LimitsUnavailable):
                await quotas.call(ADA)
            with pytest.raises(LimitsUnavailable):
                await quotas.statement(ADA, 1).__aenter__()
            await quotas.call(EVE)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "limits: {}", "limits: [", "limits: [{id: a, who: {anyone: true}}]",
        "limits: [{id: a, who: {}, statements_max: 1}]", "limits: [{id: a, who: {anyone: true}, statements_max: 0}]",
        "limits: [{id: a, who: {anyone: true}, calls_max: 1}]", "limits: [{who: {anyone: true}, statements_max: 1}]",
        "limits: [{id: a, who: {anyone: true}, statements_max: 1}, {id: a, who: {anyone: true}, statements_max: 1}]",
        "limits: [{id: a, who: {anyone: true}, calls_per_minute_max: '5'}]",
    ],
)  # fmt: skip
def test_a_file_of_limits_that_is_not_clear_is_refused_at_the_start(text: str, tmp_path: Path) -> None:
    (tmp_path / "limits.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        read_limits(tmp_path / "limits.yaml")


def test_without_a_file_there_are_no_limits(tmp_path: Path) -> None:
    assert read_limits(None) == Limits()
    with pytest.raises(SettingsError):
        read_limits(tmp_path / "none.yaml")
