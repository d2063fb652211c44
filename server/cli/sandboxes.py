"""`snowgate sandbox` and `snowgate demo`: the whole gate on one machine, with nothing to set up."""

import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import anyio
import httpx2
import typer
from rich.console import Console
from rich.text import Text

from audit.entry import JournalEntry
from audit.reading import check_chain, entries
from server.cli.client_configs import CLIENTS, Entrance, configuration, file_of, program
from server.cli.demo import Agent
from server.cli.journals import print_entries
from server.cli.terminal import failing_cleanly
from server.config import load
from server.database import open_engine
from server.journal_keys import sealer_of
from server.sandbox.children import child
from server.sandbox.issuer import mint
from server.sandbox.people import AGENT, PEOPLE
from server.sandbox.run import Sandbox, running_sandbox
from server.sandbox.state import SandboxError, default_home, open_state
from tools.manifest import MANIFESTS

POLICY = MANIFESTS / "policies" / "sandbox.yaml"
TOKEN_TTL_S = 12 * 3600

sandbox_app = typer.Typer(help="Run everything on this machine, with sample data.", invoke_without_command=True)

Home = Annotated[
    Path | None, typer.Option("--home", help="Where its state lives; default $SNOWGATE_HOME, else .snowgate here.")
]
PolicyFile = Annotated[Path, typer.Option("--policy", help="The policy to serve with.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", envvar="SNOWGATE_DATABASE_URL", help="A PostgreSQL to use instead of our own."),
]


@sandbox_app.callback()
def sandbox(
    context: typer.Context, home: Home = None, policy: PolicyFile = POLICY, database_url: DatabaseUrl = None
) -> None:
    """Start PostgreSQL, a Snowflake look-alike with sample data, an OIDC issuer and the gate; run until stopped."""
    if context.invoked_subcommand is not None:
        return
    with failing_cleanly():
        anyio.run(_run_sandbox, home or default_home(), policy, database_url)


@sandbox_app.command()
def token(
    person: Annotated[str, typer.Option("--as", help=f"One of {', '.join(PEOPLE)}.")] = "ada",
    home: Home = None,
    ttl_s: Annotated[int, typer.Option(min=1, max=30 * 86_400, help="Seconds until it expires.")] = TOKEN_TTL_S,
) -> None:
    """Print an access token with which the demo agent acts for a person of the sandbox."""
    with failing_cleanly():
        typer.echo(mint(open_state(home or default_home()), person, ttl_s=ttl_s))


def demo(home: Home = None, policy: PolicyFile = POLICY, database_url: DatabaseUrl = None) -> None:
    """Play a scripted agent against the sandbox: an answer with masks, a refusal, a confirmed write, the journal."""
    with failing_cleanly():
        anyio.run(_run_demo, home or default_home(), policy, database_url)


@asynccontextmanager
async def served(home: Path, policy: Path, database_url: str | None) -> AsyncGenerator[Sandbox]:
    """The sandbox with the gate served over HTTP, as a process of its own with nothing but its settings."""
    async with running_sandbox(home, policy=policy, database_url=database_url) as running:
        from server.migrating import migrate  # slow to load, and only needed here

        await migrate(running.environment["SNOWGATE_ADMIN_DATABASE_URL"])
        arguments = [
            "serve",
            "--transport",
            "http",
            "--env-file",
            str(running.state.env_file),
            "--log-level",
            "warning",
        ]
        log = running.state.logs / "gate.log"
        async with child("server.cli", arguments, running.state.ports.gate, log) as gate:
            await gate.ready()
            yield running


async def _run_sandbox(home: Path, policy: Path, database_url: str | None) -> None:
    console = Console()
    async with AsyncExitStack() as stack:
        with console.status("starting the sandbox"):
            running = await stack.enter_async_context(served(home, policy, database_url))
        _introduce(console, running)
        await anyio.sleep_forever()


def _introduce(console: Console, running: Sandbox) -> None:
    """What a person needs to connect a client."""
    state = running.state
    good_for = mint(state, "ada", ttl_s=TOKEN_TTL_S)
    console.print(Text("snowgate is open at "), Text(state.resource_url, style="bold green"))
    console.print(Text("people decide at "), Text(state.console_url, style="bold green"))
    for group in sorted({group for person in PEOPLE.values() for group in person.groups}):
        members = ", ".join(person.name for person in PEOPLE.values() if group in person.groups)
        console.print(Text(f"  {group}: {members}", style="dim"))
    console.print(f"state in {state.home}; stop with Ctrl-C; it will all be there again\n")
    console.print(Text(f"The tokens below let {AGENT} act for ada (analysts), for 12 hours.", style="dim"))
    console.print(Text("Others: snowgate sandbox token --as " + "|".join(PEOPLE), style="dim"))
    over_http = Entrance(url=state.resource_url, token=good_for)
    over_stdio = Entrance("stdio", command=program(), env_file=state.env_file, token=good_for)
    for client in CLIENTS:
        entrance = over_stdio if client == "claude-desktop" else over_http
        console.print(Text(f"\n{client} ({file_of(client)})", style="bold"))
        console.print(configuration(client, entrance), soft_wrap=True, markup=False, highlight=False)


async def _run_demo(home: Path, policy: Path, database_url: str | None) -> None:
    console = Console()
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        with console.status("starting PostgreSQL, the Snowflake look-alike, the issuer and the gate"):
            running = await stack.enter_async_context(served(home, policy, database_url))
        console.print(f"everything is up after {time.monotonic() - began:.1f} s")
        calls = await Agent(running.state.resource_url, Tokens(running), console).play()
        await _show_journal(console, running, calls)
    console.print(f"\ndone in {time.monotonic() - began:.1f} s")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Fetches access tokens from the issuer as the demo agent would: over HTTP, with its own secret."""

    running: Sandbox

    async def __call__(self, person: str) -> str:
        """An access token for `person`."""
        form = {"grant_type": "client_credentials", "persona": person}
        state = self.running.state
        secret = state.secret(state.agent_secret_file)
        async with httpx2.AsyncClient() as http:
            response = await http.post(f"{state.issuer_url}/token", data=form, auth=(AGENT, secret))
        if response.status_code != 200:
            raise SandboxError("sandbox_no_token", "the issuer gave no token", "look at issuer.log in the state")
        return str(response.json()["access_token"])


async def _show_journal(console: Console, running: Sandbox, calls: list[str]) -> None:
    """The journal of these calls, and whether its chain holds."""
    settings = load(running.state.env_file)
    sealer = sealer_of(settings)
    async with open_engine(settings.auditor_url) as engine:
        newest = await entries(engine, last=200, sealer=sealer)
    ours = [entry for entry in newest if entry.call_id in calls]
    console.print()
    console.print(Text("▸ the journal of these calls", style="bold cyan"), Text("snowgate journal show", style="dim"))
    print_entries(console, ours, sealer)
    stream = _stream_of(newest, ours)
    check_chain(stream)
    console.print(
        Text(f"  chain verified: {len(stream)} entries, each holds the digest of the one before", style="green")
    )


def _stream_of(newest: list[JournalEntry], ours: list[JournalEntry]) -> list[JournalEntry]:
    """All read entries of the stream that our calls are in."""
    return [entry for entry in newest if entry.stream == ours[0].stream]
