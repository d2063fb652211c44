"""`snowgate journal ship`: entries to a SIEM as OCSF events, to a file, standard output or an HTTPS endpoint."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, TextIO

import anyio
import httpx2
import typer

from server.cli.journal_proofs import journaling
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, SettingsError, is_safe_url, load
from server.journal_keys import read_key
from server.shipping import Position, to_https, to_stream
from server.shipping import ship as ship_events


def ship(
    to: Annotated[str, typer.Option(help="A file, `-` for standard output, or an https URL.")],
    state: Annotated[Path, typer.Option(help="The file that says where to go on.")],
    env_file: EnvFile = None,
    envelope: Annotated[bool, typer.Option(help="Put each event in a CloudEvents envelope.")] = True,
    token_file: Annotated[Path | None, typer.Option(help="The bearer token of the receiver.")] = None,
    follow_s: Annotated[float | None, typer.Option(min=1, help="Go on, looking again after so many seconds.")] = None,
) -> None:
    """Ship what is in the tree, each entry at least once and in order; a receiver tells repeats by `id`."""
    with failing_cleanly():
        settings = load(env_file)
        if to.startswith("http") and not is_safe_url(to):
            raise SettingsError("events go over https, or stay on this machine")
        token = read_key(token_file).decode() if token_file else None
        with ExitStack() as stack:
            is_file = to != "-" and not to.startswith("http")
            try:
                out = stack.enter_context(Path(to).open("a", encoding="utf-8")) if is_file else sys.stdout
            except OSError as error:
                raise SettingsError(f"{to} cannot be written: {error.strerror}") from None
            count = anyio.run(_ship, settings, out, to, Position(state), envelope, token, follow_s)
    typer.echo(f"{count} entries were taken", err=True)


async def _ship(
    settings: Settings,
    out: TextIO,
    to: str,
    position: Position,
    envelope: bool,
    token: str | None,
    follow_s: float | None,
) -> int:
    async with (
        journaling(settings, settings.auditor_url) as (engine, journal),
        httpx2.AsyncClient(follow_redirects=False) as http,
    ):
        await journal.append("", "journal.exported", {"size": position.read(), "outcome": "ocsf"})
        is_remote = to.startswith("http")
        deliver = to_https(to, token, http, envelope=envelope) if is_remote else to_stream(out)
        count = await ship_events(engine, settings.journal_origin, deliver, position, envelope=envelope)
        while follow_s is not None:
            await anyio.sleep(follow_s)
            count += await ship_events(engine, settings.journal_origin, deliver, position, envelope=envelope)
        return count
