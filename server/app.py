"""Composition: settings become a furnished house, and the house is served over stdio or HTTP.

Nothing is global; what is opened here is closed here, in reverse order, so that a stop finishes or journals what is
in flight.
"""

import gc
import logging
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

import anyio
import httpx2
from mcp.server.stdio import stdio_server
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal, open_journal
from audit.sealing import Sealer
from policy.checking import unanswerable
from policy.document import Policy
from server.activation import following
from server.admission import Admission, Returning
from server.brokers.choice import brokers_of
from server.bundles import Bundles, policy_bundle
from server.clocks import Clock, compared
from server.config import Settings, SettingsError
from server.console.opening import open_console
from server.database import at_head, open_engine
from server.desk import HoldDesk
from server.doorway import Doorway
from server.dpop import ProofStore
from server.engine_room import EngineRoom
from server.estimating import Estimating
from server.executing import Claims
from server.histories import Histories, remembered
from server.holding import Holding, Listing, open_holding
from server.identity import Identify, UnsafeLocalPrincipal, Verifier, read_principal
from server.inflight import InFlight
from server.issuers import IssuerTrust, trusts_of
from server.janitor import Janitor
from server.journal_keys import log_signer_of, read_key, sealer_of, signer_of
from server.ledger import PostgresLedger
from server.lending import Lending, OwnersSessions
from server.limits import Limits, read_limits
from server.line import Bearer, House
from server.long_running import LongRunning
from server.outbox import Webhook
from server.policy_file import read_policy
from server.pool import SessionPool, open_pool
from server.proving import Prover, proving
from server.query_history import QueryHistory
from server.quotas import Quotas, kept
from server.readiness import Readiness, readiness_of
from server.revocations import Revocations, RevocationStore, watched
from server.rights import refuse_excess
from server.seat import Seat
from server.serving import listen
from server.snowflake_settings import account_of, catalog_kind, pool_limits_of
from server.telemetry import Telemetry, open_telemetry
from server.verifiers import token_verifier
from server.warehouse import prepare_process
from server.web import http_app, tool_scopes
from server.weighing import Weighing

CATALOG_WAIT_S = 10.0
"""How long a start waits for the first catalog; without it the gate starts and refuses until there is one."""

LAST_WORDS_S = 10.0
"""How long a stop waits, after the grace, for cancelled calls to be stopped in Snowflake and journaled."""

GC_THRESHOLD = 20_000
"""Objects made before the youngest are collected."""

DATABASE_CONNECTIONS_MAX = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Furnished:
    """A house together with what its doors need."""

    house: House
    identify: Identify
    in_flight: InFlight
    desk: HoldDesk
    trusts: tuple[IssuerTrust, ...]
    verifier: Verifier
    journal: Journal
    pool: SessionPool
    rooms: EngineRoom
    database: AsyncEngine
    revocations: Revocations
    clock: Clock
    readiness: Readiness
    telemetry: Telemetry


def _doubted(policy: Policy) -> Policy:
    """`policy`, with a warning for each rule that holds what nobody can approve."""
    for finding in unanswerable(policy):
        log.warning(
            "%s: %s; hint: name who approves it under `approvals`, and try `snowgate policy check`",
            finding.kind,
            finding.message,
        )
    return policy


