"""Sign-in at the gate's own issuer: authorization code with PKCE, state and nonce; an ID token becomes claims.

Between leaving and coming back, the browser carries what it left with in a sealed cookie, so nothing is kept for those
who never come back. Sources: OpenID Connect Core 1.0 sections 3.1 and 3.1.3.7; RFC 6749 section 4.1; RFC 7636; RFC
9207; RFC 9700.
"""

import hmac
import json
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from audit.sealing import Sealer, Unsealable
from policy.principal import Principal
from server.claims import ClaimsReader
from server.config import is_safe_url
from server.console.refusals import ConsoleSignInFailed
from server.faults import Fault
from server.keys import discovered
from server.refusals import Unauthenticated
from server.tokens import Claims, JwtVerifier, Unverified, read

AWAY_S_MAX = 600
"""Seconds that a person may take at the issuer."""

ID_TOKEN_LENGTH_MAX = 16_384
METADATA_FRESH_S = 600.0
TIMEOUT_S = 10.0

_PLACE = "console/sign-in"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IdTokenVerifier(JwtVerifier):
    """Verifies ID tokens; `audience` is the console's client id."""

    def _check_type(self, token: Unverified) -> None:
        """An ID token needs no type; what says that it is something else is refused (RFC 8725 section 3.11)."""
        kind = token.header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.upper() != "JWT" or "events" in token.claims:
            raise Unauthenticated("the token is not an ID token", Fault.TYPE)
        several = isinstance(token.claims.get("aud"), list) and len(token.claims["aud"]) > 1
        if token.claims.get("azp", None if several else self.audience) != self.audience:
            raise Unauthenticated("the ID token is for another client", Fault.AUDIENCE)


@dataclass(frozen=True, slots=True)
class Back:
    """Somebody who came back from the issuer: what it said of them, and where in the console they were going."""

    claims: Claims
    next_path: str


@dataclass
class SignIn:
    """Sends people to the issuer and reads what they come back with."""

    reader: ClaimsReader
    id_tokens: IdTokenVerifier
    http: httpx2.AsyncClient
    sealer: Sealer
    client_id: str
    client_secret: str
    scope: str
    redirect_uri: str
    _metadata: Mapping[str, Any] | None = None
    _fetched_at: float = field(default=float("-inf"))

    @property
    def issuer(self) -> str:
        """Who proves people here."""
        return self.reader.trust.issuer

    def principal(self, claims: Claims, session: str) -> Principal:
        """Whom `claims` prove; the agent through which they come is the console itself.

        Raises:
            Unauthenticated: a claim that matters is missing, misshapen or not whole.
        """
        return self.reader.principal({**claims, "act": {"sub": self.client_id}}, session)

    async def leave(self, next_path: str) -> tuple[str, str]:
        """Where to send a browser, and the cookie that it carries meanwhile.

        Raises:
            ConsoleSignInFailed: the issuer does not say where.
        """
        kept = {
            "state": secrets.token_urlsafe(32),
            "nonce": secrets.token_urlsafe(32),
            "verifier": secrets.token_urlsafe(64),
            "next": next_path,
            "until": int(time.time()) + AWAY_S_MAX,
        }
        endpoint = (await self._endpoints())["authorization_endpoint"]
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                endpoint, state=kept["state"], code_verifier=kept["verifier"], nonce=kept["nonce"]
            )
        return str(url), self.sealer.encrypt(json.dumps(kept).encode(), _PLACE)

    async def come_back(self, query: Mapping[str, str], carried: str) -> Back:
        """What the issuer says of the person whose browser comes back with `query` and the cookie `carried`.

        Raises:
            ConsoleSignInFailed: it is not the browser that left, took too long, or the issuer did not vouch.
            Unauthenticated: what it says proves nobody.
        """
        kept = self._opened(carried)
        if not hmac.compare_digest(query.get("state", "").encode(), kept["state"].encode()):
            raise ConsoleSignInFailed("this is not the answer to the question that this browser asked")
        if query.get("iss", self.issuer) != self.issuer:  # RFC 9207: another issuer's answer
            raise ConsoleSignInFailed("another issuer answered")
        if "code" not in query:
            raise ConsoleSignInFailed("the issuer did not sign you in")
        claims = await self._claims(query["code"], kept["verifier"])
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), kept["nonce"].encode()):
            raise ConsoleSignInFailed("the issuer's answer is to another question")
        return Back(claims, kept["next"])

    def _opened(self, carried: str) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self.sealer.decrypt(carried, _PLACE))
        except (Unsealable, ValueError):
            raise ConsoleSignInFailed("this browser did not begin to sign in here") from None
        if kept["until"] < time.time():
            raise ConsoleSignInFailed("signing in took too long")
        return kept

    async def _claims(self, code: str, verifier: str) -> Claims:
        endpoint = (await self._endpoints())["token_endpoint"]
        try:
            async with self._client() as client:
                answer = await client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except (OAuthError, httpx2.HTTPError, ValueError) as error:
            log.warning("the issuer gave no token for a code: %s", type(error).__name__)
            raise ConsoleSignInFailed("the issuer does not stand by its answer") from None
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > ID_TOKEN_LENGTH_MAX:
            raise ConsoleSignInFailed("the issuer's answer carries no ID token")
        return await self.id_tokens.verify(token, read(token))

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self.client_id,
            client_secret=self.client_secret,
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - a method's name
            redirect_uri=self.redirect_uri,
            scope=self.scope,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            follow_redirects=False,
        )

    async def _endpoints(self) -> Mapping[str, Any]:
        """The issuer's metadata (OpenID Connect Discovery 1.0 section 4), fetched anew every few minutes."""
        if self._metadata is None or time.monotonic() - self._fetched_at > METADATA_FRESH_S:
            try:
                with anyio.fail_after(TIMEOUT_S):
                    self._metadata = await self._discovered()
            except (httpx2.HTTPError, ValueError, KeyError, TypeError, TimeoutError) as error:
                log.warning("the issuer's metadata could not be had: %s", type(error).__name__)
                raise ConsoleSignInFailed("the issuer cannot be reached", "Try again later.") from None
            self._fetched_at = time.monotonic()
        return self._metadata

    async def _discovered(self) -> Mapping[str, Any]:
        metadata = await discovered(self.http, self.issuer)
        endpoints = {name: metadata[name] for name in ("authorization_endpoint", "token_endpoint")}
        if not all(is_safe_url(url) for url in endpoints.values()):
            raise ValueError("endpoints that others could answer for")
        return endpoints
