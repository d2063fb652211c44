"""The catalog is refreshed in the background, and nothing that Snowflake answers ends the gate or holds it up."""

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

from policy.document import load
from server.engine_room import EngineRoom
from server.pool import Kind, PoolLimits, SessionPool, open_pool
from server.refusals import CatalogUnavailable
from tests.support.stub_snowflake import BROKER, StubSnowflake, numbers

POLICY = load("{version: 1, defaults: {database: DB, schema: S}, limits: {rows_max: 3, statement_timeout_s: 60}}")


@pytest.fixture
async def pool(stub: StubSnowflake) -> AsyncGenerator[SessionPool]:
    with anyio.fail_after(40):
        async with open_pool(stub.account, BROKER, PoolLimits()) as opened:
            yield opened


def room_of(pool: SessionPool) -> EngineRoom:
    return EngineRoom(POLICY, ("DB",), pool, Kind("", "CATALOG", "READER", "WH", ""), refresh_s=60, stale_s=60)


async def test_an_answer_in_no_known_shape_is_a_catalog_that_cannot_be_had(pool: SessionPool) -> None:
    room = room_of(pool)
    assert not await room.refresh()  # the stub answers every statement with one column N
    with pytest.raises(CatalogUnavailable):
        room.judge()


async def test_a_catalog_that_hangs_holds_nobody_up_and_its_session_is_not_used_again(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    began = anyio.Event()
    loop_token = anyio.lowlevel.current_token()

    def hang(_: dict[str, Any]) -> dict[str, Any]:
        anyio.from_thread.run_sync(began.set, token=loop_token)
        stub.hang.wait(30)
        return numbers(1)

    stub.otherwise = hang
    room = room_of(pool)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(room.refresh)
            await began.wait()
            tasks.cancel_scope.cancel()
    stub.hang.set()
    pool.give_back(await pool.borrow(room.kind))
    assert len(stub.logins) == 2
