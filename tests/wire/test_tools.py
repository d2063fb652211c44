"""What an agent sees through the official client, over both transports and in both protocol eras."""

from typing import Any

import jsonschema
import pytest

from tests.support.clients import Answering, Era, Gate, Transport, answer, refusal

DOORS: list[tuple[Transport, Era]] = [("http", "auto"), ("http", "legacy"), ("stdio", "auto"), ("stdio", "legacy")]
every_door = pytest.mark.parametrize(("transport", "era"), DOORS, ids=["-".join(door) for door in DOORS])

CUSTOMERS = "SELECT customer_id, email, region FROM crm.public.customers WHERE customer_id <= ? ORDER BY customer_id"
TICKET = "UPDATE crm.public.tickets SET status = 'CLOSED' WHERE ticket_id = ?"


def read(sql: str, *parameters: Any, **more: Any) -> dict[str, Any]:
    return {"sql": sql, "purpose": "a test of the gate", "parameters": list(parameters), **more}


def write(sql: str, *parameters: Any) -> dict[str, Any]:
    return {"sql": sql, "reason": "a test of the gate", "parameters": list(parameters)}


@every_door
async def test_the_tools_are_listed_with_strict_schemas(gate: Gate, transport: Transport, era: Era) -> None:
    async with gate.client(transport=transport, era=era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == [
        "describe_schema",
        "run_query",
        "request_write",
        "check_request",
        "withdraw_request",
        "request_undo",
    ]
    for tool in tools.values():
        assert tool.input_schema["additionalProperties"] is False
        assert all(spec["description"] for spec in tool.input_schema["properties"].values())
        assert tool.output_schema is not None
        assert tool.annotations is not None
    assert tools["run_query"].annotations is not None
    assert tools["run_query"].annotations.read_only_hint is True
    assert tools["request_write"].annotations is not None
    assert tools["request_write"].annotations.destructive_hint is True


@every_door
async def test_a_read_is_answered_with_masks_and_each_value_once(gate: Gate, transport: Transport, era: Era) -> None:
    async with gate.client(transport=transport, era=era) as client:
        result = await client.call_tool("run_query", read(CUSTOMERS, 1003))
    said = answer(result)
    assert [column["name"] for column in said["columns"]] == ["CUSTOMER_ID", "EMAIL", "REGION"]
    assert said["row_count"] == 3
    assert said["truncated"] is False
    assert said["query_id"]
    assert said["call_id"].startswith("call_")
    assert any("EMAIL" in note for note in said["notes"])
    emails = [row[1] for row in said["rows"]]
    text = "".join(getattr(block, "text", "") for block in result.content)
    assert all(email not in text for email in emails)
    assert gate.ran(said["call_id"]) == []  # the call id travels in the query tag, never in the text


@every_door
async def test_masked_values_never_leave(gate: Gate, transport: Transport, era: Era) -> None:
    async with gate.client("stella", transport=transport, era=era) as client:
        clear = answer(await client.call_tool("run_query", read(CUSTOMERS, 1005)))
    async with gate.client("ada", transport=transport, era=era) as client:
        masked = answer(await client.call_tool("run_query", read(CUSTOMERS, 1005)))
    for seen_by_stella, seen_by_ada in zip(clear["rows"], masked["rows"], strict=True):
        assert seen_by_stella[0] == seen_by_ada[0]
        assert seen_by_stella[1] != seen_by_ada[1]


@every_door
async def test_the_schema_says_how_each_column_will_appear(gate: Gate, transport: Transport, era: Era) -> None:
    async with gate.client(transport=transport, era=era) as client:
        said = answer(await client.call_tool("describe_schema", {"schema": "PUBLIC", "table": "CUSTOMERS"}))
    [table] = said["tables"]
    assert table["name"] == "CRM.PUBLIC.CUSTOMERS"
    columns = {column["name"]: column for column in table["columns"]}
    assert columns["CUSTOMER_ID"]["type"] == "NUMBER(38,0)"
    assert columns["CUSTOMER_ID"]["appears"] == "clear"
    assert columns["EMAIL"]["appears"].startswith("masked")
    assert table["primary_key"] == ["CUSTOMER_ID"]


@every_door
async def test_a_refusal_has_one_shape_and_is_journaled(gate: Gate, transport: Transport, era: Era) -> None:
    async with gate.client(transport=transport, era=era) as client:
        said = refusal(await client.call_tool("run_query", read("SELECT salary FROM crm.hr.employees")))
        hidden = refusal(await client.call_tool("run_query", read("SELECT salary FROM crm.hr.no_such_table")))
    assert said["retryable"] is False
    assert said["hint"]
    assert gate.ran("EMPLOYEES") == []
    stages = [entry.stage for entry, _ in await gate.journal(said["call_id"])]
    assert stages[-1] == "refused"
    assert hidden["code"] != "internal_error"


@every_door
async def test_a_confirmed_write_runs_once_and_is_journaled(gate: Gate, transport: Transport, era: Era) -> None:
    user = Answering()
    async with gate.client("stella", transport=transport, era=era, user=user) as client:
        said = answer(await client.call_tool("request_write", write(TICKET, 9021)))
    assert said["status"] == "executed"
    assert said["rows_affected"] == 1
    [question] = user.asked
    assert "TICKETS" in question
    assert "9021" in question
    assert "Effect: 1 row updated" in question
    assert "Risk: low" in question
    entries = await gate.journal(said["call_id"])
    asked = ["hold.requested", "hold.shown"] if era == "legacy" else []  # else they are entries of the first round
    assert await gate.stages(said["call_id"]) == [
        "decided", *asked, "hold.decided", "hold.counted", "hold.executed", "answered",
    ]  # fmt: skip
    assert entries[0][1]["decision"] == "hold"
    assert entries[-1][1]["hold_id"].startswith("hold_")
    assert "BEFORE (STATEMENT =>" in said["undo"]


@every_door
async def test_a_declined_write_runs_nothing(gate: Gate, transport: Transport, era: Era) -> None:
    before = len(gate.ran("UPDATE"))
    for user in (Answering("decline"), Answering("cancel"), Answering(content={"confirm": False})):
        async with gate.client("stella", transport=transport, era=era, user=user) as client:
            said = refusal(await client.call_tool("request_write", write(TICKET, 9022)))
        assert said["code"] == "declined"
    assert len(gate.ran("UPDATE")) == before


@every_door
async def test_a_write_that_nobody_can_be_asked_about_is_held(gate: Gate, transport: Transport, era: Era) -> None:
    before = len(gate.ran("UPDATE"))
    async with gate.client("stella", transport=transport, era=era) as client:
        said = refusal(await client.call_tool("request_write", write(TICKET, 9023)))
    assert said["code"] == "held"
    assert said["retryable"] is True
    assert len(gate.ran("UPDATE")) == before


@every_door
async def test_bind_values_are_values(gate: Gate, transport: Transport, era: Era) -> None:
    tricky = "x' OR '1'='1"
    sql = "SELECT COUNT(*) AS n FROM crm.public.customers WHERE segment = ?"
    async with gate.client(transport=transport, era=era) as client:
        said = answer(await client.call_tool("run_query", read(sql, tricky)))
    assert said["rows"] == [[0]]


async def test_answers_and_refusals_both_fit_the_published_schema(gate: Gate) -> None:
    async with gate.client() as client:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        results = {
            "run_query": [
                await client.call_tool("run_query", read(CUSTOMERS, 1003)),
                await client.call_tool("run_query", read("SELECT salary FROM crm.hr.employees")),
                await client.call_tool("run_query", {"sql": 1}),
            ],
            "describe_schema": [
                await client.call_tool("describe_schema", {}),
                await client.call_tool("describe_schema", {"cursor": "x"}),
            ],
            "request_write": [await client.call_tool("request_write", write("SELECT 1"))],
        }
    for name, said in results.items():
        for result in said:
            jsonschema.validate(result.structured_content, schemas[name] or False)


async def test_rows_max_cuts_and_says_so(gate: Gate) -> None:
    async with gate.client() as client:
        said = answer(await client.call_tool("run_query", read(CUSTOMERS, 1050, rows_max=7)))
    assert (said["row_count"], said["truncated"]) == (7, True)


async def test_pages_of_the_schema_are_stable_and_complete(gate: Gate) -> None:
    names: list[str] = []
    cursor: str | None = None
    async with gate.client() as client:
        while True:
            arguments = {"cursor": cursor} if cursor else {}
            said = answer(await client.call_tool("describe_schema", arguments))
            names += [table["name"] for table in said["tables"]]
            cursor = said["next_cursor"]
            if cursor is None:
                break
    assert names == sorted(set(names))
    assert len(names) == said["tables_total"]
    assert "TPCH.PUBLIC.LINEITEM" in names
