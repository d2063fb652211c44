"""`snowgate journal verify | export | trust`: the journal's proof, for whoever does not want to believe it."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import anyio
import orjson
import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

import audit.verify
from audit.export import records, write_export
from audit.journal import Journal, open_journal
from audit.verify import Trust, Verifier, texts
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, SettingsError, load
from server.database import open_engine
from server.journal_keys import sealer_of, signer_of, trust_of

TrustFile = Annotated[
    Path | None, typer.Option("--trust", help="Whose signatures count; without it, the keys of these settings.")
]
Anchors = Annotated[
    list[Path] | None, typer.Option("--anchor", help="Notes or printed lines, kept elsewhere; may be repeated.")
]


@asynccontextmanager
async def journaling(settings: Settings, url: str) -> AsyncIterator[tuple[AsyncEngine, Journal]]:
    """The database by this login, and a journal that hears of what is done with it."""
    sealer, signer = sealer_of(settings), signer_of(settings)
    async with open_engine(url) as engine, open_journal(engine, sealer, signer) as journal:
        yield engine, journal


def trust(env_file: EnvFile = None) -> None:
    """Print the public keys that a verifier of this journal should trust."""
    with failing_cleanly():
        typer.echo(trust_of(load(env_file)), nl=False)


def export(
    to: Annotated[Path, typer.Argument(help="Where to: a name that ends with .jsonl or .jsonl.gz.")],
    env_file: EnvFile = None,
    start: Annotated[int, typer.Option(min=0, help="The first leaf, for a verifier that knows what came before.")] = 0,
    after: Annotated[int, typer.Option(min=0, help="The last checkpoint's id that it knows.")] = 0,
    with_verifier: Annotated[bool, typer.Option(help="Put verify.py beside it.")] = True,
) -> None:
    """Write the whole journal, sealed as it is, to a file that verify.py checks anywhere."""
    with failing_cleanly():
        settings = load(env_file)

        async def write() -> int:
            async with journaling(settings, settings.auditor_url) as (engine, journal):
                await journal.append("", "journal.exported", {"size": start, "outcome": to.name})
                return await write_export(to, records(engine, settings.journal_origin, start, after))

        count = anyio.run(write)
        if with_verifier:
            shutil.copy(str(audit.verify.__file__), to.with_name("verify.py"))
    Console(stderr=True).print(f"{count} records were written to {to}")


def verify(
    export_file: Annotated[Path | None, typer.Argument(help="An export; without it, the database itself.")] = None,
    env_file: EnvFile = None,
    trust_file: TrustFile = None,
    anchor: Anchors = None,
    state_file: Annotated[Path | None, typer.Option("--state", help="Go on where the last run has ended.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON.")] = False,
) -> None:
    """Verify every entry, the tree over them and all signatures. Ends with 0, or 1 if something does not hold."""
    with failing_cleanly():
        told = [text for path in anchor or () for text in texts(path) if '{"journal_' in text or "\n\n" in text]
        state = orjson.loads(state_file.read_bytes()) if state_file and state_file.exists() else None
        try:
            keys = trust_file.read_text("utf-8") if trust_file else trust_of(load(env_file))
            verifier = Verifier(Trust(keys), told, state)
            if export_file is None:
                anyio.run(_read_database, load(env_file), verifier, state)
            else:
                for line in texts(export_file):
                    verifier.read(json.loads(line))  # orjson reads no half of a surrogate pair
            report = verifier.report
            if not report:
                raise ValueError("the export is cut off")
        except (ValueError, OSError) as error:
            raise SettingsError(f"the journal cannot be verified: {error}") from None
    if report["ok"] and state_file:
        state_file.write_bytes(orjson.dumps(verifier.state))
    _show(report, as_json)
    raise typer.Exit(0 if report["ok"] else 1)


async def _read_database(settings: Settings, verifier: Verifier, state: dict[str, Any] | None) -> None:
    start, after = (state["size"], state["last"][0]) if state else (0, 0)
    async with journaling(settings, settings.auditor_url) as (engine, journal):
        async for record in records(engine, settings.journal_origin, start, after):
            verifier.read(record)
        findings = len(verifier.findings)
        await journal.append("", "journal.verified", {"size": verifier.state["size"], "findings": findings})


def _show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(orjson.dumps(report).decode())
        return
    for warning in report["warnings"]:
        typer.echo(f"warning: {warning['place']}: {warning['why']}", err=True)
    for finding in report["findings"]:
        typer.echo(f"{finding['place']}: {finding['why']}")
    if report["ok"]:
        typer.echo(f"{report['leaves']} entries under signed heads: everything holds")
