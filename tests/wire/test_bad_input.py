"""Bad input gets a stable code, runs nothing, leaves one entry that says refused, and the gate answers on."""

from typing import Any

import httpx2
import pytest

from server.sandbox.issuer import mint
from tests.support.clients import Gate, answer, refusal
from tools.contract import BadArguments
from tools.request_write import RequestWrite
from tools.run_query import RunQuery

GOOD = {"sql": "SELECT COUNT(*) AS n FROM tpch.public.region", "purpose": "still there?"}

STATEMENTS = {
    "empty": ("", {"empty_statement"}),
    "blank": (" \n\t", {"empty_statement"}),
    "only a comment": ("-- hello", {"empty_statement"}),
    "huge": ("SELECT " + "1," * 500_000 + "1", {"statement_too_long"}),
    "deep": ("SELECT " + "(" * 3_000 + "1" + ")" * 3_000, {"statement_too_deep"}),
    "many words": ("SELECT " + "1," * 30_000 + "1", {"statement_too_long"}),
    "several": ("SELECT 1; SELECT 2", {"not_one_statement"}),
    "no sql": ("please show me the salaries", {"syntax_error", "statement_not_allowed"}),
    "nul": ("SELECT 1 \x00", {"syntax_error"}),
    "unicode look-alike": ("SELECT * FROM \u0441rm.public.customers", {"object_not_found"}),
    "unclosed comment": ("SELECT 1 /* FROM crm.public.customers", {"syntax_error"}),
    "command": ("CALL system$wait(1)", {"statement_not_allowed"}),
    "use role": ("USE ROLE accountadmin", {"statement_not_allowed"}),
}


@pytest.mark.parametrize(("sql", "codes"), STATEMENTS.values(), ids=STATEMENTS.keys())
async def test_a_bad_statement_is_refused_and_nothing_runs(gate: Gate, sql: str, codes: set[str]) -> None:
    before = len(gate.ran())
    async with gate.client() as client:
        said = refusal(await client.call_tool("run_query", {"sql": sql, "purpose": "bad input"}))
        ran = len(gate.ran())
        assert answer(await client.call_tool("run_query", GOOD))["rows"] == [[5]]
    assert ran == before
    assert said["code"] in codes
    entries = await gate.journal(said["call_id"])
    assert entries[-1][0].stage == "refused"
    assert [facts["code"] for _, facts in entries if "code" in facts] == [said["code"]]


ARGUMENTS: dict[str, dict[str, Any]] = {
    "unknown argument": {**GOOD, "dryrun": True},
    "missing purpose": {"sql": "SELECT 1"},
    "missing sql": {"purpose": "nothing"},
    "sql is a number": {"sql": 1, "purpose": "wrong type"},
    "rows_max is text": {**GOOD, "rows_max": "7"},
    "rows_max is zero": {**GOOD, "rows_max": 0},
    "rows_max is negative": {**GOOD, "rows_max": -1},
    "parameters is an object": {**GOOD, "parameters": {"a": 1}},
    "a parameter is an object": {**GOOD, "parameters": [{"secret": "hunter2"}]},
    "purpose is empty": {"sql": "SELECT 1", "purpose": ""},
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS.keys())
async def test_bad_arguments_are_refused_by_name_and_never_echoed(gate: Gate, arguments: dict[str, Any]) -> None:
    async with gate.client() as client:
        said = refusal(await client.call_tool("run_query", arguments))
        assert answer(await client.call_tool("run_query", GOOD))["rows"] == [[5]]
    assert said["code"] == "invalid_arguments"
    assert "hunter2" not in str(said)
    assert [entry.stage for entry, _ in await gate.journal(said["call_id"])] == ["refused"]


async def test_a_mistyped_argument_is_met_with_the_right_one(gate: Gate) -> None:
    async with gate.client() as client:
        said = refusal(await client.call_tool("run_query", {**GOOD, "row_max": 3}))
    assert "rows_max" in said["hint"]


async def test_an_unknown_tool_is_refused_and_journaled(gate: Gate) -> None:
    async with gate.client() as client:
        said = refusal(await client.call_tool("drop_everything" + "x" * 500, {"a": 1}))
    assert said["code"] == "unknown_tool"
    [(entry, facts)] = await gate.journal(said["call_id"])
    assert entry.stage == "refused"
    assert len(facts["tool"]) <= 64


