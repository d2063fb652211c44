"""`snowgate migrate`: the database's schema brought up to date."""

import anyio
from rich.console import Console

from server.cli.terminal import EnvFile, failing_cleanly
from server.config import load
from server.migrating import migrate as migrate_database


def migrate(env_file: EnvFile = None) -> None:
    """Bring the database schema to its newest step."""
    with failing_cleanly():
        anyio.run(migrate_database, load(env_file).admin_url)
        Console(stderr=True).print("The database schema is at its newest step.")
