"""A certified OpenID provider as a process of its own, and the official MCP client that signs people in with it."""

import base64
import hashlib
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urljoin, urlparse

import anyio
import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from server.sandbox.children import listens
from tests.support import npm
from tests.support.watching import eventually

HOME = Path(__file__).parent / "oidc_provider"
CALLBACK = "http://127.0.0.1:1/callback"
"""Where a browser would be sent with the code. Nothing listens there."""

INTROSPECTOR = "gate", "a secret that only the gate and its provider know"
HOPS_MAX = 20


@dataclass(frozen=True)
class Provider:
    """A running provider. Its people consent to what `consent` last said of them."""

    issuer: str
    resource: str

    async def consent(self, person: str, *scopes: str) -> None:
        async with httpx2.AsyncClient() as http:
            told = {"person": person, "scopes": " ".join(scopes)}
            (await http.post(f"{self.issuer}/consents", params=told)).raise_for_status()

    async def revoke(self, token: str, client: OAuthClientInformationFull) -> None:
        """Revoke a token as its client (RFC 7009)."""
        async with httpx2.AsyncClient() as http:
            form = {"token": token, "client_id": client.client_id, "client_secret": client.client_secret or ""}
            (await http.post(f"{self.issuer}/token/revocation", data=form)).raise_for_status()


def installed() -> None:
    """Install the provider from its lock file, once; skip the test where there is no Node that runs it."""
    node = shutil.which("node")
    if node is not None:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
        if int(version.lstrip("v").split(".")[0]) < 20:
            pytest.skip(f"the OpenID provider needs Node 20 or newer, and this is {version.strip()}")
    npm.install(HOME, "the OpenID provider")


@asynccontextmanager
async def provider(
    port: int, resource: str, *, tokens: Literal["jwt", "opaque"] = "jwt", person: str = "ada", groups: list[str]
) -> AsyncGenerator[Provider]:
    """The provider on `port` while inside; `person` is who signs in, and consents to reading and writing."""
    await anyio.to_thread.run_sync(installed)
    settings = {
        "port": port, "resource": resource, "format": tokens, "person": person, "introspector": INTROSPECTOR[1],
        "accounts": {person: {"groups": groups, "scopes": ["snowgate:read", "snowgate:write"]}},
    }  # fmt: skip
    command = ["node", str(HOME / "provider.mjs"), json.dumps(settings)]
    async with await anyio.open_process(command, stdout=None, stderr=None) as process:
        try:
            await eventually(lambda: listens(port) or process.returncode is not None, within_s=60)
            assert process.returncode is None
            yield Provider(f"http://127.0.0.1:{port}", resource)
        finally:
            if process.returncode is None:
                process.terminate()


@dataclass
class Holder(httpx2.AsyncBaseTransport):
    """Makes a client a holder of a key (RFC 9449), below it: the official client knows bearer tokens alone.

    Requests for tokens and requests with one get a proof; what is issued is called a bearer token to the client.
    """

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    network: httpx2.AsyncBaseTransport = field(default_factory=httpx2.AsyncHTTPTransport)
    sent: list[httpx2.Request] = field(default_factory=list)
    """Requests with an access token, as they were sent."""

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        claims = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": int(time.time())}
        if token is not None:
            digest = hashlib.sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}
        return jwt.encode(header, claims, self.key)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url.copy_with(query=None))
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            request.headers["authorization"] = f"DPoP {token}"
            request.headers["dpop"] = self.proof(request.method, url, token)
            self.sent.append(request)
        elif request.url.path == "/token":
            request.headers["dpop"] = self.proof(request.method, url)
        response = await self.network.handle_async_request(request)
        if request.url.path != "/token" or response.status_code != 200:
            return response
        issued = json.loads(await response.aread())
        assert issued["token_type"] == "DPoP"
        return httpx2.Response(200, json={**issued, "token_type": "Bearer"}, request=request)

    async def aclose(self) -> None:
        await self.network.aclose()


@dataclass
class Agent:
    """The official client's OAuth, with a person who signs in and consents as the provider's pages would have them."""

    url: str
    tokens: list[OAuthToken] = field(default_factory=list)
    client: OAuthClientInformationFull | None = None
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    """The query of each authorization request."""
    _landed: str = ""

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens[-1] if self.tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    async def _browse(self, url: str) -> None:
        """Follow the provider's redirects, with its cookies, to the callback."""
        self.asked.append(parse_qs(urlparse(url).query))
        async with httpx2.AsyncClient(follow_redirects=False, timeout=20) as browser:
            for _ in range(HOPS_MAX):
                if url.startswith(CALLBACK):
                    break
                response = await browser.get(url)
                assert response.is_redirect, response.text[:500]
                url = urljoin(url, response.headers["location"])
        self._landed = url

    async def _landing(self) -> AuthorizationCodeResult:
        query = {name: values[0] for name, values in parse_qs(urlparse(self._landed).query).items()}
        return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))

    @asynccontextmanager
    async def connected(self, holder: Holder | None = None, **options: Any) -> AsyncGenerator[Client]:
        """A connected client that knows nothing but the gate's address; with a holder it has a key, too."""
        metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)], client_name="an agent")
        auth = OAuthClientProvider(self.url, metadata, self, self._browse, self._landing)
        async with (
            httpx2.AsyncClient(auth=auth, timeout=30, transport=holder) as http,
            Client(streamable_http_client(self.url, http_client=http), **options) as client,
        ):
            yield client
