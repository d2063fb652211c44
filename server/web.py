"""The HTTP door: who may come in, from where, and what a client without a token is told.

Authentication wiring is the MCP SDK's; a token that is refused here is journaled, for it never reaches the line.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url
from mcp.server.auth.settings import AuthSettings
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit.journal import Journal
from audit.unavailable import JournalUnavailable
from server.config import Settings
from server.identity import Verifier
from server.line import Bearer
from server.refusals import Unauthenticated
from tools.manifest import offers

PATH = "/mcp"
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Doorkeeper(TokenVerifier):
    """Lets proven callers in, and journals those who are not."""

    verifier: Verifier
    journal: Journal
    resource: str

    async def verify_token(self, token: str) -> AccessToken | None:
        """The token's proof in the SDK's terms; None turns the caller away with 401."""
        try:
            proof = await self.verifier.verify(Bearer(token))
        except Unauthenticated as refusal:
            call_id = "call_" + secrets.token_urlsafe(12)
            await self.journal.append(call_id, "refused", {"code": refusal.code, "transport": "http"})
            return None
        return AccessToken(
            token=token,
            client_id=proof.client_id,
            scopes=sorted(proof.principal.scopes),
            expires_at=proof.expires_at,
            resource=self.resource,
            subject=proof.principal.subject,
            claims={"iss": proof.principal.issuer},
        )


@dataclass(frozen=True, slots=True)
class Challenge:
    """Completes the SDK's 401 with the scopes to ask for, and with no `error` where no token was sent (RFC 6750 3.1).

    Also the last line of defence: a journal that cannot take the refusal still refuses, with 503.
    """

    app: ASGIApp
    scopes: str
    metadata_url: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, mending the answer's challenge."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent_token = any(name == b"authorization" for name, _ in scope["headers"])

        async def mend(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                error = 'error="invalid_token", ' if sent_token else ""
                MutableHeaders(scope=message)["www-authenticate"] = (
                    f'Bearer {error}scope="{self.scopes}", resource_metadata="{self.metadata_url}"'
                )
            await send(message)

        try:
            await self.app(scope, receive, mend)
        except JournalUnavailable as refusal:
            await PlainTextResponse(f"{refusal.code}: {refusal.message}", status_code=503)(scope, receive, send)


def http_app(server: Server[Any], settings: Settings, verifier: Verifier, journal: Journal) -> Starlette:
    """The ASGI application that serves `server`, with authentication unless there is one local principal for all."""
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=_with_ports(settings.allowed_hosts or (*LOCAL_HOSTS, settings.host)),
        allowed_origins=list(settings.allowed_origins) or [f"http://{host}:*" for host in LOCAL_HOSTS],
    )
    routes = [Route("/healthz", _healthy, methods=["GET"])]
    if settings.issuer is None or settings.resource is None:
        return server.streamable_http_app(
            streamable_http_path=PATH, transport_security=security, custom_starlette_routes=routes
        )
    resource = AnyHttpUrl(settings.resource)
    scopes = sorted({offer.manifest.scope for offer in offers()})
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        transport_security=security,
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(settings.issuer),
            resource_server_url=resource,
            required_scopes=[],
            validate_token_resource=True,
        ),
        token_verifier=Doorkeeper(verifier, journal, settings.resource),
        custom_starlette_routes=routes,
    )
    metadata_url = str(build_resource_metadata_url(resource))
    app.user_middleware.insert(0, Middleware(Challenge, scopes=" ".join(scopes), metadata_url=metadata_url))
    return app


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok")


def _with_ports(hosts: tuple[str, ...]) -> list[str]:
    return [name for host in dict.fromkeys(hosts) for name in (host, f"{host}:*")]
