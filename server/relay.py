"""Hands requests of the handshake era on to the worker that keeps their sessions, as they are.

Nothing is decided here: the first worker checks the token, the host and the origin of what it is handed, as of anything
that it hears itself.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

CONNECT_S_MAX = 5.0
CONNECT_RETRIES = 4
"""With the pauses between them: some seconds in which a first worker that died is there again."""

VERSION_HEADER = b"mcp-protocol-version"
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade"})
"""RFC 9110 section 7.6.1."""

_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})
"""RFC 9112 section 6: a request has a body if it has one of these."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Serves `path` itself for clients that name a protocol version which has no sessions, and relays the rest."""

    app: ASGIApp
    path: str
    with_sessions: frozenset[str]
    first: httpx2.AsyncClient

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the first worker answer."""
        if scope["type"] != "http" or scope["path"] != self.path or self._is_free(scope):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        has_body = not _BODY_HEADERS.isdisjoint(name for name, _ in scope["headers"])
        try:
            answer = await self.first.send(
                self.first.build_request(
                    request.method,
                    httpx2.URL(f"http://first{self.path}", query=scope["query_string"]),
                    headers=[pair for pair in scope["headers"] if pair[0] not in _HOP_BY_HOP],
                    content=request.stream() if has_body else None,
                ),
                stream=True,
            )
        except httpx2.TransportError:
            unreachable = PlainTextResponse("the worker that keeps sessions is not there; try again", status_code=503)
            await unreachable(scope, receive, send)
            return
        relayed = StreamingResponse(answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose))
        relayed.raw_headers = [pair for pair in answer.headers.raw if pair[0].lower() not in _HOP_BY_HOP]
        await relayed(scope, receive, send)

    def _is_free(self, scope: Scope) -> bool:
        version = next((value.decode("latin-1") for name, value in scope["headers"] if name == VERSION_HEADER), None)
        return version is not None and version not in self.with_sessions


@asynccontextmanager
async def to_first(first_socket: Path) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the first worker; it waits as long as an answer takes."""
    over = httpx2.AsyncHTTPTransport(
        uds=str(first_socket), retries=CONNECT_RETRIES, limits=httpx2.Limits(max_connections=None)
    )
    timeout = httpx2.Timeout(None, connect=CONNECT_S_MAX)
    async with httpx2.AsyncClient(transport=over, timeout=timeout, trust_env=False) as client:
        yield client
