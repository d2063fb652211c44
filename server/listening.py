"""A connection that hears what is told on one channel of PostgreSQL (LISTEN), and a way to tell."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

CONNECT_S_MAX = 2.0


@asynccontextmanager
async def listening(engine: AsyncEngine, channel: str, name: str) -> AsyncGenerator[AsyncConnection]:
    """A connection of its own, called `name` in the database: one of the pool would be taken for good.

    Raises:
        psycopg.Error, OSError, TimeoutError: it cannot be had.
    """
    dsn = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with anyio.fail_after(CONNECT_S_MAX):
        connection = await AsyncConnection.connect(dsn, autocommit=True, application_name=name)
    try:
        await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
        yield connection
    finally:
        with anyio.CancelScope(shield=True):
            await connection.close()


async def tell(engine: AsyncEngine, channel: str, what: str = "") -> None:
    """Tell whoever listens, when a change is made and not with it.

    Any login of the database can fill PostgreSQL's queue of notifications, and then no transaction with one commits
    (PostgreSQL, "NOTIFY"). Whoever listens looks for itself all the same.

    Raises:
        SQLAlchemyError, OSError: nobody was told.
    """
    async with engine.begin() as connection:
        await connection.execute(select(func.pg_notify(channel, what)))
