"""From what is trusted to what verifies: one verifier over all issuers, each with its own keys and its own reading."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2

from server.claims import ClaimsReader
from server.config import SettingsError
from server.identity import TokenVerifier, TrustedIssuer
from server.introspection import TokenIntrospector
from server.issuers import IssuerTrust
from server.keys import IssuerKeys
from server.tokens import JwtVerifier


def token_verifier(
    trusts: Sequence[IssuerTrust],
    http: httpx2.AsyncClient,
    *,
    resource: str,
    leeway_s: float = 30.0,
    fresh_s: float = 600.0,
    stale_s: float = 86_400.0,
    refetch_floor_s: float = 10.0,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> TokenVerifier:
    """The verifier of access tokens for `resource` of every issuer in `trusts`; the times are those of `IssuerKeys`."""

    def issuer(trust: IssuerTrust) -> TrustedIssuer:
        keys = IssuerKeys(trust.issuer, http, fresh_s, stale_s, refetch_floor_s, monotonic)
        foreign = tuple(other.prefix for other in trusts if other is not trust and other.prefix)
        jwt = JwtVerifier(trust, keys, trust.audience or resource, leeway_s, clock)
        introspector = None
        if trust.introspection is not None:
            secret = read_secret(trust.introspection.client_secret_file)
            introspector = TokenIntrospector(trust, trust.introspection, secret, http, jwt, clock)
        return TrustedIssuer(trust, ClaimsReader(trust, foreign), jwt, introspector)

    return TokenVerifier({trust.issuer: issuer(trust) for trust in trusts}, leeway_s, clock)


def read_secret(path: Path) -> str:
    """The text in a file, without the line's end.

    Raises:
        SettingsError: there is none.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"no secret can be read from {path}: {type(error).__name__}") from None
    if not secret:
        raise SettingsError(f"the secret in {path} is empty")
    return secret
