"""A statement that is prepared once adds its row once, whichever backend of a pooler it comes to."""

from collections.abc import AsyncIterator

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


async def test_a_backend_that_does_not_know_the_name_adds_the_row_once(
    connection: psycopg.AsyncConnection[object],
) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    for n in range(6):
        if n in (2, 4):
            await connection.execute("deallocate all")  # what another backend behind a pooler looks like
        assert await insert.run([n.to_bytes(8, "big")]) == 1
    assert await added(connection) == [0, 1, 2, 3, 4, 5]


async def test_a_row_that_is_refused_is_not_tried_again_and_the_next_is_added(
    connection: psycopg.AsyncConnection[object],
) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    await insert.run([(7).to_bytes(8, "big")])
    with pytest.raises(psycopg.errors.UniqueViolation):
        await insert.run([(7).to_bytes(8, "big")])
    await insert.run([(8).to_bytes(8, "big")])
    assert await added(connection) == [7, 8]


async def test_a_statement_that_cannot_be_prepared_is_said_to_be_wrong(
    connection: psycopg.AsyncConnection[object],
) -> None:
    insert = Oneshot(connection, b"insert into nowhere values ($1)", [INT8])
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            await insert.run([(7).to_bytes(8, "big")])


async def test_a_connection_that_is_lost_is_said_to_be_lost(
    connection: psycopg.AsyncConnection[object], database_url: str
) -> None:
    insert = Oneshot(connection, b"insert into added values ($1)", [INT8])
    await insert.run([(7).to_bytes(8, "big")])
    async with await psycopg.AsyncConnection.connect(driver_dsn(database_url), autocommit=True) as other:
        await other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        await insert.run([(8).to_bytes(8, "big")])
