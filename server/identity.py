"""Step 1 of the line: an access token becomes a proven principal, or nobody.

The gate is an OAuth 2.1 resource server. It accepts access tokens of the issuers that it trusts, made for this
resource (RFC 8707), within their time: JWTs (RFC 9068) signed with an asymmetric key of that issuer, or opaque ones
that the issuer vouches for (RFC 7662). The person is the subject, the agent is `act.sub` (RFC 8693) or the client.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from policy.principal import Principal, Subject
from server.claims import ClaimsReader
from server.config import SettingsError
from server.faults import Fault
from server.issuers import IssuerTrust
from server.line import Bearer
from server.refusals import OutOfScope, Unauthenticated, UnknownTool
from server.tokens import Claims, JwtVerifier, Unverified, is_compact, read

TOKEN_LENGTH_MAX = 16_384
"""Characters of an access token; real ones have one to four thousand."""

REMEMBERED_S = 2.0
"""Seconds for which a verified token need not be verified again."""

REMEMBERED_MAX = 1_024


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified token: whom it proves, and until when (seconds since 1970).

    `thumbprint` is of the key that the token is bound to, if it is (RFC 9449 section 6). `scope_prefix` is what its
    issuer puts before our scopes.
    """

    principal: Principal
    client_id: str
    expires_at: int
    thumbprint: str | None = None
    scope_prefix: str = ""


class Verifier(Protocol):
    """Proves who asks, or raises Unauthenticated."""

    async def verify(self, bearer: Bearer | None) -> Proof:
        """The proof that `bearer` carries."""
        ...


class Introspector(Protocol):
    """Asks an issuer about a token; see `server.introspection`."""

    async def claims(self, token: str) -> Claims:
        """What the issuer says of `token`."""
        ...


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One issuer, and how its tokens are verified: with its keys, or by asking it."""

    trust: IssuerTrust
    reader: ClaimsReader
    jwt: JwtVerifier
    introspector: Introspector | None = None

    async def claims(self, token: str, unverified: Unverified | None) -> Claims:
        """The verified claims of `token`; `unverified` is what it says of itself, if it is a JWT.

        Raises:
            Unauthenticated: the issuer does not vouch for it.
        """
        if self.introspector is not None:
            return await self.introspector.claims(token)
        if unverified is None:
            raise Unauthenticated("the access token is malformed", Fault.MALFORMED)
        return await self.jwt.verify(token, unverified)


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies access tokens of the trusted issuers for one resource."""

    issuers: Mapping[str, TrustedIssuer]
    leeway_s: float = 30.0
    clock: Callable[[], float] = time.time
    _recent: dict[bytes, tuple[Proof, float]] = field(default_factory=dict, repr=False)

    async def verify(self, bearer: Bearer | None) -> Proof:
        """The proof in `bearer`.

        The door and the line both ask, so a proof stands for `REMEMBERED_S`, and never past the token's own end. What
        its sender has shown to hold is looked at each time.

        Raises:
            Unauthenticated: it is missing, malformed, expired, of a stranger, for another resource or without its key.
        """
        if bearer is None or not bearer.token:
            raise Unauthenticated("there is no access token")
        if len(bearer.token) > TOKEN_LENGTH_MAX:
            raise Unauthenticated("the access token is too long", Fault.TOO_LONG)
        name = hashlib.sha256(bearer.token.encode(errors="surrogatepass")).digest()
        proof, until = self._recent.get(name, (None, 0.0))
        now = self.clock()
        if proof is None or now >= until:
            proof = await self._prove(bearer.token, name)
            if len(self._recent) >= REMEMBERED_MAX:
                self._recent.clear()
            self._recent[name] = (proof, min(now + REMEMBERED_S, proof.expires_at))
        if proof.thumbprint != bearer.thumbprint:
            raise Unauthenticated("the access token is not bound to the key that was shown", Fault.BINDING)
        return proof

    async def _prove(self, token: str, digest: bytes) -> Proof:
        issuer, unverified = self._issuer_of(token)
        claims = await issuer.claims(token, unverified)
        principal = issuer.reader.principal(claims, "token-" + digest.hex()[:24])
        return Proof(
            principal=principal,
            client_id=issuer.reader.client_id(claims),
            expires_at=int(claims["exp"]) + int(self.leeway_s),
            thumbprint=_thumbprint(claims, issuer.trust),
            scope_prefix=issuer.trust.scope_prefix,
        )

    def _issuer_of(self, token: str) -> tuple[TrustedIssuer, Unverified | None]:
        """Whom to ask about `token`: the issuer that it names, or the one whose tokens are opaque."""
        if not is_compact(token):
            for issuer in self.issuers.values():
                if issuer.introspector is not None:
                    return issuer, None
            raise Unauthenticated("the access token is malformed", Fault.MALFORMED)
        unverified = read(token)
        named = unverified.claims.get("iss")
        trusted = self.issuers.get(named) if isinstance(named, str) else None
        if trusted is None:
            raise Unauthenticated("the access token is not of a trusted issuer", Fault.ISSUER)
        return trusted, unverified


