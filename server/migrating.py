"""Brings the schema to its newest step; only those who migrate load Alembic, which is slow to load."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from server.database import MIGRATIONS, with_connection

_VERSION = """
    create schema if not exists gate;
    create table if not exists gate.schema_version (
        version_num varchar(32) not null constraint schema_version_pkc primary key)
"""
"""As Alembic makes it: it has to be there to be locked."""

_THERE_BY_NOW = frozenset({"23505", "42P06", "42P07"})
"""What IF NOT EXISTS says when another process has made it at the same moment: a key, a schema, a table is there."""

_ALONE = "lock table gate.schema_version in share update exclusive mode"
"""Readers do not wait for it, and only whoever may change the table can hold it."""


async def migrate(url: str) -> None:
    """Bring the schema to its newest step, all steps in one transaction; processes that do so at once take turns.

    Raises:
        NoDatabase: see `with_connection`.
    """
    try:
        await with_connection(url, lambda connection: connection.execute(text(_VERSION)))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _THERE_BY_NOW:
            raise
    await with_connection(url, _upgrade)


def alembic_config() -> Config:
    """What Alembic needs to find the steps."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> None:
    connection.execute(text(_ALONE))
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
