"""Brings the schema to its newest step; only those who migrate load Alembic, which is slow to load."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from server.database import MIGRATIONS, with_connection

_MIGRATION_LOCK = 0x736E6F77  # any constant of our own: advisory locks share one number space in a database


async def migrate(url: str) -> None:
    """Bring the schema to its newest step, in one transaction; processes that do so at once take turns.

    Raises:
        BadDatabaseUrl: it is not the URL of a PostgreSQL.
        DatabaseUnavailable: it cannot be reached.
    """
    await with_connection(url, _upgrade)


def alembic_config() -> Config:
    """What Alembic needs to find the steps."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> None:
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    connection.execute(text("create schema if not exists gate"))
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