@asynccontextmanager
async def furnished(settings: Settings, seat: Seat | None = None, *, prints: bool = False) -> AsyncGenerator[Furnished]:
    """The house that `settings` describe, open for business; limits are shared with the workers at other seats.

    `prints`: standard output is for the heads of the journal.

    Raises:
        SettingsError: a setting, a file or the database schema is not fit to start with.
        JournalUnavailable: the journal cannot be written.
        NoDatabase: the database cannot be reached, or is none for us.
    """
    policy = _doubted(read_policy(settings.policy))
    trusts, limits_asked = trusts_of(settings), read_limits(settings.limits)
    sealer, url = sealer_of(settings), settings.database_url.get_secret_value()
    if not await at_head(url):
        raise SettingsError("the database schema is not at its newest step: run `snowgate migrate`")
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_engine(url, connections_max=DATABASE_CONNECTIONS_MAX))
        prover = await stack.enter_async_context(_prover(settings, database, sealer, prints=prints))
        journal, ledger = prover.journal, PostgresLedger(database, prover.journal)
        pool = await stack.enter_async_context(_pool(settings, seat, ledger))
        verifier = await stack.enter_async_context(_verifier(settings, trusts))
        rooms = await stack.enter_async_context(_rooms(settings, policy, pool, prover))
        identify, in_flight = Identify(verifier, _scopes(settings)), InFlight()
        sessions = OwnersSessions(pool, _issuers(trusts, verifier))
        revocations = await stack.enter_async_context(_revocations(database, in_flight, sessions))
        clock = await compared(database, journal, settings.clock_apart_s)
        quotas, histories = await stack.enter_async_context(_counted(limits_asked, database))
        held_in = (pool, quotas, settings.databases[0], webhook_of(settings))
        holding = await stack.enter_async_context(open_holding(database, sealer, journal, rooms, *held_in))
        telemetry = stack.enter_context(open_telemetry(settings, seat))
        house = House(
            journal=journal,
            identify=Admission(identify, in_flight, revocations, quotas, clock),
            judge=rooms.judge,
            approve=holding.approvals,
            lease=Claims(Lending(holding.executions, in_flight, quotas, histories), holding.desk.holds),
            recall=Returning(holding.desk.recall, identify),
            watch=telemetry.watch,
            sample_rows=settings.journal_sample_rows,
            weigh=Weighing(histories, Estimating(pool, journal)),
        )
        janitor, ready = Janitor(ledger, pool, catalog_kind(settings)), readiness_of(database, rooms, verifier, clock)
        await stack.enter_async_context(_background(rooms, holding, ledger, janitor, ready))
        await stack.enter_async_context(telemetry.sampling(pool, rooms, ready))
        yield Furnished(
            house=house,
            identify=identify,
            in_flight=in_flight,
            desk=holding.desk,
            trusts=trusts,
            verifier=verifier,
            journal=journal,
            pool=pool,
            rooms=rooms,
            database=database,
            revocations=revocations,
            clock=clock,
            readiness=ready,
            telemetry=telemetry,
        )


async def serve(settings: Settings, transport: Literal["stdio", "http"], seat: Seat | None = None) -> None:
    """Serve until stopped: by SIGTERM or SIGINT, or by the end of stdin; `seat` is a worker's place among others."""
    prepare_process()
    state_key = read_key(settings.state_key_file)
    async with furnished(settings, seat, prints=transport == "http") as furniture:
        _settle_memory()
        # Over HTTP everybody brings a token of their own: there is none to fall back on.
        token = settings.token.get_secret_value() if settings.token and transport == "stdio" else None
        doorway = Doorway(
            house=furniture.house,
            lists=Listing(furniture.identify, furniture.rooms.judge),
            in_flight=furniture.in_flight,
            traced=settings.traces,
            withdrew=furniture.telemetry.withdrew,
            transport=transport,
            version=version("snowgate"),
            local_bearer=Bearer(token) if token else None,
            answer_wait_s=settings.answer_wait_s,
            answer_form=settings.answer_form,
            console_url=settings.console_url,
            own=furniture.desk.own,
        )
        match transport:
            case "stdio":
                await _until_stopped(lambda: _serve_stdio(doorway, state_key))
            case "http":
                await _serve_http(doorway, state_key, settings, furniture, seat)


def _settle_memory() -> None:
    """Leave what was made at the start out of every later collection, and collect again, in larger steps.

    A judged statement makes thousands of small objects; with Python's own thresholds that walked the whole heap,
    catalog included, every few dozen calls.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    gc.enable()


async def _serve_stdio(doorway: Doorway, state_key: bytes) -> None:
    server = doorway.server(state_key)
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())


async def _serve_http(
    doorway: Doorway, state_key: bytes, settings: Settings, furniture: Furnished, seat: Seat | None
) -> None:
    async with open_console(
        settings,
        furniture.trusts,
        database=furniture.database,
        sealer=sealer_of(settings),
        journal=furniture.journal,
        desk=furniture.desk,
        revocations=furniture.revocations,
        clock=furniture.clock,
    ) as console:
        server, ready = doorway.server(state_key), furniture.readiness
        proofs = ProofStore(furniture.database)
        app = http_app(
            server, settings, furniture.trusts, furniture.verifier, furniture.journal, proofs, ready, console
        )
        await listen(app, settings, seat, ready)
    # What was cancelled when its grace ran out still has to reach Snowflake and the journal.
    with anyio.move_on_after(LAST_WORDS_S, shield=True):
        await doorway.in_flight.none_left()


async def _until_stopped(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` to its end, or cancel it on SIGTERM or SIGINT."""
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                async for _ in signals:
                    tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await work()
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _rooms(settings: Settings, policy: Policy, pool: SessionPool, prover: Prover) -> AsyncGenerator[EngineRoom]:
    """Where engines are built from the catalog and what was activated, or `policy`, and kept for who decides again."""
    prover.lookup = QueryHistory(pool, catalog_kind(settings), settings.databases[0]).lookup
    bundles = Bundles(prover.engine, prover.journal)
    bundles.policies[policy.digest] = policy_bundle(settings.policy, policy)
    rooms = EngineRoom(
        policy=policy,
        databases=settings.databases,
        pool=pool,
        kind=catalog_kind(settings),
        refresh_s=settings.catalog_refresh_s,
        stale_s=settings.catalog_stale_s,
        keep=bundles.keep,
        full_s=settings.catalog_full_s,
    )
    async with following(prover.engine, settings.activation_people, rooms, bundles):
        yield rooms


