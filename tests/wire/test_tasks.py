"""A held request as a task, through the official client and its side of the extension: the task is the hold."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.types import HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY

from server.sandbox.issuer import mint
from tests.support.clients import Answering, Gate, answer, refusal
from tests.support.gates import POLICY, serving
from tests.support.tasks import EXTENSION, Created, KnowsTasks, asked, refused
from tests.wire.test_approvals import check, decide, deletion, tickets
from tests.wire.test_changed_meanwhile import another_gate, in_database

METHODS = ("tasks/get", "tasks/update", "tasks/cancel")


@asynccontextmanager
async def knowing(gate: Gate, person: str = "stella", **more: Any) -> AsyncGenerator[Client]:
    """A client that knows tasks."""
    async with gate.client(person, extensions=[KnowsTasks()], **more) as client:
        yield client


async def task_of(client: Client, ticket: int) -> Created:
    """The task that a deletion becomes which somebody else must approve."""
    return await made(client, "request_write", deletion(ticket))


async def made(client: Client, tool: str, arguments: dict[str, Any]) -> Created:
    task = await client.session.call_tool(tool, arguments, allow_claimed=True)
    assert isinstance(task, Created), task
    return task


async def test_a_held_write_is_a_task_whose_answer_is_that_of_the_change(gate: Gate) -> None:
    async with knowing(gate) as client:
        assert client.server_capabilities.extensions == {EXTENSION: {}}
        task = await task_of(client, 9321)
        assert (task.status, task.ttl_ms) == ("working", 3_600_000)
        assert "stewards" in task.status_message
        created, changed = (datetime.fromisoformat(at) for at in (task.created_at, task.last_updated_at))
        assert created <= changed
        waiting = await asked(client, "tasks/get", task.task_id)
        assert (waiting.result_type, waiting.status, waiting.result) == ("complete", "working", None)

        assert (await decide(gate, "sofia", task.task_id))["state"] == "approved"
        assert tickets(gate, 9321) == 1  # an approval runs nothing
        done = await asked(client, "tasks/get", task.task_id)
        assert done.status == "completed"
        assert done.result is not None
        assert tickets(gate, 9321) == 0
        told = answer(done.result)
        assert (told["status"], told["rows_affected"]) == ("executed", 1)
        journaled = await gate.journal(told["call_id"])
        assert await gate.stages(told["call_id"]) == ["decided", "hold.executed", "answered"]
        assert (journaled[0][1]["tool"], journaled[0][1]["via"]) == ("check_request", "tasks")
        assert journaled[-1][1]["hold_id"] == task.task_id

        again = await asked(client, "tasks/get", task.task_id)
        assert again.status == "completed"
        assert again.result is not None
        assert answer(again.result)["outcome"]["query_id"] == told["query_id"]


async def test_a_task_is_the_hold_that_every_channel_knows(gate: Gate, free_tcp_port: int) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9322)).task_id
        assert (await task_of(client, 9322)).task_id == task_id  # the same request again is the same hold
    assert (await check(gate, task_id))["status"] == "open"
    resource = gate.sandbox.state.resource_url
    async with (
        serving(gate.sandbox, port=free_tcp_port, SNOWGATE_RESOURCE=resource),
        knowing(gate, port=free_tcp_port) as elsewhere,
    ):  # a process that was not there when the task was made
        assert (await asked(elsewhere, "tasks/get", task_id)).status == "working"
        assert (await decide(gate, "sofia", task_id))["state"] == "approved"
        assert (await asked(elsewhere, "tasks/get", task_id)).status == "completed"
    assert (await check(gate, task_id))["status"] == "executed"
    assert tickets(gate, 9322) == 0


async def test_only_its_requester_through_the_same_agent_meets_a_task(gate: Gate) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9323)).task_id
    assert (await decide(gate, "sofia", task_id))["state"] == "approved"
    elsewhere = mint(gate.sandbox.state, "stella", agent="another-agent")
    for person, token in (("sofia", None), ("ada", None), ("stella", elsewhere)):
        async with knowing(gate, person, token=token) as other:
            for method in METHODS:
                theirs = await refused(other, method, task_id)
                missing = await refused(other, method, "hold_doesnotexist")
                strange = await refused(other, method, "not an id at all")
                assert theirs.error.code == INVALID_PARAMS
                assert theirs.error == missing.error == strange.error
    assert tickets(gate, 9323) == 1
    assert (await check(gate, task_id))["status"] == "executed"


@pytest.mark.parametrize("method", METHODS)
async def test_who_does_not_say_that_they_know_tasks_has_none(gate: Gate, method: str) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9324)).task_id
    async with gate.client("stella") as client:
        assert refusal(await client.call_tool("request_write", deletion(9324)))["hold_id"] == task_id
        error = (await refused(client, method, task_id)).error
    assert error.code == MISSING_REQUIRED_CLIENT_CAPABILITY
    assert error.data == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
    async with knowing(gate, era="legacy") as client:
        assert refusal(await client.call_tool("request_write", deletion(9324)))["code"] == "held"
        assert (await refused(client, method, task_id)).error.code == METHOD_NOT_FOUND
    assert (await check(gate, task_id))["status"] == "open"


async def posted(gate: Gate, task_id: str, name: str | None, **token: Any) -> httpx2.Response:
    """A request for a task as a client of one's own would send it; `name` is its `Mcp-Name` header."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": task_id, "_meta": meta}}
    headers = {
        "Authorization": f"Bearer {mint(gate.sandbox.state, 'stella', **token)}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tasks/get",
        **({} if name is None else {"Mcp-Name": name}),
    }
    async with httpx2.AsyncClient(timeout=30) as http:
        return await http.post(gate.sandbox.state.resource_url, json=body, headers=headers)


