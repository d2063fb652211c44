"""A keep-alive socket that posts JSON and reads what comes, whole: HTTP/1.1 by hand, a tenth of a client's CPU."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anyio
import orjson
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.bench.target import WrongAnswer

HEAD_BYTES_MAX = 65_536
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
        self._stream: ByteStream | None = None
        self._reader: BufferedByteReceiveStream | None = None

    async def post(self, headers: Sequence[str], body: bytes) -> tuple[float, Response]:
        """Seconds from the request to the last byte, and the response.

        Raises:
            WrongAnswer: its status is no success.
        """
        lines = [self._line, *self._always, *headers, f"Content-Length: {len(body)}", "", ""]
        message = "\r\n".join(lines).encode() + body
        with anyio.fail_after(CALL_S_MAX):
            stream, reader = await self._connected()
            began = time.perf_counter()
            await stream.send(message)
            response = await _read(reader)
            self._used_at = time.perf_counter()
        if response.headers.get("connection", "").lower() == "close":
            await self.close()
        return self._used_at - began, response

    async def close(self) -> None:
        """Close the socket; the next request opens another."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    async def _connected(self) -> tuple[ByteStream, BufferedByteReceiveStream]:
        if self._stream is not None and time.perf_counter() - self._used_at > IDLE_S_MAX:
            await self.close()
        if self._stream is None or self._reader is None:
            self._stream = await anyio.connect_tcp(self._host, self._port)
            self._reader = BufferedByteReceiveStream(self._stream)
        return self._stream, self._reader


async def _read(reader: BufferedByteReceiveStream) -> Response:
    head = (await reader.receive_until(b"\r\n\r\n", HEAD_BYTES_MAX)).decode("latin-1")
    status, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.receive_exactly(int(headers.get("content-length", 0)))
    if status.split()[1] not in ("200", "202"):
        raise WrongAnswer(f"{status}: {body[:200]!r}")
    return Response(headers, body)


async def _chunks(reader: BufferedByteReceiveStream) -> bytes:
    parts = []
    while size := int(await reader.receive_until(b"\r\n", HEAD_BYTES_MAX), 16):
        parts.append(await reader.receive_exactly(size))
        await reader.receive_exactly(2)
    await reader.receive_exactly(2)
    return b"".join(parts)


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
