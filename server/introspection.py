"""Opaque access tokens: the gate asks their issuer what they stand for (RFC 7662), and believes that for seconds.

The answer comes from the endpoint that the issuer's own discovery names, over https, without redirects, and must be
about this gate: a token that is somebody else's is not ours because it is active.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import anyio
import httpx2

from server.faults import Fault
from server.issuers import Introspection, IssuerTrust
from server.keys import FETCH_S_MAX, discovered, of_same_scheme, taken
from server.refusals import Unauthenticated
from server.tokens import Claims, JwtVerifier, strict_object

ANSWER_BYTES_MAX = 100_000
ENDPOINT_FRESH_S = 600.0
REMEMBERED_MAX = 1_024
AT_ONCE_MAX = 32

log = logging.getLogger(__name__)


@dataclass
class TokenIntrospector:
    """Asks one issuer about its tokens."""

    trust: IssuerTrust
    how: Introspection
    secret: str = field(repr=False)
    http: httpx2.AsyncClient
    jwt: JwtVerifier
    clock: Callable[[], float] = time.time
    _endpoint: tuple[str, float] | None = None
    _recent: dict[bytes, tuple[Claims, float]] = field(default_factory=dict, repr=False)
    _asking: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(AT_ONCE_MAX))

    async def claims(self, token: str) -> Claims:
        """What the issuer says of `token`: it is an active access token for this gate.

        Raises:
            Unauthenticated: it says otherwise, or does not answer.
        """
        name = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        claims, until = self._recent.get(name, ({}, 0.0))
        if self.clock() >= until:
            claims = await self._ask(token)
            if len(self._recent) >= REMEMBERED_MAX:
                self._recent.clear()
            self._recent[name] = (claims, self.clock() + self.how.cache_s)
        self.jwt.check_claims(claims)  # also what is remembered may have expired
        return claims

    async def _ask(self, token: str) -> Claims:
        try:
            with anyio.fail_after(FETCH_S_MAX):
                async with self._asking:
                    text = await self._answer(token)
        except Exception as failure:  # whatever went wrong: without an answer nobody is proven
            log.warning("an issuer could not be asked about a token: %s", type(failure).__name__)
            hint = "The issuer does not answer. Try again later."
            raise Unauthenticated("the issuer cannot be asked", Fault.KEYS, hint) from None
        said = strict_object(text)
        if said.get("active") is not True:
            raise Unauthenticated("the access token is not active", Fault.INACTIVE)
        kind = said.get("token_type")
        if not isinstance(kind, str) or kind.lower() not in ("bearer", "dpop"):  # a refresh token is active, too
            raise Unauthenticated("the token is not an access token", Fault.TYPE)
        self.jwt.check_kind(said)
        return {"iss": self.trust.issuer, "exp": int(self.clock() + self.how.cache_s), **said}

    async def _answer(self, token: str) -> bytes:
        form = {"token": token, "token_type_hint": "access_token"}
        auth: httpx2.BasicAuth | None = None
        if self.how.authentication == "client_secret_basic":  # RFC 6749 section 2.3.1: both are form-encoded first
            auth = httpx2.BasicAuth(quote(self.how.client_id, safe=""), quote(self.secret, safe=""))
        else:
            form |= {"client_id": self.how.client_id, "client_secret": self.secret}
        headers = {"accept": "application/json"}
        where = await self._where()
        async with self.http.stream("POST", where, data=form, auth=auth, headers=headers) as response:
            if response.status_code != 200:
                raise ValueError(response.status_code)
            return await taken(response, ANSWER_BYTES_MAX)

    async def _where(self) -> str:
        """The introspection endpoint, by discovery."""
        if self._endpoint is None or self.clock() - self._endpoint[1] > ENDPOINT_FRESH_S:
            metadata = await discovered(self.http, self.trust.issuer)
            found = of_same_scheme(self.trust.issuer, metadata["introspection_endpoint"])
            self._endpoint = (found, self.clock())
        return self._endpoint[0]
