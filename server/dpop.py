"""Proof of possession (RFC 9449): whoever sends a bound token signs each request with the key that it is bound to.

A proof counts for one request: one method, this gate's address, one access token, a minute, once on all replicas.
"""

import base64
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, OctKey, import_key
from pydantic import AnyHttpUrl, ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.database import answering
from server.faults import Fault
from server.issuers import ALGORITHMS
from server.refusals import Unauthenticated
from server.tokens import Claims, Signatures, read

PROOF_LENGTH_MAX = 8_192
PROOF_AGE_S_MAX = 60.0
ID_LENGTH_MAX = 255
FORGET_EVERY_S = 60.0

RSA_MODULUS_CHARS = range(342, 684)
"""2,048 to 4,096 bits in base64. A stranger chooses the key of a proof: below it proves nothing (RFC 7518 section 3.3),
above it costs us too much."""

RSA_EXPONENT_CHARS_MAX = 6
"""32 bits. With an exponent as long as its modulus, verifying is as dear as signing."""

log = logging.getLogger(__name__)

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_TOLD_OF_KEYS = frozenset({"kid", "alg", "use", "key_ops"})
_HEADERS = frozenset({"typ", "alg", "jwk"})

_USE = text("""
    with told as (select extract(epoch from clock_timestamp()) - :now as behind_s),
    used as (
        insert into gate.dpop_proof (name, expires_at) select :name, to_timestamp(:until) from told
        where abs(behind_s) <= :apart_s on conflict (name) do nothing returning name
    )
    select abs(behind_s) <= :apart_s as is_timely, (select count(*) from used) as used from told
""")
_FORGET = text("delete from gate.dpop_proof where expires_at < now()")


@dataclass
class ProofStore:
    """Which proofs were used, on any replica."""

    engine: AsyncEngine
    clock: Callable[[], float] = time.monotonic
    _forgot_at: float = float("-inf")

    async def use(self, name: bytes, *, until: float, now: float, apart_s: float) -> bool:
        """Use a proof up, and remember it until then; false if it was used before.

        `now` is by this replica's clock. One that is more than `apart_s` seconds off the database's takes no proof:
        how long any replica takes one, and so how long it has to be remembered, could not be told.

        Raises:
            Unauthenticated: nobody can say.
        """
        facts = {"name": name, "until": until, "now": now, "apart_s": apart_s}
        async with answering(self.engine, _unsaid) as connection:
            if self.clock() - self._forgot_at > FORGET_EVERY_S:
                self._forgot_at = self.clock()
                await connection.execute(_FORGET)
            row = (await connection.execute(_USE, facts)).one()
        if not row.is_timely:
            log.error("this machine's clock is more than %d s off the database's: no proof is taken", apart_s)
            raise _unsaid()
        return bool(row.used)


def _unsaid() -> Unauthenticated:
    hint = "Try again later; an operator should look at `snowgate doctor`."
    return Unauthenticated("nobody can say whether the proof was used before", Fault.PROOF, hint)


@dataclass(frozen=True, slots=True)
class Possession:
    """Verifies proofs for requests to `resource`, the address that agents know this gate by."""

    resource: str
    proofs: ProofStore
    leeway_s: float = 30.0
    clock: Callable[[], float] = time.time
    _signatures: Signatures = field(default_factory=lambda: Signatures(algorithms=list(ALGORITHMS)), repr=False)

    async def verify(self, proof: str, method: str, token: str) -> str:
        """The RFC 7638 thumbprint of the key that `proof` was signed with, for a request by `method` with `token`.

        Raises:
            Unauthenticated: it is no proof for this request, or was used before.
        """
        if len(proof) > PROOF_LENGTH_MAX:
            raise _no_proof()
        try:
            unverified = read(proof)
        except Unauthenticated:
            raise _no_proof() from None
        key = self._key(unverified.header)
        try:
            jws.deserialize_compact(proof, key, registry=self._signatures)
        except (JoseError, ValueError, TypeError):
            raise _no_proof() from None
        thumbprint = key.thumbprint()
        now = self.clock()
        name, made_at = self._check(unverified.claims, method, token, now)
        used = hashlib.sha256(f"{thumbprint} {name}".encode()).digest()
        # The last replica to take it is one whose clock is `leeway_s` behind the database's.
        until = made_at + PROOF_AGE_S_MAX + 2 * self.leeway_s
        if not await self.proofs.use(used, until=until, now=now, apart_s=self.leeway_s):
            raise Unauthenticated("the proof of possession was used before", Fault.REPLAYED)
        return thumbprint

    def _key(self, header: Claims) -> Key:
        """The public key in the proof's header (section 4.3, 4 to 7). It proves nothing but that its owner signed."""
        jwk = header.get("jwk")
        is_plain = header.get("typ") == "dpop+jwt" and header.get("alg") in ALGORITHMS and header.keys() <= _HEADERS
        if not is_plain or not isinstance(jwk, dict) or _PRIVATE & jwk.keys() or not _is_affordable(jwk):
            raise _no_proof()
        try:
            key = import_key({name: value for name, value in jwk.items() if name not in _TOLD_OF_KEYS})
            self._signatures.get_alg(header["alg"]).check_key(key)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise _no_proof() from None
        if isinstance(key, OctKey) or key.is_private:
            raise _no_proof()
        return key

    def _check(self, claims: Claims, method: str, token: str, now: float) -> tuple[str, int]:
        """The proof's id and time, if its claims are about this request (section 4.3, 8 to 12)."""
        match claims:
            case {"jti": str(name), "htm": str(htm), "htu": str(htu), "iat": int(iat), "ath": str(ath)} if name:
                is_recent = now - PROOF_AGE_S_MAX - self.leeway_s <= iat <= now + self.leeway_s
                is_for_this = htm == method and _same(htu, self.resource) and ath == _hash(token)
                if is_recent and is_for_this and len(name) <= ID_LENGTH_MAX and name.isprintable():
                    return name, iat
        raise _no_proof()


def _is_affordable(jwk: Mapping[str, Any]) -> bool:
    """Whether a signature of this key can be verified at a stranger's wish; looked at before it is read as a key."""
    if jwk.get("kty") != "RSA":
        return True
    modulus, exponent = jwk.get("n"), jwk.get("e")
    if not isinstance(modulus, str) or not isinstance(exponent, str):
        return False
    return len(modulus) in RSA_MODULUS_CHARS and len(exponent) <= RSA_EXPONENT_CHARS_MAX


def _hash(token: str) -> str:
    """Section 4.2, `ath`."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode("ascii", "replace")).digest()).rstrip(b"=").decode()


def _same(one: str, other: str) -> bool:
    """Whether two addresses are the same but for the spelling of host and port, query and fragment left out."""
    try:
        a, b = AnyHttpUrl(one.partition("#")[0].partition("?")[0]), AnyHttpUrl(other)
    except ValidationError:
        return False
    return (a.scheme, a.host, a.port, a.path, a.username) == (b.scheme, b.host, b.port, b.path, b.username)


def _no_proof() -> Unauthenticated:
    return Unauthenticated("the DPoP header is no proof for this request and this token", Fault.PROOF)
