"""One embedded PostgreSQL for a whole test run, and a fresh migrated database for whoever asks."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import psycopg
from psycopg import sql

from server.database import database_url
from server.migrating import migrate
from server.sandbox.postgres import EmbeddedPostgres

TEMPLATE = "migrated"


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """A temporary directory that an unprivileged user may enter too, which pytest's own are not."""
    directory = Path(tempfile.mkdtemp(prefix="snowgate-test-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


class Databases:
    """Makes databases as copies of one that is migrated."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres
        self._numbers = itertools.count(1)
        anyio.run(migrate, postgres.dsn(TEMPLATE))

    @contextmanager
    def fresh(self, made: str = f"template {TEMPLATE}") -> Iterator[str]:
        """The URL of a new database, which is dropped afterwards."""
        name = f"fresh_{next(self._numbers)}"
        self._run("create database {} " + made, name)
        try:
            yield self.postgres.dsn(name)
        finally:
            self._run("drop database {} with (force)", name)

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(driver_dsn(self.postgres.dsn("postgres")), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def driver_dsn(url: str) -> str:
    """SQLAlchemy's URL as psycopg and libpq take it."""
    return database_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
