"""An answer over HTTP is written out while the database still commits its outcome; not a byte of it leaves before.

Whoever answers promises what the first byte waits for. If that does not come about, the refusal leaves alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit.journal import Durable, JournalUnavailable, Keeper

Instead: TypeAlias = Callable[[JournalUnavailable], bytes]
"""The JSON-RPC response that leaves in the place of an answer."""

_KEY = "snowgate.withheld"


class Withheld:
    """The response to one request."""

    __slots__ = ("_durable", "_send", "has_begun", "instead")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._durable: Durable | None = None
        self.instead: Instead | None = None
        self.has_begun = False

    def keeper(self) -> Keeper | None:
        """Who waits for an outcome: `until`, and nobody once a byte has left, for a refusal could not leave alone."""
        return None if self.has_begun else self.until

    def until(self, durable: Durable) -> None:
        """Let nothing leave before `durable` returns; if it raises, let `instead` leave and nothing else, ever."""
        self._durable = durable

    async def send(self, message: Message) -> None:
        """Pass `message` on once it may leave, if it may."""
        if self._durable is not None:
            try:
                await self._durable()
            except JournalUnavailable as refusal:
                await self._refuse(refusal)
                return
            self._durable = None
        self.has_begun = True
        await self._send(message)

    async def _refuse(self, refusal: JournalUnavailable) -> None:
        instead, self.instead = self.instead, None
        if instead is not None:
            body = instead(refusal)
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            self.has_begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send({"type": "http.response.body", "body": body})


@dataclass(frozen=True, slots=True)
class Withholding:
    """ASGI middleware through which each response leaves."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a response that can be withheld."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        withheld = scope[_KEY] = Withheld(send)
        await self.app(scope, receive, withheld.send)


def withheld_of(request: object, protocol_version: str) -> Withheld | None:
    """What leaves in answer to `request`, if it can be withheld: over HTTP and without a session.

    In a session of the handshake era another request may carry an answer; who answers waits there.
    """
    if protocol_version not in MODERN_PROTOCOL_VERSIONS or not isinstance(request, Request):
        return None
    withheld = request.scope.get(_KEY)
    return withheld if isinstance(withheld, Withheld) else None
