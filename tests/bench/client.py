"""Clients of an MCP server over HTTP: a light one that measures, and the official one to hold it against.

The light one speaks 2026-07-28 by hand on keep-alive sockets: one POST a call. It takes a fraction of the CPU that the
official client takes, so that on a small machine the load does not outweigh the server.
"""

import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, Literal, Protocol

import anyio
import httpx2
import orjson
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.bench.cases import Query
from tests.bench.target import Answer, WrongAnswer
from tests.bench.wire import CALL_S_MAX, Wire, result_of

PROTOCOL = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": PROTOCOL,
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}

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
        self._wire = Wire(url)
        self._extra = extra
        self._head = [
            f"Authorization: Bearer {token}", f"MCP-Protocol-Version: {PROTOCOL}", "Mcp-Method: tools/call",
            "Mcp-Name: run_query",
        ]  # fmt: skip
        self._number = 0

    async def call(self, query: Query) -> tuple[Answer, dict[str, Any]]:
        """One POST and its answer."""
        self._number += 1
        params = {"name": "run_query", "arguments": {"sql": query.sql, **self._extra}, "_meta": META}
        request = {"jsonrpc": "2.0", "id": self._number, "method": "tools/call", "params": params}
        elapsed_s, response = await self._wire.post(self._head, orjson.dumps(request))
        return Answer(elapsed_s, len(response.body)), _checked(result_of(response), query)

    async def rest(self) -> None:
        """Keep the socket."""

    async def close(self) -> None:
        """Close the socket."""
        await self._wire.close()


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

    def new_caller(self) -> Caller:
        """One more client."""
        kind = LightCaller if self._kind == "light" else OfficialCaller
        return kind(self.url, self.token, self.extra)

    async def burst(self, queries: Iterator[Query], in_flight: int) -> list[Answer]:
        """Run `queries` to their end with `in_flight` at a time."""
        while len(self._callers) < in_flight:
            self._callers.append(self.new_caller())
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
            self._callers.append(self.new_caller())
        try:
            _, content = await self._callers[0].call(query)
        finally:
            await self._callers[0].rest()
        return content

    async def close(self) -> None:
        """Hang up all callers."""
        while self._callers:
            await self._callers.pop().close()


def _checked(result: dict[str, Any], query: Query) -> dict[str, Any]:
    content = result.get("structuredContent")
    if result.get("isError") or not isinstance(content, dict):
        raise WrongAnswer(f"refused: {content or result}"[:300])
    if len(content["rows"]) != query.rows:
        raise WrongAnswer(f"{len(content['rows'])} rows instead of {query.rows}")
    return content