@pytest.mark.parametrize("count", [0, 2])
async def test_placeholders_and_values_must_match(gate: Gate, count: int) -> None:
    sql = "SELECT r_name FROM tpch.public.region WHERE r_regionkey = ?"
    async with gate.client() as client:
        said = refusal(await client.call_tool("run_query", {"sql": sql, "purpose": "count", "parameters": [1] * count}))
    assert said["code"] == "bad_parameters"


@pytest.mark.parametrize("cursor", ["", "x", "eyJhIjoxfQ", "A" * 1999, "\u00e9"])
async def test_a_cursor_that_is_not_ours_is_refused(gate: Gate, cursor: str) -> None:
    async with gate.client() as client:
        said = refusal(await client.call_tool("describe_schema", {"cursor": cursor}))
    assert said["code"] in ("bad_cursor", "invalid_arguments")


async def test_writes_and_reads_have_their_own_tools(gate: Gate) -> None:
    async with gate.client("stella") as client:
        one = refusal(await client.call_tool("run_query", {"sql": "DELETE FROM crm.public.tickets", "purpose": "oops"}))
        two = refusal(await client.call_tool("request_write", {"sql": "SELECT 1 AS x", "reason": "oops"}))
    assert one["code"] == two["code"] == "wrong_tool"
    assert "request_write" in one["hint"]
    assert "run_query" in two["hint"]


async def _post(gate: Gate, token: str | None, **headers: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    sent = {"Accept": "application/json, text/event-stream", **headers}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    async with httpx2.AsyncClient() as http:
        return await http.post(gate.sandbox.state.resource_url, json=body, headers=sent)


async def test_without_a_good_token_the_door_answers_401_with_a_complete_challenge(gate: Gate) -> None:
    state = gate.sandbox.state
    bad = {
        "none": None,
        "garbage": "x.y.z",
        "expired": mint(state, "ada", ttl_s=-60),
        "other audience": mint(state, "ada", audience="https://elsewhere.test/mcp"),
    }
    for name, token in bad.items():
        response = await _post(gate, token)
        assert response.status_code == 401, name
        challenge = response.headers["www-authenticate"]
        assert "resource_metadata=" in challenge
        assert 'scope="snowgate:read snowgate:write"' in challenge
        assert ("invalid_token" in challenge) == (token is not None)


async def test_a_refused_token_leaves_an_entry(gate: Gate) -> None:
    from sqlalchemy import text

    from server.database import open_engine

    async def refused_at_the_door() -> int:
        async with open_engine(gate.settings.auditor_url) as engine, engine.connect() as connection:
            found = await connection.execute(text("SELECT count(*) FROM journal.entry WHERE stage = 'refused'"))
            return int(found.scalar_one())

    before = await refused_at_the_door()
    await _post(gate, "x.y.z")
    assert await refused_at_the_door() == before + 1


async def test_a_foreign_host_or_origin_is_turned_away(gate: Gate) -> None:
    token = mint(gate.sandbox.state, "ada")
    assert (await _post(gate, token, Host="evil.test")).status_code == 421
    assert (await _post(gate, token, Origin="https://evil.test")).status_code == 403


async def test_the_resource_says_who_may_issue_tokens_for_it(gate: Gate) -> None:
    state = gate.sandbox.state
    url = state.resource_url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    async with httpx2.AsyncClient() as http:
        metadata = (await http.get(url)).json()
    assert metadata["resource"] == state.resource_url
    assert metadata["authorization_servers"][0].rstrip("/") == state.issuer_url


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_cannot_spell_is_refused_for_no_journal_could_keep_it(number: float) -> None:
    """Python's parsers of JSON take NaN; what is kept of the call would say null, and be decided again otherwise."""
    with pytest.raises(BadArguments):
        RunQuery().ask({"sql": "SELECT ?", "purpose": "to count", "parameters": [number]})
    with pytest.raises(BadArguments):
        RequestWrite().ask({"sql": "DELETE FROM t WHERE a = ?", "reason": "to count", "parameters": [number]})
