"""The whole dance, with a provider and a client that nobody here wrote: an agent knows the gate's address alone."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from server.sandbox.issuer import mint
from tests.identity.provider import Agent, Provider, provider
from tests.support.clients import Answering, Gate, answer, refusal
from tests.support.gates import serving

READ, WRITE = "snowgate:read", "snowgate:write"
READING = ["describe_schema", "run_query", "check_request", "withdraw_request"]
ALL = ["describe_schema", "run_query", "request_write", "check_request", "withdraw_request", "request_undo"]
COUNT = {"sql": "SELECT COUNT(*) AS n FROM crm.public.customers", "purpose": "the dance"}


@pytest.fixture(scope="module")
async def signed_in(
    gate: Gate, free_tcp_port_factory: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[tuple[Provider, str]]:
    """A provider, and a gate that trusts it before the sandbox's own issuer: the gate's address is the second."""
    at, port = free_tcp_port_factory(), free_tcp_port_factory()
    url = f"http://127.0.0.1:{at}/mcp"
    issuers = tmp_path_factory.mktemp("issuers") / "issuers.yaml"
    async with provider(port, url, groups=["analysts"]) as running:
        trusts = [{"issuer": running.issuer}, {"issuer": gate.sandbox.state.issuer_url, "prefix": "sandbox:"}]
        issuers.write_text(json.dumps({"issuers": trusts}), encoding="utf-8")
        async with serving(
            gate.sandbox, port=at, SNOWGATE_ISSUER=None, SNOWGATE_ISSUERS=str(issuers), SNOWGATE_RESOURCE=url
        ):
            yield running, url


def ours(scopes: str) -> list[str]:
    """The scopes of this gate among `scopes`; some are the provider's own."""
    return sorted(scope for scope in scopes.split() if scope.startswith("snowgate:"))


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_an_agent_that_knows_only_the_address_is_registered_signed_in_and_answered(
    era: str, signed_in: tuple[Provider, str], gate: Gate
) -> None:
    running, url = signed_in
    await running.consent("ada", READ, WRITE)
    agent = Agent(url)
    with anyio.fail_after(60):
        async with agent.connected(mode=era) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            said = answer(await client.call_tool("run_query", COUNT))
    assert tools == ALL
    assert agent.client is not None
    [asked] = agent.asked
    assert (asked["resource"], asked["code_challenge_method"]) == ([url], ["S256"])
    assert ours(asked["scope"][0]) == [READ, WRITE]
    token = claims_of(agent.tokens[-1].access_token)
    assert (token["iss"], token["aud"], token["sub"]) == (running.issuer, url, "ada")
    facts = (await gate.journal(said["call_id"]))[0][1]
    assert (facts["subject"], facts["actor"], facts["issuer"]) == ("ada", agent.client.client_id, running.issuer)
    assert facts["groups"] == ["analysts"]
    assert facts["session"] == token["jti"]


async def test_an_agent_whose_person_let_it_only_read_asks_for_more_when_it_needs_more(
    signed_in: tuple[Provider, str],
) -> None:
    running, url = signed_in
    await running.consent("ada", READ)
    agent, user = Agent(url), Answering()
    change = {"sql": "UPDATE crm.public.tickets SET priority = 'LOW' WHERE ticket_id = 9041", "reason": "step up"}
    with anyio.fail_after(60):
        async with agent.connected(elicitation_callback=user) as client:
            before = [tool.name for tool in (await client.list_tools()).tools]
            assert answer(await client.call_tool("run_query", COUNT))
            await running.consent("ada", READ, WRITE)
            said = answer(await client.call_tool("request_write", change))
            after = [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools]
    assert before == READING
    assert said["status"] == "executed"
    assert after == ALL
    assert [ours(token.scope or "") for token in agent.tokens] == [[READ], [READ, WRITE]]
    assert ours(agent.asked[-1]["scope"][0]) == [READ, WRITE]
    assert len(user.asked) == 1


async def test_the_same_name_at_another_trusted_issuer_is_somebody_else(
    signed_in: tuple[Provider, str], gate: Gate
) -> None:
    _, url = signed_in
    token = mint(gate.sandbox.state, "ada", audience=url)
    async with _with(token, url) as client:
        said = refusal(await client.call_tool("run_query", COUNT))
    facts = (await gate.journal(said["call_id"]))[0][1]
    assert (facts["subject"], facts["groups"]) == ("sandbox:ada", ["sandbox:analysts"])
    assert said["code"] == "not_permitted"


async def test_other_tokens_of_the_provider_are_not_access_tokens(signed_in: tuple[Provider, str]) -> None:
    """Neither what refreshes them nor what was cut from one."""
    running, url = signed_in
    await running.consent("ada", READ, WRITE)
    agent = Agent(url)
    with anyio.fail_after(60):
        async with agent.connected() as client:
            await client.list_tools()
    good = agent.tokens[-1].access_token
    head, body, signature = good.split(".")
    for token in (
        agent.tokens[-1].refresh_token or "none",
        f"{head}.{body}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        body,
    ):
        async with httpx2.AsyncClient() as http:
            response = await http.post(url, json={}, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401


@asynccontextmanager
async def _with(token: str, url: str) -> AsyncGenerator[Client]:
    """An official client that has its token from elsewhere."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client
