"""A keep-alive socket that posts JSON and reads what comes, whole.

It runs on the processors of the server under measurement, and must leave them to it: a request and its answer cost
0.05 ms of CPU, a whole call of the light client 0.12 ms where two processors have more to do than they can; by anyio's
streams it was twice as much.
"""

import asyncio  # noqa: TID251 - the load runs beside the server: anyio's streams would take CPU from what is measured
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import orjson
from httptools import HttpParserError, HttpResponseParser

from tests.bench.target import WrongAnswer

CALL_S_MAX = 60.0
IDLE_S_MAX = 2.0
"""How long a socket may lie idle and be used again; uvicorn closes them after five seconds."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came: header names in lower case."""

    headers: Mapping[str, str]
    body: bytes


class Wire:
    """One socket to one address; at most one request in flight."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._host, self._port = str(where.hostname), int(where.port or 80)
        self._line = f"POST {where.path} HTTP/1.1"
        self._always = [
            f"Host: {where.netloc}", "Content-Type: application/json", "Accept: application/json, text/event-stream",
        ]  # fmt: skip
        self._used_at = 0.0
        self._socket: _Socket | None = None

    async def post(self, headers: Sequence[str], body: bytes) -> tuple[float, Response]:
        """Seconds from the request to the last byte, and the response.

        Raises:
            WrongAnswer: it is no HTTP, or its status is no success.
            ConnectionError: nobody listens, or the other side hangs up in the middle.
            TimeoutError: the response is not whole in time.
        """
        lines = [self._line, *self._always, *headers, f"Content-Length: {len(body)}", "", ""]
        message = "\r\n".join(lines).encode() + body
        socket = await self._connected()
        began = time.perf_counter()
        response = await socket.ask(message)
        self._used_at = time.perf_counter()
        return self._used_at - began, response

    async def close(self) -> None:
        """Close the socket; the next request opens another."""
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    async def _connected(self) -> "_Socket":
        socket = self._socket
        if socket is not None and socket.is_free and time.perf_counter() - self._used_at <= IDLE_S_MAX:
            return socket
        await self.close()
        with anyio.fail_after(CALL_S_MAX):
            loop = asyncio.get_running_loop()
            _, self._socket = await loop.create_connection(_Socket, self._host, self._port)
        return self._socket


class _Socket(asyncio.Protocol):
    """An open connection, and what has come of the response that is waited for."""

    is_free = False
    """Whether it is open, and nothing is due on it."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None

    async def ask(self, message: bytes) -> Response:
        """Send `message` and wait for the response; whoever is cancelled meanwhile leaves a socket that is not free."""
        loop = asyncio.get_running_loop()
        self.is_free, self._answer = False, loop.create_future()
        late = loop.call_later(CALL_S_MAX, self._fail, TimeoutError(f"not answered within {CALL_S_MAX:g} s"))
        self._transport.write(message)
        try:
            return await self._answer
        finally:
            late.cancel()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where requests go."""
        self._transport, self.is_free = cast(asyncio.Transport, transport), True

    def connection_lost(self, why: Exception | None) -> None:
        """The end of whatever was waited for."""
        self.is_free = False
        self._fail(ConnectionError(f"hung up: {why}"))

    def data_received(self, data: bytes) -> None:
        """Read on."""
        try:
            self._parser.feed_data(data)
        except HttpParserError as err:
            self._fail(WrongAnswer(f"no HTTP: {err!r}"))

    def on_message_begin(self) -> None:
        """Of the parser: a response follows, in parts."""
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of the parser: one header, whole."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Of the parser."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """Of the parser: the response is whole."""
        status, body = self._parser.get_status_code(), b"".join(self._parts)
        if status not in (200, 202):
            self._fail(WrongAnswer(f"HTTP {status}: {body[:200]!r}"))
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(Response(self._headers, body))
            self.is_free = self._parser.should_keep_alive()

    def _fail(self, error: Exception) -> None:
        """Let who waits know; the socket is not used again."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def result_of(response: Response) -> dict[str, Any]:
    """The JSON-RPC result in a body that is JSON, or a stream of events of which the last is the response.

    Raises:
        WrongAnswer: it is an error.
    """
    body = response.body
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        body = [line[5:] for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip()][-1]
    message = orjson.loads(body)
    if "result" not in message:
        raise WrongAnswer(str(message.get("error"))[:300])
    result: dict[str, Any] = message["result"]
    return result
