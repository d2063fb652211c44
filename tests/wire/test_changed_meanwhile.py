"""Between the question and the run the world changes: each change is refused with its code, and nothing runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import text

from server.database import open_engine
from server.sandbox.issuer import mint
from tests.support.clients import Answering, Gate, answer, refusal
from tests.support.databases import reachable_directory
from tests.support.gates import POLICY, serving
from tests.support.watching import eventually
from tests.wire.test_approvals import check, decide, decision, deletion, held, tickets
from tests.wire.test_table_changes import in_snowflake, made


async def in_database(gate: Gate, sql: str, **values: Any) -> list[Any]:
    """What an operator does in the gate's database."""
    async with open_engine(gate.settings.admin_url) as engine, engine.begin() as connected:
        result = await connected.execute(text(sql), values)
        return list(result.all()) if result.returns_rows else []


@asynccontextmanager
async def client(
    gate: Gate, port: int, person: str, *, groups: tuple[str, ...] | None = None, user: Any = None
) -> AsyncGenerator[Client]:
    """A client of the gate at `port`; `groups` replace those of the person."""
    own = gate.sandbox.state.ports.gate
    url = gate.sandbox.state.resource_url.replace(f":{own}/", f":{port}/")
    token = mint(gate.sandbox.state, person, extra=None if groups is None else {"groups": list(groups)})
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), elicitation_callback=user) as connected,
    ):
        yield connected


@asynccontextmanager
async def another_gate(gate: Gate, port: int, policy: str) -> AsyncGenerator[None]:
    """A replica beside the run's gate, on the same database, whose policy is another text."""
    with reachable_directory() as home:
        file = Path(home) / "policy.yaml"
        file.write_text(policy, encoding="utf-8")
        resource = gate.sandbox.state.resource_url
        async with serving(gate.sandbox, port=port, SNOWGATE_POLICY=str(file), SNOWGATE_RESOURCE=resource):
            yield


async def test_an_approval_that_expires_before_it_is_used_runs_nothing(gate: Gate) -> None:
    hold_id = (await held(gate, 9151))["hold_id"]
    assert (await decide(gate, "sofia", hold_id))["state"] == "approved"
    await in_database(gate, "update gate.hold set expires_at = now() where id = :id", id=hold_id)
    assert (await check(gate, hold_id))["code"] == "hold_spent"
    assert (await decide(gate, "sofia", hold_id))["code"] == "hold_spent"
    assert tickets(gate, 9151) == 1


async def test_what_nobody_asks_about_expires_all_the_same_and_is_journaled(gate: Gate) -> None:
    hold_id = (await held(gate, 9152))["hold_id"]
    await in_database(gate, "update gate.hold set expires_at = now() where id = :id", id=hold_id)

    async def is_expired() -> bool:
        found = await in_database(gate, "select state, body from gate.hold where id = :id", id=hold_id)
        return [tuple(row) for row in found] == [("expired", "")]  # with what it showed

    await eventually(is_expired, within_s=30)
    stages = await in_database(
        gate, "select count(*) from journal.entry where stage = 'hold.expired' and at > now() - interval '1 minute'"
    )
    assert stages[0][0] >= 1


async def test_a_policy_that_changes_after_the_approval_makes_it_worthless(gate: Gate, free_tcp_port: int) -> None:
    hold_id = (await held(gate, 9153))["hold_id"]
    open_id = (await held(gate, 9154))["hold_id"]
    assert (await decide(gate, "sofia", hold_id))["state"] == "approved"
    changed = POLICY.read_text(encoding="utf-8") + "\nrisk: {rows_medium: 7}\n"
    async with another_gate(gate, free_tcp_port, changed):
        async with client(gate, free_tcp_port, "stella") as agent:
            said = refusal(await agent.call_tool("check_request", {"hold_id": hold_id}))
        async with client(gate, free_tcp_port, "sofia", user=Answering()) as approver:
            late = refusal(await approver.call_tool("decide_hold", decision(open_id)))
    assert said["code"] == late["code"] == "hold_stale"
    assert (await check(gate, hold_id))["code"] == "hold_stale"  # and it stays so, for every replica
    assert (tickets(gate, 9153), tickets(gate, 9154)) == (1, 1)