async def test_a_header_that_names_another_task_than_the_body_is_refused(gate: Gate) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9325)).task_id
    assert (await decide(gate, "sofia", task_id))["state"] == "approved"
    for name in ("hold_another", None):
        said = await posted(gate, task_id, name)
        assert (said.status_code, said.json()["error"]["code"]) == (400, HEADER_MISMATCH)
    assert tickets(gate, 9325) == 1
    assert (await posted(gate, task_id, task_id)).json()["result"]["status"] == "completed"


async def test_cancelling_a_task_withdraws_the_request(gate: Gate) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9326)).task_id
        acknowledged = await asked(client, "tasks/cancel", task_id)
        assert acknowledged.model_dump(exclude={"meta"}, exclude_none=True) == {"result_type": "complete"}
        told = await asked(client, "tasks/get", task_id)
        assert (told.status, told.result) == ("cancelled", None)
        assert (await asked(client, "tasks/cancel", task_id)).result_type == "complete"
    assert (await check(gate, task_id))["code"] == "hold_spent"
    assert (await decide(gate, "sofia", task_id))["code"] == "hold_spent"
    withdrawn = await in_database(
        gate, "select count(*) from journal.entry where stage = 'hold.withdrawn' and at > now() - interval '1 minute'"
    )
    assert withdrawn[0][0] >= 1
    assert tickets(gate, 9326) == 1


async def test_what_has_run_cannot_be_cancelled_any_more(gate: Gate) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9327)).task_id
        await decide(gate, "sofia", task_id)
        assert (await asked(client, "tasks/get", task_id)).status == "completed"
        assert (await asked(client, "tasks/cancel", task_id)).result_type == "complete"
        assert (await asked(client, "tasks/get", task_id)).status == "completed"


