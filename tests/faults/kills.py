"""Kills a replica at a step of an approved write, lets another finish, and counts what was done.

`python -m tests.faults.kills 200` does it 200 times, at every step in turn, and prints the counts; the suite does it
once a step.
"""

import socket
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import text

from server.database import open_engine
from server.migrating import migrate
from server.sandbox.issuer import mint
from tests.support.clients import Answering, Gate, answer, refusal
from tests.support.databases import reachable_directory
from tests.support.gates import serving
from tests.support.sandbox import connection, rows
from tests.support.watching import eventually

SQL = "UPDATE crm.public.customers SET lifetime_value = lifetime_value + 1 WHERE customer_id = ?"
STEPS = {
    "before it begins": "information_schema.columns",
    "at BEGIN": "BEGIN",
    "at the change": "UPDATE",
    "at COMMIT": "COMMIT",
    "after COMMIT": "",
}
"""The statement at whose arrival in Snowflake the gate is killed; none: as soon as the change was committed."""


@dataclass
class Kills:
    """Kills replicas that serve at `port` beside the gate that goes on, and counts."""

    gate: Gate
    port: int
    counts: Counter[str] = field(default_factory=Counter)

    async def once(self, step: str, customer: int) -> None:
        """One write, killed at `step` and followed to its end through another replica."""
        before = self.value(customer)
        hold_id = await self.held(customer)
        assert self.value(customer) == before, "something ran that nobody had confirmed"
        async with self.serving() as process, anyio.create_task_group() as tasks:
            containing = STEPS[step]
            awaited = containing or "COMMIT"
            seen = len(self.arrived(awaited))
            if containing:
                await self.gate.sandbox.lookalike.delay_next(containing, 1.0)
            tasks.start_soon(self.attempt, hold_id)
            await eventually(lambda: len(self.arrived(awaited)) > seen, within_s=60)
            process.kill()
            await process.wait()
            tasks.cancel_scope.cancel()
        async with open_engine(self.gate.settings.database_url.get_secret_value()) as engine, engine.begin() as db:
            await db.execute(text("update gate.hold set claim_until = now() where state = 'executing'"))
        async with self.gate.client("stella", user=Answering()) as client:
            said = await self.follow(client, hold_id)
        done = self.value(customer) - before
        self.counts["kills"] += 1
        self.counts["double effects"] += done > 1
        self.counts["approved and lost"] += done < 1
        self.counts[f"told as {said.get('status') or said.get('code')}"] += 1

    async def held(self, customer: int) -> str:
        arguments = {"sql": SQL, "parameters": [customer], "reason": f"kill {self.counts['kills']}"}
        async with self.gate.client("stella") as client:
            return str(refusal(await client.call_tool("request_write", arguments))["hold_id"])

    async def attempt(self, hold_id: str) -> None:
        """Confirm and run, and bear that the gate dies of it."""
        try:
            async with self.client() as client:
                await self.follow(client, hold_id)
        except* (httpx2.HTTPError, MCPError, OSError):
            pass

    async def follow(self, client: Client, hold_id: str) -> dict[str, Any]:
        result = await client.call_tool("check_request", {"hold_id": hold_id})
        return refusal(result) if result.is_error else answer(result)

    def arrived(self, containing: str) -> list[str]:
        """Statements of this kind that have reached Snowflake in writes."""
        queries = self.gate.sandbox.lookalike.queries()
        return [each.query_id for each in queries if containing in each.sql and "snowgate_" in each.tag]

    def value(self, customer: int) -> int:
        with connection(self.gate.sandbox.state, "STELLA", "STEWARD_RO") as session:
            sql = "SELECT lifetime_value FROM crm.public.customers WHERE customer_id = ?"
            [(value,)] = rows(session, sql, customer)
        return int(value)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[Any]:
        settings = {"SNOWGATE_RESOURCE": self.gate.sandbox.state.resource_url}
        async with serving(self.gate.sandbox, port=self.port, **settings) as process:
            yield process

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        """A client of the replica that will be killed, whose user says yes."""
        own = self.gate.sandbox.state.ports.gate
        url = self.gate.sandbox.state.resource_url.replace(f":{own}/", f":{self.port}/")
        headers = {"Authorization": f"Bearer {mint(self.gate.sandbox.state, 'stella')}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http), elicitation_callback=Answering()) as client,
        ):
            yield client


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def main(times: int) -> int:
    """Kill `times` gates on a sandbox of its own; exit code 1 if an effect was lost, doubled or not approved."""
    from server.sandbox.run import running_sandbox, write_env_file
    from tests.support.gates import POLICY

    async with AsyncExitStack() as stack:
        home = stack.enter_context(reachable_directory())
        sandbox = await stack.enter_async_context(running_sandbox(home, scale=0.001))
        await migrate(sandbox.environment["SNOWGATE_ADMIN_DATABASE_URL"])
        write_env_file(sandbox.state, {**sandbox.environment, "SNOWGATE_POLICY": str(POLICY)})
        await stack.enter_async_context(serving(sandbox))
        kills = Kills(Gate(sandbox), free_port())
        for n in range(times):
            await kills.once(list(STEPS)[n % len(STEPS)], 1001 + n % 50)
            print(n + 1, dict(kills.counts), flush=True)
    return int(bool(kills.counts["double effects"] or kills.counts["approved and lost"]))


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1])))