async def test_a_policy_that_permits_by_now_what_was_approved_makes_the_approval_worthless(
    gate: Gate, free_tcp_port: int
) -> None:
    """What follows an approved request runs by its approval, once, or not at all."""
    hold_id = (await held(gate, 9164))["hold_id"]
    assert (await decide(gate, "sofia", hold_id))["state"] == "approved"
    rule = "  - {id: stewards-ask-writes, effect: "
    lenient = POLICY.read_text(encoding="utf-8").replace(f"{rule}hold", f"{rule}permit")
    async with another_gate(gate, free_tcp_port, lenient), client(gate, free_tcp_port, "stella") as agent:
        assert refusal(await agent.call_tool("check_request", {"hold_id": hold_id}))["code"] == "hold_stale"
        assert tickets(gate, 9164) == 1
        assert refusal(await agent.call_tool("check_request", {"hold_id": hold_id}))["code"] == "hold_stale"
        assert answer(await agent.call_tool("request_write", deletion(9164)))["rows_affected"] == 1


async def test_a_table_that_changes_after_the_approval_makes_it_worthless(gate: Gate) -> None:
    await made(gate, "CHANGING")
    try:
        sql = "DELETE FROM crm.public.changing WHERE phone = '1'"
        async with gate.client("stella") as agent:
            said = refusal(await agent.call_tool("request_write", {"sql": sql, "reason": "a test"}))
        assert (await decide(gate, "sofia", said["hold_id"]))["state"] == "approved"
        in_snowflake(gate, "ALTER TABLE crm.public.changing ADD COLUMN later INT")
        ran = gate.ran()
        assert (await check(gate, said["hold_id"]))["code"] == "hold_stale"
        assert gate.ran() == ran
    finally:
        in_snowflake(gate, "DROP TABLE crm.public.changing")


async def test_arguments_that_are_swapped_meet_another_hold_and_not_the_approved_one(gate: Gate) -> None:
    hold_id = (await held(gate, 9155))["hold_id"]
    assert (await decide(gate, "sofia", hold_id))["state"] == "approved"
    async with gate.client("stella") as agent:
        for changed in (deletion(9156), deletion(9155, reason="Another reason")):
            said = refusal(await agent.call_tool("request_write", changed))
            assert said["code"] == "held"
            assert said["hold_id"] != hold_id
    assert (tickets(gate, 9155), tickets(gate, 9156)) == (1, 1)
    async with gate.client("sofia") as other:  # the same words from somebody else are another request
        said = refusal(await other.call_tool("request_write", deletion(9155)))
    assert said["hold_id"] != hold_id


async def test_what_somebody_changed_in_the_store_is_not_run(gate: Gate) -> None:
    """A hold whose row was copied over another's opens for neither: what is sealed is sealed to its id."""
    first, second = (await held(gate, 9157))["hold_id"], (await held(gate, 9158))["hold_id"]
    assert (await decide(gate, "sofia", first))["state"] == "approved"
    copy = "update gate.hold set body = (select body from gate.hold where id = :other) where id = :id"
    await in_database(gate, copy, id=first, other=second)
    said = await check(gate, first)
    assert said["code"] == "internal_error"
    assert (tickets(gate, 9157), tickets(gate, 9158)) == (1, 1)
    await in_database(gate, "delete from gate.hold_vote where hold_id = :id", id=first)
    await in_database(gate, "delete from gate.hold where id = :id", id=first)


STRICT = """
approvals:
  - id: two-stewards
    by: approvers
    steps: [{groups: [stewards], quorum: 2}]
    ttl_s: 3600
    break_glass: [oncall]
"""


@pytest.fixture(scope="module")
def strict() -> str:
    """The sandbox's policy, with two stewards for everything and an emergency group."""
    return POLICY.read_text(encoding="utf-8").partition("\napprovals:")[0] + STRICT


async def asked_at(gate: Gate, port: int, ticket: int) -> str:
    async with client(gate, port, "stella") as agent:
        return str(refusal(await agent.call_tool("request_write", deletion(ticket)))["hold_id"])


