"""Calls that end early: cancelled by the client, cut off by a stop, replayed by an attacker."""

import json
import signal
from contextlib import suppress
from typing import Any

import anyio
import httpx2
import pytest

from server.sandbox.issuer import mint
from tests.support.clients import Answering, Era, Gate, Transport, answer
from tests.support.gates import serving
from tests.support.watching import eventually

DOORS: list[tuple[Transport, Era]] = [("http", "auto"), ("http", "legacy"), ("stdio", "auto"), ("stdio", "legacy")]
every_door = pytest.mark.parametrize(("transport", "era"), DOORS, ids=["-".join(door) for door in DOORS])


@every_door
async def test_cancelling_a_call_cancels_its_statement_in_snowflake(gate: Gate, transport: Transport, era: Era) -> None:
    marker = f"{transport}-{era}"
    sql = f"SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> 'slow-{marker}'"
    await gate.sandbox.lookalike.delay_next(f"slow-{marker}", 60)

    def records() -> list[Any]:
        return [r for r in gate.sandbox.lookalike.queries() if f"slow-{marker}" in r.sql]

    with anyio.fail_after(40):
        async with gate.client(transport=transport, era=era) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "run_query", {"sql": sql, "purpose": "to be cancelled"})
                await eventually(lambda: bool(records()))
                tasks.cancel_scope.cancel()
            await eventually(lambda: records()[0].error_code == "000604")
            again = {"sql": "SELECT COUNT(*) AS n FROM tpch.public.region", "purpose": "still there?"}
            assert answer(await client.call_tool("run_query", again))["rows"] == [[5]]
    call_id = _call_of(records()[0].tag)

    async def is_journaled() -> bool:
        return await gate.stages(call_id) == ["decided", "cancelled"]

    await eventually(is_journaled)


@every_door
async def test_who_asks_for_progress_is_told(gate: Gate, transport: Transport, era: Era) -> None:
    told: list[float] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    marker = f"progress-{transport}-{era}"
    await gate.sandbox.lookalike.delay_next(marker, 1.5)
    sql = f"SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> '{marker}'"
    with anyio.fail_after(30):
        async with gate.client(transport=transport, era=era) as client:
            arguments = {"sql": sql, "purpose": "to be waited for"}
            said = answer(await client.call_tool("run_query", arguments, progress_callback=heard))
    assert said["rows"] == [[25]]
    assert len(told) >= 2
    assert told == sorted(told)


async def test_snowflakes_id_of_a_long_statement_is_journaled_and_told_while_it_runs(gate: Gate) -> None:
    told: list[str] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    def record() -> Any:
        return next((r for r in gate.sandbox.lookalike.queries() if "'long-one'" in r.sql), None)

    async def is_told_and_journaled() -> bool:
        if record() is None or not any(record().query_id in message for message in told):
            return False
        journaled = await gate.journal(_call_of(record().tag))
        return [entry.stage for entry, _ in journaled] == ["decided", "running"]

    await gate.sandbox.lookalike.delay_next("long-one", 60)
    sql = "SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> 'long-one'"
    with anyio.fail_after(60):
        async with gate.client() as client, anyio.create_task_group() as tasks:

            async def ask() -> None:
                arguments = {"sql": sql, "purpose": "to be waited for"}
                await client.call_tool("run_query", arguments, progress_callback=heard)

            tasks.start_soon(ask)
            await eventually(is_told_and_journaled, within_s=40)
            assert record().status == "RUNNING"
            tasks.cancel_scope.cancel()
    journaled = await gate.journal(_call_of(record().tag))
    assert journaled[1][1]["query_id"] == record().query_id
    assert journaled[1][1]["session_id"] == str(record().session_id)


