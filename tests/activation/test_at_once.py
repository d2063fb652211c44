"""Two activations at the same moment come one after the other: no replica sees the later and not the earlier."""

import anyio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.activation import ActivationStore
from server.database import open_engine
from tests.activation.test_rooms import OPEN, SHUT, text_of
from tests.support.watching import eventually

HELD_UP = """
    create function gate.held_up() returns trigger language plpgsql as $$
    begin if new.why = 'slow' then perform pg_advisory_xact_lock(42); end if; return null; end $$;
    create constraint trigger held_up after insert on gate.policy_activation deferrable initially deferred
    for each row execute function gate.held_up()
"""
WAITING = "select count(*) from pg_locks where not granted"


async def count(engine: AsyncEngine, asked: str) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text(asked))).scalar_one())


async def test_no_activation_is_seen_before_one_with_a_smaller_number(database_url: str) -> None:
    async with open_engine(database_url) as one, open_engine(database_url) as other:
        async with one.begin() as connection:
            await connection.execute(text(HELD_UP))
        made: dict[str, int] = {}

        async def add(engine: AsyncEngine, document: str, why: str) -> None:
            made[why] = await ActivationStore(engine).add("enforce", text_of(document), why=why, by="me")

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks, one.begin() as connection:
                await connection.execute(text("select pg_advisory_xact_lock(42)"))
                tasks.start_soon(add, one, OPEN, "slow")  # it has its number, and is about to commit
                await eventually(lambda: _is(one, 1))
                tasks.start_soon(add, other, SHUT, "quick")
                await eventually(lambda: _is_settled(one, made))
                assert await ActivationStore(other).history(10) == []
        assert (made, await ActivationStore(one).latest()) == ({"slow": 1, "quick": 2}, 2)


async def _is(engine: AsyncEngine, waiting: int) -> bool:
    return await count(engine, WAITING) == waiting


async def _is_settled(engine: AsyncEngine, made: dict[str, int]) -> bool:
    """Whether the second one waits as well, or did not have to."""
    return bool(made) or await _is(engine, 2)
