"""`snowgate journal ...` as an auditor runs it, against the gate of the run."""

import anyio
from typer.testing import CliRunner

from server.cli.main import app
from tests.support.clients import Gate


async def snowgate(gate: Gate, *arguments: str) -> tuple[int, str]:
    """The command's status, and what it said on standard output."""
    command = [*arguments, "--env-file", str(gate.sandbox.state.env_file)]
    done = await anyio.to_thread.run_sync(lambda: CliRunner(env={"COLUMNS": "200"}).invoke(app, command))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout if done.exit_code < 2 else done.output
