"""Programmatic access tokens: added for one login, used, and removed before anything runs in the session.

Snowflake lets such a token live for a day at least and a user have fifteen, so a token is removed as soon as it has
opened its session; at most `AT_ONCE_MAX` of one user exist at a time.
Source: Snowflake, "ALTER USER ... ADD PROGRAMMATIC ACCESS TOKEN (PAT)".
"""

import secrets
import threading
from collections import defaultdict
from dataclasses import dataclass, field

from pydantic import SecretStr

from server.brokers.administrator import Administrator
from server.credentials import Credential, Handle, ProgrammaticToken
from server.refusals import SnowflakeUnavailable, StatementFailed
from server.spelling import literal, quoted

AT_ONCE_MAX = 8
"""Of the fifteen that a user may have; the others are the user's own, and those that a crash left for a minute."""

SLOT_WAIT_S = 20.0
ERRNO_MISSING = 2003


def _slots() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(AT_ONCE_MAX)


@dataclass(slots=True)
class ProgrammaticTokens:
    """A subject's Snowflake user has the same name, in upper case."""

    administrator: Administrator
    name: str = "programmatic_access_token"
    _slots: defaultdict[str, threading.BoundedSemaphore] = field(default_factory=lambda: defaultdict(_slots))
    _taken: set[Handle] = field(default_factory=set)

    def plan(self, subject: str) -> Handle | None:
        """The token's name and its user's."""
        return f"SNOWGATE_{secrets.token_hex(8).upper()}@{subject.upper()}"

    def issue(self, subject: str, role: str, handle: Handle | None) -> Credential:
        """A token that can be used with this role alone.

        Raises:
            SnowflakeUnavailable: Snowflake made none, or too many are being used.
        """
        token, _, user = (handle or "").partition("@")
        if not self._slots[user].acquire(timeout=SLOT_WAIT_S):
            raise SnowflakeUnavailable("too many logins of this user at once")
        self._taken.add(handle or "")
        try:
            made = self.administrator.run(
                f"ALTER USER {quoted(user)} ADD PROGRAMMATIC ACCESS TOKEN {token} "
                f"ROLE_RESTRICTION = {literal(role)} DAYS_TO_EXPIRY = 1 COMMENT = 'snowgate: for one login'"
            )
        except StatementFailed as failure:
            refusal = SnowflakeUnavailable("snowflake made no programmatic access token", **failure.facts)
        else:
            return ProgrammaticToken(SecretStr(made.rows[0][1]))
        raise refusal

    def logged_in(self, handle: Handle | None) -> Handle | None:
        """Remove the token; nothing is left."""
        if handle is not None:
            self.withdraw(handle)
        return None

    def withdraw(self, handle: Handle) -> None:
        """Remove the token, if it is there.

        Raises:
            SnowflakeUnavailable: it is not known to be gone.
        """
        token, _, user = handle.partition("@")
        try:
            self.administrator.run(f"ALTER USER IF EXISTS {quoted(user)} REMOVE PROGRAMMATIC ACCESS TOKEN {token}")
        except StatementFailed as failure:
            if failure.facts.get("driver_errno") != ERRNO_MISSING:
                raise SnowflakeUnavailable("a token could not be removed", **failure.facts) from None
        finally:
            if handle in self._taken:
                self._taken.discard(handle)
                self._slots[user].release()

    def refused(self) -> bool:
        """Another token would be refused too."""
        return False
