"""Clients of an MCP server over HTTP: a light one that measures, and the official one to hold it against.

The light one speaks 2026-07-28 by hand on keep-alive sockets: one POST a call. It takes a fraction of the CPU that the
official client takes, so that on a small machine the load does not outweigh the server.
"""

import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import anyio
import httpx2
import orjson
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.bench.cases import Query
from tests.bench.target import Answer, WrongAnswer

PROTOCOL = "2026-07-28"
HEAD_BYTES_MAX = 65_536
META = {
    "io.modelcontextprotocol/protocolVersion": PROTOCOL,
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
CALL_S_MAX = 60.0
IDLE_S_MAX = 2.0
"""How long a socket may lie idle and be used again; uvicorn closes them after five seconds."""

Kind = Literal["light", "official"]


class Caller(Protocol):
    """One client with at most one call in flight."""

    async def call(self, query: Query) -> tuple[Answer, dict[str, Any]]:
        """The time, and the structured content, of one answered call."""
        ...

    async def rest(self) -> None:
        """Give up what belongs to the task that called."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


class LightCaller:
    """One keep-alive socket."""

    def __init__(self, url: str, token: str, extra: dict[str, Any]) -> None:
        where = urlsplit(url)
        self._host, self._port = str(where.hostname), int(where.port or 80)
        self._extra = extra
        lines = [
            f"POST {where.path} HTTP/1.1", f"Host: {where.netloc}", "Content-Type: application/json",
            "Accept: application/json, text/event-stream", f"Authorization: Bearer {token}",
            f"MCP-Protocol-Version: {PROTOCOL}", "Mcp-Method: tools/call", "Mcp-Name: run_query", "Content-Length: ",
        ]  # fmt: skip
        self._head = "\r\n".join(lines).encode()
        self._number = 0
        self._used_at = 0.0
        self._stream: ByteStream | None = None
        self._reader: BufferedByteReceiveStream | None = None

    async def call(self, query: Query) -> tuple[Answer, dict[str, Any]]:
        """One POST and its answer."""
        self._number += 1
        params = {"name": "run_query", "arguments": {"sql": query.sql, **self._extra}, "_meta": META}
        request = {"jsonrpc": "2.0", "id": self._number, "method": "tools/call", "params": params}
        body = orjson.dumps(request)
        message = b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
        with anyio.fail_after(CALL_S_MAX):
            stream, reader = await self._connected()
            began = time.perf_counter()
            await stream.send(message)
            kind, received = await _read(reader)
            self._used_at = time.perf_counter()
        return Answer(self._used_at - began, len(received)), _checked(_result(kind, received), query)

    async def rest(self) -> None:
        """Keep the socket."""

    async def close(self) -> None:
        """Close the socket."""
        if self._stream is not None:
            await self._stream.aclose()

    async def _connected(self) -> tuple[ByteStream, BufferedByteReceiveStream]:
        if self._stream is not None and time.perf_counter() - self._used_at > IDLE_S_MAX:
            await self._stream.aclose()
            self._stream = None
        if self._stream is None or self._reader is None:
            self._stream = await anyio.connect_tcp(self._host, self._port)
            self._reader = BufferedByteReceiveStream(self._stream)
        return self._stream, self._reader


class OfficialCaller:
    """The SDK's own client, with a session for each burst: a session belongs to the task that opened it."""

    def __init__(self, url: str, token: str, extra: dict[str, Any]) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._extra = extra
        self._stack = AsyncExitStack()
        self._client: Client | None = None

    async def call(self, query: Query) -> tuple[Answer, dict[str, Any]]:
        """One `call_tool`; the size is that of its structured content written anew."""
        client = self._client or await self._connect()
        began = time.perf_counter()
        result = await client.call_tool("run_query", {"sql": query.sql, **self._extra})
        elapsed_s = time.perf_counter() - began
        content = _checked({"isError": result.is_error, "structuredContent": result.structured_content}, query)
        return Answer(elapsed_s, len(orjson.dumps(content))), content

    async def rest(self) -> None:
        """End the session; the next call opens another."""
        stack, self._stack, self._client = self._stack, AsyncExitStack(), None
        await stack.aclose()

    async def close(self) -> None:
        """End the session."""
        await self.rest()

    async def _connect(self) -> Client:
        http = await self._stack.enter_async_context(httpx2.AsyncClient(headers=self._headers, timeout=CALL_S_MAX))
        transport = streamable_http_client(self._url, http_client=http)
        self._client = await self._stack.enter_async_context(Client(transport, read_timeout_seconds=CALL_S_MAX))
        return self._client


class McpTarget:
    """An MCP server under measurement, and the callers that have been opened to it."""

    def __init__(self, name: str, url: str, *, kind: Kind, token: str, extra: dict[str, Any] | None = None) -> None:
        self.name = name
        self.url, self.token, self.extra = url, token, extra or {}
        self._kind = kind
        self._callers: list[Caller] = []

    async def burst(self, queries: Iterator[Query], in_flight: int) -> list[Answer]:
        """Run `queries` to their end with `in_flight` at a time."""
        while len(self._callers) < in_flight:
            self._callers.append(self._new_caller())
        answers: list[Answer] = []

        async def work(caller: Caller) -> None:
            try:
                for query in queries:
                    answer, _ = await caller.call(query)
                    answers.append(answer)
            finally:
                await caller.rest()

        async with anyio.create_task_group() as tasks:
            for caller in self._callers[:in_flight]:
                tasks.start_soon(work, caller)
        return answers

    async def content(self, query: Query) -> dict[str, Any]:
        """The structured content of one answer."""
        if not self._callers:
            self._callers.append(self._new_caller())
        try:
            _, content = await self._callers[0].call(query)
        finally:
            await self._callers[0].rest()
        return content

    def _new_caller(self) -> Caller:
        kind = LightCaller if self._kind == "light" else OfficialCaller
        return kind(self.url, self.token, self.extra)

    async def close(self) -> None:
        """Hang up all callers."""
        while self._callers:
            await self._callers.pop().close()


async def _read(reader: BufferedByteReceiveStream) -> tuple[str, bytes]:
    """The content type and the body of one HTTP/1.1 response."""
    head = (await reader.receive_until(b"\r\n\r\n", HEAD_BYTES_MAX)).decode("latin-1")
    status, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.receive_exactly(int(headers.get("content-length", 0)))
    if status.split()[1] != "200":
        raise WrongAnswer(f"{status}: {body[:200]!r}")
    return headers.get("content-type", ""), body


async def _chunks(reader: BufferedByteReceiveStream) -> bytes:
    parts = []
    while size := int(await reader.receive_until(b"\r\n", HEAD_BYTES_MAX), 16):
        parts.append(await reader.receive_exactly(size))
        await reader.receive_exactly(2)
    await reader.receive_exactly(2)
    return b"".join(parts)


def _result(kind: str, body: bytes) -> dict[str, Any]:
    """The JSON-RPC result in a body that is JSON, or a stream of events of which the last is the response."""
    if kind.startswith("text/event-stream"):
        body = [line[5:] for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip()][-1]
    message = orjson.loads(body)
    if "result" not in message:
        raise WrongAnswer(str(message.get("error"))[:300])
    result: dict[str, Any] = message["result"]
    return result


def _checked(result: dict[str, Any], query: Query) -> dict[str, Any]:
    content = result.get("structuredContent")
    if result.get("isError") or not isinstance(content, dict):
        raise WrongAnswer(f"refused: {content or result}"[:300])
    if len(content["rows"]) != query.rows:
        raise WrongAnswer(f"{len(content['rows'])} rows instead of {query.rows}")
    return content
