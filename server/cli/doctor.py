"""`snowgate doctor`: what a start needs, checked one by one, each failure with its remedy."""

import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import anyio
import httpx2
import typer
from anyio import to_thread
from rich.console import Console
from rich.table import Table
from rich.text import Text

from audit.journal import open_journal
from server.account_look import look_at_account
from server.brokers.choice import brokers_of
from server.brokers.signing import public_key_of
from server.cli.terminal import EnvFile, failing_cleanly, known
from server.config import Settings, load
from server.database import at_head, open_engine
from server.described import STATEMENTS, Setup, check_described
from server.engine_room import EngineRoom
from server.faults import Fault
from server.findings import Finding, well
from server.issuers import trusts_of
from server.journal_keys import read_key, sealer_of, signer_of
from server.keys import IssuerKeys, KeysUnavailable
from server.ledger import PostgresLedger
from server.limits import read_limits
from server.policy_file import read_policy
from server.pool import PoolLimits, SessionPool, open_pool
from server.refusals import Unauthenticated
from server.revocations import RevocationStore
from server.rights import refuse_excess
from server.snowflake_settings import account_of, catalog_kind
from server.verifiers import token_verifier

CHECK_TIMEOUT_S = 30.0


class Unwell(Exception):
    """A check found something wrong; the message says what, the code which kind of thing, the hint what to do."""

    def __init__(self, message: str, hint: str, code: str) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a start needs; `look` returns what was found, or raises."""

    name: str
    look: Callable[[Settings], Awaitable[str]]


def doctor(
    env_file: EnvFile = None,
    as_json: bool = typer.Option(False, "--json", help="Machine-readable."),
    as_person: Annotated[
        str | None, typer.Option("--as", help="A person's LOGIN_NAME, to look at their roles.")
    ] = None,
    described: Annotated[
        Path | None,
        typer.Option(help="JSON of what an administrator's DESC statements told; without it the findings name them."),
    ] = None,
) -> None:
    """Check settings, keys, policy, database, journal, issuers, Snowflake's account; say how to mend what fails."""
    with failing_cleanly():
        findings = anyio.run(examine, load(env_file), as_person, described)
    if as_json:
        for each in findings:
            told = {"check": each.name, "ok": each.verdict != "no", "verdict": each.verdict, "found": each.said}
            typer.echo(json.dumps({**told, "code": each.code, "hint": each.hint}))
    else:
        Console().print(as_table(findings))
    if any(finding.verdict == "no" for finding in findings):
        raise typer.Exit(1)


async def examine(settings: Settings, person: str | None = None, described: Path | None = None) -> list[Finding]:
    """The findings of every check, in order; one that fails does not stop the next."""
    findings = [await _examine_one(check, settings) for check in CHECKS]
    if all(finding.verdict == "ok" for finding in findings if finding.name in ("keys", "policy", "snowflake")):
        findings += await _examine("account", lambda: _account(settings, person))
    return findings + await _examine("described", lambda: _described(settings, described))


async def _examine_one(check: Check, settings: Settings) -> Finding:
    async def look() -> list[Finding]:
        return [well(check.name, await check.look(settings))]

    [finding] = await _examine(check.name, look)
    return finding


def _told() -> tuple[type[Exception], ...]:
    return (Unwell, *known())


