"""The PostgreSQL that the gate keeps its journal and holds in: engines, and a schema brought to its newest step."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_T = TypeVar("_T")

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x736E6F77  # any constant of our own: advisory locks share one number space in a database
_POSTGRES_DRIVERS = frozenset({"postgres", "postgresql", "postgresql+psycopg"})


class BadDatabaseUrl(Exception):
    """The setting is not the URL of a PostgreSQL. The URL holds a password, so the message never quotes it."""

    code = "bad_database_url"
    message = "the database url is not a postgresql url"
    hint = "set SNOWGATE_DATABASE_URL to something like postgresql://user:password@host:5432/database"
    retryable = False

    def __init__(self) -> None:
        super().__init__(self.message)


class DatabaseUnavailable(Exception):
    """The database does not answer, or turns us away."""

    code = "database_unavailable"
    message = "the database cannot be reached"
    hint = "check that PostgreSQL is running and that SNOWGATE_DATABASE_URL names it with a valid user and password"
    retryable = True

    def __init__(self) -> None:
        super().__init__(self.message)


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
        connect_args={"application_name": "snowgate", "connect_timeout": 5, "prepare_threshold": None},
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


async def migrate(url: str) -> None:
    """Bring the schema to its newest step, in one transaction; processes that do so at once take turns.

    Raises:
        BadDatabaseUrl: it is not the URL of a PostgreSQL.
        DatabaseUnavailable: it cannot be reached.
    """
    await _with_connection(url, _upgrade)


async def at_head(url: str) -> bool:
    """Whether the schema is at its newest step.

    Raises:
        BadDatabaseUrl: it is not the URL of a PostgreSQL.
        DatabaseUnavailable: it cannot be reached.
    """
    return await _with_connection(url, _is_at_head)


async def _with_connection(url: str, work: Callable[[Connection], _T]) -> _T:
    async with open_engine(url, connections_max=1) as engine:
        try:
            connection = await engine.connect()
        except DBAPIError as error:
            raise DatabaseUnavailable from error
        try:
            async with connection.begin():
                return await connection.run_sync(work)
        finally:
            await connection.close()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> None:
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    connection.execute(text("create schema if not exists gate"))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_at_head(connection: Connection) -> bool:
    options = {"version_table": "schema_version", "version_table_schema": "gate"}
    reached = MigrationContext.configure(connection, opts=options).get_current_heads()
    return set(reached) == set(ScriptDirectory.from_config(_config()).get_heads())
