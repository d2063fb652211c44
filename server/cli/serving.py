"""The `snowgate` command with `serve` alone: whoever waits for a gate should not wait for other commands to load."""

import gc
import sys
from importlib.metadata import version
from typing import Annotated, Literal

import anyio
import typer
from rich.console import Console

from server.cli.terminal import EnvFile, failing_cleanly
from server.config import load
from server.logs import set_up
from server.seat import Seat

app = typer.Typer(
    name="snowgate",
    help="The gate between AI agents and Snowflake.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        Console().print(f"snowgate {version('snowgate')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The gate between AI agents and Snowflake."""
    if context.invoked_subcommand != serve.__name__:  # which turns it on itself, once it is up
        gc.enable()


@app.command()
def serve(
    transport: Annotated[Literal["stdio", "http"], typer.Option(help="How agents reach the gate.")] = "http",
    env_file: EnvFile = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error; logs go to stderr.")] = "info",
    seat: Annotated[str | None, typer.Option(hidden=True, help="Which worker this is; the supervisor says so.")] = None,
) -> None:
    """Serve the governed tools over MCP until stopped."""
    set_up(log_level)
    with failing_cleanly():
        settings = load(env_file)
        set_up(log_level, settings.log_format)
        if transport == "http" and settings.workers > 1 and seat is None:
            from server.sharing import shared_listener
            from server.workers import supervise

            listener = shared_listener(settings.host, settings.port)
            own = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
            metrics_at = (settings.metrics_host, settings.metrics_port) if settings.metrics_port is not None else None
            raise typer.Exit(anyio.run(supervise, [*own, *sys.argv[1:]], settings.workers, listener, metrics_at))
        from server.app import serve as serve_app

        place = Seat.parse(seat) if seat is not None else None
        anyio.run(serve_app, settings, transport, place, backend_options={"use_uvloop": sys.platform != "win32"})
