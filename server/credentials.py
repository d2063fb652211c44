"""Snowflake External OAuth: an access token minted for one session, for one user and one role, alive for a minute.

Source: https://docs.snowflake.com/en/user-guide/oauth-ext-custom. The token names its role in `scp`, so that a session
cannot change to another; Snowflake maps `sub` to the user's LOGIN_NAME.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from server.config import SettingsError


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
    """Mints access tokens that a Snowflake EXTERNAL_OAUTH integration accepts."""

    issuer: str
    audience: str
    key: RSAKey = field(repr=False)
    ttl_s: float = 60.0
    clock: Callable[[], float] = time.time

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
