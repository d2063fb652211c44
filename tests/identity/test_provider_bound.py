"""Tokens that are bound to a key, and tokens that only their issuer can read, of a provider that nobody here wrote."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx2
import pytest

from server.faults import Fault
from tests.identity.provider import INTROSPECTOR, Agent, Holder, Provider, provider
from tests.support.clients import Answering, Gate, answer
from tests.support.gates import serving
from tests.support.watching import eventually

COUNT = {"sql": "SELECT COUNT(*) AS n FROM crm.public.customers", "purpose": "the dance"}
CHANGE = {"sql": "UPDATE crm.public.tickets SET priority = 'LOW' WHERE ticket_id = 9042", "reason": "step up"}
READ, WRITE = "snowgate:read", "snowgate:write"
CACHE_S = 1


@asynccontextmanager
async def trusting(
    gate: Gate, ports: Any, home: Path, tokens: Literal["jwt", "opaque"], **trust: Any
) -> AsyncGenerator[tuple[Provider, str]]:
    """A provider, and the address of a gate that trusts it alone."""
    at, port = ports(), ports()
    url = f"http://127.0.0.1:{at}/mcp"
    issuers = home / "issuers.yaml"
    async with provider(port, url, tokens=tokens, groups=["analysts"]) as running:
        issuers.write_text(json.dumps({"issuers": [{"issuer": running.issuer, **trust}]}), encoding="utf-8")
        async with serving(
            gate.sandbox, port=at, SNOWGATE_ISSUER=None, SNOWGATE_ISSUERS=str(issuers), SNOWGATE_RESOURCE=url
        ):
            yield running, url


@pytest.fixture(scope="module")
async def bound(
    gate: Gate, free_tcp_port_factory: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[tuple[Provider, str]]:
    """JWTs, and a gate that takes none without a proof."""
    home = tmp_path_factory.mktemp("bound")
    async with trusting(gate, free_tcp_port_factory, home, "jwt", dpop="required") as both:
        yield both


@pytest.fixture(scope="module")
async def opaque(
    gate: Gate, free_tcp_port_factory: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[tuple[Provider, str]]:
    """Opaque tokens, and a gate that asks about them as the client that the provider knows."""
    home = tmp_path_factory.mktemp("opaque")
    secret = home / "secret"
    secret.write_text(INTROSPECTOR[1], encoding="utf-8")
    how = {"client_id": INTROSPECTOR[0], "client_secret_file": str(secret), "cache_s": CACHE_S}
    async with trusting(gate, free_tcp_port_factory, home, "opaque", introspection=how) as both:
        yield both


async def _fault(gate: Gate, url: str, method: str = "POST", **headers: str) -> tuple[int, str]:
    """The status of one request, and what the journal says was wrong with it."""
    async with httpx2.AsyncClient() as http:
        response = await http.request(method, url, json={}, headers=headers)
    [(_, facts)] = (await gate.refusals(1))[-1:]
    return response.status_code, str(facts.get("fault"))


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_an_agent_with_a_key_is_answered_and_its_token_is_bound_to_it(
    era: str, bound: tuple[Provider, str], gate: Gate
) -> None:
    running, url = bound
    await running.consent("ada", READ, WRITE)
    agent, holder = Agent(url), Holder()
    with anyio.fail_after(60):
        async with agent.connected(holder, mode=era) as client:
            said = answer(await client.call_tool("run_query", COUNT))
    assert (await gate.journal(said["call_id"]))[0][1]["subject"] == "ada"
    assert {request.method for request in holder.sent} <= {"POST", "GET", "DELETE"}
    assert len({request.headers["dpop"] for request in holder.sent}) == len(holder.sent)


async def test_a_bound_token_steps_up_and_is_still_bound(bound: tuple[Provider, str]) -> None:
    running, url = bound
    await running.consent("ada", READ)
    agent, holder = Agent(url), Holder()
    with anyio.fail_after(60):
        async with agent.connected(holder, elicitation_callback=Answering()) as client:
            answer(await client.call_tool("run_query", COUNT))
            await running.consent("ada", READ, WRITE)
            assert answer(await client.call_tool("request_write", CHANGE))["status"] == "executed"
    assert len(agent.tokens) == 2


async def test_whoever_steals_a_bound_token_or_a_proof_of_a_real_client_gets_nothing(
    bound: tuple[Provider, str], gate: Gate
) -> None:
    running, url = bound
    await running.consent("ada", READ, WRITE)
    agent, holder, thief = Agent(url), Holder(), Holder()
    with anyio.fail_after(60):
        async with agent.connected(holder) as client:
            answer(await client.call_tool("run_query", COUNT))
    token, used = agent.tokens[-1].access_token, holder.sent[-1].headers["dpop"]
    with_key = {"authorization": f"DPoP {token}"}
    tried = {
        "as a bearer token": await _fault(gate, url, authorization=f"Bearer {token}"),
        "with the proof that was used": await _fault(gate, url, **with_key, dpop=used),
        "with the thief's key": await _fault(gate, url, **with_key, dpop=thief.proof("POST", url, token)),
        "with a proof for another method": await _fault(gate, url, **with_key, dpop=holder.proof("GET", url, token)),
        "with a proof for the provider": await _fault(
            gate, url, **with_key, dpop=holder.proof("POST", f"{running.issuer}/token", token)
        ),
        "with no proof": await _fault(gate, url, **with_key),
    }
    assert tried == {
        "as a bearer token": (401, Fault.BINDING),
        "with the proof that was used": (401, Fault.REPLAYED),
        "with the thief's key": (401, Fault.BINDING),
        "with a proof for another method": (401, Fault.PROOF),
        "with a proof for the provider": (401, Fault.PROOF),
        "with no proof": (401, Fault.PROOF),
    }


async def test_a_token_that_is_not_bound_does_not_do_where_proofs_are_required(
    bound: tuple[Provider, str], gate: Gate
) -> None:
    """The same official client without a key under it: the provider gives it a token, and the gate refuses it."""
    running, url = bound
    await running.consent("ada", READ, WRITE)
    agent = Agent(url)
    with anyio.fail_after(60), pytest.raises(BaseException):  # noqa: B017, PT011 - whatever the client makes of 401
        async with agent.connected() as client:
            await client.call_tool("run_query", COUNT)
    assert agent.tokens
    assert await _fault(gate, url, authorization=f"Bearer {agent.tokens[-1].access_token}") == (401, Fault.BINDING)


async def test_an_opaque_token_proves_whom_its_provider_says(opaque: tuple[Provider, str], gate: Gate) -> None:
    running, url = opaque
    await running.consent("ada", READ, WRITE)
    agent = Agent(url)
    with anyio.fail_after(60):
        async with agent.connected() as client:
            said = answer(await client.call_tool("run_query", COUNT))
    assert agent.client is not None
    assert "." not in agent.tokens[-1].access_token
    facts = (await gate.journal(said["call_id"]))[0][1]
    assert (facts["subject"], facts["actor"], facts["issuer"]) == ("ada", agent.client.client_id, running.issuer)


async def test_an_opaque_token_steps_up(opaque: tuple[Provider, str]) -> None:
    running, url = opaque
    await running.consent("ada", READ)
    agent = Agent(url)
    with anyio.fail_after(60):
        async with agent.connected(elicitation_callback=Answering()) as client:
            answer(await client.call_tool("run_query", COUNT))
            await running.consent("ada", READ, WRITE)
            assert answer(await client.call_tool("request_write", CHANGE))["status"] == "executed"


async def test_an_opaque_token_can_be_bound_too(opaque: tuple[Provider, str], gate: Gate) -> None:
    running, url = opaque
    await running.consent("ada", READ, WRITE)
    agent, holder = Agent(url), Holder()
    with anyio.fail_after(60):
        async with agent.connected(holder) as client:
            answer(await client.call_tool("run_query", COUNT))
    token = agent.tokens[-1].access_token
    assert await _fault(gate, url, authorization=f"Bearer {token}") == (401, Fault.BINDING)


async def test_what_the_provider_has_revoked_is_refused_within_the_time_that_its_answer_counts(
    opaque: tuple[Provider, str], gate: Gate
) -> None:
    running, url = opaque
    await running.consent("ada", READ, WRITE)
    agent = Agent(url)
    with anyio.fail_after(60):
        async with agent.connected() as client:
            answer(await client.call_tool("run_query", COUNT))
        assert agent.client is not None
        token, refresh = agent.tokens[-1].access_token, agent.tokens[-1].refresh_token
        await running.revoke(token, agent.client)

        async def is_refused() -> bool:
            return await _fault(gate, url, authorization=f"Bearer {token}") == (401, Fault.INACTIVE)

        await eventually(is_refused, within_s=20)
    if refresh:  # a refresh token is active at the provider, and still no access token
        assert (await _fault(gate, url, authorization=f"Bearer {refresh}"))[0] == 401