async def _examine(name: str, look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        with anyio.fail_after(CHECK_TIMEOUT_S):
            return await look()
    except TimeoutError:
        return [Finding(name, "no", "no answer in time", "no_answer", "Check the address and the network in between.")]
    except _told() as error:
        code = str(getattr(error, "code", type(error).__name__))
        return [Finding(name, "no", str(error), code, str(getattr(error, "hint", "") or ""))]


def as_table(findings: list[Finding]) -> Table:
    """Findings for a person."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        told = Text(finding.said)
        if finding.code:
            told.append(f" [{finding.code}]")
        if finding.hint:
            told.append(f"\n→ {finding.hint}")
        table.add_row(_MARKS[finding.verdict], finding.name, told)
    return table


_MARKS = {"ok": "[green]ok[/]", "no": "[red]no[/]", "unseen": "[yellow]?[/]"}


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
        raise Unwell("the schema is not at its newest step", "Run `snowgate migrate`.", "schema_is_old")
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
                    "issuer_without_keys",
                ) from None
            told.append(f"{trust.issuer} has {len(keys.keys)} signing keys")
    return "; ".join(told)


async def _introspection(settings: Settings) -> str:
    """Ask about a token that nobody has: whether an issuer answers, and knows the gate as a client that may ask."""
    trusts = [trust for trust in trusts_of(settings) if trust.introspection is not None]
    async with httpx2.AsyncClient(timeout=5.0) as http:
        for trust in trusts:
            verifier = token_verifier([trust], http, resource=str(settings.resource))
            asked = verifier.issuers[trust.issuer].introspector
            try:
                if asked is not None:
                    await asked.claims("snowgate-doctor-" + secrets.token_urlsafe(16))
            except Unauthenticated as refusal:
                if refusal.fault is not Fault.INACTIVE:
                    hint = "Its introspection endpoint must answer, and know the client of this issuer's entry."
                    raise Unwell(f"{trust.issuer} cannot be asked", hint, "introspection_unavailable") from None
    return "; ".join(f"{trust.issuer} answers about tokens" for trust in trusts) or "no issuer is asked about tokens"


async def _revocations(settings: Settings) -> str:
    async with open_engine(settings.database_url.get_secret_value()) as engine:
        return f"{len(await RevocationStore(engine).in_force())} in force"


async def _limits(settings: Settings) -> str:
    return f"{len(read_limits(settings.limits).limits)} limits on callers"


async def _account(settings: Settings, person: str | None) -> list[Finding]:
    policy, own = read_policy(settings.policy), catalog_kind(settings)
    async with pool_of(settings) as pool:
        return await look_at_account(policy, settings.databases, own, pool, person)


async def _described(settings: Settings, path: Path | None) -> list[Finding]:
    """What an administrator alone can see, as far as one handed it over."""
    if path is None:
        hint = "As one, run {} and hand its rows over as JSON: --described FILE"
        return [
            Finding(name, "unseen", "it is an administrator's to see", "not_seen", hint.format(sql))
            for name, sql in STATEMENTS.items()
        ]
    entries = read_policy(settings.policy).roles
    roles = {role for entry in entries for role in (entry.read_role, entry.write_role) if role is not None}
    by_token = settings.snowflake_broker == "external_oauth"
    keys = (settings.snowflake_oauth_key_file, settings.snowflake_oauth_next_key_file)
    setup = Setup(
        issuer=settings.snowflake_oauth_issuer if by_token else None,
        audience=settings.snowflake_oauth_audience,
        public_keys=frozenset(public_key_of(key) for key in keys if key is not None),
        roles=frozenset({*roles, settings.snowflake_catalog_role}),
        writes=any(entry.write_role is not None for entry in entries),
    )
    try:
        return check_described(await anyio.Path(path).read_text(encoding="utf-8"), setup)
    except (OSError, ValueError):
        hint = "Give the rows of DESC as JSON, each thing described once."
        raise Unwell(f"{path} is nothing that can be read", hint, "described_unreadable") from None


async def _snowflake(settings: Settings) -> str:
    async with pool_of(settings) as pool:
        pooled = await pool.borrow(catalog_kind(settings))
        pool.give_back(pooled)
    return f"{settings.snowflake_account} opened a session as {settings.snowflake_catalog_role}"


async def _catalog(settings: Settings) -> str:
    async with pool_of(settings) as pool:
        room = EngineRoom(read_policy(settings.policy), settings.databases, pool, catalog_kind(settings), 60.0, 60.0)
        if not await room.refresh():
            raise Unwell(
                f"the catalog of {', '.join(settings.databases)} cannot be read",
                f"The role {settings.snowflake_catalog_role} needs USAGE on these databases and their schemas, and "
                "REFERENCES on the tables and views.",
                "catalog_unreadable",
            )
        return f"{len(room.judge().engine.catalog.tables)} tables and views"


@asynccontextmanager
async def pool_of(settings: Settings, ledger: PostgresLedger | None = None) -> AsyncGenerator[SessionPool]:
    """A pool by these settings, for a command; with a ledger its sessions are journaled as a gate's are."""
    account = account_of(settings)
    with closing(await to_thread.run_sync(brokers_of, settings, account)) as brokers:
        async with open_pool(account, brokers.people, PoolLimits(), ledger, brokers.own) as pool:
            yield pool


CHECKS = (
    Check("keys", _keys),
    Check("policy", _policy),
    Check("database", _database),
    Check("journal", _journal),
    Check("issuer", _issuer),
    Check("introspection", _introspection),
    Check("revocations", _revocations),
    Check("limits", _limits),
    Check("snowflake", _snowflake),
    Check("catalog", _catalog),
)
