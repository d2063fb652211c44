"""Credentials for Snowflake, and who makes them: each opens one session, names one user, and is then forgotten.

A broker is a way that Snowflake knows to make a credential short-lived. The default is External OAuth: an access token
minted for one session, for one user and one role, alive for a minute.
Source: https://docs.snowflake.com/en/user-guide/oauth-ext-custom. The token names its role in `scp`, so that a session
cannot change to another; Snowflake maps `sub` to the user's LOGIN_NAME.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from server.config import SettingsError


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An External OAuth access token; it names its user itself."""

    token: SecretStr


Credential: TypeAlias = AccessToken
"""What opens one session. Its secret is shown by no repr, and is taken out in the call that logs in."""

Handle: TypeAlias = str
"""Names what a broker made in Snowflake for one session, and has to take away again."""


class Broker(Protocol):
    """Makes a credential for each session. All of it may block; it runs in worker threads."""

    @property
    def name(self) -> str:
        """The way that this broker goes, as in the settings."""

    def plan(self, subject: str) -> Handle | None:
        """What will have to be taken away after the next session of `subject`, so that it is known before it exists."""

    def issue(self, subject: str, role: str, handle: Handle | None) -> Credential:
        """A credential that opens a session of `subject` in `role`.

        Raises:
            SnowflakeUnavailable: Snowflake made none.
        """

    def logged_in(self, handle: Handle | None) -> None:
        """The credential has opened its session. Raises SnowflakeUnavailable if it could not be made useless."""

    def withdraw(self, handle: Handle) -> None:
        """Take away what `handle` names; again is harmless. Raises SnowflakeUnavailable if that is not known."""


def signing_key(path: Path) -> RSAKey:
    """The RSA key in the PEM file at `path`, parsed once.

    Raises:
        SettingsError: there is no readable RSA private key in it.
    """
    try:
        key = RSAKey.import_key(path.read_bytes())
    except (OSError, JoseError, ValueError) as error:
        raise SettingsError(f"no RSA private key can be read from {path}") from error
    if not key.is_private:
        raise SettingsError(f"the key in {path} is public: a private key is needed to sign with")
    return key


@dataclass(frozen=True, slots=True)
class ExternalOAuth:
    """Mints access tokens that a Snowflake EXTERNAL_OAUTH integration accepts. It leaves nothing in Snowflake."""

    issuer: str
    audience: str
    key: RSAKey = field(repr=False)
    ttl_s: float = 60.0
    clock: Callable[[], float] = time.time
    name: str = "external_oauth"

    def plan(self, subject: str) -> Handle | None:
        """Nothing."""
        return None

    def issue(self, subject: str, role: str, handle: Handle | None) -> Credential:
        """A token, minted here; Snowflake is not asked."""
        return AccessToken(SecretStr(self.mint(subject, role)))

    def logged_in(self, handle: Handle | None) -> None:
        """The token dies by itself."""

    def withdraw(self, handle: Handle) -> None:
        """There is nothing to take away."""

    def mint(self, login_name: str, role: str) -> str:
        """A token for `login_name` with `role` and no other; it is good for a login, not for a session's life."""
        now = int(self.clock())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": login_name,
            "scp": [f"session:role:{role}"],
            "iat": now,
            "exp": now + int(self.ttl_s),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode({"alg": "RS256"}, claims, self.key)
