"""`snowgate journal`: read what was recorded."""

from typing import Annotated

import anyio
import orjson
import typer
from rich.console import Console
from rich.table import Table

from audit.entry import JournalEntry
from audit.reading import entries, unseal
from audit.sealing import Sealer, Unsealable
from server.app import sealer_of
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import load
from server.database import open_engine

journal_app = typer.Typer(help="Read the journal.", no_args_is_help=True)


@journal_app.callback()
def journal() -> None:
    """Read the journal."""


@journal_app.command()
def show(
    env_file: EnvFile = None,
    call: Annotated[str | None, typer.Option(help="Only this call.")] = None,
    last: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with every fact.")] = False,
) -> None:
    """Show the newest entries, oldest first; encrypted facts are opened with the journal key."""
    with failing_cleanly():
        settings = load(env_file)
        sealer = sealer_of(settings)

        async def read() -> list[JournalEntry]:
            async with open_engine(settings.database_url.get_secret_value()) as engine:
                return await entries(engine, call_id=call, last=last)

        found = anyio.run(read)
        if as_json:
            for entry in found:
                typer.echo(orjson.dumps(as_object(entry, sealer)).decode())
        else:
            Console().print(as_table(found, sealer))


def as_object(entry: JournalEntry, sealer: Sealer) -> dict[str, object]:
    """An entry as JSON, with what this key opens opened."""
    try:
        facts = unseal(entry, sealer)
    except Unsealable:
        facts = dict(entry.facts)
    return {
        "stream": str(entry.stream),
        "n": entry.n,
        "at": entry.at.isoformat(),
        "stage": entry.stage,
        "call_id": entry.call_id,
        "facts": facts,
    }


def as_table(found: list[JournalEntry], sealer: Sealer) -> Table:
    """Entries for a person: what happened, to whom, why."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("at", "call", "stage", "who", "tool", "what"):
        table.add_column(heading, overflow="fold")
    for entry in found:
        facts = as_object(entry, sealer)["facts"]
        assert isinstance(facts, dict)  # noqa: S101 - as_object makes one
        who = facts.get("subject")
        table.add_row(
            f"{entry.at:%H:%M:%S}",
            entry.call_id[:12],
            entry.stage,
            f"{who} via {facts.get('actor')}" if who else "",
            str(facts.get("tool") or ""),
            _what(facts),
        )
    return table


def _what(facts: dict[str, object]) -> str:
    """The facts that say most about an entry, in one line."""
    names = ("decision", "code", "rules", "masked", "rows", "rows_affected", "role", "sql")
    said = [f"{name}={_short(facts[name])}" for name in names if facts.get(name) not in (None, [], "")]
    return " ".join(said)


def _short(value: object) -> str:
    text = ",".join(str(item) for item in value) if isinstance(value, list) else str(value)
    return text if len(text) <= 160 else text[:157] + "..."
