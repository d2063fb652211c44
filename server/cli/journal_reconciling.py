"""`snowgate journal reconcile`: the journal against what Snowflake itself says has run."""

from pathlib import Path
from typing import Annotated, Any

import anyio
import orjson
import typer

from server.cli.doctor import pool_of
from server.cli.journal_proofs import journaling
from server.cli.journal_replays import AsJson, From, To, between
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, load
from server.ledger import PostgresLedger
from server.policy_file import read_policy
from server.query_history import HISTORY_ROWS_MAX, Accessed, QueryHistory, Ran, read_accesses, read_history
from server.reconciliation import KINDS, Finding, counted, known_calls, reads
from server.reconciliation import reconcile as compare
from server.snowflake_settings import catalog_kind
from server.visible import visible
from server.warehouse import prepare_process


def reconcile(
    env_file: EnvFile = None,
    start: From = None,
    end: To = None,
    history: Annotated[
        Path | None, typer.Option(help="QUERY_HISTORY as JSON lines or CSV; without it, Snowflake is asked.")
    ] = None,
    access: Annotated[Path | None, typer.Option(help="ACCESS_HISTORY, exported alike.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what ran beside the gate, and which outcomes never arrived. Ends with 1 if there is any of it."""
    with failing_cleanly():
        settings = load(env_file)
        given = [(each.read_role, each.write_role) for each in read_policy(settings.policy).roles]
        roles = {role for each in given for role in each if role}
        rows = None if history is None else read_history(history)
        touched = [] if access is None else read_accesses(access)
        found = anyio.run(_compare, settings, roles, rows, touched, between(start, end))
    counts = counted(found)
    if as_json:
        typer.echo(orjson.dumps({"counts": counts, "findings": [each.as_json() for each in found]}).decode())
    else:
        for each in found:
            typer.echo(visible(f"{each.kind}: {each.query_id} {each.call_id}: {each.said}"))
        for kind, count in counts.items():
            typer.echo(f"{count:>6}  {KINDS[kind]}")
    raise typer.Exit(1 if found else 0)


async def _compare(
    settings: Settings,
    roles: set[str],
    rows: list[dict[str, Any]] | None,
    touched: list[Accessed],
    when: tuple[Any, Any],
) -> list[Finding]:
    ran = [Ran.of(row) for row in rows] if rows is not None else await _ask(settings)
    async with journaling(settings, settings.auditor_url) as (engine, journal):
        calls = await known_calls(engine, *when)
        is_complete = rows is not None or len(ran) < HISTORY_ROWS_MAX
        found = [*compare(calls, ran, roles, is_complete=is_complete), *reads(calls, ran, touched)]
        await journal.append("", "journal.reconciled", {"entries": len(ran), "findings": len(found)})
    return found


async def _ask(settings: Settings) -> list[Ran]:
    """What ran, asked in a session of the gate's own, which is journaled as every session is."""
    prepare_process()
    url = settings.database_url.get_secret_value()
    async with (
        journaling(settings, url) as (engine, journal),
        pool_of(settings, PostgresLedger(engine, journal)) as pool,
    ):
        return await QueryHistory(pool, catalog_kind(settings), settings.databases[0]).recent()