async def test_an_answer_that_nobody_asked_for_decides_and_runs_nothing(gate: Gate) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9328)).task_id
        yes = {"confirm": {"action": "accept", "content": {"confirm": True}}}
        assert (await asked(client, "tasks/update", task_id, input_responses=yes)).result_type == "complete"
        assert (await asked(client, "tasks/get", task_id)).status == "working"
        await decide(gate, "sofia", task_id)
        assert (await asked(client, "tasks/update", task_id, input_responses=yes)).result_type == "complete"
        assert tickets(gate, 9328) == 1  # it runs where its answer can be told
        assert (await asked(client, "tasks/get", task_id)).status == "completed"
    assert tickets(gate, 9328) == 0


async def test_a_task_that_was_denied_or_is_over_ends_with_the_refusal(gate: Gate) -> None:
    async with knowing(gate) as client:
        denied, over = [(await task_of(client, ticket)).task_id for ticket in (9329, 9330)]
        await decide(gate, "sofia", denied, "deny")
        await in_database(gate, "update gate.hold set expires_at = now() where id = :id", id=over)
        for task_id, code in ((denied, "denied"), (over, "hold_spent")):
            told = await asked(client, "tasks/get", task_id)
            assert told.status == "completed"
            assert told.result is not None
            assert refusal(told.result)["code"] == code
    assert (tickets(gate, 9329), tickets(gate, 9330)) == (1, 1)


async def test_what_the_users_own_word_releases_is_asked_in_the_call_and_is_no_task(gate: Gate) -> None:
    write = {
        "sql": "UPDATE crm.public.tickets SET priority = 'LOW' WHERE ticket_id = ?",
        "parameters": [9331],
        "reason": "a test",
    }
    async with knowing(gate) as client:  # which cannot ask
        said = refusal(await client.call_tool("request_write", write))
        assert said["code"] == "held"
        told = await asked(client, "tasks/get", said["hold_id"])
        assert (told.status, told.result) == ("working", None)
    shown_at = "select shown_at from gate.hold where id = :id"
    assert (await in_database(gate, shown_at, id=said["hold_id"]))[0][0] is None  # nobody was asked
    user = Answering()
    async with knowing(gate, user=user) as client:
        assert answer(await client.call_tool("request_write", write))["rows_affected"] == 1
    assert len(user.asked) == 1
    assert (await in_database(gate, shown_at, id=said["hold_id"]))[0][0] is not None


READS_HELD = """
  - {id: tickets-are-held, effect: hold, who: {anyone: true}, verbs: [read], tables: [CRM.PUBLIC.TICKETS]}
"""


@asynccontextmanager
async def reads_held(gate: Gate, port: int) -> AsyncGenerator[None]:
    """A gate at `port` where stewards approve who reads tickets."""
    policy = POLICY.read_text(encoding="utf-8").replace("  - id: no-payroll\n", f"{READS_HELD}  - id: no-payroll\n")
    policy = policy.replace("  - {id: held-reads, by: confirmation, verbs: [read], ttl_s: 600}\n", "")
    async with another_gate(gate, port, policy):
        yield


def reading(ticket: int) -> dict[str, Any]:
    return {"sql": f"SELECT ticket_id FROM crm.public.tickets WHERE ticket_id = {ticket}", "purpose": "a test"}


async def test_a_held_read_is_a_task_too_and_its_rows_are_told_once(gate: Gate, free_tcp_port: int) -> None:
    port = free_tcp_port
    async with reads_held(gate, port), knowing(gate, port=port) as client:
        task = await made(client, "run_query", reading(9332))
        await decide(gate, "sofia", task.task_id, port=port)
        blind = mint(gate.sandbox.state, "stella", scopes=["snowgate:write"])
        async with gate.client("stella", port=port, token=blind) as follower:  # who may follow, and read nothing
            said = refusal(await follower.call_tool("check_request", {"hold_id": task.task_id}))
        assert said["code"] == "out_of_scope"
        first = await asked(client, "tasks/get", task.task_id)
        again = await asked(client, "tasks/get", task.task_id)
    assert again.last_updated_at == first.last_updated_at  # how long it took is told by its answer, or is padded
    assert first.result is not None
    assert again.result is not None
    assert answer(first.result)["rows"] == [[9332]]
    assert (first.status, again.status) == ("completed", "completed")
    assert "rows" not in answer(again.result)
    assert answer(again.result)["status"] == "executed"


