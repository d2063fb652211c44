"""Step 1 of the line: an access token becomes a proven principal, or nobody.

The gate is an OAuth 2.1 resource server. It accepts JWT access tokens (RFC 9068) of one issuer, signed with an
asymmetric key of that issuer, made for this resource (RFC 8707), within their time. The person is `sub`, the agent
is `act.sub` (RFC 8693) or the client id.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from joserfc import jws, jwt
from joserfc.errors import JoseError
from pydantic import BaseModel, ConfigDict, ValidationError

from policy.principal import ClaimValue, Principal, Subject
from server.config import SettingsError
from server.keys import IssuerKeys, KeysUnavailable
from server.line import Bearer
from server.refusals import OutOfScope, Unauthenticated

TOKEN_LENGTH_MAX = 16_384
"""Characters of an access token; real ones have one to four thousand."""

REMEMBERED_S = 2.0
"""Seconds for which a verified token need not be verified again."""

REMEMBERED_MAX = 1_024

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
"""Asymmetric signatures only: with an HMAC the verifier's key could sign, and `none` signs nothing (RFC 8725)."""

ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
"""RFC 9068 section 2.1; an ID token is not an access token."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified token: whom it proves, and until when (seconds since 1970)."""

    principal: Principal
    client_id: str
    expires_at: int


class Verifier(Protocol):
    """Proves who asks, or raises Unauthenticated."""

    async def verify(self, bearer: Bearer | None) -> Proof:
        """The proof that `bearer` carries."""
        ...


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies access tokens of one issuer for one resource."""

    keys: IssuerKeys
    resource: str
    groups_claim: str = "groups"
    accept_plain_jwt: bool = False
    leeway_s: float = 30.0
    clock: Callable[[], float] = time.time
    _recent: dict[bytes, tuple[Proof, float]] = field(default_factory=dict, repr=False)

    async def verify(self, bearer: Bearer | None) -> Proof:
        """The proof in `bearer`.

        The door and the line both ask, so a proof stands for `REMEMBERED_S`, and never past the token's own end.

        Raises:
            Unauthenticated: it is missing, malformed, expired, of another issuer or for another resource.
        """
        if not bearer:
            raise Unauthenticated("there is no access token")
        if len(bearer) > TOKEN_LENGTH_MAX:
            raise Unauthenticated("the access token is too long")
        name = hashlib.sha256(bearer.encode(errors="replace")).digest()
        proof, until = self._recent.get(name, (None, 0.0))
        now = self.clock()
        if proof is not None and now < until:
            return proof
        proof = await self._verified(bearer)
        if len(self._recent) >= REMEMBERED_MAX:
            self._recent.clear()
        self._recent[name] = (proof, min(now + REMEMBERED_S, proof.expires_at))
        return proof

    async def _verified(self, bearer: Bearer) -> Proof:
        try:
            header = jws.extract_compact(bearer.encode()).headers()
            keys = await self.keys.key_set(_text(header.get("kid")))
            token = jwt.decode(bearer, keys, algorithms=ALGORITHMS)
        except KeysUnavailable:
            raise Unauthenticated("the issuer's keys cannot be had", hint="Try again later.") from None
        except (JoseError, ValueError, TypeError, RecursionError):
            raise Unauthenticated("the access token is not valid") from None
        self._check_type(token.header)
        self._check_claims(token.claims)
        return self._proof(token.claims)

    def _check_type(self, header: Mapping[str, Any]) -> None:
        kind = str(header.get("typ", "")).lower()
        plain = self.accept_plain_jwt and kind in ("", "jwt")
        if kind not in ACCESS_TOKEN_TYPES and not plain:
            raise Unauthenticated("the token is not an access token")

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=int(self.clock()),
            leeway=int(self.leeway_s),
            iss={"essential": True, "value": self.keys.issuer},
            aud={"essential": True, "value": self.resource},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            registry.validate(dict(claims))
        except JoseError as error:
            expired = error.error == "expired_token"
            raise Unauthenticated(
                "the access token has expired" if expired else "the access token is not for here"
            ) from None
        except (ValueError, TypeError):
            raise Unauthenticated("the access token is not valid") from None

    def _proof(self, claims: Mapping[str, Any]) -> Proof:
        client_id = _text(claims.get("client_id")) or _text(claims.get("azp")) or "unknown"
        act = claims.get("act")
        actor = _text(act.get("sub")) if isinstance(act, dict) else None
        subject = _text(claims.get("sub"))
        if not subject:
            raise Unauthenticated("the access token names no subject")
        principal = Principal(
            subject=Subject(subject),
            actor=actor or client_id,
            issuer=self.keys.issuer,
            groups=frozenset(_texts(claims.get(self.groups_claim))),
            scopes=frozenset(_texts(claims.get("scope") or claims.get("scp"))),
            claims=MappingProxyType(
                {name: value for name, raw in claims.items() if (value := _claim(raw)) is not None}
            ),
        )
        return Proof(principal, client_id, int(claims["exp"]) + int(self.leeway_s))


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
    scopes: Mapping[str, str]
    """The OAuth scope that each tool needs."""

    async def __call__(self, bearer: Bearer | None, tool_name: str) -> Principal:
        """The proven principal.

        Raises:
            Unauthenticated: no valid token.
            OutOfScope: a valid token without the tool's scope.
        """
        principal = (await self.verifier.verify(bearer)).principal
        needed = self.scopes.get(tool_name)
        if needed is not None and needed not in principal.scopes:
            raise OutOfScope(f"the access token lacks the scope `{needed}`")
        return principal


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> list[str]:
    """A space-separated string or a list of strings (RFC 6749 section 3.3; RFC 9068 section 2.2.3)."""
    if isinstance(value, str):
        return value.split()
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _claim(raw: object) -> ClaimValue | None:
    match raw:
        case str() | bool() | int():
            return raw
        case list() if all(isinstance(item, str) for item in raw):
            return tuple(raw)
        case _:
            return None