async def _rpc(gate: Gate, method: str, params: dict[str, Any], token: str) -> dict[str, Any]:
    """One raw 2026-07-28 request, as an attacker would forge it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        "Mcp-Name": str(params.get("name", "")),
    }
    async with httpx2.AsyncClient(timeout=20) as http:
        response = await http.post(gate.sandbox.state.resource_url, json=body, headers=headers)
    answered: dict[str, Any] = response.json()
    return answered


WRITE = {
    "name": "request_write",
    "arguments": {
        "sql": "UPDATE crm.public.tickets SET priority = 'LOW' WHERE ticket_id = 9030",
        "reason": "an attack on the confirmation",
    },
}
YES = {"confirm": {"action": "accept", "content": {"confirm": True}}}


async def _asked(gate: Gate, token: str) -> str:
    """The sealed state of a first round."""
    result = (await _rpc(gate, "tools/call", WRITE, token))["result"]
    assert result["resultType"] == "input_required"
    return str(result["requestState"])


async def test_the_same_answer_ten_times_at_once_runs_the_write_once(gate: Gate) -> None:
    token = mint(gate.sandbox.state, "stella")
    state = await _asked(gate, token)
    before = len(gate.ran("9030"))
    outcomes: list[str] = []

    async def reply() -> None:
        said = await _rpc(gate, "tools/call", {**WRITE, "requestState": state, "inputResponses": YES}, token)
        outcomes.append(said["result"].get("structuredContent", said["result"]).get("status", "other"))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(reply)
    assert outcomes.count("executed") == 1
    assert len(gate.ran("9030")) == before + 1
    late = await _rpc(gate, "tools/call", {**WRITE, "requestState": state, "inputResponses": YES}, token)
    assert late["result"]["resultType"] == "input_required"  # asked anew, under another hold
    assert len(gate.ran("9030")) == before + 1


async def test_an_answer_counts_for_nothing_but_the_call_it_was_given_to(gate: Gate) -> None:
    stella, ada = mint(gate.sandbox.state, "stella"), mint(gate.sandbox.state, "ada")
    state = await _asked(gate, stella)
    before = len(gate.ran("9030"))
    other = {**WRITE, "arguments": {**WRITE["arguments"], "sql": "DELETE FROM crm.public.tickets WHERE 9030 = 9030"}}  # type: ignore[dict-item]
    forged: list[tuple[dict[str, Any], str]] = [
        ({**WRITE, "inputResponses": YES}, stella),
        ({**WRITE, "inputResponses": YES, "requestState": "hold_guessed"}, stella),
        ({**WRITE, "inputResponses": YES, "requestState": state[:-4] + "AAAA"}, stella),
        ({**other, "inputResponses": YES, "requestState": state}, stella),
        ({**WRITE, "inputResponses": YES, "requestState": state}, ada),
    ]
    for params, token in forged:
        said = await _rpc(gate, "tools/call", params, token)
        assert said.get("result", {}).get("structuredContent", {}).get("status") != "executed"
    assert len(gate.ran("9030")) == before


async def raw_call(gate: Gate, port: int, sql: str, said: list[dict[str, Any]]) -> None:
    """One read on the gate at `port`; what it answers, if it lives to answer."""
    own = gate.sandbox.state.ports.gate
    url = gate.sandbox.state.resource_url.replace(f":{own}/", f":{port}/")
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": "run_query", "arguments": {"sql": sql, "purpose": "meets a stop"}, "_meta": meta}
    headers = {
        "Authorization": f"Bearer {mint(gate.sandbox.state, 'ada')}", "MCP-Protocol-Version": "2026-07-28",
        "Accept": "application/json, text/event-stream", "Mcp-Method": "tools/call", "Mcp-Name": "run_query",
    }  # fmt: skip
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    with suppress(httpx2.HTTPError, ValueError):
        async with httpx2.AsyncClient(timeout=40) as http:
            said.append((await http.post(url, json=body, headers=headers)).json())


async def test_a_stop_lets_a_call_finish_and_journals_it(gate: Gate, free_tcp_port: int) -> None:
    await gate.sandbox.lookalike.delay_next("finish-me", 1.5)
    sql = "SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> 'finish-me'"
    said: list[dict[str, Any]] = []
    with anyio.fail_after(60):
        async with serving(gate.sandbox, port=free_tcp_port) as process:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(raw_call, gate, free_tcp_port, sql, said)
                await eventually(lambda: bool(gate.ran("finish-me")))
                process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    [finished] = [answered["result"]["structuredContent"] for answered in said]
    assert finished["rows"] == [[25]]
    assert await gate.stages(finished["call_id"]) == ["decided", "answered"]


async def test_a_stop_past_its_grace_cancels_and_journals_what_is_in_flight(gate: Gate, free_tcp_port: int) -> None:
    await gate.sandbox.lookalike.delay_next("too-slow", 60)
    sql = "SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> 'too-slow'"

    def records() -> list[Any]:
        return [r for r in gate.sandbox.lookalike.queries() if "too-slow" in r.sql]

    with anyio.fail_after(60):
        async with (
            serving(gate.sandbox, port=free_tcp_port, SNOWGATE_SHUTDOWN_GRACE_S="1") as process,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(raw_call, gate, free_tcp_port, sql, [])
            await eventually(lambda: bool(records()))
            process.send_signal(signal.SIGTERM)
            await process.wait()
    assert records()[0].error_code == "000604"
    assert await gate.stages(_call_of(records()[0].tag)) == ["decided", "cancelled"]


def _call_of(query_tag: str) -> str:
    return str(json.loads(query_tag)["snowgate_call"])


async def test_a_user_who_never_saw_a_question_is_never_taken_to_have_agreed(gate: Gate) -> None:
    user = Answering(content={})
    async with gate.client("stella", user=user) as client:
        result = await client.call_tool("request_write", dict(WRITE["arguments"]))  # type: ignore[arg-type]
    assert result.is_error
