"""A JWT access token, read strictly and then verified with the keys of the one issuer that it names.

Nothing of a token is believed before its signature is verified but the name of its issuer, and that only to choose
whose keys to ask. Sources: RFC 7515, RFC 7519, RFC 8725 (best practice), RFC 9068 (access tokens).
"""

import base64
import binascii
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import Key

from server.faults import Fault
from server.issuers import IssuerTrust
from server.keys import IssuerKeys, KeysUnavailable
from server.refusals import Unauthenticated

Claims: TypeAlias = Mapping[str, Any]

ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
"""RFC 9068 section 2.1; an ID token is not an access token."""

HEADER_CHARS_MAX = 4_096
"""Characters of the header as it travels. A proof's header has the key itself (1,100 with RSA of 4,096 bits), a token's
a name and the thumbprints of a certificate. The library's own bound, 512, would refuse both."""

SIGNED_MAX = 1_024
"""Tokens of one issuer whose signatures are known to be good."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)

_HEADERS_REFUSED = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"})
"""Each would change how the token is read, or offer a key of its own."""

_OTHER_TOKENS = frozenset({"at_hash", "c_hash", "s_hash", "events"})
"""Claims of ID tokens (OpenID Connect Core 3.1.3.6, 3.3.2.11) and of logout and security events (RFC 8417)."""

_FAULTS_OF_CLAIMS = {"aud": Fault.AUDIENCE, "iss": Fault.ISSUER, "sub": Fault.SUBJECT, "exp": Fault.TIME}


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token's header and claims as anybody could have written them."""

    header: Claims
    claims: Claims


def is_compact(token: str) -> bool:
    """Whether `token` has the three parts of a signed JWT; any other text is opaque to us."""
    return _COMPACT.fullmatch(token) is not None


def read(token: str) -> Unverified:
    """The parts of a signed JWT, unverified.

    Raises:
        Unauthenticated: they are not JSON objects in UTF-8 whose members are each named once, or the header is longer
            than it may be.
    """
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise Unauthenticated("the access token is malformed", Fault.MALFORMED)
    if len(parts[1]) > HEADER_CHARS_MAX:
        raise Unauthenticated("the access token's header is too long", Fault.TOO_LONG)
    return Unverified(_object(parts[1]), _object(parts[2]))


def _object(part: str) -> dict[str, Any]:
    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise Unauthenticated("the access token is malformed", Fault.MALFORMED) from None
    return strict_object(text)


