"""Three replicas behind nginx and over one PostgreSQL are one gate, also while any of them is killed."""

import shutil
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.abc import Process

from server.sandbox.children import listens
from server.sandbox.issuer import mint
from tests.bench.processes import free_port
from tests.support.clients import Era, Gate, answer
from tests.support.gates import serving
from tests.support.watching import eventually
from tools.manifest import MANIFESTS

REPLICAS = 3
CALLERS, CALLS_EACH = 6, 15
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


@dataclass
class Fleet:
    gate: Gate
    replicas: list[Process]
    answered: dict[str, str] = field(default_factory=dict)
    """The call's id, by the marker of each statement that was answered."""
    ended: Counter[str] = field(default_factory=Counter)

    async def ask(self, http: httpx2.AsyncClient, marker: str) -> None:
        """One read that can be told from all others."""
        sql = f"SELECT COUNT(*) AS n FROM tpch.public.region WHERE r_name <> '{marker}'"
        params = {"name": "run_query", "arguments": {"sql": sql, "purpose": "load"}, "_meta": META}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        try:
            response = await http.post(self.gate.sandbox.state.resource_url, json=body)
        except httpx2.HTTPError:
            self.ended["broken off"] += 1
            return
        if response.status_code != 200:
            self.ended[f"status {response.status_code}"] += 1
            return
        content = response.json()["result"]["structuredContent"]
        self.ended[content.get("code", "answered")] += 1
        if content.get("rows") == [[5]]:
            self.answered[marker] = content["call_id"]

    async def call(self, name: str) -> None:
        """One caller's calls, one after the other."""
        headers = {
            "Authorization": f"Bearer {mint(self.gate.sandbox.state, 'ada')}", "MCP-Protocol-Version": "2026-07-28",
            "Accept": "application/json, text/event-stream", "Mcp-Method": "tools/call", "Mcp-Name": "run_query",
        }  # fmt: skip
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            for n in range(CALLS_EACH):
                await self.ask(http, f"{name}_{n}_")


@pytest.fixture(scope="module")
async def fleet(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Fleet]:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    port, ports = free_port(), [free_port() for _ in range(REPLICAS)]
    state = replace(gate.sandbox.state, ports=gate.sandbox.state.ports.model_copy(update={"gate": port}))
    home = tmp_path_factory.mktemp("nginx")
    (home / "nginx.conf").write_text(configuration(home, port, ports))
    async with AsyncExitStack() as stack:
        own = {"SNOWGATE_RESOURCE": state.resource_url}
        replicas = [await stack.enter_async_context(serving(gate.sandbox, port=each, **own)) for each in ports]
        command = [nginx, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", "stderr"]
        proxy = await stack.enter_async_context(await anyio.open_process(command, stdout=None, stderr=None))
        try:
            await eventually(lambda: listens(port), within_s=30)
            yield Fleet(Gate(replace(gate.sandbox, state=state)), replicas)
        finally:
            proxy.terminate()


def configuration(home: Path, port: int, ports: list[int]) -> str:
    servers = " ".join(f"server 127.0.0.1:{each} max_fails=1 fail_timeout=2s;" for each in ports)
    temporary = "".join(
        f"{name}_temp_path {home}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; pid {home}/pid; worker_processes 1; events {{ }} http {{ access_log off; {temporary}"
        f"upstream snowgate_any {{ {servers} }}"
        f"upstream snowgate_sticky {{ hash $http_authorization consistent; {servers} }}"
        f"include {MANIFESTS}/nginx/snowgate.conf;"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://$snowgate_upstream; }} }} }}"
    )


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_to_clients_of_either_era_the_replicas_are_one_gate(fleet: Fleet, era: Era) -> None:
    for person in ("ada", "emil", "ada"):
        async with fleet.gate.client(person, era=era) as client:
            for _ in range(4):
                sql = {"sql": "SELECT COUNT(*) AS n FROM tpch.public.region", "purpose": "a test"}
                assert answer(await client.call_tool("run_query", sql))["rows"] == [[5]]


async def test_killing_any_replica_under_load_loses_no_answer_and_runs_nothing_twice(fleet: Fleet) -> None:
    total = CALLERS * CALLS_EACH
    for round_, victim in enumerate(fleet.replicas[:-1]):
        done_before = sum(fleet.ended.values())
        with anyio.fail_after(200):
            async with anyio.create_task_group() as tasks:
                for caller in range(CALLERS):
                    tasks.start_soon(fleet.call, f"r{round_}c{caller}")
                await eventually(lambda: sum(fleet.ended.values()) - done_before > total // 4, within_s=100)  # noqa: B023
                victim.kill()
        answered_after = sum(fleet.ended.values()) - done_before
        assert answered_after == total
    # Only what the killed replicas had in hand is not answered.
    unanswered = {how: n for how, n in fleet.ended.items() if how != "answered"}
    assert set(unanswered) <= {"broken off", "status 502"}, unanswered
    assert sum(unanswered.values()) <= CALLERS * (REPLICAS - 1), unanswered
    for call_id in fleet.answered.values():
        stages = await fleet.gate.stages(call_id)
        assert stages == ["decided", "answered"], (call_id, stages)
    ran = fleet.gate.ran("r_name")
    for marker in fleet.answered:
        assert sum(marker in sql for sql in ran) == 1, marker
    for round_ in range(REPLICAS - 1):
        for caller in range(CALLERS):
            for n in range(CALLS_EACH):
                assert sum(f"r{round_}c{caller}_{n}_" in sql for sql in ran) <= 1