@asynccontextmanager
async def _prover(settings: Settings, database: AsyncEngine, sealer: Sealer, *, prints: bool) -> AsyncGenerator[Prover]:
    """The journal, kept provable, in a database where the gate may do no more than it needs."""
    await refuse_excess(database)
    async with (
        open_journal(database, sealer, signer_of(settings)) as journal,
        proving(settings, database, journal, log_signer_of(settings), prints=prints) as prover,
    ):
        yield prover


@asynccontextmanager
async def _pool(settings: Settings, seat: Seat | None, ledger: PostgresLedger) -> AsyncGenerator[SessionPool]:
    """Snowflake sessions, and who makes credentials for them."""
    account, limits = account_of(settings), pool_limits_of(settings, seat)
    with closing(brokers_of(settings, account)) as brokers:
        journal = ledger.journal if settings.snowflake_submits else None
        async with open_pool(account, brokers.people, limits, ledger, brokers.own, journal) as pool:
            watch = LongRunning(pool, catalog_kind(settings), settings.databases[0], ledger.journal)
            pool.tasks.start_soon(watch.watch_forever)
            yield pool


@asynccontextmanager
async def _verifier(settings: Settings, trusts: tuple[IssuerTrust, ...]) -> AsyncGenerator[Verifier]:
    if settings.unsafe_local_principal is not None:
        yield UnsafeLocalPrincipal(read_principal(settings.unsafe_local_principal))
        return
    async with httpx2.AsyncClient(timeout=5.0, follow_redirects=False) as http:
        yield token_verifier(
            trusts,
            http,
            resource=str(settings.resource),
            leeway_s=settings.token_leeway_s,
            fresh_s=settings.keys_fresh_s,
            stale_s=settings.keys_stale_s,
            refetch_floor_s=settings.keys_refetch_floor_s,
        )


@asynccontextmanager
async def _revocations(
    database: AsyncEngine, in_flight: InFlight, sessions: OwnersSessions
) -> AsyncGenerator[Revocations]:
    """Who is turned away, kept in step with the database."""
    revocations = Revocations(RevocationStore(database), in_flight, sessions)
    async with watched(revocations):
        yield revocations


@asynccontextmanager
async def _counted(limits: Limits, database: AsyncEngine) -> AsyncGenerator[tuple[Quotas, Histories]]:
    """What callers have used up of their limits, and what their sessions have done; told to the other replicas."""
    quotas, histories = Quotas(limits, database), Histories(database)
    async with kept(quotas), remembered(histories):
        yield quotas, histories


@asynccontextmanager
async def _background(
    rooms: EngineRoom, holding: Holding, ledger: PostgresLedger, janitor: Janitor, readiness: Readiness
) -> AsyncGenerator[None]:
    """Keep the catalog fresh, the holds kept and Snowflake clean; wait for the first snapshot, but not for ever."""
    with anyio.move_on_after(CATALOG_WAIT_S):
        await rooms.refresh()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rooms.refresh_forever)
        tasks.start_soon(ledger.beat_forever)
        tasks.start_soon(janitor.clean_forever)
        tasks.start_soon(holding.keeper.keep_forever)
        tasks.start_soon(holding.news.hear_forever)
        tasks.start_soon(readiness.watch_forever)
        yield
        tasks.cancel_scope.cancel()


def webhook_of(settings: Settings) -> Webhook | None:
    """Where messages about holds go, if anywhere.

    Raises:
        SettingsError: the key file cannot be read.
    """
    if settings.webhook_url is None or settings.webhook_key_file is None:
        return None
    return Webhook(settings.webhook_url, read_key(settings.webhook_key_file), settings.console_url)


def _issuers(trusts: tuple[IssuerTrust, ...], verifier: Verifier) -> frozenset[str]:
    """Whose people there can be here."""
    local = {verifier.principal.issuer} if isinstance(verifier, UnsafeLocalPrincipal) else set()
    return frozenset({trust.issuer for trust in trusts} | local)


def _scopes(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The scopes of each tool; the unsafe local principal has no token and so no scopes to check."""
    return {} if settings.unsafe_local_principal is not None else tool_scopes()
