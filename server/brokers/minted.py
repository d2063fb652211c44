"""Tokens that the gate mints itself and Snowflake verifies: External OAuth, and workload identity (OIDC).

Snowflake is not asked for them and nothing of them is left there: they die by themselves, a minute after the login.
Sources: Snowflake, "Configure custom clients for External OAuth" and "Workload identity federation".
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import SecretStr

from server.brokers.signing import Signer
from server.credentials import AccessToken, Credential, Handle, WorkloadToken


@dataclass(slots=True)
class Minted:
    """What both have in common. With two signers, a refused login turns to the other: a key is being rotated."""

    issuer: str
    audience: str
    signers: tuple[Signer, ...] = field(repr=False)
    ttl_s: float = 60.0
    clock: Callable[[], float] = time.time
    _current: int = 0

    def plan(self, subject: str) -> Handle | None:
        """Nothing is made in Snowflake."""
        return None

    def logged_in(self, handle: Handle | None) -> Handle | None:
        """The token dies by itself."""
        return None

    def withdraw(self, handle: Handle) -> None:
        """There is nothing to take away."""

    def refused(self) -> bool:
        """Turn to the next signer; whether there is another one to try."""
        self._current = (self._current + 1) % len(self.signers)
        return len(self.signers) > 1

    def _sign(self, subject: str, **more: object) -> str:
        now = int(self.clock())
        claims = {"iss": self.issuer, "aud": self.audience, "sub": subject, "iat": now, "exp": now + int(self.ttl_s)}
        return self.signers[self._current].sign({**claims, "jti": secrets.token_urlsafe(12), **more})


@dataclass(slots=True)
class ExternalOAuth(Minted):
    """The token names its role in `scp`, so that a session cannot change to another; `sub` is the user's LOGIN_NAME."""

    name: str = "external_oauth"

    def issue(self, subject: str, role: str, handle: Handle | None) -> Credential:
        """A token for this user with this role and no other; it is good for a login, not for a session's life."""
        return AccessToken(SecretStr(self.mint(subject, role)))

    def mint(self, login_name: str, role: str) -> str:
        """The token itself."""
        return self._sign(login_name, scp=[f"session:role:{role}"])


@dataclass(slots=True)
class WorkloadIdentity(Minted):
    """The token names its user by issuer and subject; the role is the one that the login asks for.

    Snowflake compares a workload's SUBJECT letter by letter, and a LOGIN_NAME in any case: so that both ways find the
    same user, the subject is in small letters here and in the SQL that sets Snowflake up.
    """

    name: str = "workload_identity"

    def issue(self, subject: str, role: str, handle: Handle | None) -> Credential:
        """A token for this user."""
        return WorkloadToken(SecretStr(self._sign(subject.lower())))