def _thumbprint(claims: Claims, trust: IssuerTrust) -> str | None:
    """The key that the token is bound to (RFC 7800, RFC 9449 section 6.1); any other binding cannot be checked here."""
    bound = claims.get("cnf")
    match bound:
        case None if trust.dpop != "required":
            return None
        case {"jkt": str(thumbprint), **others} if thumbprint and not others:
            return thumbprint
        case _:
            raise Unauthenticated("the access token is not bound to a key as it must be", Fault.BINDING)


class _PrincipalDocument(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str
    actor: str = "local"
    issuer: str = "local"
    groups: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    claims: dict[str, str | int | bool | tuple[str, ...]] = {}


def read_principal(path: Path) -> Principal:
    """The principal in a JSON file `{"subject", "actor"?, "issuer"?, "groups"?, "scopes"?, "claims"?}`.

    Raises:
        SettingsError: the file cannot be read as one.
    """
    try:
        document = _PrincipalDocument.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise SettingsError(f"no principal can be read from {path}: {type(error).__name__}") from None
    return Principal(
        subject=Subject(document.subject),
        actor=document.actor,
        issuer=document.issuer,
        groups=document.groups,
        scopes=document.scopes,
        claims=MappingProxyType(dict(document.claims)),
    )


@dataclass(frozen=True, slots=True)
class UnsafeLocalPrincipal:
    """Takes everyone for the same principal. For one person on one machine; never off loopback."""

    principal: Principal

    async def verify(self, bearer: Bearer | None) -> Proof:
        """The one principal, whatever was sent."""
        return Proof(self.principal, self.principal.actor, 2**53 - 1)


@dataclass(frozen=True, slots=True)
class Identify:
    """Proves who asks and that their OAuth scopes cover the tool; the line's first step."""

    verifier: Verifier
    scopes: Mapping[str, tuple[str, ...]]
    """The OAuth scopes one of which each tool needs."""

    async def __call__(self, bearer: Bearer | None, tool_name: str) -> Principal:
        """The proven principal.

        The HTTP door asks for a missing scope before a call gets here. Where nobody can be asked, a tool that is not
        listed for want of a scope is answered as one that there is not.

        Raises:
            Unauthenticated: no valid token.
            UnknownTool: a valid token without the tool's scope.
        """
        principal = (await self.verifier.verify(bearer)).principal
        if not self._covers(principal, tool_name):
            raise UnknownTool("there is no such tool", subject=principal.subject, scopes=sorted(principal.scopes))
        return principal

    async def lists(self, bearer: Bearer | None, tool_name: str) -> bool:
        """Whether the tool is listed. To somebody unproven it is: calling it says what is wrong with their token."""
        try:
            return self._covers((await self.verifier.verify(bearer)).principal, tool_name)
        except Unauthenticated:
            return True

    def require(self, principal: Principal, tool_name: str) -> None:
        """Refuse a principal whose scopes do not cover the tool that they come back for.

        Raises:
            OutOfScope: they do not.
        """
        if not self._covers(principal, tool_name):
            raise OutOfScope("the access token lacks the scope of what was asked for", tool=tool_name)

    def _covers(self, principal: Principal, tool_name: str) -> bool:
        needed = self.scopes.get(tool_name)
        return needed is None or not principal.scopes.isdisjoint(needed)
