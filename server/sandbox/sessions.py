"""The look-alike's sessions: tokens that open them, how long they live, and what is running in them.

A session token lives an hour and is renewed with the master token, which lives four; neither shows the login's
credential again (Snowflake, "Session policies"; the driver's /session/token-request).
"""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import anyio

from server.sandbox.logins import Login
from server.sandbox.replies import SnowflakeError, session_gone

SESSION_TOKEN_TTL_S = 3_600.0
MASTER_TOKEN_TTL_S = 14_400.0


@dataclass(slots=True, eq=False)
class Session:
    """One open session. `turn` makes its statements run one after another, as one DuckDB connection needs."""

    session_id: int
    login: Login
    warehouse: str
    token: str
    token_expires_at: float
    master_token: str
    master_expires_at: float
    parameters: dict[str, str] = field(default_factory=dict)
    turn: anyio.Lock = field(default_factory=anyio.Lock)


class Sessions:
    """All open sessions, found by id or by token."""

    def __init__(
        self,
        token_ttl_s: float = SESSION_TOKEN_TTL_S,
        master_ttl_s: float = MASTER_TOKEN_TTL_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token_ttl_s = token_ttl_s
        self.master_ttl_s = master_ttl_s
        self._clock = clock
        self._open: dict[int, Session] = {}
        self._by_token: dict[str, Session] = {}
        self._by_master: dict[str, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._open.values()))

    def open(self, login: Login, warehouse: str, parameters: dict[str, str]) -> Session:
        """Open a session for a proven login."""
        now = self._clock()
        session = Session(
            session_id=_fresh_id(self._open),
            login=login,
            warehouse=warehouse,
            token=_fresh_token(),
            token_expires_at=now + self.token_ttl_s,
            master_token=_fresh_token(),
            master_expires_at=now + self.master_ttl_s,
            parameters=parameters,
        )
        self._open[session.session_id] = session
        self._by_token[session.token] = session
        self._by_master[session.master_token] = session
        return session

    def of_token(self, token: str) -> Session:
        """Return the session that a session token opens.

        Raises SnowflakeError 390111 if it is gone, 390112 if the token must be renewed.
        """
        session = self._by_token.get(token)
        if session is None:
            raise session_gone()
        if self._clock() >= session.token_expires_at:
            raise SnowflakeError("390112", "08001", "Your session has expired. Please login again.")
        return session

    def of_id(self, session_id: int) -> Session | None:
        """Return the open session with this id, or None."""
        return self._open.get(session_id)

    def renew(self, master_token: str, old_token: str) -> Session:
        """Give the session of a master token a new session token; the old one is dead from here on.

        Raises SnowflakeError 390114 if the master token is unknown or expired, 390111 if the old one is not its.
        """
        session = self._by_master.get(master_token)
        if session is None or self._clock() >= session.master_expires_at:
            raise SnowflakeError(
                "390114", "08001", "Authentication token has expired.  The user must authenticate again."
            )
        if not secrets.compare_digest(session.token, old_token):
            raise session_gone()
        del self._by_token[session.token]
        session.token = _fresh_token()
        session.token_expires_at = self._clock() + self.token_ttl_s
        self._by_token[session.token] = session
        return session

    def close(self, session: Session) -> None:
        """Forget the session; its tokens answer 390111 from here on. Closing twice is harmless."""
        self._open.pop(session.session_id, None)
        self._by_token.pop(session.token, None)
        self._by_master.pop(session.master_token, None)


def _fresh_token() -> str:
    return secrets.token_urlsafe(48)


def _fresh_id(taken: dict[int, Session]) -> int:
    while (candidate := 10**15 + secrets.randbelow(10**15)) in taken:
        continue
    return candidate
