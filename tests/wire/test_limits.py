"""A caller who has used a limit up is refused with when to come again, and nothing of theirs runs."""

from pathlib import Path
from typing import Any

from server.sandbox.issuer import mint
from tests.support.clients import Gate, refusal
from tests.support.gates import serving
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


async def test_who_has_no_limit_meets_none(gate: Gate) -> None:
    async with gate.client("stella") as client:
        said = refusal(await client.call_tool("run_query", {"sql": "SELECT", "purpose": "not a limit"}))
    assert said["code"] != "limit_reached"
