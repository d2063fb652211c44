"""At the HTTP door: who is sent away learns what to ask for, and nobody comes in by sending more than one answer."""

import re
from contextlib import suppress
from typing import Any

import anyio
import httpx2
import pytest

from server.sandbox.issuer import mint
from server.serving import KEEP_ALIVE_S
from tests.support.clients import Gate, refusal

READ, WRITE, APPROVE = "snowgate:read", "snowgate:write", "snowgate:approve"
SPEC = "io.modelcontextprotocol"
ACCEPT = {"Accept": "application/json, text/event-stream"}


async def _send(
    gate: Gate, headers: list[tuple[str, str]], body: Any, path: str = "", port: int | None = None
) -> httpx2.Response:
    own = gate.sandbox.state.ports.gate
    url = gate.sandbox.state.resource_url.replace(f":{own}/", f":{port or own}/")
    async with httpx2.AsyncClient(timeout=20) as http:
        return await http.post(url + path, json=body, headers=[*ACCEPT.items(), *headers])


def _bearer(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {token}"


def _call(tool: Any, **arguments: Any) -> dict[str, Any]:
    params = {
        "name": tool, "arguments": arguments,
        "_meta": {f"{SPEC}/protocolVersion": "2026-07-28", f"{SPEC}/clientCapabilities": {}},
    }  # fmt: skip
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def _challenge(response: httpx2.Response) -> dict[str, str]:
    header = response.headers["www-authenticate"]
    return {"scheme": header.split(" ")[0], **dict(re.findall(r'(\w+)="([^"]*)"', header))}


def _metadata_url(gate: Gate) -> str:
    return gate.sandbox.state.resource_url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")


async def test_a_tool_out_of_scope_is_answered_403_with_the_scope_to_ask_for(gate: Gate) -> None:
    token = mint(gate.sandbox.state, "ada", scopes=[READ])
    response = await _send(gate, [_bearer(token)], _call("request_write", sql="SELECT 1", reason="x"))
    assert response.status_code == 403
    challenge = _challenge(response)
    assert (challenge["error"], challenge["scope"]) == ("insufficient_scope", WRITE)
    assert challenge["resource_metadata"] == _metadata_url(gate)


async def test_two_authorization_headers_are_no_request_whichever_comes_first(gate: Gate) -> None:
    good, bad = _bearer(mint(gate.sandbox.state, "ada")), _bearer("x.y.z")
    for headers in ([good, bad], [bad, good], [good, good], [good, ("Authorization", "Basic eDp5")]):
        response = await _send(gate, headers, _call("run_query", sql="SELECT 1 AS x", purpose="x"))
        assert response.status_code == 400
        assert _challenge(response)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "form", ["{}", "Basic {}", "bearer", "Bearer", "Token {}", "Negotiate {}", "DPoP {}", "Bearer  {}"]
)
async def test_a_token_in_another_form_proves_nobody(form: str, gate: Gate) -> None:
    sent = [("Authorization", form.format(mint(gate.sandbox.state, "ada")))]
    response = await _send(gate, sent, _call("run_query", sql="SELECT 1 AS x", purpose="x"))
    assert response.status_code in (400, 401)


async def test_the_scheme_may_be_written_in_any_case(gate: Gate) -> None:
    token = mint(gate.sandbox.state, "ada")
    said = {"authorization": f"BEARER {token}", "MCP-Protocol-Version": "2026-07-28"}
    said |= {"Mcp-Method": "tools/call", "Mcp-Name": "run_query"}
    response = await _send(gate, list(said.items()), _call("run_query", sql="SELECT 1 AS x", purpose="a test"))
    assert (response.status_code, response.json()["result"]["structuredContent"]["rows"]) == (200, [[1]])


async def test_a_token_in_the_address_proves_nobody(gate: Gate) -> None:
    query = f"?access_token={mint(gate.sandbox.state, 'ada')}"
    response = await _send(gate, [], _call("run_query", sql="SELECT 1 AS x", purpose="x"), query)
    assert response.status_code == 401


@pytest.mark.parametrize("path", ["/", "/../mcp", "/x", "/%2e%2e/healthz", "/..%2fhealthz"])
async def test_no_other_path_is_open_to_strangers(path: str, gate: Gate) -> None:
    assert (await _send(gate, [], {}, path)).status_code == 401


