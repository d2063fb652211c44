"""Sessions of the console, kept in PostgreSQL: what a browser holds is a random id, what is stored is its hash.

A session stands for one sign-in at the issuer. It holds the claims that the issuer made then, sealed; who that is, is
read from them at each request. Time is the database's. Source: OWASP Session Management Cheat Sheet.
"""

import base64
import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, String, Table, delete, extract, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.sealing import Sealer, Unsealable
from server.refusals import HoldsUnavailable
from server.tokens import Claims

_ID = re.compile(r"[A-Za-z0-9_-]{43}")

log = logging.getLogger(__name__)

session_table = Table(
    "console_session",
    MetaData(schema="gate"),
    Column("id", LargeBinary, primary_key=True),
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("body", String, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)
t = session_table


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A sign-in that still counts: its claims, and how long ago the issuer made them, in seconds."""

    id: str
    claims: Claims
    age_s: float

    @property
    def csrf(self) -> str:
        """What every form of this session carries, and no other site can know."""
        return base64.urlsafe_b64encode(_hash(b"csrf", self.id)).decode().rstrip("=")

    def sent(self, csrf: str) -> bool:
        """Whether a form that carries `csrf` is this session's own."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())

    @property
    def name(self) -> str:
        """A name of the sign-in for journal and operator, which opens nothing."""
        return "console-" + _hash(b"name", self.id).hex()[:24]


@dataclass(frozen=True, slots=True)
class SessionStore:
    """The sessions of all replicas. One ends `idle_s` after its last request, and `lifetime_s` after its sign-in."""

    engine: AsyncEngine
    sealer: Sealer
    idle_s: float
    lifetime_s: float

    async def open(self, claims: Claims, issuer: str, subject: str) -> str:
        """A new session's id. Always a new one: an id from before the sign-in is worth nothing after it."""
        session_id = secrets.token_urlsafe(32)
        key = _hash(b"id", session_id)
        body = self.sealer.encrypt(json.dumps(dict(claims)).encode(), _place(key))
        now = func.now()
        values = {"issuer": issuer, "subject": subject, "body": body, "opened_at": now, "seen_at": now}
        async with self._transaction() as connection:
            await connection.execute(delete(t).where(~self._lives()))
            await connection.execute(insert(t).values(id=key, **values))
        return session_id

    async def find(self, session_id: str) -> ConsoleSession | None:
        """The session of that id, if it lives; it is as fresh as this request then."""
        if not _ID.fullmatch(session_id):
            return None
        key = _hash(b"id", session_id)
        seen = update(t).where(t.c.id == key, self._lives()).values(seen_at=func.now())
        age = extract("epoch", func.now() - t.c.opened_at)
        async with self._transaction() as connection:
            row = (await connection.execute(seen.returning(t.c.body, age.label("age_s")))).one_or_none()
        if row is None:
            return None
        try:
            claims = json.loads(self.sealer.decrypt(row.body, _place(key)))
        except Unsealable:  # the key has been changed since: sign in again
            return None
        return ConsoleSession(session_id, claims, float(row.age_s))

    async def close(self, session_id: str) -> None:
        """End the session, wherever its id may still be."""
        async with self._transaction() as connection:
            await connection.execute(delete(t).where(t.c.id == _hash(b"id", session_id)))

    def _lives(self) -> Any:
        idle, lifetime = timedelta(seconds=self.idle_s), timedelta(seconds=self.lifetime_s)
        return (t.c.seen_at > func.now() - idle) & (t.c.opened_at > func.now() - lifetime)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction.

        Raises:
            HoldsUnavailable: the database does not answer; holds are in the same one.
        """
        try:
            async with self.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            log.warning("sessions of the console cannot be kept: %s", type(error).__name__)
            raise HoldsUnavailable("sessions cannot be kept right now") from error


def _hash(purpose: bytes, session_id: str) -> bytes:
    return hashlib.sha256(b"snowgate console " + purpose + b"\0" + session_id.encode()).digest()


def _place(key: bytes) -> str:
    return f"console/session/{key.hex()}"
