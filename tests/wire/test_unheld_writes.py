"""A write that policy permits without asking anybody: its way back is told, journaled, kept, and asked for as any."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from server.sandbox.issuer import mint
from tests.support.clients import Era, Gate, answer, refusal
from tests.support.gates import POLICY
from tests.wire.test_approvals import ERAS, decide
from tests.wire.test_changed_meanwhile import another_gate, in_database
from tests.wire.test_table_changes import in_snowflake, made

TABLE = "UNASKED"
WRITE = {"sql": f"UPDATE crm.public.{TABLE} SET email = 'z@x.org' WHERE phone = '1'", "reason": "a test"}


def emails(gate: Gate) -> list[Any]:
    return [email for (email,) in in_snowflake(gate, f"SELECT email FROM crm.public.{TABLE} ORDER BY phone")]


@pytest.fixture
async def port(gate: Gate, free_tcp_port: int) -> AsyncGenerator[int]:
    """Where a gate serves whose policy permits stewards to write without a hold, and a table with three rows."""
    rule = "  - {id: stewards-ask-writes, effect: "
    lenient = POLICY.read_text(encoding="utf-8").replace(f"{rule}hold", f"{rule}permit")
    await made(gate, TABLE)
    try:
        async with another_gate(gate, free_tcp_port, lenient):
            yield free_tcp_port
    finally:
        in_snowflake(gate, f"DROP TABLE IF EXISTS crm.public.{TABLE}")


@pytest.mark.parametrize("era", ERAS)
async def test_a_write_that_nobody_was_asked_about_is_undone_by_a_request_that_people_decide_on(
    gate: Gate, port: int, era: Era
) -> None:
    async with gate.client("stella", port=port, era=era) as client:
        wrote = answer(await client.call_tool("request_write", WRITE))
        assert wrote["rows_affected"] == 1
        assert wrote["undo"].startswith(f'CREATE OR REPLACE TABLE "CRM"."PUBLIC"."{TABLE}"')
        assert emails(gate) == ["z@x.org", "b@x.org", "c@x.org"]
        outcome = (await gate.journal(wrote["call_id"]))[-1]
        assert (outcome[0].stage, outcome[1]["undo"]) == ("answered", wrote["undo"])
        asked = {"call_id": wrote["call_id"], "reason": "It was the wrong one"}
        said = refusal(await client.call_tool("request_undo", asked))
        assert said["code"] == "held"
        assert emails(gate)[0] == "z@x.org"
        assert (await decide(gate, "sofia", said["hold_id"], port=port))["state"] == "approved"
        back = answer(await client.call_tool("check_request", {"hold_id": said["hold_id"]}))
    assert back["status"] == "executed"
    assert emails(gate) == ["a@x.org", "b@x.org", "c@x.org"]


async def test_only_who_made_a_write_through_the_same_agent_can_ask_for_its_undoing(gate: Gate, port: int) -> None:
    async with gate.client("stella", port=port) as client:
        wrote = answer(await client.call_tool("request_write", WRITE))
        read = answer(
            await client.call_tool("run_query", {"sql": f"SELECT email FROM crm.public.{TABLE}", "purpose": "a look"})
        )
        of_a_read = refusal(await client.call_tool("request_undo", {"call_id": read["call_id"], "reason": "a test"}))
    told = [of_a_read]
    elsewhere = mint(gate.sandbox.state, "stella", agent="another-agent")
    for person, token in (("sofia", None), ("stella", elsewhere)):
        async with gate.client(person, port=port, token=token) as other:
            told.append(
                refusal(await other.call_tool("request_undo", {"call_id": wrote["call_id"], "reason": "a test"}))
            )
    assert {(each["code"], each["message"]) for each in told} == {
        ("hold_not_found", "no request of yours was executed in that call")
    }


async def test_a_way_back_is_kept_without_values_and_not_for_ever(gate: Gate, port: int) -> None:
    async with gate.client("stella", port=port) as client:
        first = answer(await client.call_tool("request_write", WRITE))
        [kept] = await in_database(gate, "select * from gate.undo_point where call_id = :id", id=first["call_id"])
        assert "z@x.org" not in str(tuple(kept))
        await in_database(
            gate,
            "update gate.undo_point set made_at = now() - interval '91 days' where call_id = :id",
            id=first["call_id"],
        )
        answer(await client.call_tool("request_write", WRITE))
        gone = refusal(await client.call_tool("request_undo", {"call_id": first["call_id"], "reason": "a test"}))
    assert gone["code"] == "hold_not_found"
