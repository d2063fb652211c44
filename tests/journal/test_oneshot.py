"""A statement that is prepared once adds its row once, whichever backend of a pooler it comes to."""

from collections.abc import AsyncIterator

import anyio
import psycopg
import pytest

from audit.oneshot import Oneshot
from tests.support.databases import driver_dsn

INT8 = psycopg.adapters.types["int8"].oid


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[psycopg.AsyncConnection[object]]:
    async with await psycopg.AsyncConnection.connect(driver_dsn(database_url), autocommit=True) as connection:
        await connection.execute("create temporary table added (n int8 primary key)")
        yield connection


async def added(connection: psycopg.AsyncConnection[object]) -> list[object]:
    return [row[0] for row in await (await connection.execute("select n from added order by n")).fetchall()]  # type: ignore[index]


def row(n: int) -> list[bytes]:
    return [n.to_bytes(8, "big")]


async def test_a_backend_that_does_not_know_the_name_adds_the_row_once(
    connection: psycopg.AsyncConnection[object],
) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    for n in range(6):
        if n in (2, 4):
            await connection.execute("deallocate all")  # what another backend behind a pooler looks like
        assert await insert.run([row(n)]) == 1
    assert await added(connection) == [0, 1, 2, 3, 4, 5]


async def test_several_rows_are_one_transaction_on_whichever_backend(
    connection: psycopg.AsyncConnection[object],
) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    await insert.run([row(0)])
    for first in (10, 20):
        assert await insert.run([row(n) for n in range(first, first + 5)]) == 5
        written_by = await connection.execute("select count(distinct xmin::text) from added where n >= %s", (first,))
        assert await written_by.fetchone() == (1,)
        await connection.execute("deallocate all")
    assert await added(connection) == [0, *range(10, 15), *range(20, 25)]


async def test_what_was_begun_is_not_sent_again(connection: psycopg.AsyncConnection[object]) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    insert.begin([row(1)])  # nothing can be sent before it is prepared
    for n in (1, 2, 3):
        assert await insert.run([row(n)]) == 1
        insert.begin([row(n + 1)])
    await insert.run([row(4)])
    for rows in ([row(5), row(6)], [row(7)]):
        insert.begin(rows)
        assert await insert.run(rows) == len(rows)
    assert await added(connection) == list(range(1, 8))


async def test_of_several_rows_none_is_added_if_one_is_refused(connection: psycopg.AsyncConnection[object]) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    await insert.run([row(2)])
    with pytest.raises(psycopg.errors.UniqueViolation):
        await insert.run([row(1), row(2), row(3)])
    assert await added(connection) == [2]
    assert await insert.run([row(1), row(3)]) == 2


async def test_a_row_that_is_refused_is_not_tried_again_and_the_next_is_added(
    connection: psycopg.AsyncConnection[object],
) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    await insert.run([row(7)])
    with pytest.raises(psycopg.errors.UniqueViolation):
        await insert.run([row(7)])
    await insert.run([row(8)])
    assert await added(connection) == [7, 8]


async def test_a_statement_that_cannot_be_prepared_is_said_to_be_wrong(
    connection: psycopg.AsyncConnection[object],
) -> None:
    insert = Oneshot(connection, b"insert into nowhere values ($1)", [INT8])
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            await insert.run([row(7)])


async def test_a_connection_that_is_lost_is_said_to_be_lost(
    connection: psycopg.AsyncConnection[object], database_url: str
) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    await insert.run([row(7)])
    async with await psycopg.AsyncConnection.connect(driver_dsn(database_url), autocommit=True) as other:
        await other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
    for rows in ([row(8)], [row(8), row(9)]):
        with anyio.fail_after(5), pytest.raises(psycopg.OperationalError):
            await insert.run(rows)


async def test_a_connection_that_is_lost_with_several_rows_under_way_is_said_to_be_lost(
    connection: psycopg.AsyncConnection[object], database_url: str
) -> None:
    insert = Oneshot(connection, b"insert into added select $1 from pg_sleep($1)", [INT8])
    await insert.run([row(0)])
    async with (
        await psycopg.AsyncConnection.connect(driver_dsn(database_url), autocommit=True) as other,
        anyio.create_task_group() as tasks,
    ):

        async def kill() -> None:
            asleep = "select count(*) from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
            pid = connection.info.backend_pid
            while await (await other.execute(asleep, (pid,))).fetchone() == (0,):
                await anyio.lowlevel.checkpoint()
            await other.execute("select pg_terminate_backend(%s)", (pid,))

        tasks.start_soon(kill)
        with anyio.fail_after(20), pytest.raises(psycopg.OperationalError):
            await insert.run([row(30), row(31)])
