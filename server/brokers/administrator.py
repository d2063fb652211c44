"""The broker's own session: logged in with a key pair, in a role that may make tokens or users and read no data.

Sources: Snowflake, "Key-pair authentication and key-pair rotation".
"""

import threading
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from server.credentials import Credential, Handle, KeyPair
from server.raw import RawRows
from server.refusals import SnowflakeUnavailable
from server.warehouse import Account, Order, SessionLost, SnowflakeSession

TIMEOUT_S = 30


@dataclass(slots=True)
class KeyPairs:
    """Logs the gate's own users in: the broker's, and the one that reads the catalog. Nobody else has this key."""

    user: str
    key: RSAPrivateKey = field(repr=False)
    name: str = "key_pair"

    def plan(self, subject: str) -> Handle | None:
        """Nothing is made in Snowflake."""
        return None

    def issue(self, subject: str, role: str, handle: Handle | None) -> Credential:
        """The key; the driver signs a token of a minute with it."""
        return KeyPair(self.user, self.key)

    def logged_in(self, handle: Handle | None) -> Handle | None:
        """The token dies by itself."""
        return None

    def withdraw(self, handle: Handle) -> None:
        """There is nothing to take away."""

    def refused(self) -> bool:
        """There is one key."""
        return False


@dataclass(slots=True)
class Administrator:
    """Runs statements about users, one after another, in a session that is opened when it is first needed."""

    account: Account
    own: KeyPairs
    role: str
    warehouse: str
    _session: SnowflakeSession | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def run(self, sql: str) -> RawRows:
        """Run one statement; a session that Snowflake has ended meanwhile is opened anew, once.

        Raises:
            SnowflakeUnavailable, StatementFailed: as Snowflake answers.
        """
        order = Order(sql, (), rows_max=100, statement_timeout_s=TIMEOUT_S, tag='{"snowgate":"broker"}')
        with self._turn:  # the order of a user's tokens and users: made, then used, then taken away
            try:
                return self._open().run(order)
            except SessionLost as lost:
                self._session = None
                if lost.ran:
                    raise
            return self._open().run(order)

    def close(self) -> None:
        """End the session, if there is one."""
        with self._turn:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _open(self) -> SnowflakeSession:
        if self._session is None:
            credential = self.own.issue(self.own.user, self.role, None)
            self._session = SnowflakeSession(self.account, credential, role=self.role, warehouse=self.warehouse)
        if not self._session.is_usable:
            raise SnowflakeUnavailable("the broker's session is closed")
        return self._session
