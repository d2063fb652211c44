"""The `snowgate` command, whole: every known failure is one line with a code, never a traceback."""

import anyio
from rich.console import Console

from server.cli.clients import client_config
from server.cli.doctor import doctor
from server.cli.evidences import evidence
from server.cli.holds import holds_app
from server.cli.journals import journal_app
from server.cli.policies import policy_app
from server.cli.revoking import revoke
from server.cli.sandboxes import demo, sandbox_app
from server.cli.serving import app
from server.cli.snowflake import snowflake_app
from server.cli.starting import init
from server.cli.terminal import EnvFile, failing_cleanly
from server.cli.witnesses import witness
from server.config import load

__all__ = ["app"]

app.add_typer(policy_app, name="policy")
app.add_typer(journal_app, name="journal")
app.add_typer(holds_app, name="holds")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(snowflake_app, name="snowflake")
app.command()(demo)
app.command()(init)
app.command()(doctor)
app.command()(revoke)
app.command()(witness)
app.command()(evidence)
app.command()(client_config)


@app.command()
def migrate(env_file: EnvFile = None) -> None:
    """Bring the database schema to its newest step."""
    from server.migrating import migrate as migrate_database

    with failing_cleanly():
        anyio.run(migrate_database, load(env_file).admin_url)
        Console(stderr=True).print("The database schema is at its newest step.")
