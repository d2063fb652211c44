"""`snowgate journal find | retain | legal-hold`: look for a value without reading any, and let old months go."""

from datetime import date
from typing import Annotated

import anyio
import orjson
import typer

from audit.fields import Classification, classify
from audit.retention import place_legal_hold, release_legal_hold, retain_months
from audit.searching import find_value
from server.cli.journal_proofs import journaling
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, SettingsError, load
from server.journal_keys import sealer_of
from server.visible import visible

Month = Annotated[str, typer.Option(help="A month, as 2026-11.")]


def find(
    value: Annotated[str, typer.Option(help="The value that is looked for.")],
    env_file: EnvFile = None,
    field: Annotated[
        str, typer.Option(help="Where: `literals`, `parameters`, or what was looked for itself: `sought_subject`.")
    ] = "literals",
    number: Annotated[bool, typer.Option(help="It is a number, not text.")] = False,
) -> None:
    """Say which entries bear a value, by its keyed hash: nothing is opened. The search is journaled first."""
    with failing_cleanly():
        settings = load(env_file)
        sought = _number(value) if number else value
        if classify(field) is not Classification.SECRET:
            raise SettingsError(f"`{visible(field)}` is kept as no hash that could be looked for")

        async def look() -> list[dict[str, object]]:
            async with journaling(settings, settings.auditor_url) as (engine, journal):
                await journal.append("", "journal.searched", {field: [sought]})
                return await find_value(engine, sealer_of(settings), field, sought)

        for found in anyio.run(look):
            typer.echo(orjson.dumps(found).decode())


def retain(env_file: EnvFile = None) -> None:
    """Drop months older than 400 days that are under signed heads and no legal hold; the journal says so."""
    with failing_cleanly():
        for told in anyio.run(_retain, load(env_file)):
            typer.echo(told)


async def _retain(settings: Settings) -> list[str]:
    async with journaling(settings, settings.retention_url) as (engine, journal):
        return await retain_months(engine, journal)


def legal_hold(
    month: Month,
    matter: Annotated[str, typer.Option(help="For which matter: a reference, not a story.")],
    env_file: EnvFile = None,
    release: Annotated[bool, typer.Option("--release", help="End it.")] = False,
) -> None:
    """Keep a month whatever its age, until the matter is released."""
    with failing_cleanly():
        settings, day = load(env_file), _month(month)

        async def change() -> None:
            async with journaling(settings, settings.retention_url) as (engine, journal):
                await (release_legal_hold if release else place_legal_hold)(engine, journal, day, matter)

        anyio.run(change)
    typer.echo(f"{month} is {'no longer ' if release else ''}held for {matter}")


def _month(told: str) -> date:
    try:
        return date.fromisoformat(f"{told}-01")
    except ValueError:
        raise SettingsError(f"`{told}` is not a month; say 2026-11") from None


def _number(told: str) -> int | float:
    try:
        return int(told)
    except ValueError:
        pass
    try:
        return float(told)
    except ValueError:
        raise SettingsError("the value is not a number") from None
