"""`snowgate journal play | replay | rebuild | erase`: what was done, and whether it would be decided so again."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import anyio
import orjson
import typer
from rich.console import Console
from rich.text import Text

from audit.erasing import erase_subject
from audit.proofs import EntryProof
from server.cli.journal_proofs import journaling
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, SettingsError, load
from server.journal_keys import log_key_of, sealer_of
from server.policy_file import read_policy
from server.rebuilding import Difference, differences
from server.replaying import Replay
from server.replaying import replay as replay_decisions
from server.timeline import CUT, ENTRIES_MAX, Moment, calls_of_session, sought, timeline
from server.visible import visible

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
From = Annotated[str | None, typer.Option("--from", help="A day in UTC, such as 2026-11-01; without it, 30 days ago.")]
To = Annotated[str | None, typer.Option("--to", help="The day after the last one; without it, until now.")]


def play(
    call: Annotated[str | None, typer.Option(help="One call.")] = None,
    session: Annotated[str | None, typer.Option(help="All calls of one sign-in, as its issuer names it.")] = None,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Play a call or a session back as a timeline, each entry with its proof. Ends with 1 if one is not proven."""
    with failing_cleanly():
        if (call is None) == (session is None):
            raise SettingsError("say which call, or which session")
        settings = load(env_file)
        moments = anyio.run(_play, settings, call, session)
    for moment in moments:
        typer.echo(orjson.dumps(moment_json(moment)).decode()) if as_json else _show_moment(moment)
    typer.echo(CUT if len(moments) == ENTRIES_MAX else f"{len(moments)} entries", err=True)
    raise typer.Exit(1 if any(not isinstance(m.proof, EntryProof) and m.proof.is_alarming for m in moments) else 0)


async def _play(settings: Settings, call: str | None, session: str | None) -> list[Moment]:
    async with journaling(settings, settings.auditor_url) as (engine, journal):
        await journal.append("", "journal.read", sought(call, session=session))
        calls = [call] if call is not None else await calls_of_session(engine, session or "")
        return await timeline(engine, sealer_of(settings), log_key_of(settings), calls)


def moment_json(moment: Moment) -> dict[str, object]:
    """One entry of a timeline as JSON."""
    entry = moment.entry
    proof = moment.proof
    proven = {"leaf": proof.leaf, "size": proof.size} if isinstance(proof, EntryProof) else {"why_not": proof.why}
    told = {"at": entry.at.isoformat(), "place": entry.place, "stage": entry.stage, "call_id": entry.call_id}
    return {**told, "facts": dict(moment.facts), "sealed": moment.is_sealed, "proof": proven}


def proof_text(moment: Moment) -> str:
    """How an entry is proven, in words."""
    proof = moment.proof
    return f"proven as leaf {proof.leaf} of {proof.size}" if isinstance(proof, EntryProof) else proof.why


def _show_moment(moment: Moment) -> None:
    console = Console(soft_wrap=True, highlight=False)
    entry = moment.entry
    console.print(Text(f"{entry.at:%Y-%m-%d %H:%M:%S.%f} {entry.call_id} {entry.stage}", style="bold"))
    console.print(Text(f"  {proof_text(moment)}", style="dim"))
    for name, value in moment.facts.items():
        if value not in (None, "", []):
            console.print(Text(f"  {name} = {visible(str(value))[:400]}"))


def replay(
    env_file: EnvFile = None,
    start: From = None,
    end: To = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="A candidate: what would it decide?")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide everything again. Without a candidate, ends with 1 unless every decision comes out the same."""
    with failing_cleanly():
        settings = load(env_file)
        candidate = read_policy(policy) if policy is not None else None

        async def run() -> Replay:
            async with journaling(settings, settings.auditor_url) as (engine, journal):
                await journal.append(
                    "", "journal.replayed", {"outcome": policy.name if policy else "the same policies"}
                )
                return await replay_decisions(engine, sealer_of(settings), *between(start, end), candidate)

        done = anyio.run(run)
    if as_json:
        typer.echo(orjson.dumps(done.as_json()).decode())
    else:
        _show_replay(done)
    raise typer.Exit(1 if candidate is None and done.changed else 0)


def _show_replay(done: Replay) -> None:
    typer.echo(f"{done.decisions} decisions: {done.same} the same, {done.changed} changed")
    for why, count in done.not_replayable.most_common():
        typer.echo(f"not replayable, {why}: {count}")
    for kind, count in done.changes.most_common():
        typer.echo(f"{kind}: {count}")
    for what, counts in done.by.items():
        for name, count in counts.most_common(50):
            typer.echo(f"  by {what}: {visible(name)}: {count}")


def rebuild(env_file: EnvFile = None, as_json: AsJson = False) -> None:
    """Fold the entries into holds, votes, revocations and legal holds; ends with 1 if the tables say otherwise."""
    with failing_cleanly():
        settings = load(env_file)

        async def run() -> list[Difference]:
            async with journaling(settings, settings.auditor_url) as (engine, journal):
                await journal.append("", "journal.rebuilt", {})
                return await differences(engine)

        found = anyio.run(run)
    for each in found:
        told = {"what": each.what, "name": each.name, "journal": each.journal, "table": each.table}
        line = orjson.dumps(told).decode() if as_json else f"{each.what} {each.name}: {each.journal} / {each.table}"
        typer.echo(visible(line))
    typer.echo(f"{len(found)} differences between the journal and the tables", err=True)
    raise typer.Exit(1 if found else 0)


def erase(
    subject: Annotated[str, typer.Argument(help="Whose encrypted facts nobody shall read any more.")],
    env_file: EnvFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the keys of what is encrypted about a person. Every entry and every proof stays."""
    if not yes:
        typer.confirm("Nothing brings back what is encrypted about them. Go on?", abort=True)
    with failing_cleanly():
        settings = load(env_file)

        async def run() -> int:
            async with journaling(settings, settings.retention_url) as (engine, journal):
                return await erase_subject(engine, journal, settings.tenant, subject)

        count = anyio.run(run)
    typer.echo(f"{count} keys are deleted")


def between(start: str | None, end: str | None) -> tuple[datetime, datetime]:
    """Two moments in UTC.

    Raises:
        SettingsError: one is not a day.
    """
    now = datetime.now(UTC)
    return _day(start) if start else now - timedelta(days=30), _day(end) if end else now + timedelta(seconds=1)


def _day(told: str) -> datetime:
    try:
        day = date.fromisoformat(told)
    except ValueError:
        raise SettingsError(f"`{visible(told)}` is not a day; say 2026-11-25") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
