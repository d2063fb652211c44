"""Over HTTP an answer is written out while its outcome is committed, and no byte of it leaves before that is done."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import psycopg

from server.migrating import migrate
from server.sandbox.database_logins import make_logins
from server.sandbox.issuer import mint
from server.sandbox.postgres import EmbeddedPostgres
from tests.support.clients import Gate
from tests.support.databases import driver_dsn, reachable_directory
from tests.support.gates import serving
from tests.support.watching import eventually

WAITS_FOR_ENTRY = """
    select count(*) from pg_locks
    where relation = 'journal.entry'::regclass and mode = 'RowExclusiveLock' and not granted
"""
"""What writes, for others read the entries."""
VERSION = "2026-07-28"


@dataclass
class Posted:
    """One call over HTTP, byte for byte: what has come of its response so far."""

    sql: str
    follows: bool = False
    """Whether the caller asks to be told how it goes: then the response is a stream that begins before the answer."""
    begun: anyio.Event = field(default_factory=anyio.Event)
    body: bytes = b""

    async def send(self, gate: Gate, port: int) -> None:
        own = gate.sandbox.state.ports.gate
        url = gate.sandbox.state.resource_url.replace(f":{own}/", f":{port}/")
        meta: dict[str, Any] = {
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        if self.follows:
            meta["progressToken"] = "as it goes"
        arguments = {"sql": self.sql, "purpose": "to be withheld"}
        body = {
            "jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": {"name": "run_query", "arguments": arguments, "_meta": meta},
        }  # fmt: skip
        headers = {
            "Authorization": f"Bearer {mint(gate.sandbox.state, 'ada')}", "Mcp-Method": "tools/call",
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION, "Mcp-Name": "run_query",
        }  # fmt: skip
        async with (
            httpx2.AsyncClient(timeout=30) as http,
            http.stream("POST", url, json=body, headers=headers) as response,
        ):
            self.begun.set()
            async for piece in response.aiter_bytes():
                self.body += piece

    @property
    def result(self) -> dict[str, Any]:
        """The JSON-RPC result, which answers the request that was sent; in a stream it comes last."""
        message = json.loads(self.body.split(b"data: ")[-1])
        assert (message["jsonrpc"], message["id"]) == ("2.0", 7)
        result: dict[str, Any] = message["result"]
        return result


@asynccontextmanager
async def decided_and_locked(
    gate: Gate, port: int, mark: str, *, follows: bool = False, **more: str
) -> AsyncIterator[tuple[Posted, psycopg.AsyncConnection]]:
    """A call whose statement has been answered, while its outcome waits for a lock that the connection holds."""
    posted = Posted(f"SELECT COUNT(*) AS n FROM tpch.public.region WHERE r_name <> '{mark}'", follows)
    await gate.sandbox.lookalike.delay_next(mark, 1.5)
    with reachable_directory() as home, EmbeddedPostgres(home) as postgres:
        url = postgres.dsn()
        await migrate(url)
        settings = {"SNOWGATE_RESOURCE": gate.sandbox.state.resource_url} | make_logins(url)
        async with (
            serving(gate.sandbox, port=port, **settings, **more),
            await psycopg.AsyncConnection.connect(driver_dsn(url)) as locking,
            await psycopg.AsyncConnection.connect(driver_dsn(url), autocommit=True) as looking,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(posted.send, gate, port)
            await eventually(lambda: bool(gate.ran(mark)), within_s=30)
            await locking.execute("lock table journal.entry in access exclusive mode")

            async def waits() -> bool:
                return await (await looking.execute(WAITS_FOR_ENTRY)).fetchone() != (0,)

            await eventually(waits, within_s=30)
            yield posted, locking


async def test_no_byte_leaves_before_the_journal_holds_the_outcome(gate: Gate, free_tcp_port: int) -> None:
    async with decided_and_locked(gate, free_tcp_port, "withheld") as (posted, locking):
        assert not posted.begun.is_set()
        await locking.rollback()
        await eventually(lambda: b'"rows"' in posted.body)
    assert posted.result["structuredContent"]["rows"] == [[5]]


async def test_an_answer_whose_outcome_is_not_journaled_never_leaves_and_is_counted(
    gate: Gate, free_tcp_port_factory: Callable[[], int]
) -> None:
    port, metrics = free_tcp_port_factory(), free_tcp_port_factory()
    async with decided_and_locked(gate, port, "never told", SNOWGATE_METRICS_PORT=str(metrics)) as (posted, locking):
        await eventually(lambda: posted.body.endswith(b"}"))
        await locking.rollback()
        after = Posted("SELECT COUNT(*) AS n FROM tpch.public.region")
        await after.send(gate, port)
        async with httpx2.AsyncClient(timeout=10) as http:
            counted = (await http.get(f"http://127.0.0.1:{metrics}/metrics")).text
    assert b'"rows"' not in posted.body
    assert posted.result["isError"] is True
    refusal = posted.result["structuredContent"]
    assert refusal["code"] == "journal_unavailable"
    assert set(refusal) == {"code", "message", "hint", "retryable", "call_id"}
    assert posted.result["resultType"] == "complete"
    assert 'snowgate_answers_withdrawn_total{tool="run_query"} 1.0' in counted
    assert posted.result["_meta"] == after.result["_meta"], "it says who refuses, as every answer and refusal does"


async def test_a_caller_who_was_told_how_it_goes_is_told_of_the_refusal_in_the_same_stream(
    gate: Gate, free_tcp_port: int
) -> None:
    async with decided_and_locked(gate, free_tcp_port, "told so far", follows=True) as (posted, locking):
        assert b"notifications/progress" in posted.body
        await eventually(lambda: b'"isError"' in posted.body)
        await locking.rollback()
    assert b'"rows"' not in posted.body
    assert posted.result["structuredContent"]["code"] == "journal_unavailable"
