"""A caller who has used a limit up is refused with when to come again, and nothing of theirs runs."""

from pathlib import Path
from typing import Any

import anyio

from server.sandbox.issuer import mint
from tests.support.clients import Gate, refusal
from tests.support.gates import serving
from tests.support.watching import eventually
from tests.wire.test_approvals import check, decide, held, tickets
from tests.wire.test_door import _call, _send

LIMITS = """
limits:
  - {id: stewards, who: {groups: [stewards]}, calls_per_minute_max: 1000, statements_max: 2, rows_per_day_max: 1100}
"""


async def test_a_limit_refuses_with_its_name_and_when_to_come_again(
    gate: Gate, free_tcp_port: int, tmp_path: Path
) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text(LIMITS, encoding="utf-8")
    state = gate.sandbox.state
    token = mint(state, "stella")
    codes: list[str] = []
    said: dict[str, Any] = {}
    async with serving(gate.sandbox, port=free_tcp_port, SNOWGATE_LIMITS=str(file)):
        for marker in ("limit-one", "limit-two"):
            sql = f"SELECT l_orderkey FROM tpch.public.lineitem WHERE l_comment <> '{marker}' LIMIT 150"
            body = _call("run_query", sql=sql, purpose="limits")
            headers = [
                ("Authorization", f"Bearer {token}"), ("MCP-Protocol-Version", "2026-07-28"),
                ("Mcp-Method", "tools/call"), ("Mcp-Name", "run_query"),
            ]  # fmt: skip
            said = (await _send(gate, headers, body, port=free_tcp_port)).json()["result"]["structuredContent"]
            codes.append(said.get("code", "answered"))
    assert codes == ["answered", "limit_reached"]
    assert len(gate.ran("limit-one")) == 1
    assert gate.ran("limit-two") == []
    assert said["retryable"] is True
    journaled = await gate.journal(said["call_id"])
    assert [entry.stage for entry, _ in journaled] == ["decided", "refused"]
    assert journaled[-1][1]["limit"] == "stewards"


MEASURED = """
limits:
  - {id: at-once, who: {subjects: [stella]}, statements_max: 1}
  - {id: ada, who: {subjects: [ada]}, rows_per_day_max: 2}
"""


async def test_measuring_what_a_write_would_do_is_a_statement_too(
    gate: Gate, free_tcp_port: int, tmp_path: Path
) -> None:
    """Nobody has more measured at once than they may run, and what the sample shows are rows that left."""
    file = tmp_path / "limits.yaml"
    file.write_text(MEASURED, encoding="utf-8")
    await gate.sandbox.lookalike.delay_next("9061", 5)  # the first question that names it
    said: dict[str, dict[str, Any]] = {}

    async def ask(person: str, ticket: int) -> None:
        sql = f"UPDATE crm.public.tickets SET priority = 'LOW' WHERE ticket_id = {ticket}"
        headers = [
            ("Authorization", f"Bearer {mint(gate.sandbox.state, person)}"), ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"), ("Mcp-Name", "request_write"),
        ]  # fmt: skip
        body = _call("request_write", sql=sql, reason="to be measured")
        reply = (await _send(gate, headers, body, port=free_tcp_port)).json()
        said[f"{person} {ticket}"] = reply["result"]["structuredContent"]

    def measuring() -> bool:
        records = gate.sandbox.lookalike.queries()
        return any(each.status == "RUNNING" and "9061" in each.sql for each in records)

    with anyio.fail_after(60):
        async with serving(gate.sandbox, port=free_tcp_port, SNOWGATE_LIMITS=str(file)):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, "stella", 9061)
                await eventually(measuring, within_s=30)
                await ask("stella", 9062)
            await ask("stella", 9063)
            await ask("ada", 9064)
    codes = {who: each["code"] for who, each in said.items()}
    assert codes == {
        "stella 9061": "held", "stella 9062": "limit_reached", "stella 9063": "held", "ada 9064": "limit_reached",
    }  # fmt: skip
    measured = [each.sql for each in gate.sandbox.lookalike.queries() if "snowgate_measure" in each.tag]
    assert [ticket for ticket in ("9061", "9062", "9063", "9064") if any(ticket in sql for sql in measured)] == [
        "9061", "9063",
    ]  # fmt: skip


ROWS = """
limits:
  - {id: stella, who: {subjects: [stella]}, rows_per_day_max: 20}
"""


async def test_an_approval_that_meets_a_limit_is_as_good_as_before(
    gate: Gate, free_tcp_port: int, tmp_path: Path
) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text(ROWS, encoding="utf-8")
    hold_id = (await held(gate, 9065))["hold_id"]
    assert (await decide(gate, "sofia", hold_id))["state"] == "approved"
    resource = gate.sandbox.state.resource_url
    async with serving(gate.sandbox, port=free_tcp_port, SNOWGATE_LIMITS=str(file), SNOWGATE_RESOURCE=resource):
        for _ in range(2):
            async with gate.client("stella", port=free_tcp_port) as client:
                said = refusal(await client.call_tool("check_request", {"hold_id": hold_id}))
            assert said["code"] == "limit_reached"
    assert tickets(gate, 9065) == 1
    assert (await check(gate, hold_id))["status"] == "executed"
    assert tickets(gate, 9065) == 0


async def test_who_has_no_limit_meets_none(gate: Gate) -> None:
    async with gate.client("stella") as client:
        said = refusal(await client.call_tool("run_query", {"sql": "SELECT", "purpose": "not a limit"}))
    assert said["code"] != "limit_reached"
