"""The page of a request in the console is offered to who asked for it, by a client that can open pages, and no more."""

from typing import Any

import httpx2
import pytest

from server.sandbox.issuer import mint
from tests.console.browsing import Browser
from tests.support.clients import Answering, Era, Gate, answer, refusal
from tests.support.gates import serving
from tests.support.tasks import KnowsTasks, asked
from tests.wire.test_approvals import ERAS, check, decide, deletion, held, tickets

every_era = pytest.mark.parametrize("era", ERAS)


def page_of(gate: Gate, hold_id: str) -> str:
    return f"{gate.sandbox.state.console_url}/holds/{hold_id}"


@every_era
@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_who_asked_is_offered_the_page_of_their_request_and_the_answer_decides_nothing(
    gate: Gate, era: Era, action: Any
) -> None:
    ticket = 9341 + ["accept", "decline", "cancel"].index(action) + 3 * ERAS.index(era)
    user = Answering(action)
    said = await held(gate, ticket, era=era, user=user)
    assert user.led == [page_of(gate, said["hold_id"])]
    assert user.asked == []
    assert (await check(gate, said["hold_id"]))["status"] == "open"
    assert tickets(gate, ticket) == 1


async def test_the_page_shows_the_request_to_who_asked_and_to_nobody_who_has_nothing_to_do_with_it(gate: Gate) -> None:
    user = Answering()
    await held(gate, 9347, user=user)
    path = user.led[0].removeprefix(gate.sandbox.state.console_url)
    async with Browser(gate) as browser:
        page = await browser.sign_in("stella", path)
        assert (page.answer.status_code, "decide" in page.forms, "withdraw" in page.forms) == (200, False, True)
    async with Browser(gate) as browser:
        await browser.sign_in("ada")
        assert (await browser.get(path)).answer.status_code == 404
    async with Browser(gate) as stranger:
        assert (await stranger.get(path)).answer.status_code == 303  # to where one signs in


async def test_nobody_else_is_led_there_and_following_leads_nowhere(gate: Gate) -> None:
    hold_id = (await held(gate, 9348))["hold_id"]
    approver, requester = Answering(), Answering()
    async with gate.client("sofia", user=approver) as client:
        answer(await client.call_tool("show_hold", {"hold_id": hold_id}))
    await decide(gate, "sofia", hold_id)
    async with gate.client("stella", user=requester) as client:
        assert answer(await client.call_tool("check_request", {"hold_id": hold_id}))["status"] == "executed"
    assert approver.led == requester.led == []


async def test_what_the_users_own_word_releases_leads_nowhere(gate: Gate) -> None:
    user = Answering()
    write = {"sql": "UPDATE crm.public.tickets SET priority = 'LOW' WHERE ticket_id = 9349", "reason": "a test"}
    async with gate.client("stella", user=user) as client:
        assert answer(await client.call_tool("request_write", write))["rows_affected"] == 1
    assert (len(user.asked), user.led) == (1, [])


async def test_a_client_that_knows_tasks_is_offered_the_page_before_there_is_one(gate: Gate) -> None:
    user, known = Answering(), KnowsTasks()
    async with gate.client("stella", user=user, extensions=[known]) as client:
        await client.call_tool("request_write", deletion(9350))
        [task] = known.made
        assert user.led == [page_of(gate, task.task_id)]
        assert (await asked(client, "tasks/get", task.task_id)).status == "working"
    assert len(user.led) == 1


@pytest.mark.parametrize(("elicitation", "is_led"), [({}, False), ({"form": {}}, False), ({"url": {}}, True)])
async def test_a_client_is_led_only_in_a_mode_that_it_declared(
    gate: Gate, elicitation: dict[str, Any], is_led: bool
) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": elicitation},
    }
    params = {"name": "request_write", "arguments": deletion(9351), "_meta": meta}
    headers = {
        "Authorization": f"Bearer {mint(gate.sandbox.state, 'stella')}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "request_write",
    }
    async with httpx2.AsyncClient(timeout=30, headers=headers) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        result = (await http.post(gate.sandbox.state.resource_url, json=body)).json()["result"]
    assert (result["resultType"] == "input_required") is is_led
    if is_led:
        [offer] = result["inputRequests"].values()
        assert (offer["params"]["mode"], "requestedSchema" in offer["params"]) == ("url", False)
    else:
        assert result["structuredContent"]["code"] == "held"


async def test_without_a_console_nobody_is_led(gate: Gate, free_tcp_port: int) -> None:
    takes: dict[str, str | None] = dict.fromkeys(
        name for name in gate.sandbox.environment if name.startswith("SNOWGATE_CONSOLE")
    )
    user, resource = Answering(), gate.sandbox.state.resource_url
    async with (
        serving(gate.sandbox, port=free_tcp_port, **{**takes, "SNOWGATE_RESOURCE": resource}),
        gate.client("stella", user=user, port=free_tcp_port) as client,
    ):
        assert refusal(await client.call_tool("request_write", deletion(9352)))["code"] == "held"
    assert user.led == []
