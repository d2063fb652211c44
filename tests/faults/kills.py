"""Kills a replica at a step of an approved write, lets another finish, and counts what was done.

`python -m tests.faults.kills 200` does it 200 times, at every step in turn, and prints the counts; the suite does it
once a step.
"""

import socket
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
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
from server.sandbox.querylog import QueryRecord
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
"""The statement at whose arrival in Snowflake the gate is killed; none: COMMIT has ended and nobody heard of it."""


@dataclass
class Kills:
    """Kills replicas that serve at `port` beside the gate that goes on, and counts."""

    gate: Gate
    port: int
    counts: Counter[str] = field(default_factory=Counter)
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the replicas that are killed."""

    async def once(self, step: str, customer: int) -> None:
        """One write, killed at `step` and followed to its end through another replica."""
        before = self.value(customer)
        hold_id = await self.held(customer)
        assert self.value(customer) == before, "something ran that nobody had confirmed"
        await self.kill(hold_id, STEPS[step] or "COMMIT", is_done=not STEPS[step])
        said = await self.ended(hold_id)
        self.count(self.value(customer) - before, said)

    async def kill(self, hold_id: str, awaited: str, *, is_done: bool) -> None:
        """Let another replica run what is approved, and kill it when a statement of this kind is there.

        It has not been looked at by then, or, with `is_done`, has ended, and the replica could not write that down.
        """
        async with self.serving() as process, anyio.create_task_group() as tasks:
            seen = {each.query_id for each in self.queries(awaited)}
            await self.gate.sandbox.lookalike.delay_next(awaited, 1.0)
            tasks.start_soon(self.attempt, hold_id)
            await eventually(lambda: len(self.queries(awaited)) > len(seen), within_s=60)
            async with self._books_closed(hold_id) if is_done else nullcontext():
                if is_done:
                    await eventually(lambda: self._is_done(awaited, seen), within_s=60)
                process.kill()
                await process.wait()
            tasks.cancel_scope.cancel()

    def _is_done(self, awaited: str, before: set[str]) -> bool:
        return any(each.status == "SUCCESS" for each in self.queries(awaited) if each.query_id not in before)

    @asynccontextmanager
    async def _books_closed(self, hold_id: str) -> AsyncGenerator[None]:
        """Nobody changes the hold meanwhile."""
        url = self.gate.settings.database_url.get_secret_value()
        async with open_engine(url) as engine, engine.begin() as db:
            await db.execute(text("select from gate.hold where id = :id for update"), {"id": hold_id})
            yield

    async def ended(self, hold_id: str) -> dict[str, Any]:
        """What the gate that goes on says of it, once the dead one's claim has run out."""
        async with open_engine(self.gate.settings.database_url.get_secret_value()) as engine, engine.begin() as db:
            await db.execute(text("update gate.hold set claim_until = now() where state = 'executing'"))
        async with self.gate.client("stella", user=Answering()) as client:
            return await self.follow(client, hold_id)

    def count(self, done: int, said: dict[str, Any]) -> None:
        """One more kill, after which the effect was there `done` times."""
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

    def queries(self, containing: str) -> list[QueryRecord]:
        """The statements of calls that contain a text, each with how it ended."""
        found = self.gate.sandbox.lookalike.queries()
        return [each for each in found if containing in each.sql and "snowgate_" in each.tag]

    def value(self, customer: int) -> int:
        with connection(self.gate.sandbox.state, "STELLA", "STEWARD_RO") as session:
            sql = "SELECT lifetime_value FROM crm.public.customers WHERE customer_id = ?"
            [(value,)] = rows(session, sql, customer)
        return int(value)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[Any]:
        settings = {"SNOWGATE_RESOURCE": self.gate.sandbox.state.resource_url, **self.settings}
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
    """Kill `times` gates on a sandbox of its own, at changes of rows and of tables; exit code 1 if that did harm."""
    from itertools import cycle, islice

    from server.sandbox.run import running_sandbox, write_env_file
    from tests.faults.table_kills import CASES, ROWS, WRONG, TableKills
    from tests.support.gates import POLICY

    async with AsyncExitStack() as stack:
        home = stack.enter_context(reachable_directory())
        sandbox = await stack.enter_async_context(running_sandbox(home, scale=0.001))
        await migrate(sandbox.environment["SNOWGATE_ADMIN_DATABASE_URL"])
        write_env_file(sandbox.state, {**sandbox.environment, "SNOWGATE_POLICY": str(POLICY)})
        await stack.enter_async_context(serving(sandbox))
        kills = TableKills(Gate(sandbox), free_port())
        for n, (change, step) in enumerate(islice(cycle([*ROWS, *CASES]), times)):
            if change is None:
                await kills.once(step, 1001 + n % 50)
            else:
                await kills.once_table(change, step, f"KILLED_{n}")
            print(n + 1, change or "ROWS", step, dict(kills.counts), flush=True)
    return int(any(kills.counts[wrong] for wrong in WRONG))


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1])))
