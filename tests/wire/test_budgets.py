"""A budget of the policy holds on all replicas, for what is asked and what is measured, and the journal says so."""

import json
import time
from typing import Any

import anyio

from tests.journal.commands import snowgate
from tests.support.clients import Gate, answer, refusal
from tests.support.gates import POLICY
from tests.wire.test_changed_meanwhile import another_gate, client

OWED = """
budgets:
  - {id: orders, who: {groups: [analysts]}, tables: ["CRM.PUBLIC.ORDERS"], answers_per_day: 4}
  - {id: tickets, who: {groups: [analysts]}, tables: ["CRM.PUBLIC.TICKETS"], answers_per_day: 1}
padding:
  - {who: {groups: [analysts]}, tables: ["CRM.PUBLIC.ORDERS"], to_ms: 400}
"""
COUNT = "SELECT COUNT(*) FROM crm.public.orders"
TWICE = f"{COUNT} UNION ALL {COUNT}"
TICKET = "UPDATE crm.public.tickets SET priority = 'LOW' WHERE ticket_id = {}"


async def test_a_budget_holds_on_all_replicas_and_the_journal_says_what_it_was(
    gate: Gate, free_tcp_port_factory: Any
) -> None:
    one, two = free_tcp_port_factory(), free_tcp_port_factory()
    policy = POLICY.read_text(encoding="utf-8") + OWED
    said: list[dict[str, Any]] = []
    with anyio.fail_after(120):
        async with another_gate(gate, one, policy), another_gate(gate, two, policy):
            for port, sql in ((one, COUNT), (two, TWICE), (one, TWICE), (two, COUNT), (one, COUNT)):
                async with client(gate, port, "ada") as agent:
                    began = time.monotonic()
                    result = await agent.call_tool("run_query", {"sql": sql, "purpose": "how many"})
                    said.append({"took_s": time.monotonic() - began, **(result.structured_content or {})})
            async with client(gate, two, "ada") as agent:
                table = answer(await agent.call_tool("describe_schema", {"table": "orders"}))["tables"][0]
                held = [
                    refusal(await agent.call_tool("request_write", {"sql": TICKET.format(n), "reason": "why not"}))[
                        "code"
                    ]
                    for n in (9961, 9962)
                ]
            async with client(gate, two, "stella") as agent:  # whom it does not mean
                answer(await agent.call_tool("run_query", {"sql": TWICE, "purpose": "how many"}))
    assert [each.get("code", "answered") for each in said] == [
        *("answered", "answered", "budget_spent", "answered", "budget_spent"),
    ]  # fmt: skip
    assert min(each["took_s"] for each in said) >= 0.4
    assert "it counts as 2 of the 4 answers a day of the budget orders" in said[1]["notes"]
    assert table["budgets"] == ["orders: 4 answers a day"]
    assert held == ["held", "budget_spent"]  # what would be touched was measured, once
    decided, refused = (facts for _, facts in await gate.journal(said[2]["call_id"]))
    assert (decided["decision"], decided["budgets"], decided["padded_ms"]) == ("permit", ["orders: 2 of 4"], 400)
    assert (refused["code"], refused["limit"]) == ("budget_spent", "orders")
    assert refused["retry_after_s"] > 0
    await _decided_again(gate)


async def _decided_again(gate: Gate) -> None:
    """By what they were made with decisions come out the same; without budgets and paddings, otherwise."""
    status, told = await snowgate(gate, "journal", "replay", "--json")
    assert (status, json.loads(told)["changed"]) == (0, 0)
    status, told = await snowgate(gate, "journal", "replay", "--policy", str(POLICY), "--json")
    assert status == 0
    assert json.loads(told)["changes"]["budgets, padded_ms"] >= 5
