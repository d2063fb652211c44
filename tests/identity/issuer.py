"""A real issuer behind ASGI: discovery and a key set. It can go down, lie, and counts what it is asked."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
from joserfc import jws
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.identity import TokenVerifier
from server.issuers import IssuerTrust
from server.line import Bearer
from server.verifiers import token_verifier

ISSUER, RESOURCE = "https://issuer.test", "https://gate.test/mcp"
OMITTED: Any = object()
"""Stands for a claim or a header that is left out."""


@dataclass
class Issuer:
    """Signs what it is told to, with keys that it has."""

    name: str = ISSUER
    keys: dict[str, Key] = field(default_factory=lambda: {"k1": ECKey.generate_key("P-256", {"kid": "k1"})})
    is_down: bool = False
    fetches: int = 0
    named: str = ""
    """What its discovery document says in the place of its own name."""
    key_set: Any = None
    """What it publishes in the place of its keys; a text is sent as it is."""
    key_set_at: str = ""
    may_answer: anyio.Event | None = None
    """Until it is set, whoever asks waits."""

    def app(self) -> Starlette:
        async def discovery(_: Request) -> Response:
            self.fetches += 1
            if self.may_answer is not None:
                await self.may_answer.wait()
            if self.is_down:
                return JSONResponse({}, status_code=503)
            return JSONResponse({"issuer": self.named or self.name, "jwks_uri": self.key_set_at or f"{self.name}/jwks"})

        async def jwks(_: Request) -> Response:
            if isinstance(self.key_set, str):
                return Response(self.key_set)
            return JSONResponse(self.key_set or self.public())

        return Starlette(routes=[Route("/.well-known/openid-configuration", discovery), Route("/jwks", jwks)])

    def public(self) -> dict[str, Any]:
        return dict(KeySet(list(self.keys.values())).as_dict(private=False))

    def claims(self, **claims: Any) -> dict[str, Any]:
        now = int(time.time())
        body = {
            "iss": self.name, "aud": RESOURCE, "sub": "ada", "client_id": "agent", "iat": now, "exp": now + 60,
            "scope": "snowgate:read", **claims,
        }  # fmt: skip
        return {name: value for name, value in body.items() if value is not OMITTED}

    def sign(self, kid: str = "k1", alg: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> Bearer:
        full = {"alg": alg, "kid": kid, "typ": "at+jwt", **(header or {})}
        return self.sign_bytes(json.dumps(self.claims(**claims)).encode(), self.keys[kid], full)

    def sign_bytes(self, payload: bytes, key: Key, header: dict[str, Any]) -> Bearer:
        """A signature over exactly these bytes, whatever the header says of them."""
        kept = {name: value for name, value in header.items() if value is not OMITTED}
        head, body = b64(json.dumps(kept).encode()), b64(payload)
        algorithm = jws.JWSRegistry.algorithms[header["alg"]]
        return Bearer(f"{head}.{body}.{b64(algorithm.sign(f'{head}.{body}'.encode(), key))}")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def client_of(*issuers: Issuer) -> httpx2.AsyncClient:
    """A client for which these issuers are the whole network."""
    mounts: dict[str, Any] = {each.name: httpx2.ASGITransport(each.app()) for each in issuers}
    return httpx2.AsyncClient(mounts=mounts, verify=False)


def verifier_of(http: httpx2.AsyncClient, *trusts: IssuerTrust, **options: Any) -> TokenVerifier:
    settings: dict[str, Any] = {"resource": RESOURCE, "leeway_s": 5, "fresh_s": 100, "stale_s": 1000, **options}
    return token_verifier(trusts or [IssuerTrust(issuer=ISSUER)], http, **settings)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


KEY_FOR: dict[str, Callable[[str], Key]] = {
    "RS": lambda kid: RSAKey.generate_key(2048, {"kid": kid}),
    "PS": lambda kid: RSAKey.generate_key(2048, {"kid": kid}),
    "ES256": lambda kid: ECKey.generate_key("P-256", {"kid": kid}),
    "ES384": lambda kid: ECKey.generate_key("P-384", {"kid": kid}),
    "ES512": lambda kid: ECKey.generate_key("P-521", {"kid": kid}),
    "Ed25519": lambda kid: OKPKey.generate_key("Ed25519", {"kid": kid}),
    "EdDSA": lambda kid: OKPKey.generate_key("Ed25519", {"kid": kid}),
}


def key_for(algorithm: str, kid: str) -> Key:
    """A new key that signs with `algorithm`."""
    return (KEY_FOR.get(algorithm) or KEY_FOR[algorithm[:2]])(kid)
