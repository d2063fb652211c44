"""Only a token that this issuer signed, for this resource, within its time, proves anybody."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.identity import TOKEN_LENGTH_MAX, Identify, TokenVerifier
from server.keys import IssuerKeys
from server.line import Bearer
from server.refusals import OutOfScope, Unauthenticated

ISSUER, RESOURCE = "https://issuer.test", "https://gate.test/mcp"


@dataclass
class Issuer:
    """A real issuer behind ASGI: discovery and a key set; it can go down, and it counts what it is asked."""

    keys: dict[str, Any] = field(default_factory=lambda: {"k1": ECKey.generate_key("P-256", {"kid": "k1"})})
    is_down: bool = False
    fetches: int = 0
    named: str = ISSUER
    key_set: Any = None
    """What it publishes in the place of its keys; a text is sent as it is."""
    key_set_at: str = f"{ISSUER}/jwks"

    def app(self) -> Starlette:
        async def discovery(_: Request) -> Response:
            self.fetches += 1
            if self.is_down:
                return JSONResponse({}, status_code=503)
            return JSONResponse({"issuer": self.named, "jwks_uri": self.key_set_at})

        async def jwks(_: Request) -> Response:
            if isinstance(self.key_set, str):
                return Response(self.key_set)
            return JSONResponse(self.key_set or self.public())

        return Starlette(routes=[Route("/.well-known/openid-configuration", discovery), Route("/jwks", jwks)])

    def public(self) -> dict[str, Any]:
        return dict(KeySet(list(self.keys.values())).as_dict(private=False))

    def sign(self, kid: str = "k1", alg: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> Bearer:
        now = int(time.time())
        body = {
            "iss": ISSUER, "aud": RESOURCE, "sub": "ada", "client_id": "agent", "iat": now, "exp": now + 60,
            "scope": "snowgate:read", **claims,
        }  # fmt: skip
        body = {name: value for name, value in body.items() if value is not None}
        full = {"alg": alg, "kid": kid, "typ": "at+jwt", **(header or {})}
        return Bearer(jwt.encode(full, body, self.keys[kid], algorithms=[alg]))


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def verifier(issuer: Issuer, clock: Clock) -> AsyncGenerator[TokenVerifier]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(issuer.app())) as http:
        keys = IssuerKeys(ISSUER, http, fresh_s=100, stale_s=1000, refetch_floor_s=10, clock=clock)
        yield TokenVerifier(keys, RESOURCE, leeway_s=5)


async def test_a_good_token_proves_the_person_and_the_agent(issuer: Issuer, verifier: TokenVerifier) -> None:
    token = issuer.sign(act={"sub": "claude"}, groups=["analysts"], dept="sales", level=3, nested={"x": 1})
    principal = (await verifier.verify(token)).principal
    assert (principal.subject, principal.actor, principal.issuer) == ("ada", "claude", ISSUER)
    assert principal.groups == {"analysts"}
    assert principal.scopes == {"snowgate:read"}
    assert principal.claims["dept"] == "sales"
    assert "nested" not in principal.claims


async def test_without_an_actor_the_client_is_the_agent(issuer: Issuer, verifier: TokenVerifier) -> None:
    assert (await verifier.verify(issuer.sign())).principal.actor == "agent"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519"])
async def test_asymmetric_signatures_are_accepted(alg: str, issuer: Issuer, verifier: TokenVerifier) -> None:
    kinds: dict[str, Callable[[], Any]] = {
        "R": lambda: RSAKey.generate_key(2048, {"kid": "k2"}),
        "P": lambda: RSAKey.generate_key(2048, {"kid": "k2"}),
        "E": lambda: (
            ECKey.generate_key("P-256", {"kid": "k2"})
            if alg.startswith("ES")
            else OKPKey.generate_key("Ed25519", {"kid": "k2"})
        ),
    }
    issuer.keys["k2"] = kinds[alg[0]]()
    assert (await verifier.verify(issuer.sign("k2", alg))).principal.subject == "ada"


NOW = int(time.time())
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 60},
    "not yet valid": {"nbf": NOW + 600},
    "no expiry": {"exp": None},
    "expiry is text": {"exp": "soon"},
    "other audience": {"aud": "https://other.test"},
    "no audience": {"aud": None},
    "audience is a prefix": {"aud": RESOURCE + "/x"},
    "other issuer": {"iss": "https://evil.test"},
    "issuer with a slash": {"iss": ISSUER + "/"},
    "no issuer": {"iss": None},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
    "subject is a number": {"sub": 7},
    "issued in the future": {"iat": NOW + 6000},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
async def test_wrong_claims_prove_nobody(claims: dict[str, Any], issuer: Issuer, verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign(**claims))


@pytest.mark.parametrize("typ", ["JWT", "id_token+jwt", "", "at+jwt+x", "dpop+jwt"])
async def test_a_token_of_another_type_is_no_access_token(typ: str, issuer: Issuer, verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign(header={"typ": typ}))


async def test_a_plain_jwt_is_accepted_only_where_the_operator_says_so(issuer: Issuer, verifier: TokenVerifier) -> None:
    lenient = TokenVerifier(verifier.keys, RESOURCE, accept_plain_jwt=True)
    assert (await lenient.verify(issuer.sign(header={"typ": "JWT"}))).principal.subject == "ada"


def _b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_no_signature_and_no_symmetric_signature_proves_anybody(issuer: Issuer, verifier: TokenVerifier) -> None:
    body = _b64({"iss": ISSUER, "aud": RESOURCE, "sub": "ada", "exp": NOW + 600})
    none = Bearer(f"{_b64({'alg': 'none', 'typ': 'at+jwt', 'kid': 'k1'})}.{body}.")
    head = _b64({"alg": "HS256", "typ": "at+jwt", "kid": "k1"})
    public = issuer.keys["k1"].as_pem(private=False)
    mac = hmac.new(public, f"{head}.{body}".encode(), hashlib.sha256).digest()
    confused = Bearer(f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")
    for token in (none, confused):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)


async def test_a_key_of_the_same_name_that_the_issuer_never_had_signs_nothing(
    issuer: Issuer, verifier: TokenVerifier
) -> None:
    forger = Issuer()
    with pytest.raises(Unauthenticated):
        await verifier.verify(forger.sign())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "....",
        "a" * (TOKEN_LENGTH_MAX + 1),
        "é.é.é",
        "\x00",
        "e30.e30.e30",
        "null.null.null",
        _b64([]) + ".e30.x",
    ],
)
async def test_garbage_proves_nobody(token: str, verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(Bearer(token))


async def test_an_unknown_critical_header_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    head = {"alg": "ES256", "kid": "k1", "typ": "at+jwt", "crit": ["x"], "x": 1}
    good = issuer.sign().split(".")
    with pytest.raises(Unauthenticated):
        await verifier.verify(Bearer(".".join([_b64(head), good[1], good[2]])))


async def test_nobody_is_proven_without_a_token(verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(None)


async def test_a_new_key_is_fetched_when_a_token_names_it(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.sign())
    issuer.keys["k2"] = ECKey.generate_key("P-256", {"kid": "k2"})
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign("k2"))  # the floor on fetching holds
    clock.now += 11
    assert (await verifier.verify(issuer.sign("k2"))).principal.subject == "ada"


async def test_unknown_key_ids_cannot_make_the_gate_hammer_the_issuer(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.sign())
    for n in range(50):
        issuer.keys[f"x{n}"] = issuer.keys["k1"]
        with pytest.raises(Unauthenticated):
            await verifier.verify(Bearer(_unknown_kid(issuer, f"unknown-{n}")))
    assert issuer.fetches == 1


def _unknown_kid(issuer: Issuer, kid: str) -> str:
    _, body, signature = issuer.sign().split(".")
    return ".".join([_b64({"alg": "ES256", "kid": kid, "typ": "at+jwt"}), body, signature])


async def test_keys_outlive_an_issuer_that_is_down_until_they_are_stale(
    issuer: Issuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.sign())
    issuer.is_down = True
    clock.now += 500
    assert (await verifier.verify(issuer.sign())).principal.subject == "ada"
    clock.now += 600
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign())


async def test_a_discovery_document_of_another_issuer_is_not_trusted(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.named = "https://evil.test"
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign())


async def test_a_key_of_an_unknown_kind_does_not_spoil_the_others(issuer: Issuer, verifier: TokenVerifier) -> None:
    strange = [{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}, {"kty": "RSA", "n": "!"}, {"use": 1}, "x", None]
    symmetric = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "k1"}
    issuer.key_set = {"keys": [*strange, *issuer.public()["keys"], symmetric]}
    assert (await verifier.verify(issuer.sign())).principal.subject == "ada"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "null",
        "{",
        '{"keys":null}',
        '{"keys":5}',
        '{"keys":[]}',
        '{"keys":[1]}',
        "[" * 50_000,
        "x" * 1_100_000,
    ],
    ids=lambda said: said[:14],
)
async def test_a_key_set_in_no_known_shape_is_no_key_set(said: str, issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.key_set = said or " "
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign())


async def test_the_keys_of_an_https_issuer_are_not_taken_over_http(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.key_set_at = f"{ISSUER}/jwks".replace("https", "http")
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.sign())


async def test_a_signed_token_that_nests_without_end_proves_nobody(issuer: Issuer, verifier: TokenVerifier) -> None:
    deep = b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    header = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"}
    with pytest.raises(Unauthenticated):
        await verifier.verify(Bearer(jws.serialize_compact(header, deep, issuer.keys["k1"])))


async def test_a_proof_is_remembered_for_a_moment_and_never_past_the_tokens_end(
    issuer: Issuer, verifier: TokenVerifier
) -> None:
    wall = Clock(float(int(time.time())))
    remembering = TokenVerifier(verifier.keys, RESOURCE, leeway_s=0, clock=wall)
    token = issuer.sign(exp=int(wall.now) + 1)
    proof = await remembering.verify(token)
    assert await remembering.verify(token) is proof
    wall.now += 1.5
    with pytest.raises(Unauthenticated):
        await remembering.verify(token)
    lasting = issuer.sign(exp=int(wall.now) + 60)
    first = await remembering.verify(lasting)
    wall.now += 3
    assert await remembering.verify(lasting) is not first


async def test_a_tool_needs_its_scope(issuer: Issuer, verifier: TokenVerifier) -> None:
    identify = Identify(verifier, {"run_query": "snowgate:read", "request_write": "snowgate:write"})
    assert (await identify(issuer.sign(), "run_query")).subject == "ada"
    with pytest.raises(OutOfScope):
        await identify(issuer.sign(), "request_write")
