"""When a part of the world is gone the gate refuses, says so, loses nothing, and goes on when it is back."""

import json
import os
import signal
import sys
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from server.migrating import migrate
from server.sandbox.database_logins import make_logins
from server.sandbox.issuer import mint
from server.sandbox.postgres import EmbeddedPostgres
from tests.support.clients import Gate, answer, refusal
from tests.support.databases import reachable_directory
from tests.support.gates import POLICY, ROOT, serving
from tests.support.watching import eventually

READ = {"sql": "SELECT COUNT(*) AS n FROM tpch.public.region", "purpose": "still there?"}


async def test_without_its_journal_the_gate_runs_nothing_and_goes_on_when_it_is_back(
    gate: Gate, free_tcp_port: int
) -> None:
    resource = {"SNOWGATE_RESOURCE": gate.sandbox.state.resource_url}
    with reachable_directory() as home:
        postgres = EmbeddedPostgres(home)
        postgres.start()
        try:
            url = postgres.dsn()
            await migrate(url)
            settings = resource | make_logins(url)
            async with serving(gate.sandbox, port=free_tcp_port, **settings):
                here = Calls(gate, free_tcp_port)
                assert (await here.call(READ))["rows"] == [[5]]
                before = len(gate.ran())
                postgres.stop(immediately=True)
                down = await here.call(READ)
                assert down["code"] == "journal_unavailable"
                assert down["retryable"] is True
                assert len(gate.ran()) == before
                postgres.start()

                async def is_back() -> bool:
                    return (await here.call(READ)).get("rows") == [[5]]

                await eventually(is_back, within_s=20)
        finally:
            postgres.stop()


async def test_without_snowflake_a_call_is_refused_and_journaled(gate: Gate, free_tcp_port_factory: Any) -> None:
    port, nowhere = free_tcp_port_factory(), free_tcp_port_factory()
    settings = {"SNOWGATE_RESOURCE": gate.sandbox.state.resource_url, "SNOWGATE_SNOWFLAKE_PORT": str(nowhere)}
    async with serving(gate.sandbox, port=port, **settings):
        said = await Calls(gate, port).call(READ)
    assert said["code"] == "catalog_unavailable"
    assert said["retryable"] is True
    assert [entry.stage for entry, _ in await gate.journal(said["call_id"])] == ["refused"]


async def test_a_gate_that_is_killed_in_the_middle_leaves_the_decision_and_runs_nothing_twice(
    gate: Gate, free_tcp_port: int
) -> None:
    sql = "SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> 'cut in two'"
    await gate.sandbox.lookalike.delay_next("cut in two", 3)
    settings = {"SNOWGATE_RESOURCE": gate.sandbox.state.resource_url}
    async with serving(gate.sandbox, port=free_tcp_port, **settings) as process, anyio.create_task_group() as tasks:
        tasks.start_soon(Calls(gate, free_tcp_port).attempt, {"sql": sql, "purpose": "to be cut off"})
        await eventually(lambda: bool(gate.ran("cut in two")))
        process.send_signal(signal.SIGKILL)
        await process.wait()
        tasks.cancel_scope.cancel()
    [record] = [r for r in gate.sandbox.lookalike.queries() if "cut in two" in r.sql]
    call_id = json.loads(record.tag)["snowgate_call"]
    assert await gate.stages(call_id) == ["decided"]


MISSING = {
    "no policy": ({"SNOWGATE_POLICY": "/nonexistent.yaml"}, "policy"),
    "no issuer": ({"SNOWGATE_ISSUER": ""}, "ISSUER"),
    "off loopback without an issuer": (
        {"SNOWGATE_ISSUER": "", "SNOWGATE_UNSAFE_LOCAL_PRINCIPAL": "/x.json", "SNOWGATE_HOST": "0.0.0.0"},  # noqa: S104
        "loopback",
    ),
    "a key that is too short": ({"SNOWGATE_JOURNAL_KEY_FILE": "/dev/null"}, "too short"),
    "no database": ({"SNOWGATE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "database"),
    "not a database": ({"SNOWGATE_DATABASE_URL": "mysql://x"}, "database"),
    "no catalog to look at": ({"SNOWGATE_DATABASES": " , "}, "DATABASES"),
    "an issuer whose keys anybody may replace": ({"SNOWGATE_ISSUER": "http://issuer.example.com"}, "ISSUER"),
    "credentials in clear text": ({"SNOWGATE_SNOWFLAKE_HOST": "snowflake.example.com"}, "SNOWFLAKE_PROTOCOL"),
    "an address that is nobody's": ({"SNOWGATE_HOST": "192.0.2.1"}, "cannot listen"),
    "a port that is none": ({"SNOWGATE_PORT": "70000"}, "PORT"),
}


@pytest.mark.parametrize(("settings", "said"), MISSING.values(), ids=MISSING.keys())
async def test_a_start_with_bad_settings_is_one_clean_error(gate: Gate, settings: dict[str, str], said: str) -> None:
    environment = {**os.environ, **gate.sandbox.environment, "SNOWGATE_POLICY": str(POLICY), "PYTHONPATH": str(ROOT)}
    environment |= {"SNOWGATE_PORT": "0"} | settings
    command = [sys.executable, "-P", "-m", "server.cli", "serve"]
    with anyio.fail_after(60):
        done = await anyio.run_process(command, env=_without_empty(environment), check=False)
    assert done.returncode == 2
    text = done.stderr.decode()
    assert said in text
    assert "Traceback" not in text
    # One that could open the journal before it failed has printed its heads, and nothing else.
    assert all(line.startswith(b'{"journal_') for line in done.stdout.splitlines())


def _without_empty(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if value}


class Calls:
    """Calls of ada's agent on one gate, whose tokens are for the run's one resource."""

    def __init__(self, gate: Gate, port: int) -> None:
        own = gate.sandbox.state.ports.gate
        self._url = gate.sandbox.state.resource_url.replace(f":{own}/", f":{port}/")
        self._token = mint(gate.sandbox.state, "ada")

    async def call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """What a client is told, be it an answer or a refusal."""
        headers = {"Authorization": f"Bearer {self._token}"}
        with anyio.fail_after(30):
            async with (
                httpx2.AsyncClient(headers=headers, timeout=30) as http,
                Client(streamable_http_client(self._url, http_client=http)) as client,
            ):
                result = await client.call_tool("run_query", arguments)
        return refusal(result) if result.is_error else answer(result)

    async def attempt(self, arguments: dict[str, Any]) -> None:
        """Call, and bear a connection that is cut off."""
        try:
            await self.call(arguments)
        except* (httpx2.HTTPError, MCPError):
            pass
