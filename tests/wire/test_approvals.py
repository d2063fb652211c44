"""A write that needs a separate approver, from the request to the change, through official clients in both eras."""

from typing import Any

import pytest

from tests.support.clients import Answering, Era, Gate, answer, refusal
from tests.support.sandbox import connection, rows

ERAS: list[Era] = ["auto", "legacy"]
every_era = pytest.mark.parametrize("era", ERAS)


def deletion(ticket: int, **more: Any) -> dict[str, Any]:
    sql = "DELETE FROM crm.public.tickets WHERE ticket_id = ?"
    return {"sql": sql, "parameters": [ticket], "reason": "The customer asked for it", **more}


def decision(hold_id: str, verdict: str = "approve") -> dict[str, Any]:
    return {"hold_id": hold_id, "decision": verdict, "reason": "I have read it"}


async def held(
    gate: Gate, ticket: int, *, person: str = "stella", era: Era = "auto", user: Any = None
) -> dict[str, Any]:
    """What a requester is told whose write needs somebody else."""
    async with gate.client(person, era=era, user=user) as client:
        said = refusal(await client.call_tool("request_write", deletion(ticket)))
    assert said["code"] == "held"
    return said


async def decide(gate: Gate, person: str, hold_id: str, verdict: str = "approve", **more: Any) -> dict[str, Any]:
    """What comes of a decision that the person's client confirms."""
    async with gate.client(person, user=Answering(), **more) as client:
        result = await client.call_tool("decide_hold", decision(hold_id, verdict))
    return refusal(result) if result.is_error else answer(result)


async def check(gate: Gate, hold_id: str, *, person: str = "stella") -> dict[str, Any]:
    async with gate.client(person) as client:
        result = await client.call_tool("check_request", {"hold_id": hold_id})
    return refusal(result) if result.is_error else answer(result)


def tickets(gate: Gate, ticket: int) -> int:
    with connection(gate.sandbox.state, "STELLA", "STEWARD_RO") as session:
        [(count,)] = rows(session, "SELECT COUNT(*) FROM crm.public.tickets WHERE ticket_id = ?", ticket)
    return int(count)


@every_era
async def test_a_deletion_is_read_and_approved_by_somebody_else_and_then_runs_once(gate: Gate, era: Era) -> None:
    ticket = 9101 if era == "auto" else 9102
    asking = Answering()
    said = await held(gate, ticket, era=era, user=asking)
    hold_id = said["hold_id"]
    assert asking.asked == []  # the requester's own word would not be enough, so they are not asked
    assert "stewards" in said["approval"]
    assert (await check(gate, hold_id))["status"] == "open"

    approving = Answering()
    async with gate.client("sofia", era=era, user=approving) as client:
        listed = answer(await client.call_tool("list_holds", {}))
        assert hold_id in [hold["hold_id"] for hold in listed["holds"]]
        shown = answer(await client.call_tool("show_hold", {"hold_id": hold_id}))
        assert shown["effect"]["rows"] == {"delete": 1}
        assert shown["effect"]["objects"][0]["retention_days"] == 1
        assert shown["effect"]["sample"]["rows"]
        assert shown["risk"] == "medium"
        decided = answer(await client.call_tool("decide_hold", decision(hold_id)))
    assert decided["state"] == "approved"
    [question] = approving.asked
    assert shown["text"] in question

    assert tickets(gate, ticket) == 1
    done = await check(gate, hold_id)
    assert (done["status"], done["rows_affected"]) == ("executed", 1)
    assert tickets(gate, ticket) == 0
    again = await check(gate, hold_id)
    assert again["status"] == "executed"
    assert again["outcome"]["query_id"] == done["query_id"]
    stages = await gate.stages(done["call_id"])
    assert stages == ["decided", "hold.executed", "answered"]


async def test_making_the_same_request_again_meets_the_same_hold_and_runs_once_it_is_approved(gate: Gate) -> None:
    first = await held(gate, 9103)
    again = await held(gate, 9103)
    assert again["hold_id"] == first["hold_id"]
    assert (await decide(gate, "sofia", first["hold_id"]))["state"] == "approved"
    async with gate.client("stella") as client:
        done = answer(await client.call_tool("request_write", deletion(9103)))
    assert done["rows_affected"] == 1


async def test_nobody_approves_their_own_request_whichever_client_they_use(gate: Gate) -> None:
    from server.sandbox.issuer import mint

    hold_id = (await held(gate, 9104))["hold_id"]
    assert (await decide(gate, "stella", hold_id))["code"] == "own_request"
    elsewhere = mint(gate.sandbox.state, "stella", agent="another-client")
    assert (await decide(gate, "stella", hold_id, token=elsewhere))["code"] == "own_request"
    assert (await check(gate, hold_id))["status"] == "open"


