"""Several processes at one address: to a client they are one gate."""

import os
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.abc import Process

from server.sandbox.children import listens
from tests.bench.processes import free_port
from tests.support.clients import Answering, Era, Gate, answer
from tests.support.gates import SERVE, environment_of, serving
from tests.support.watching import eventually

SQL = "SELECT COUNT(*) AS n FROM tpch.public.region"
ASK = {"sql": SQL, "purpose": "who is there?"}


@dataclass(frozen=True)
class Crew:
    gate: Gate
    supervisor: Process

    def workers(self) -> list[int]:
        """The processes that the supervisor has, in the order of their seats."""
        pids = Path(f"/proc/{self.supervisor.pid}/task/{self.supervisor.pid}/children").read_text().split()
        seats = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in pids}
        return sorted((pid for pid, line in seats.items() if b"--seat" in line), key=lambda pid: seats[pid][-2])


@asynccontextmanager
async def crew(gate: Gate, count: int = 2, **more: str) -> AsyncGenerator[Crew]:
    port = free_port()
    state = replace(gate.sandbox.state, ports=gate.sandbox.state.ports.model_copy(update={"gate": port}))
    settings = {"SNOWGATE_WORKERS": str(count), "SNOWGATE_RESOURCE": state.resource_url, **more}
    async with serving(gate.sandbox, port=port, **settings) as supervisor:
        yield Crew(Gate(replace(gate.sandbox, state=state)), supervisor)


@pytest.fixture(scope="module")
async def several(gate: Gate) -> AsyncGenerator[Crew]:
    async with crew(gate) as running:
        yield running


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_every_worker_answers_clients_of_either_era(several: Crew, era: Era) -> None:
    async with AsyncExitStack() as clients:
        for _ in range(6):  # each on a connection of its own that stays, so on each worker in turn
            client = await clients.enter_async_context(several.gate.client(era=era))
            assert answer(await client.call_tool("run_query", ASK))["rows"] == [[5]]


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_question_asked_by_one_worker_is_answered_through_another(several: Crew, era: Era) -> None:
    user = Answering()
    sql = "UPDATE crm.public.tickets SET status = 'CLOSED' WHERE ticket_id = ?"
    write = {"sql": sql, "reason": "a test of the gate", "parameters": [9021]}
    async with AsyncExitStack() as clients:
        for _ in range(4):
            client = await clients.enter_async_context(several.gate.client(era=era, user=user))
            assert answer(await client.call_tool("request_write", write))["rows_affected"] == 1
    assert len(user.asked) == 4


async def test_a_worker_that_dies_is_replaced_and_the_others_go_on(several: Crew) -> None:
    await eventually(lambda: len(several.workers()) == 2)
    before = several.workers()
    os.kill(before[1], signal.SIGKILL)
    await eventually(lambda: len(several.workers()) == 2 and several.workers() != before, within_s=30)
    for _ in range(4):
        async with several.gate.client() as client:
            assert answer(await client.call_tool("run_query", ASK))["rows"] == [[5]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_no_worker_outlives_its_supervisor(gate: Gate, number: signal.Signals) -> None:
    async with crew(gate) as several:
        await eventually(lambda: len(several.workers()) == 2)
        workers = several.workers()
        os.kill(several.supervisor.pid, number)
        with anyio.fail_after(30):
            await several.supervisor.wait()
            await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), within_s=30)
        assert not listens(several.gate.sandbox.state.ports.gate)


@pytest.mark.parametrize(
    ("wrong", "names"),
    [({"SNOWGATE_HOST": "192.0.2.1"}, b"cannot listen"), ({"SNOWGATE_POLICY": "/nowhere.yaml"}, b"nowhere.yaml")],
    ids=["for all", "for each worker"],
)
async def test_settings_that_are_wrong_end_all_of_it(gate: Gate, wrong: Mapping[str, str], names: bytes) -> None:
    environment = environment_of(gate.sandbox, free_port(), SNOWGATE_WORKERS="2", **wrong)
    with anyio.fail_after(120):
        ended = await anyio.run_process(SERVE, env=environment, check=False)
    assert ended.returncode == 2
    assert names in ended.stderr
    assert b"Traceback" not in ended.stderr


async def test_what_all_workers_count_is_served_at_one_port_and_is_not_the_gates(gate: Gate) -> None:
    metrics_port = free_port()
    async with crew(gate, SNOWGATE_METRICS_PORT=str(metrics_port)) as several:
        async with AsyncExitStack() as clients:
            for _ in range(4):
                client = await clients.enter_async_context(several.gate.client())
                assert answer(await client.call_tool("run_query", ASK))["rows"] == [[5]]
        async with httpx2.AsyncClient(timeout=10) as http:
            told = (await http.get(f"http://127.0.0.1:{metrics_port}/metrics")).text
            gates_own = await http.get(several.gate.sandbox.state.resource_url.replace("/mcp", "/metrics"))
    assert 'snowgate_calls_total{code="answered",tool="run_query"} 4.0' in told
    assert 'snowgate_step_seconds_count{step="execute"} 4.0' in told
    assert 'snowgate_pool_sessions{state="lent"}' in told
    assert gates_own.status_code == 401