async def test_who_may_only_read_follows_what_they_read_to_its_end(gate: Gate, free_tcp_port: int) -> None:
    token = mint(gate.sandbox.state, "stella", scopes=["snowgate:read"])
    async with reads_held(gate, free_tcp_port), knowing(gate, port=free_tcp_port, token=token) as client:
        followed, withdrawn = [(await made(client, "run_query", reading(ticket))).task_id for ticket in (9336, 9337)]
        assert (await asked(client, "tasks/get", followed)).status == "working"
        await decide(gate, "sofia", followed, port=free_tcp_port)
        done = await asked(client, "tasks/get", followed)
        await asked(client, "tasks/cancel", withdrawn)
        assert (await asked(client, "tasks/get", withdrawn)).status == "cancelled"
    assert done.result is not None
    assert answer(done.result)["rows"] == [[9336]]


async def test_who_may_only_read_runs_no_write_that_the_same_person_was_approved(gate: Gate) -> None:
    # Following needs the scope to read or to write, so that whoever asked can see how it goes; what runs then needs
    # the scope of the tool that it was asked with, so that following gives nobody more than asking did.
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9338)).task_id
    await decide(gate, "sofia", task_id)
    async with knowing(gate, token=mint(gate.sandbox.state, "stella", scopes=["snowgate:read"])) as reader:
        assert (await refused(reader, "tasks/get", task_id)).error.data["code"] == "out_of_scope"
    assert tickets(gate, 9338) == 1


async def test_a_task_on_which_nobody_can_decide_any_more_is_told_and_no_crash(gate: Gate, free_tcp_port: int) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9335)).task_id
    policy = POLICY.read_text(encoding="utf-8").replace("id: stewards-approve", "id: others-approve")
    async with another_gate(gate, free_tcp_port, policy), knowing(gate, port=free_tcp_port) as client:
        told = await asked(client, "tasks/get", task_id)
    assert (told.status, told.result) == ("working", None)
    assert "not in force" in (told.status_message or "")


async def test_ten_who_ask_at_once_run_an_approved_change_once(gate: Gate) -> None:
    told: list[Any] = []
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9333)).task_id
        await decide(gate, "sofia", task_id)

        async def one() -> None:
            told.append(await asked(client, "tasks/get", task_id))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(one)
        last = await asked(client, "tasks/get", task_id)
    assert {each.status for each in told} <= {"working", "completed"}
    ran = [each for each in told if each.result is not None and "rows_affected" in answer(each.result)]
    assert len(ran) == 1
    assert last.status == "completed"
    assert tickets(gate, 9333) == 0


async def test_a_token_without_the_scope_is_challenged_before_it_meets_a_task(gate: Gate) -> None:
    async with knowing(gate) as client:
        task_id = (await task_of(client, 9334)).task_id
    await decide(gate, "sofia", task_id)
    said = await posted(gate, task_id, task_id, scopes=["snowgate:describe"])
    assert said.status_code == 403
    assert 'scope="snowgate:write"' in said.headers["www-authenticate"]
    assert tickets(gate, 9334) == 1


async def test_over_stdio_where_there_are_no_headers_a_task_is_met_by_its_id(gate: Gate) -> None:
    async with knowing(gate, transport="stdio") as client:
        task_id = (await task_of(client, 9335)).task_id
        assert (await asked(client, "tasks/get", task_id)).status == "working"
        assert (await refused(client, "tasks/get", "hold_doesnotexist")).error.code == INVALID_PARAMS
        await asked(client, "tasks/cancel", task_id)
        assert (await asked(client, "tasks/get", task_id)).status == "cancelled"
    assert tickets(gate, 9335) == 1
