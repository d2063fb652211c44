"""A stand-in for Snowflake that costs almost nothing, so that what stands before it is seen by itself.

It speaks the driver's protocol, takes every login, answers from memory, sleeps as long as it is told to (the shape of a
real account), and counts. It is the token issuer of the run too: `/issuer` publishes the keys it was given.

It runs on the processors of the server under measurement, and must leave them to it: with 32 in flight and 60 ms of
sleep a point query costs it 0.06 ms of CPU, 0.12 ms where two processors have more to do than they can; by a server and
framework of ASGI's it was three times as much. It keeps no answer by a statement's text: new ones cost what others do.

Runs as a process of its own: `python -m tests.bench.backend --port N --keys FILE [--query-ms N] [--login-ms N]
[--tables N]`.
"""

import argparse
import asyncio  # noqa: TID251 - a real account runs elsewhere: streams and tasks would take CPU from what is measured
import json
import sys
import uuid
import zlib
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import anyio
import orjson
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from httptools import HttpRequestParser

from tests.bench.answers import reply_to

SESSION_PARAMETERS = [{"name": "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "value": 3_600}]
"""What older drivers do not start without."""

GZIP = 16 + zlib.MAX_WBITS
BACKLOG = 2_048

_SUCCESS = {"success": True, "code": None, "message": None}


@dataclass
class Counts:
    """What has been asked so far; `query_ms` is slept instead of the usual while it is set."""

    logins: int = 0
    queries: int = 0
    query_ms: float | None = None


class Request(NamedTuple):
    """One request; its body is unpacked already."""

    path: str
    body: bytes
    stays: bool
    """Whether the connection is to be kept."""


@dataclass(frozen=True, slots=True)
class Backend:
    """The stand-in's endpoints. `query_ms` and `login_ms` are slept before each answer; `tables` are beside TPC-H's."""

    port: int
    keys: dict[str, Any]
    query_ms: float
    login_ms: float
    tables: int
    counts: Counts

    def answer(self, request: Request) -> tuple[float, bytes]:
        """Milliseconds to sleep, and the JSON to answer with then."""
        match request.path:
            case "/queries/v1/query-request":
                self.counts.queries += 1
                slept_ms = self.query_ms if self.counts.query_ms is None else self.counts.query_ms
                return slept_ms, reply_to(orjson.loads(request.body)["sqlText"], self.tables)
            case "/session/v1/login-request":
                self.counts.logins += 1
                return self.login_ms, orjson.dumps({**_SUCCESS, "data": self._session()})
            case "/_stats":
                return 0, orjson.dumps(asdict(self.counts))
            case "/_pace":
                self.counts.query_ms = orjson.loads(request.body)["query_ms"]
                return 0, b"null"
            case "/issuer/.well-known/openid-configuration":
                issuer = f"http://127.0.0.1:{self.port}/issuer"
                return 0, orjson.dumps({"issuer": issuer, "jwks_uri": f"{issuer}/jwks.json"})
            case "/issuer/jwks.json":
                return 0, orjson.dumps(self.keys)
            case _:
                return 0, orjson.dumps({**_SUCCESS, "data": None})

    def _session(self) -> dict[str, Any]:
        session = {"databaseName": None, "schemaName": None, "warehouseName": "BENCH_WH", "roleName": "BENCH_RO"}
        return {
            "token": str(uuid.uuid4()), "masterToken": str(uuid.uuid4()), "validityInSeconds": 3_600,
            "masterValidityInSeconds": 14_400, "sessionId": 1_000 + self.counts.logins, "sessionInfo": session,
            "parameters": SESSION_PARAMETERS,
        }  # fmt: skip


class Conversation(asyncio.Protocol):
    """One connection: its requests are answered in turn, however they are cut into packets.

    What cannot be understood ends it, and the loop logs why.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._parser = HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._sleep: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where the answers go."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        """Nobody waits any more."""
        if self._sleep:
            self._sleep.cancel()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)
        self._go_on()

    def on_message_begin(self) -> None:
        """Of the parser: a request follows, in parts."""
        self._url, self._body, self._is_packed = b"", b"", False

    def on_url(self, url: bytes) -> None:
        """Of the parser."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of the parser: one header, whole."""
        if value == b"gzip" and name.lower() == b"content-encoding":
            self._is_packed = True

    def on_body(self, body: bytes) -> None:
        """Of the parser."""
        self._body += body

    def on_message_complete(self) -> None:
        """Of the parser: the request is whole."""
        body = zlib.decompress(self._body, GZIP) if self._is_packed else self._body
        path = self._url.partition(b"?")[0].decode()
        self._waiting.append(Request(path, body, self._parser.should_keep_alive()))

    def _go_on(self) -> None:
        """Answer what waits, up to the first answer that is slept for."""
        while self._waiting and not self._sleep:
            request = self._waiting.popleft()
            milliseconds, body = self._backend.answer(request)
            if milliseconds:
                later = asyncio.get_running_loop().call_later
                self._sleep = later(milliseconds / 1_000, self._awake, request, body)
            else:
                self._send(request, body)

    def _awake(self, request: Request, body: bytes) -> None:
        self._sleep = None
        self._send(request, body)
        self._go_on()

    def _send(self, request: Request, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.writelines((head, body))
        if not request.stays:
            self._transport.close()


async def serve(backend: Backend, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
    """Answer until cancelled; it has started once it listens."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conversation(backend), "127.0.0.1", backend.port, backlog=BACKLOG)
    task_status.started()
    await server.serve_forever()


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--query-ms", type=float, default=0)
    parser.add_argument("--login-ms", type=float, default=0)
    parser.add_argument("--tables", type=int, default=0, help="how many the catalog has beside TPC-H's")
    given = parser.parse_args()
    keys = json.loads(given.keys.read_text(encoding="utf-8"))
    backend = Backend(given.port, keys, given.query_ms, given.login_ms, given.tables, Counts())
    anyio.run(serve, backend, backend_options={"use_uvloop": sys.platform != "win32"})


if __name__ == "__main__":
    main()
