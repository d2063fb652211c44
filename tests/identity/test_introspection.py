"""What an opaque token stands for is its issuer's to say, and only what it says of a token for this gate counts."""

import base64
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.config import SettingsError
from server.faults import Fault
from server.identity import TokenVerifier
from server.issuers import IssuerTrust
from server.line import Bearer
from server.refusals import Unauthenticated
from tests.identity.issuer import ISSUER, OMITTED, Clock, Issuer, client_of, verifier_of


@dataclass
class Asked(Issuer):
    """An issuer whose tokens are opaque; it remembers what it was asked, and by whom."""

    said: Any = None
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)
    endpoint: str = f"{ISSUER}/introspect"

    def app(self) -> Starlette:
        async def discovery(_: Request) -> Response:
            return JSONResponse({"issuer": self.name, "introspection_endpoint": self.endpoint})

        async def introspect(request: Request) -> Response:
            async with request.form() as form:
                self.asked.append((str(form["token"]), request.headers.get("authorization", "")))
            if isinstance(self.said, bytes):
                return Response(self.said, self.status)
            return JSONResponse(self.said, self.status)

        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", discovery),
                Route("/introspect", introspect, methods=["POST"]),
            ]
        )

    def active(self, **claims: Any) -> dict[str, Any]:
        return self.claims(**{"active": True, "token_type": "Bearer", **claims})


@pytest.fixture
def issuer() -> Asked:
    return Asked()


@pytest.fixture
def wall() -> Clock:
    return Clock(float(int(time.time())))


@pytest.fixture
async def verifier(issuer: Asked, wall: Clock, tmp_path: Path) -> AsyncGenerator[TokenVerifier]:
    secret = tmp_path / "secret"
    secret.write_text("a:secret\n", encoding="utf-8")
    how = {"client_id": "the gate", "client_secret_file": str(secret), "cache_s": 10}
    async with client_of(issuer) as http:
        yield verifier_of(http, IssuerTrust.model_validate({"issuer": ISSUER, "introspection": how}), clock=wall)


async def test_an_active_token_for_this_gate_proves_its_person(issuer: Asked, verifier: TokenVerifier) -> None:
    issuer.said = issuer.active(groups=["analysts"], act={"sub": "claude"})
    principal = (await verifier.verify(Bearer("an opaque one"))).principal
    assert (principal.subject, principal.actor, set(principal.groups)) == ("ada", "claude", {"analysts"})
    [(token, authorization)] = issuer.asked
    assert token == "an opaque one"
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"the%20gate:a%3Asecret"


async def test_an_answer_that_names_no_issuer_and_no_end_counts_for_as_long_as_it_is_remembered(
    issuer: Asked, verifier: TokenVerifier, wall: Clock
) -> None:
    issuer.said = issuer.active(iss=OMITTED, exp=OMITTED)
    await verifier.verify(Bearer("t"))
    wall.now += 9
    await verifier.verify(Bearer("t"))
    assert len(issuer.asked) == 1


HOSTILE: dict[str, tuple[Fault, dict[str, Any]]] = {
    "not active": (Fault.INACTIVE, {"active": False}),
    "active in words": (Fault.INACTIVE, {"active": "true"}),
    "active as a number": (Fault.INACTIVE, {"active": 1}),
    "not said to be active": (Fault.INACTIVE, {"active": OMITTED}),
    "for another audience": (Fault.AUDIENCE, {"aud": "https://other.test"}),
    "for no audience": (Fault.AUDIENCE, {"aud": OMITTED}),
    "of another issuer": (Fault.ISSUER, {"iss": "https://evil.test"}),
    "expired": (Fault.EXPIRED, {"exp": int(time.time()) - 60}),
    "not yet valid": (Fault.TIME, {"nbf": int(time.time()) + 86_400}),
    "a refresh token": (Fault.TYPE, {"token_type": "refresh_token"}),
    "of no type": (Fault.TYPE, {"token_type": OMITTED}),
    "a Keycloak refresh token": (Fault.TYPE, {"typ": "Refresh"}),
    "without a subject": (Fault.SUBJECT, {"sub": OMITTED}),
    "without a client": (Fault.CLIENT, {"client_id": OMITTED}),
    "bound to a key": (Fault.BINDING, {"cnf": {"jkt": "x" * 43}}),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_is_not_an_active_access_token_for_this_gate_proves_nobody(
    hostile: tuple[Fault, dict[str, Any]], issuer: Asked, verifier: TokenVerifier
) -> None:
    fault, claims = hostile
    issuer.said = issuer.active(**claims)
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(Bearer("t"))
    assert refused.value.fault is fault


ANSWERS: dict[str, tuple[Any, int]] = {
    "an error": ({"error": "invalid_client"}, 401),
    "an active token with an error": ({"active": True}, 500),
    "a redirection": ({}, 302),
    "nothing": (b"", 200),
    "a list": (b"[]", 200),
    "no JSON": (b"active=true", 200),
    "active twice": (b'{"active": false, "active": true}', 200),
    "too much": (b" " * 200_000, 200),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_answer_in_no_known_shape_proves_nobody(
    answer: tuple[Any, int], issuer: Asked, verifier: TokenVerifier
) -> None:
    issuer.said, issuer.status = answer
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(Bearer("t"))
    assert refused.value.fault in (Fault.KEYS, Fault.MALFORMED)


async def test_an_answer_about_one_token_is_never_taken_for_another(issuer: Asked, verifier: TokenVerifier) -> None:
    issuer.said = issuer.active()
    await verifier.verify(Bearer("good"))
    issuer.said = {"active": False}
    for other in ("good ", "Good", "goo", "good\x00"):
        with pytest.raises(Unauthenticated):
            await verifier.verify(Bearer(other))
    assert issuer.asked[0][0] == "good"
    assert len(issuer.asked) == 5


async def test_a_revoked_token_counts_no_longer_than_the_answer_is_remembered(
    issuer: Asked, verifier: TokenVerifier, wall: Clock
) -> None:
    issuer.said = issuer.active()
    await verifier.verify(Bearer("t"))
    issuer.said = {"active": False}
    wall.now += 12.1  # ten seconds for the answer, two for the proof
    with pytest.raises(Unauthenticated):
        await verifier.verify(Bearer("t"))


async def test_the_issuer_is_asked_nowhere_but_over_https(issuer: Asked, verifier: TokenVerifier) -> None:
    issuer.endpoint = issuer.endpoint.replace("https", "http")
    issuer.said = issuer.active()
    with pytest.raises(Unauthenticated):
        await verifier.verify(Bearer("t"))
    assert issuer.asked == []


async def test_without_its_secret_the_gate_does_not_start(tmp_path: Path) -> None:
    how = {"client_id": "gate", "client_secret_file": str(tmp_path / "none")}
    async with httpx2.AsyncClient() as http:
        with pytest.raises(SettingsError):
            verifier_of(http, IssuerTrust.model_validate({"issuer": ISSUER, "introspection": how}))
