"""`snowgate journal`: read what was recorded."""

from collections.abc import Iterator
from typing import Annotated

import anyio
import orjson
import typer
from rich.console import Console
from rich.text import Text

from audit.canonical import Json
from audit.entry import JournalEntry
from audit.reading import entries, unseal
from audit.sealing import Sealer, Unsealable
from server.cli.journal_keeping import find, legal_hold, retain
from server.cli.journal_proofs import export, journaling, trust, verify
from server.cli.journal_reconciling import reconcile
from server.cli.journal_replays import erase, play, rebuild, replay
from server.cli.journal_shipping import ship
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import load
from server.journal_keys import sealer_of
from server.timeline import sought
from server.visible import visible

journal_app = typer.Typer(help="Read the journal.", no_args_is_help=True)


journal_app.command()(verify)
journal_app.command()(export)
journal_app.command()(trust)
journal_app.command()(find)
journal_app.command()(retain)
journal_app.command("legal-hold")(legal_hold)
journal_app.command()(play)
journal_app.command()(replay)
journal_app.command()(rebuild)
journal_app.command()(erase)
journal_app.command()(reconcile)
journal_app.command()(ship)


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
            async with journaling(settings, settings.auditor_url) as (engine, journal):
                found = await entries(engine, call_id=call, last=last, sealer=sealer)
                await journal.append("", "journal.read", {"found": len(found)} | sought(call))
                return found

        found = anyio.run(read)
        if as_json:
            for entry in found:
                typer.echo(orjson.dumps(as_object(entry, sealer)).decode())
        else:
            print_entries(Console(), found, sealer)


def facts_of(entry: JournalEntry, sealer: Sealer) -> dict[str, Json]:
    """An entry's facts, with what this key opens opened."""
    try:
        return unseal(entry, sealer)
    except Unsealable:
        return dict(entry.facts)


def as_object(entry: JournalEntry, sealer: Sealer) -> dict[str, object]:
    """An entry as JSON."""
    return {
        "stream": str(entry.stream),
        "n": entry.n,
        "at": entry.at.isoformat(),
        "stage": entry.stage,
        "call_id": entry.call_id,
        "facts": facts_of(entry, sealer),
    }


def print_entries(console: Console, found: list[JournalEntry], sealer: Sealer) -> None:
    """Entries for a person: when, which call and what of it in one line, then the facts that say most."""
    for entry in found:
        facts = facts_of(entry, sealer)
        head = Text(f"{entry.at:%H:%M:%S} ", style="dim")
        head.append(f"{entry.call_id or '(the journal)':<22} ")
        head.append(entry.stage, style=STYLES.get(entry.stage, "bold"))
        head.append(visible(_who(facts)))
        console.print(head)
        for line in _telling(facts):
            console.print(Text(line), style="dim", soft_wrap=True, highlight=False)


def _who(facts: dict[str, Json]) -> str:
    """Who asked, through which agent, by which tool, as far as it is an entry's to say."""
    named = (("  ", "subject"), (" via ", "actor"), (": ", "tool"))
    return "".join(f"{before}{facts[name]}" for before, name in named if facts.get(name))


STYLES = {"decided": "cyan", "answered": "green", "refused": "yellow", "failed": "red", "cancelled": "magenta"}

TELLING = (
    ("decision", "rules", "code"),
    ("hold_id", "verdict", "via", "outcome"),
    ("masked",),
    ("filtered",),
    ("budgets", "padded_ms"),
    ("sql",),
    ("role", "warehouse"),
    ("reason",),
    ("rows", "rows_affected", "truncated", "query_id", "duration_ms"),
)
"""The facts that a person looks for, line by line."""


def _telling(facts: dict[str, Json]) -> Iterator[str]:
    for names in TELLING:
        told = [f"{name}={_short(facts[name])}" for name in names if facts.get(name) not in (None, [], "")]
        if told:
            yield "           " + "  ".join(told)


def _short(value: object) -> str:
    text = ",".join(str(item) for item in value) if isinstance(value, list) else str(value)
    return visible(text if len(text) <= 160 else text[:157] + "...")
