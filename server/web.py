"""The HTTP door: who may come in, from where, and where a client without a token learns whom to ask for one."""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from mcp.server.auth.routes import build_resource_metadata_url, cors_middleware
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from audit.journal import Journal
from server.config import Settings
from server.dpop import Possession, ProofStore
from server.gatekeeper import Challenge, Gatekeeper
from server.identity import Verifier
from server.issuers import ALGORITHMS, IssuerTrust, scopes_of
from server.readiness import Readiness
from server.withheld import Withholding
from tools.manifest import offers

if TYPE_CHECKING:
    from server.console.app import Console  # loaded where there is one

PATH = "/mcp"
HEALTH_PATH = "/healthz"
READY_PATH = "/readyz"
METADATA_PATH = "/.well-known/oauth-protected-resource"
WITH_SESSIONS = frozenset(HANDSHAKE_PROTOCOL_VERSIONS)
"""Protocol versions whose clients shake hands first, and then belong to the process that they did it with."""

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def http_app(
    server: Server[Any],
    settings: Settings,
    trusts: Sequence[IssuerTrust],
    verifier: Verifier,
    journal: Journal,
    proofs: ProofStore,
    readiness: Readiness,
    console: "Console | None" = None,
) -> Starlette:
    """The ASGI application that serves `server`, with authentication unless there is one local principal for all."""
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=_with_ports(settings.allowed_hosts or (*LOCAL_HOSTS, settings.host)),
        allowed_origins=list(settings.allowed_origins) or [f"http://{host}:*" for host in LOCAL_HOSTS],
    )
    routes = [
        Route(HEALTH_PATH, _healthy, methods=["GET"]),
        Route(READY_PATH, _ready(readiness), methods=["GET"]),
    ]
    if not trusts or settings.resource is None:
        return _app(server, security, routes)
    metadata_url = str(build_resource_metadata_url(AnyHttpUrl(settings.resource)))
    metadata_paths = sorted({METADATA_PATH, AnyHttpUrl(metadata_url).path or METADATA_PATH})
    endpoint = cors_middleware(_metadata(settings.resource, trusts), ["GET", "OPTIONS"])
    routes += [Route(path, endpoint, methods=["GET", "OPTIONS"]) for path in metadata_paths]
    app = _app(server, security, routes)
    keeper = Middleware(
        Gatekeeper,
        verifier=verifier,
        journal=journal,
        possession=Possession(settings.resource, proofs, settings.token_leeway_s),
        challenge=Challenge(metadata_url, tool_scopes(), trusts[0].scope_prefix),
        open_paths=frozenset({HEALTH_PATH, READY_PATH, *metadata_paths} | ({console.path} if console else set())),
        open_below=None if console is None else console.path,
    )
    if console is not None:
        app.router.routes += [Route(console.path, _to(console.path + "/")), Mount(console.path, console.app())]
    app.user_middleware.insert(0, keeper)
    return app


def _app(server: Server[Any], security: TransportSecuritySettings, routes: list[Route]) -> Starlette:
    app = server.streamable_http_app(
        streamable_http_path=PATH, transport_security=security, custom_starlette_routes=routes
    )
    app.user_middleware.append(Middleware(Withholding))
    return app


def tool_scopes() -> dict[str, tuple[str, ...]]:
    """The OAuth scopes one of which each tool needs."""
    return {offer.tool.name: offer.manifest.scopes for offer in offers()}


def protected_resource(resource: str, trusts: Sequence[IssuerTrust]) -> dict[str, Any]:
    """The metadata of RFC 9728 section 2; URLs are told as they were configured, for clients compare them as text."""
    scopes = sorted(set(chain.from_iterable(tool_scopes().values())))
    return {
        "resource": resource,
        "resource_name": "snowgate",
        "authorization_servers": [trust.issuer for trust in trusts],
        "scopes_supported": list(dict.fromkeys(scope for trust in trusts for scope in scopes_of(trust, scopes))),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": all(trust.dpop == "required" for trust in trusts),
    }


def _metadata(resource: str, trusts: Sequence[IssuerTrust]) -> Any:
    document = protected_resource(resource, trusts)

    async def answer(_: Request) -> Response:
        return JSONResponse(document, headers={"cache-control": "public, max-age=300"})

    return answer


def _to(path: str) -> Any:
    async def answer(_: Request) -> Response:
        return RedirectResponse(path, 308)

    return answer


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok")


def _ready(readiness: Readiness) -> Any:
    async def answer(_: Request) -> Response:
        missing = readiness.missing()
        said = f"not ready: {', '.join(missing)}" if missing else "ready"
        return PlainTextResponse(said, 503 if missing else 200, {"cache-control": "no-store"})

    return answer


def _with_ports(hosts: tuple[str, ...]) -> list[str]:
    return [name for host in dict.fromkeys(hosts) for name in (host, f"{host}:*")]
