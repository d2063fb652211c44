"""A hold is opened once for one effect, answered once and used once, whoever races for it."""

from collections.abc import AsyncGenerator

import anyio
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.database import open_engine
from server.holds import HoldStore, OpenHold, hold_table
from server.refusals import HoldsUnavailable

ONE, OTHER = b"1" * 32, b"2" * 32


@pytest.fixture
async def engine(database_url: str) -> AsyncGenerator[AsyncEngine]:
    async with open_engine(database_url, connections_max=10) as opened:
        yield opened


@pytest.fixture
def holds(engine: AsyncEngine) -> HoldStore:
    return HoldStore(engine, ttl_s=60.0)


async def opened(holds: HoldStore, digest: bytes = ONE) -> OpenHold:
    return await holds.open(digest, subject="ada", actor="agent", tool="request_write", effect="DELETE 'secret'")


async def test_the_same_effect_meets_the_same_open_hold_and_question(holds: HoldStore) -> None:
    first, again, other = await opened(holds), await opened(holds), await opened(holds, OTHER)
    assert first == again
    assert other.id != first.id
    assert first.id in first.question


async def test_two_who_open_at_once_meet_the_same_hold(holds: HoldStore) -> None:
    found: list[OpenHold] = []

    async def one() -> None:
        found.append(await opened(holds))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(one)
    assert len({hold.id for hold in found}) == 1


async def test_a_hold_is_used_exactly_once_by_ten_who_race(holds: HoldStore) -> None:
    hold = await opened(holds)
    won: list[bool] = []

    async def one() -> None:
        won.append(await holds.consume(hold.id, ONE, by="ada"))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(one)
    assert sorted(won) == [False] * 9 + [True]


async def test_an_answer_for_another_effect_releases_nothing(holds: HoldStore) -> None:
    hold = await opened(holds)
    assert not await holds.consume(hold.id, OTHER, by="ada")
    assert await holds.consume(hold.id, ONE, by="ada")


async def test_a_declined_hold_stays_declined(holds: HoldStore) -> None:
    hold = await opened(holds)
    assert await holds.decline(hold.id, ONE, by="ada")
    assert not await holds.consume(hold.id, ONE, by="ada")


async def test_holds_go_on_opening_when_the_database_has_prepared_the_statements(holds: HoldStore) -> None:
    for _ in range(12):
        hold = await opened(holds)
        assert await holds.decline(hold.id, ONE, by="ada")


async def test_an_expired_hold_releases_nothing_and_makes_way_for_a_new_one(engine: AsyncEngine) -> None:
    holds = HoldStore(engine, ttl_s=-1.0)
    hold = await opened(holds)
    assert not await holds.consume(hold.id, ONE, by="ada")
    assert (await opened(HoldStore(engine, ttl_s=60.0))).id != hold.id


async def test_a_settled_hold_forgets_the_values_it_showed(holds: HoldStore, engine: AsyncEngine) -> None:
    hold = await opened(holds)
    assert await holds.consume(hold.id, ONE, by="ada")
    async with engine.connect() as connection:
        [question] = (await connection.execute(select(hold_table.c.question))).scalars()
    assert question == {}


async def test_without_its_table_nothing_is_held_or_released(holds: HoldStore, engine: AsyncEngine) -> None:
    hold = await opened(holds)
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE gate.hold"))
    with pytest.raises(HoldsUnavailable):
        await opened(holds)
    with pytest.raises(HoldsUnavailable):
        await holds.consume(hold.id, ONE, by="ada")
