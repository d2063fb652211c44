"""The console from settings: there is one if it is known to the issuer as a client, else there is none."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal
from audit.sealing import Sealer
from server.claims import ClaimsReader
from server.clocks import Clock
from server.config import Settings
from server.database import open_engine
from server.desk import HoldDesk
from server.issuers import IssuerTrust
from server.journal_keys import log_signer_of
from server.keys import IssuerKeys
from server.revocations import Revocations
from server.verifiers import read_secret

if TYPE_CHECKING:
    from server.console.app import Console
    from server.console.journal import JournalPages


@asynccontextmanager
async def open_console(
    settings: Settings,
    trusts: Sequence[IssuerTrust],
    *,
    database: AsyncEngine,
    sealer: Sealer,
    journal: Journal,
    desk: HoldDesk,
    revocations: Revocations,
    clock: Clock,
) -> AsyncGenerator["Console | None"]:
    """The console, whose people sign in at the first of `trusts`.

    Raises:
        SettingsError: the file of its client secret cannot be used.
    """
    secret_file = settings.console_client_secret_file
    if settings.console_client_id is None or secret_file is None or settings.console_url is None or not trusts:
        yield None
        return
    # Slow to load, and most gates have no console: templates, an OAuth client, forms.
    from server.console.app import Console
    from server.console.sessions import SessionStore
    from server.console.sign_in import IdTokenVerifier, SignIn

    trust = trusts[0]
    foreign = tuple(other.prefix for other in trusts[1:] if other.prefix)
    url = settings.console_url.rstrip("/")
    async with httpx2.AsyncClient(timeout=5.0, follow_redirects=False) as http:
        keys = IssuerKeys(
            trust.issuer, http, settings.keys_fresh_s, settings.keys_stale_s, settings.keys_refetch_floor_s
        )
        sign_in = SignIn(
            ClaimsReader(trust, foreign),
            IdTokenVerifier(trust, keys, settings.console_client_id, settings.token_leeway_s),
            http,
            sealer,
            settings.console_client_id,
            read_secret(secret_file),
            settings.console_scope,
            f"{url}/signed-in",
        )
        sessions = SessionStore(database, sealer, settings.console_idle_s, settings.console_session_s)
        async with _auditing(settings, sealer, journal) as auditing:
            yield Console(url, desk, journal, revocations, clock, sessions, sign_in, settings.console_proof_s, auditing)


@asynccontextmanager
async def _auditing(settings: Settings, sealer: Sealer, journal: Journal) -> AsyncGenerator["JournalPages | None"]:
    """The journal's pages, where auditors have groups and a login of their own: the gate's cannot read a body."""
    if not settings.console_auditor_groups or settings.auditor_database_url is None:
        yield None
        return
    from server.console.journal import JournalPages

    log = log_signer_of(settings)
    async with open_engine(settings.auditor_url, connections_max=2) as database:
        groups = frozenset(settings.console_auditor_groups)
        log_key = log.public if log else None
        yield JournalPages(database, sealer, log_key, journal, groups, settings.console_proof_s)