async def test_who_is_in_no_approving_group_is_offered_no_tool_and_decides_nothing(gate: Gate) -> None:
    hold_id = (await held(gate, 9105))["hold_id"]
    async with gate.client("ada", user=Answering()) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        refused = refusal(await client.call_tool("decide_hold", decision(hold_id)))
        looked = refusal(await client.call_tool("show_hold", {"hold_id": hold_id}))
    assert not names & {"list_holds", "show_hold", "decide_hold"}
    assert refused["code"] == looked["code"] == "not_permitted"


async def test_an_approver_who_loses_the_group_between_look_and_click_decides_nothing(gate: Gate) -> None:
    from server.sandbox.issuer import mint

    hold_id = (await held(gate, 9106))["hold_id"]
    async with gate.client("sofia") as client:
        answer(await client.call_tool("show_hold", {"hold_id": hold_id}))
    demoted = mint(gate.sandbox.state, "sofia", extra={"groups": ["analysts"]})
    assert (await decide(gate, "sofia", hold_id, token=demoted))["code"] == "not_permitted"
    assert (await check(gate, hold_id))["status"] == "open"


async def test_a_client_that_says_yes_to_everything_approves_nothing_that_needs_somebody_else(gate: Gate) -> None:
    yes = Answering()
    hold_id = (await held(gate, 9107, user=yes))["hold_id"]
    assert yes.asked == []
    assert tickets(gate, 9107) == 1
    async with gate.client("stella", user=yes) as client:
        assert answer(await client.call_tool("check_request", {"hold_id": hold_id}))["status"] == "open"
    assert tickets(gate, 9107) == 1


async def test_an_approver_whose_client_cannot_ask_decides_nothing(gate: Gate) -> None:
    hold_id = (await held(gate, 9108))["hold_id"]
    async with gate.client("sofia") as client:
        said = refusal(await client.call_tool("decide_hold", decision(hold_id)))
    assert said["code"] == "held"
    async with gate.client("sofia", user=Answering("decline")) as client:
        said = refusal(await client.call_tool("decide_hold", decision(hold_id)))
    assert said["code"] == "declined"
    assert (await check(gate, hold_id))["status"] == "open"


async def test_a_denied_request_says_why_and_runs_nothing(gate: Gate) -> None:
    hold_id = (await held(gate, 9109))["hold_id"]
    assert (await decide(gate, "sofia", hold_id, "deny"))["state"] == "denied"
    said = await check(gate, hold_id)
    assert said["code"] == "denied"
    assert "I have read it" in said["message"]
    assert (await decide(gate, "sofia", hold_id))["code"] == "hold_spent"
    assert tickets(gate, 9109) == 1


async def test_a_withdrawn_request_cannot_be_approved(gate: Gate) -> None:
    hold_id = (await held(gate, 9110))["hold_id"]
    arguments = {"hold_id": hold_id, "reason": "It was the wrong ticket"}
    async with gate.client("sofia") as client:
        assert refusal(await client.call_tool("withdraw_request", arguments))["code"] == "hold_not_found"
    async with gate.client("stella") as client:
        assert answer(await client.call_tool("withdraw_request", arguments))["state"] == "withdrawn"
    assert (await decide(gate, "sofia", hold_id))["code"] == "hold_spent"
    assert (await check(gate, hold_id))["code"] == "hold_spent"


async def test_others_cannot_follow_a_request_and_missing_ones_are_answered_alike(gate: Gate) -> None:
    hold_id = (await held(gate, 9111))["hold_id"]
    theirs = await check(gate, hold_id, person="sofia")
    missing = await check(gate, "hold_doesnotexist", person="sofia")
    assert theirs["code"] == missing["code"] == "hold_not_found"
    assert theirs["message"] == missing["message"]


async def test_a_change_that_touches_other_rows_than_approved_is_rolled_back(gate: Gate) -> None:
    sql = "DELETE FROM crm.public.tickets WHERE subject = ?"
    mark = {"sql": "UPDATE crm.public.tickets SET subject = 'drifting' WHERE ticket_id = ?", "reason": "a test"}
    async with gate.client("stella", user=Answering()) as client:
        answer(await client.call_tool("request_write", {**mark, "parameters": [9112]}))
        said = refusal(
            await client.call_tool("request_write", {"sql": sql, "parameters": ["drifting"], "reason": "a test"})
        )
        hold_id = said["hold_id"]
        assert (await decide(gate, "sofia", hold_id))["state"] == "approved"
        answer(await client.call_tool("request_write", {**mark, "parameters": [9113]}))
    drifted = await check(gate, hold_id)
    assert drifted["code"] == "effect_drifted"
    assert (tickets(gate, 9112), tickets(gate, 9113)) == (1, 1)
    assert (await check(gate, hold_id))["status"] == "failed"
