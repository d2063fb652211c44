"""From what is trusted to what verifies: one verifier over all issuers, each with its own keys and its own reading."""

import time
from collections.abc import Callable, Sequence

import httpx2

from server.claims import ClaimsReader
from server.identity import TokenVerifier, TrustedIssuer
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
        return TrustedIssuer(trust, ClaimsReader(trust, foreign), jwt)

    return TokenVerifier({trust.issuer: issuer(trust) for trust in trusts}, leeway_s, clock)
