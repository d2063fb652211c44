"""A client of servers that know the handshake era alone, as all that we are measured beside do."""

from collections.abc import Iterator
from typing import Any

import orjson

from tests.bench.cases import Query
from tests.bench.client import Caller, McpTarget
from tests.bench.target import Answer, WrongAnswer
from tests.bench.wire import Wire, result_of

PROTOCOL = "2025-11-25"


class HandshakeCaller:
    """One session on one keep-alive socket; `tool` takes the statement as `argument`."""

    def __init__(self, url: str, tool: str, argument: str) -> None:
        self._wire = Wire(url)
        self._tool, self._argument = tool, argument
        self._head: list[str] = []
        self._numbers: Iterator[int] = iter(range(1, 1_000_000_000))

    async def call(self, query: Query) -> tuple[Answer, dict[str, Any]]:
        """One POST and its answer, which has one sign of each row."""
        if not self._head:
            await self._shake_hands()
        elapsed_s, body, result = await self._ask(
            "tools/call", {"name": self._tool, "arguments": {self._argument: query.sql}}
        )
        if result.get("isError"):
            raise WrongAnswer(f"refused: {result}"[:300])
        if body.count(query.sign.encode()) < query.rows:
            raise WrongAnswer(f"less than {query.rows} rows: {body[:300]!r}")
        return Answer(elapsed_s, len(body)), result

    async def rest(self) -> None:
        """Keep the session."""

    async def close(self) -> None:
        """Close the socket."""
        await self._wire.close()

    async def _shake_hands(self) -> None:
        about = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        request = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about}
        _, response = await self._wire.post([], orjson.dumps(request))
        self._head = [f"MCP-Protocol-Version: {result_of(response)['protocolVersion']}"]
        if session := response.headers.get("mcp-session-id"):
            self._head.append(f"Mcp-Session-Id: {session}")
        await self._wire.post(self._head, orjson.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    async def _ask(self, method: str, params: dict[str, Any]) -> tuple[float, bytes, dict[str, Any]]:
        request = {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": params}
        elapsed_s, response = await self._wire.post(self._head, orjson.dumps(request))
        return elapsed_s, response.body, result_of(response)


class HandshakeTarget(McpTarget):
    """A peer under measurement."""

    def __init__(self, name: str, url: str, *, tool: str, argument: str) -> None:
        super().__init__(name, url, kind="light", token="")
        self._tool, self._argument = tool, argument

    def new_caller(self) -> Caller:
        """One more client, with a session of its own."""
        return HandshakeCaller(self.url, self._tool, self._argument)