async def test_every_challenge_says_where_the_issuers_are_named(gate: Gate) -> None:
    for sent in ([], [_bearer("x.y.z")], [_bearer(mint(gate.sandbox.state, "ada", ttl_s=-60))]):
        challenge = _challenge(await _send(gate, sent, {}))
        assert challenge["resource_metadata"] == _metadata_url(gate)
        assert challenge["scope"] == f"{READ} {WRITE}"  # approvers ask for theirs on purpose
        assert challenge.get("error") == ("invalid_token" if sent else None)
    async with httpx2.AsyncClient() as http:
        told = [
            (await http.get(_metadata_url(gate))).json(),
            (await http.get(_metadata_url(gate)[: -len("/mcp")])).json(),
        ]
    assert told[0] == told[1]
    assert told[0]["authorization_servers"] == [gate.sandbox.state.issuer_url]
    assert told[0]["scopes_supported"] == [APPROVE, READ, WRITE]


async def test_a_tool_that_a_caller_cannot_use_is_not_listed(gate: Gate) -> None:
    async with gate.client(token=mint(gate.sandbox.state, "ada", scopes=[READ])) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
    assert listed == ["describe_schema", "run_query", "check_request", "withdraw_request"]  # what it asks may be held
    async with gate.client(token=mint(gate.sandbox.state, "ada", scopes=[])) as client:
        assert (await client.list_tools()).tools == []


async def test_over_stdio_an_unlisted_tool_is_answered_as_an_unknown_one(gate: Gate) -> None:
    token = mint(gate.sandbox.state, "ada", scopes=[READ])
    async with gate.client(transport="stdio", token=token) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        unlisted = refusal(await client.call_tool("request_write", {"sql": "SELECT 1", "reason": "x"}))
        unknown = refusal(await client.call_tool("no_such_tool", {}))
    assert "request_write" not in listed
    assert {**unlisted, "call_id": ""} == {**unknown, "call_id": ""}
    assert unknown["code"] == "unknown_tool"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"method":"tools/call"}',
        b'{"method":"tools/call","params":{"name":7}}',
        b"\xff",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_a_body_in_no_known_shape_is_left_to_the_protocol(body: bytes, gate: Gate) -> None:
    token = mint(gate.sandbox.state, "ada", scopes=[READ])
    response = await _post(gate, token, body)
    assert 400 <= response.status_code < 500


async def test_a_body_without_end_is_cut_off_also_where_scopes_are_missing(gate: Gate) -> None:
    token = mint(gate.sandbox.state, "ada", scopes=[READ])

    async def without_end() -> Any:
        for _ in range(200):
            yield b"x" * 65_536

    with anyio.fail_after(30):
        try:
            response = await _post(gate, token, without_end())
        except httpx2.TransportError:  # cut off before it was all sent
            return
    assert response.status_code == 413


async def test_a_tool_named_twice_is_judged_as_the_one_that_would_run(gate: Gate) -> None:
    """A body with two names is turned away or runs nothing that its token does not cover: the line looks again."""
    before = len(gate.ran("DELETE FROM"))
    token = mint(gate.sandbox.state, "stella", scopes=[READ])
    for names in ('"name":"request_write","name":"run_query"', '"name":"run_query","name":"request_write"'):
        text = (
            f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{names},'
            '"arguments":{"sql":"DELETE FROM crm.public.tickets","reason":"twice"}}}'
        )
        response = await _post(gate, token, text.encode())
        assert response.status_code >= 400 or "executed" not in response.text
    assert len(gate.ran("DELETE FROM")) == before


async def _post(gate: Gate, token: str, content: Any) -> httpx2.Response:
    sent = {**ACCEPT, "Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with httpx2.AsyncClient(timeout=20) as http:
        return await http.post(gate.sandbox.state.resource_url, content=content, headers=sent)


async def test_a_connection_that_rests_is_not_closed_by_the_gate_before_a_balancer_would(gate: Gate) -> None:
    port = gate.sandbox.state.ports.gate
    async with await anyio.connect_tcp("127.0.0.1", port) as connection:
        await connection.send(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        assert (await connection.receive()).startswith(b"HTTP/1.1 200")
        with anyio.move_on_after(6.0) as resting, suppress(anyio.EndOfStream):  # longer than uvicorn's own 5 s
            while True:
                await connection.receive()  # what is left of the answer
    assert resting.cancelled_caught
    assert KEEP_ALIVE_S > 60
