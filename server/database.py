"""The PostgreSQL of the journal and the holds: engines, and whether its schema is at the newest step."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio
from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

_T = TypeVar("_T")

ANSWER_S_MAX = 2.0
"""How long a call waits for the database to say whether it may go on."""

MIGRATIONS = Path(__file__).parent / "migrations"

_STEP = re.compile(r"step_(\d{4})_\w+\.py")
_POSTGRES_DRIVERS = frozenset({"postgres", "postgresql", "postgresql+psycopg"})


class NoDatabase(Exception):
    """There is no database to work with; each way in which there is none has a code."""

    code: str
    message: str
    hint: str
    retryable = False

    def __init__(self) -> None:
        super().__init__(self.message)


class BadDatabaseUrl(NoDatabase):
    """The setting is not the URL of a PostgreSQL. The URL holds a password, so the message never quotes it."""

    code = "bad_database_url"
    message = "the database url is not a postgresql url"
    hint = "set SNOWGATE_DATABASE_URL to something like postgresql://user:password@host:5432/database"


class DatabaseUnavailable(NoDatabase):
    """The database does not answer, or turns us away."""

    code = "database_unavailable"
    message = "the database cannot be reached"
    hint = "check that PostgreSQL is running and that SNOWGATE_DATABASE_URL names it with a valid user and password"
    retryable = True


class DatabaseNotUtf8(NoDatabase):
    """The database is in another encoding: it could not hold every text, or would hold texts that are none."""

    code = "database_not_utf8"
    message = "the database is not encoded in UTF-8"
    hint = "make another one: create database snowgate encoding 'UTF8' template template0"


def database_url(url: str) -> URL:
    """`url` as SQLAlchemy takes it, with psycopg as its driver.

    Raises:
        BadDatabaseUrl: it is not a URL, or not one of a PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadDatabaseUrl from error
    if parsed.drivername not in _POSTGRES_DRIVERS:
        raise BadDatabaseUrl
    return parsed.set(drivername="postgresql+psycopg")


def create_engine(url: str, *, connections_max: int = 8) -> AsyncEngine:
    """An engine with at most `connections_max` connections; the caller disposes of it. Nothing is connected yet.

    Raises:
        BadDatabaseUrl: it is not the URL of a PostgreSQL.
    """
    return create_async_engine(
        database_url(url),
        pool_size=connections_max,
        max_overflow=0,
        pool_pre_ping=True,
        # Nothing is prepared: a pooler in transaction mode between us and PostgreSQL would not know of it.
        connect_args={
            "application_name": "snowgate",
            "client_encoding": "utf8",
            "connect_timeout": 5,
            "prepare_threshold": None,
        },
        hide_parameters=True,  # an error's text must not carry values into a log
    )


@asynccontextmanager
async def open_engine(url: str, *, connections_max: int = 8) -> AsyncIterator[AsyncEngine]:
    """`create_engine`, disposed of on leaving."""
    engine = create_engine(url, connections_max=connections_max)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def answering(engine: AsyncEngine, unavailable: Callable[[], Exception]) -> AsyncIterator[AsyncConnection]:
    """A transaction that a call waits for: committed within `ANSWER_S_MAX`, or what `unavailable` makes is raised."""
    try:
        with anyio.fail_after(ANSWER_S_MAX):
            async with engine.begin() as connection:
                yield connection
    except (SQLAlchemyError, TimeoutError, OSError) as error:
        raise unavailable() from error


async def at_head(url: str) -> bool:
    """Whether the schema is at its newest step.

    Raises:
        NoDatabase: see `with_connection`.
    """
    return await with_connection(url, _is_at_head)


def newest_step() -> str:
    """The number of the newest step, by the names of their files: a start need not load what runs the steps."""
    return max(match[1] for match in map(_STEP.fullmatch, _names()) if match)


async def with_connection(url: str, work: Callable[[Connection], _T]) -> _T:
    """What `work` gives on a connection of its own, in one transaction.

    Raises:
        BadDatabaseUrl: `url` is not the URL of a PostgreSQL.
        DatabaseUnavailable: it cannot be reached.
        DatabaseNotUtf8: it is in another encoding.
    """
    async with open_engine(url, connections_max=1) as engine:
        try:
            connection = await engine.connect()
        except DBAPIError as error:
            raise DatabaseUnavailable from error
        try:
            async with connection.begin():
                if await connection.scalar(text("select current_setting('server_encoding')")) != "UTF8":
                    raise DatabaseNotUtf8
                return await connection.run_sync(work)
        finally:
            await connection.close()


def _names() -> Iterator[str]:
    return (path.name for path in (MIGRATIONS / "versions").iterdir())


def _is_at_head(connection: Connection) -> bool:
    if connection.scalar(text("select to_regclass('gate.schema_version')")) is None:
        return False
    return list(connection.scalars(text("select version_num from gate.schema_version"))) == [newest_step()]
