"""`snowgate doctor`: what a start needs, checked one by one, each failure with its remedy."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx2
import typer
from anyio import to_thread
from rich.console import Console
from rich.table import Table

from audit.journal import open_journal
from server.app import account_of, catalog_kind, read_policy
from server.brokers.choice import brokers_of
from server.cli.terminal import KNOWN, EnvFile, failing_cleanly
from server.config import Settings, load
from server.database import at_head, open_engine
from server.engine_room import EngineRoom
from server.issuers import trusts_of
from server.journal_keys import read_key, sealer_of, signer_of
from server.keys import IssuerKeys, KeysUnavailable
from server.pool import PoolLimits, SessionPool, open_pool
from server.rights import refuse_excess

CHECK_TIMEOUT_S = 30.0


class Unwell(Exception):
    """A check found something wrong; the message says what, the hint what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a start needs; `look` returns what was found, or raises."""

    name: str
    look: Callable[[Settings], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a check."""

    name: str
    is_well: bool
    said: str
    hint: str = ""


def doctor(env_file: EnvFile = None, as_json: bool = typer.Option(False, "--json", help="Machine-readable.")) -> None:
    """Check settings, keys, policy, database, journal, issuer, Snowflake and catalog; say how to mend what fails."""
    with failing_cleanly():
        findings = anyio.run(examine, load(env_file))
    if as_json:
        for finding in findings:
            typer.echo(
                json.dumps({"check": finding.name, "ok": finding.is_well, "found": finding.said, "hint": finding.hint})
            )
    else:
        Console().print(as_table(findings))
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


async def examine(settings: Settings) -> list[Finding]:
    """The findings of every check, in order; one that fails does not stop the next."""
    return [await _examine_one(check, settings) for check in CHECKS]


async def _examine_one(check: Check, settings: Settings) -> Finding:
    try:
        with anyio.fail_after(CHECK_TIMEOUT_S):
            return Finding(check.name, True, await check.look(settings))
    except TimeoutError:
        return Finding(check.name, False, "no answer in time", "Check the address and the network in between.")
    except (Unwell, *KNOWN) as error:
        return Finding(check.name, False, str(error), str(getattr(error, "hint", "")))


def as_table(findings: list[Finding]) -> Table:
    """Findings for a person."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.is_well else "[red]no[/]"
        table.add_row(mark, finding.name, finding.said + (f"\n→ {finding.hint}" if finding.hint else ""))
    return table


async def _keys(settings: Settings) -> str:
    read_key(settings.journal_key_file)
    read_key(settings.state_key_file)
    signer_of(settings)
    await to_thread.run_sync(brokers_of, settings, account_of(settings))
    return "journal keys, request-state key and the broker's keys can be read"


async def _policy(settings: Settings) -> str:
    return f"{settings.policy}, digest {read_policy(settings.policy).digest[:12]}"


async def _database(settings: Settings) -> str:
    if not await at_head(settings.database_url.get_secret_value()):
        raise Unwell("the schema is not at its newest step", "Run `snowgate migrate`.")
    async with open_engine(settings.database_url.get_secret_value()) as engine:
        await refuse_excess(engine)
    return "reachable, schema at its newest step, and no right too many"


async def _journal(settings: Settings) -> str:
    async with (
        open_engine(settings.database_url.get_secret_value()) as engine,
        open_journal(engine, sealer_of(settings), signer_of(settings)) as journal,
    ):
        await journal.append("", "doctor.looked", {})
    return "an entry was committed"


async def _issuer(settings: Settings) -> str:
    trusts = trusts_of(settings)
    if not trusts:
        return "none: everyone on this machine is taken for one local principal"
    told = []
    async with httpx2.AsyncClient(timeout=5.0) as http:
        for trust in trusts:
            try:
                keys = await IssuerKeys(trust.issuer, http).key_set(None)
            except KeysUnavailable:
                raise Unwell(
                    f"no keys can be had from {trust.issuer}",
                    "Its /.well-known/openid-configuration must answer, name the same issuer and lead to a key set.",
                ) from None
            told.append(f"{trust.issuer} has {len(keys.keys)} signing keys")
    return "; ".join(told)


async def _snowflake(settings: Settings) -> str:
    async with _pool(settings) as pool:
        pooled = await pool.borrow(catalog_kind(settings))
        pool.give_back(pooled)
    return f"{settings.snowflake_account} opened a session as {settings.snowflake_catalog_role}"


async def _catalog(settings: Settings) -> str:
    async with _pool(settings) as pool:
        room = EngineRoom(read_policy(settings.policy), settings.databases, pool, catalog_kind(settings), 60.0, 60.0)
        if not await room.refresh():
            raise Unwell(
                f"the catalog of {', '.join(settings.databases)} cannot be read",
                f"The role {settings.snowflake_catalog_role} needs USAGE on these databases and their schemas, and "
                "REFERENCES on the tables and views.",
            )
        return f"{len(room.judge().engine.catalog.tables)} tables and views"


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncGenerator[SessionPool]:
    brokers = await to_thread.run_sync(brokers_of, settings, account_of(settings))
    try:
        async with open_pool(account_of(settings), brokers.people, PoolLimits(), own=brokers.own) as pool:
            yield pool
    finally:
        brokers.close()


CHECKS = (
    Check("keys", _keys),
    Check("policy", _policy),
    Check("database", _database),
    Check("journal", _journal),
    Check("issuer", _issuer),
    Check("snowflake", _snowflake),
    Check("catalog", _catalog),
)