def strict_object(text: bytes) -> dict[str, Any]:
    """The JSON object that `text` is, in UTF-8.

    Raises:
        Unauthenticated: it is another value, or names a member twice.
    """
    try:
        value = _STRICT.decode(text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Unauthenticated("the access token is malformed", Fault.MALFORMED) from None
    if not isinstance(value, dict):
        raise Unauthenticated("the access token is malformed", Fault.MALFORMED)
    return value


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")  # two readers could each believe another one
    return members


def _no_number(constant: str) -> None:
    raise ValueError(constant)


_STRICT = json.JSONDecoder(object_pairs_hook=_named_once, parse_constant=_no_number)


class Signatures(jws.JWSRegistry):
    """Signature algorithms without the warning that `EdDSA` has newer names (RFC 9864): issuers choose theirs."""

    max_header_length = HEADER_CHARS_MAX

    def get_alg(self, name: str) -> Any:
        """The algorithm, if it is allowed."""
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


@dataclass(frozen=True, slots=True)
class JwtVerifier:
    """Verifies the access tokens of one issuer for one audience."""

    trust: IssuerTrust
    keys: IssuerKeys
    audience: str
    leeway_s: float
    clock: Callable[[], float] = time.time
    _signatures: jws.JWSRegistry = field(init=False, repr=False)
    _signed: dict[bytes, Key] = field(default_factory=dict, repr=False)
    """By the digest of a token, the key of which its signature is known to be."""
    _times: jwt.JWTClaimsRegistry = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "_signatures", Signatures(algorithms=list(self.trust.algorithms), strict_check_header=False)
        )
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self.clock()),
            leeway=int(self.leeway_s),
            iss={"essential": True, "value": self.trust.issuer},
            aud={"essential": True, "value": self.audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        object.__setattr__(self, "_times", registry)

    async def verify(self, token: str, unverified: Unverified) -> Claims:
        """The claims of `token`, which `unverified` was read from.

        Raises:
            Unauthenticated: it is not a good access token of this issuer for this audience, now.
        """
        self._check_header(unverified.header)
        self._check_type(unverified)
        self._check_signature(token, await self._key(unverified.header))
        self.check_claims(unverified.claims)
        return unverified.claims

    def _check_signature(self, token: str, key: Key) -> None:
        """Refuse a token that `key` did not sign.

        These bytes and this key make a signature good for ever; whether the issuer still publishes the key, and all
        that time changes, is asked each time. Keys that were fetched anew are other keys.
        """
        digest = hashlib.sha256(token.encode()).digest()
        if self._signed.get(digest) is key:
            return
        try:
            jws.deserialize_compact(token, key, registry=self._signatures)
        except (JoseError, ValueError, TypeError):
            raise Unauthenticated("the access token is not valid", Fault.SIGNATURE) from None
        if len(self._signed) >= SIGNED_MAX:
            self._signed.clear()
        self._signed[digest] = key

    def _check_header(self, header: Claims) -> None:
        if header.get("alg") not in self.trust.algorithms:
            raise Unauthenticated("the access token is not signed as it must be", Fault.ALGORITHM)
        if _HEADERS_REFUSED & header.keys():
            raise Unauthenticated("the access token has a header that is not accepted", Fault.HEADER)

    def _check_type(self, token: Unverified) -> None:
        kind = token.header.get("typ", "")
        named = isinstance(kind, str) and kind.lower()
        plain = self.trust.accept_plain_jwt and named in ("", "jwt")
        if named not in ACCESS_TOKEN_TYPES and not plain:
            raise Unauthenticated("the token is not an access token", Fault.TYPE)
        self.check_kind(token.claims)

    def check_kind(self, claims: Claims) -> None:
        """Refuse what its claims show to be another kind of token."""
        inner = str(claims.get("typ", "Bearer")).lower() in ("bearer", "dpop")  # Keycloak's own word
        use = claims.get("token_use", "access") == "access"  # Amazon Cognito's
        if not inner or not use or _OTHER_TOKENS & claims.keys():
            raise Unauthenticated("the token is not an access token", Fault.TYPE)

    async def _key(self, header: Claims) -> Key:
        named = header.get("kid")
        if named is not None and not isinstance(named, str):
            raise Unauthenticated("the access token is malformed", Fault.MALFORMED)
        try:
            published = await self.keys.key_set(named)
        except KeysUnavailable:
            hint = "The issuer does not answer. Try again later."
            raise Unauthenticated("the issuer's keys cannot be had", Fault.KEYS, hint) from None
        fitting = [key for key in published.keys if named in (None, key.kid) and self._fits(key, header["alg"])]
        if len(fitting) != 1:  # several without a name would mean guessing
            raise Unauthenticated("the access token is not signed by a known key", Fault.SIGNATURE)
        return fitting[0]

    def _fits(self, key: Key, algorithm: str) -> bool:
        """Whether the issuer published `key` for this algorithm and for signatures (RFC 7517 sections 4.2 to 4.4)."""
        try:
            key.check_key_op("verify")
            self._signatures.get_alg(algorithm).check_key(key)  # its kind, `use` and `alg`
        except (JoseError, ValueError):
            return False
        return True

    def check_claims(self, claims: Claims) -> None:
        """Refuse claims that are not this issuer's, for this audience, now."""
        try:
            self._times.validate(dict(claims))
        except ExpiredTokenError:
            raise Unauthenticated("the access token has expired", Fault.EXPIRED) from None
        except ClaimError as error:
            fault = _FAULTS_OF_CLAIMS.get(error.claim.split(",")[0], Fault.TIME)
            raise Unauthenticated("the access token is not for here and now", fault) from None
        except (JoseError, ValueError, TypeError, OverflowError):
            raise Unauthenticated("the access token is not valid", Fault.CLAIMS) from None