async def decided_at(
    gate: Gate, port: int, person: str, hold_id: str, *, groups: tuple[str, ...] | None = None, **more: Any
) -> dict[str, Any]:
    async with client(gate, port, person, groups=groups, user=Answering()) as approver:
        result = await approver.call_tool("decide_hold", {**decision(hold_id), **more})
    return refusal(result) if result.is_error else answer(result)


async def test_breaking_the_glass_takes_two_people_of_its_group_and_shouts(
    gate: Gate, free_tcp_port: int, strict: str
) -> None:
    port, oncall = free_tcp_port, ("stewards", "oncall")
    async with another_gate(gate, port, strict):
        hold_id = await asked_at(gate, port, 9160)
        assert (await decided_at(gate, port, "sofia", hold_id, break_glass=True))["code"] == "not_approver"
        own = await decided_at(gate, port, "stella", hold_id, groups=oncall, break_glass=True)
        assert own["code"] == "own_request"
        first = await decided_at(gate, port, "arthur", hold_id, groups=("oncall",), break_glass=True)
        assert first["state"] == "open"
        again = await decided_at(gate, port, "arthur", hold_id, groups=("oncall",), break_glass=True)
        assert again["code"] == "already_decided"
        async with client(gate, port, "stella") as agent:
            assert answer(await agent.call_tool("check_request", {"hold_id": hold_id}))["status"] == "open"
        second = await decided_at(gate, port, "emil", hold_id, groups=("oncall",), break_glass=True)
        assert second["state"] == "approved"
        async with client(gate, port, "stella") as agent:
            assert answer(await agent.call_tool("check_request", {"hold_id": hold_id}))["status"] == "executed"
    entries = [dict(facts) for entry, facts in await gate.journal(second["call_id"]) if entry.stage == "hold.decided"]
    assert [(facts["break_glass"], facts["subject"]) for facts in entries] == [(True, "emil")]
    assert tickets(gate, 9160) == 0


async def test_one_person_in_three_groups_is_no_quorum_of_two(gate: Gate, free_tcp_port: int, strict: str) -> None:
    port = free_tcp_port
    async with another_gate(gate, port, strict):
        hold_id = await asked_at(gate, port, 9161)
        many = ("stewards", "owners", "oncall")
        assert (await decided_at(gate, port, "sofia", hold_id, groups=many))["state"] == "open"
        assert (await decided_at(gate, port, "sofia", hold_id, groups=many))["code"] == "already_decided"
        async with client(gate, port, "stella") as agent:
            assert answer(await agent.call_tool("check_request", {"hold_id": hold_id}))["status"] == "open"
        assert (await decided_at(gate, port, "arthur", hold_id, groups=("stewards",)))["state"] == "approved"
    assert tickets(gate, 9161) == 1


MERGE = (
    "MERGE INTO crm.public.tickets AS t USING (SELECT ticket_id AS k, ticket_id = 9163 AS gone FROM crm.public.tickets "
    "WHERE ticket_id IN (9162, 9163) UNION ALL SELECT 99999512, FALSE) AS s ON t.ticket_id = s.k "
    "WHEN MATCHED AND s.gone THEN DELETE WHEN MATCHED THEN UPDATE SET priority = 'LOW' "
    "WHEN NOT MATCHED THEN INSERT (ticket_id, customer_id, opened_at, status, priority, subject) "
    "VALUES (s.k, 1001, '2026-01-31 12:00:00', 'NEW', 'LOW', 'merged')"
)


async def test_a_merge_is_counted_by_branch_and_runs_only_with_those_counts(gate: Gate) -> None:
    call = {"sql": MERGE, "reason": "a test of merging"}
    async with gate.client("stella") as agent:
        said = refusal(await agent.call_tool("request_write", call))
    async with gate.client("sofia") as approver:
        shown = answer(await approver.call_tool("show_hold", {"hold_id": said["hold_id"]}))
    assert shown["effect"]["rows"] == {"delete": 1, "insert": 1, "update": 1}
    assert (await decide(gate, "sofia", said["hold_id"]))["state"] == "approved"
    in_snowflake(gate, "DELETE FROM crm.public.tickets WHERE ticket_id = 9162")
    assert (await check(gate, said["hold_id"]))["code"] == "effect_drifted"
    assert (tickets(gate, 9163), tickets(gate, 99999512)) == (1, 0)
