"""The floor: the least MCP server that answers a query, with nothing between the agent and Snowflake.

The official SDK's low-level server over HTTP, a pool of driver connections used in worker threads; the transport
options, the event loop and the driver are those of snowgate, so that the difference is what governing costs.

Runs as a process of its own: `python -m tests.bench.floor --port N --backend-port N`, or with `--stdio` for a
gateway that starts what it stands before.
"""

import argparse
import sys
from queue import LifoQueue
from typing import Any

import anyio
import uvicorn
from anyio import to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams, TextContent, Tool

from server.warehouse import prepare_process
from tests.bench.driver import Connection, connect

CONNECTIONS = 32
SCHEMA = {"type": "object", "properties": {"sql": {"type": "string"}}, "required": ["sql"]}


class Floor:
    """One tool, `run_query`, and a pool of connections that are opened as they are needed."""

    def __init__(self, backend_port: int) -> None:
        self._backend_port = backend_port
        self._pool: LifoQueue[Connection | None] = LifoQueue()
        for _ in range(CONNECTIONS):
            self._pool.put(None)
        self._threads = anyio.CapacityLimiter(CONNECTIONS)

    def server(self) -> Server[Any]:
        """The MCP server."""
        return Server(
            "floor",
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            get_tool_input_schema={"run_query": SCHEMA}.get,
        )

    async def list_tools(
        self, context: ServerRequestContext[Any, Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        """The one tool."""
        return ListToolsResult(tools=[Tool(name="run_query", description="Run a query.", input_schema=SCHEMA)])

    async def call_tool(self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams) -> CallToolResult:
        """Run whatever was sent."""
        sql = (params.arguments or {})["sql"]
        answer = await to_thread.run_sync(self._run, sql, limiter=self._threads)
        return CallToolResult(content=[TextContent(text="the rows are here")], structured_content=answer)

    def _run(self, sql: str) -> dict[str, Any]:
        connection = self._pool.get()
        try:
            connection = connection or connect(self._backend_port)
            with connection.cursor() as cursor:
                cursor.execute(sql)
                rows = [[_plain(value) for value in row] for row in cursor.fetchall()]
                columns = [{"name": meta.name} for meta in cursor.description or ()]
            return {"columns": columns, "rows": rows, "row_count": len(rows)}
        finally:
            self._pool.put(connection)


def _plain(value: Any) -> Any:
    """A value that JSON can hold: dates and decimals as text."""
    return value if value is None or isinstance(value, str | int | float) else str(value)


async def _converse(floor: Floor) -> None:
    server = floor.server()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def _serve(floor: Floor, port: int) -> None:
    config = uvicorn.Config(
        floor.server().streamable_http_app(), host="127.0.0.1", port=port, log_config=None, access_log=False
    )
    await uvicorn.Server(config).serve()


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int)
    where.add_argument("--stdio", action="store_true")
    parser.add_argument("--backend-port", type=int, required=True)
    given = parser.parse_args()
    prepare_process()
    floor, options = Floor(given.backend_port), {"use_uvloop": sys.platform != "win32"}
    if given.stdio:
        anyio.run(_converse, floor, backend_options=options)
    else:
        anyio.run(_serve, floor, given.port, backend_options=options)


if __name__ == "__main__":
    main()
