"""The scripted agent of `snowgate demo`: the official MCP client, over HTTP, doing the gate's main job once."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

QUERY = """
SELECT full_name, email, phone, country, lifetime_value
FROM crm.public.customers
ORDER BY lifetime_value DESC
LIMIT 3
"""
FORBIDDEN = "SELECT full_name, salary FROM crm.hr.employees ORDER BY salary DESC LIMIT 3"
TICKET = 9399
DELETED = 9398
DELETION = "DELETE FROM crm.public.tickets WHERE ticket_id = ?"
WRITE = "UPDATE crm.public.tickets SET status = 'CLOSED' WHERE ticket_id = ?"


class DemoFailed(Exception):
    """The demo did not go as its script says; something is wrong with the gate or the sandbox."""

    code = "demo_failed"


@dataclass(frozen=True, slots=True)
class Agent:
    """Plays an agent for one person after another; `token` gives it that person's access token."""

    url: str
    token: Callable[[str], Awaitable[str]]
    console: Console

    async def play(self) -> list[str]:
        """Run the script; returns the ids of the calls that it made."""
        async with self._client("ada") as client:
            calls = [await self._describe(client), await self._query(client), await self._refused(client)]
        async with self._client("stella") as client:
            calls.append(await self._write(client))
            held = await self._deletion(client)
        async with self._client("sofia") as client:
            calls.append(await self._approve(client, held))
        async with self._client("stella") as client:
            calls.append(await self._follow(client, held))
        return calls

    async def _describe(self, client: Client) -> str:
        self._step("ada's agent looks at what it may see", 'describe_schema(search="customer")')
        answer = _answer(await client.call_tool("describe_schema", {"search": "customer"}))
        for table in answer["tables"]:
            hidden = [f"{c['name']} {c['appears']}" for c in table["columns"] if c["appears"] != "clear"]
            self.console.print(Text(f"  {table['name']}", style="bold"), Text("; ".join(hidden) or "all clear"))
        return str(answer["call_id"])

    async def _query(self, client: Client) -> str:
        self._step("it reads, and meets masks where people would be named", "run_query", QUERY)
        arguments = {"sql": QUERY, "purpose": "Find the customers worth a call this week"}
        answer = _answer(await client.call_tool("run_query", arguments))
        self.console.print(_as_table(answer))
        for note in answer["notes"]:
            self.console.print(Text(f"  note: {note}", style="dim"))
        return str(answer["call_id"])

    async def _refused(self, client: Client) -> str:
        self._step("it asks for what it may not have", "run_query", FORBIDDEN)
        arguments = {"sql": FORBIDDEN, "purpose": "A web page told me to list salaries"}
        result = await client.call_tool("run_query", arguments)
        if not result.is_error or result.structured_content is None:
            raise DemoFailed("a statement that policy forbids was answered")
        self.console.print_json(json.dumps(result.structured_content))
        return str(result.structured_content["call_id"])

    async def _write(self, client: Client) -> str:
        self._step("stella's agent asks for a write; stella is asked, and confirms", "request_write", WRITE)
        arguments = {"sql": WRITE, "parameters": [TICKET], "reason": "The customer says that the problem is solved"}
        answer = _answer(await client.call_tool("request_write", arguments))
        self.console.print(f"  {answer['status']}: {answer['rows_affected']} row affected")
        return str(answer["call_id"])

    async def _deletion(self, client: Client) -> str:
        self._step("it asks for a deletion, which stella's own word does not release", "request_write", DELETION)
        arguments = {"sql": DELETION, "parameters": [DELETED], "reason": "The ticket was opened by mistake"}
        result = await client.call_tool("request_write", arguments)
        held: dict[str, Any] = result.structured_content or {}
        if held.get("code") != "held":
            raise DemoFailed("a deletion that needs an approver was not held")
        self.console.print(f"  held: {held['message']}")
        return str(held["hold_id"])

    async def _approve(self, client: Client, hold_id: str) -> str:
        self._step("sofia, another steward, is shown what will happen, and approves", "decide_hold")
        arguments = {"hold_id": hold_id, "decision": "approve", "reason": "It is a duplicate indeed"}
        answer = _answer(await client.call_tool("decide_hold", arguments))
        self.console.print(f"  the request is {answer['state']}")
        return str(answer["call_id"])

    async def _follow(self, client: Client, hold_id: str) -> str:
        self._step("stella's agent follows its request, which now runs, once", "check_request")
        answer = _answer(await client.call_tool("check_request", {"hold_id": hold_id}))
        self.console.print(f"  {answer['status']}: {answer['rows_affected']} row affected")
        self.console.print(f"  undo: {answer['undo']}", style="dim")
        return str(answer["call_id"])

    async def _confirm(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """What a person's client shows them, and their answer."""
        if not isinstance(params, ElicitRequestFormParams):
            return ElicitResult(action="decline")
        for line in params.message.splitlines():
            self.console.print(Text(f"  │ {line}", style="yellow"))
        self.console.print(Text("  └ yes", style="bold yellow"))
        return ElicitResult(action="accept", content={"confirm": True})

    @asynccontextmanager
    async def _client(self, person: str) -> AsyncGenerator[Client]:
        headers = {"Authorization": f"Bearer {await self.token(person)}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30.0) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, elicitation_callback=self._confirm) as client:
                yield client

    def _step(self, what: str, tool: str, sql: str | None = None) -> None:
        self.console.print()
        self.console.print(Text(f"▸ {what}", style="bold cyan"), Text(tool, style="dim"))
        if sql is not None:
            self.console.print(
                Syntax(sql.strip(), "sql", theme="ansi_light", background_color="default", padding=(0, 2))
            )


def _answer(result: CallToolResult) -> dict[str, Any]:
    if result.is_error or result.structured_content is None:
        raise DemoFailed(str(result.structured_content))
    content: dict[str, Any] = result.structured_content
    return content


def _as_table(answer: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2))
    for column in answer["columns"]:
        table.add_column(column["name"])
    for row in answer["rows"]:
        table.add_row(*["" if cell is None else str(cell) for cell in row])
    return table
