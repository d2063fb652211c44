"""The kill switch: on every replica new calls are refused and running ones stopped, and all of it leaves a trace."""

import re
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from audit.reading import entries, unseal
from server.cli.main import app
from server.database import open_engine
from server.journal_keys import sealer_of
from server.sandbox.issuer import mint
from tests.support.clients import Gate, answer, refusal
from tests.support.gates import serving
from tests.support.watching import eventually

READ = {"sql": "SELECT COUNT(*) AS n FROM tpch.public.region", "purpose": "is the door open"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


async def snowgate(gate: Gate, *arguments: str, env_file: Path | None = None) -> tuple[int, str]:
    """The command's status, and what it said; another gate than `gate` has an `env_file` of its own."""
    command = ["revoke", "--env-file", str(env_file or gate.sandbox.state.env_file), *arguments]
    done = await anyio.to_thread.run_sync(lambda: CliRunner(env={"COLUMNS": "200"}).invoke(app, command))
    return done.exit_code, done.output


async def revoked(gate: Gate, *whom: str, env_file: Path | None = None) -> str:
    status, said = await snowgate(gate, *whom, "--why", "a test", env_file=env_file)
    assert status == 0, said
    [found] = re.findall(r"revocation_[\w-]+", said)
    return str(found)


async def lifted(gate: Gate, revocation: str, env_file: Path | None = None) -> None:
    status, said = await snowgate(gate, "--lift", revocation, "--why", "the test is over", env_file=env_file)
    assert status == 0, said


@pytest.fixture(autouse=True)
async def _nobody_stays_revoked(gate: Gate) -> AsyncGenerator[None]:
    yield
    async with open_engine(gate.settings.database_url.get_secret_value()) as engine, engine.begin() as connection:
        await connection.execute(text("UPDATE gate.revocation SET lifted_at = now() WHERE lifted_at IS NULL"))
        await connection.execute(text("SELECT pg_notify('snowgate_revocation', '')"))
    await eventually(lambda: _is_let_in(gate))


async def _is_let_in(gate: Gate) -> bool:
    async with gate.client("ada") as client:
        return not (await client.call_tool("run_query", READ)).is_error


async def _code(gate: Gate, person: str = "ada", token: str | None = None) -> str:
    async with gate.client(person, token=token) as client:
        result = await client.call_tool("run_query", READ)
        return str((result.structured_content or {}).get("code", "answered"))


async def _slow_call(gate: Gate, port: int, marker: str, said: list[dict[str, Any]], token: str | None = None) -> None:
    """One read that Snowflake holds up, on the replica at `port`."""
    url = gate.sandbox.state.resource_url.replace(f":{gate.sandbox.state.ports.gate}/", f":{port}/")
    sql = f"SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> '{marker}'"
    params = {"name": "run_query", "arguments": {"sql": sql, "purpose": "to be stopped"}, "_meta": META}
    headers = {
        "Authorization": f"Bearer {token or mint(gate.sandbox.state, 'ada')}", "MCP-Protocol-Version": "2026-07-28",
        "Accept": "application/json, text/event-stream", "Mcp-Method": "tools/call", "Mcp-Name": "run_query",
    }  # fmt: skip
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    async with httpx2.AsyncClient(timeout=60) as http:
        said.append((await http.post(url, json=body, headers=headers)).json())


async def test_a_revoked_person_is_stopped_on_every_replica_and_let_in_on_none(gate: Gate, free_tcp_port: int) -> None:
    own = gate.sandbox.state.ports.gate
    said: list[dict[str, Any]] = []
    for marker in ("stop-one", "stop-two"):
        await gate.sandbox.lookalike.delay_next(marker, 60)

    def running() -> list[Any]:
        return [record for record in gate.sandbox.lookalike.queries() if "'stop-" in record.sql]

    with anyio.fail_after(90):
        async with serving(gate.sandbox, port=free_tcp_port), anyio.create_task_group() as tasks:
            tasks.start_soon(_slow_call, gate, own, "stop-one", said)
            tasks.start_soon(_slow_call, gate, free_tcp_port, "stop-two", said)
            await eventually(lambda: len(running()) == 2, within_s=30)
            began = time.monotonic()
            revocation = await revoked(gate, "--principal", "ada")
            await eventually(lambda: len(said) == 2, within_s=30)
            took_s = time.monotonic() - began
    print(f"revoked, and stopped on both replicas, within {took_s:.2f} s of the command's start")
    assert took_s < 10  # what is promised is 2; this machine has others to serve
    assert {record.error_code for record in running()} == {"000604"}
    for each in said:
        refused = each["result"]["structuredContent"]
        assert (refused["code"], refused["retryable"]) == ("revoked", False)
        journaled = await gate.journal(refused["call_id"])
        assert await gate.stages(refused["call_id"]) == ["decided", "refused"]
        assert journaled[-1][1]["code"] == "revoked"
    assert await _code(gate, "ada") == "revoked"
    assert await _code(gate, "stella") == "answered"
    await lifted(gate, revocation)
    await eventually(lambda: _is_let_in(gate))


async def test_a_call_that_runs_nothing_yet_is_ended_too(gate: Gate) -> None:
    """One that waits for its person: the question is never answered."""
    asked = anyio.Event()

    async def never(*_: Any) -> Any:
        asked.set()
        await anyio.sleep_forever()

    change = {"sql": "UPDATE crm.public.tickets SET priority = 'LOW' WHERE ticket_id = 9051", "reason": "revoked"}
    with anyio.fail_after(60):
        async with gate.client("stella", era="legacy", user=never) as client, anyio.create_task_group() as tasks:
            said: list[dict[str, Any]] = []

            async def ask() -> None:
                said.append(refusal(await client.call_tool("request_write", change)))

            tasks.start_soon(ask)
            await asked.wait()
            revocation = await revoked(gate, "--principal", "stella")
            await eventually(lambda: bool(said), within_s=30)
    journaled = await gate.journal(said[0]["call_id"])
    stages = await gate.stages(said[0]["call_id"])
    assert [stage for stage in stages if not stage.startswith("hold.")] == ["decided", "cancelled", "revoked"]
    assert journaled[-1][1]["revocation"] == revocation
    assert gate.ran("9051") == []


async def test_one_sign_ins_statement_is_stopped_and_not_its_persons_others(gate: Gate) -> None:
    state, own = gate.sandbox.state, gate.sandbox.state.ports.gate
    said: dict[str, list[dict[str, Any]]] = {"stolen-now": [], "other-now": []}
    for marker in said:
        await gate.sandbox.lookalike.delay_next(marker, 8)

    def running() -> list[Any]:
        return [record for record in gate.sandbox.lookalike.queries() if "-now'" in record.sql]

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for marker, answers in said.items():
                token = mint(state, "ada", extra={"sid": marker})
                tasks.start_soon(_slow_call, gate, own, marker, answers, token)
            await eventually(lambda: len(running()) == 2, within_s=30)
            await revoked(gate, "--session", "stolen-now")
    assert said["stolen-now"][0]["result"]["structuredContent"]["code"] == "revoked"
    assert said["other-now"][0]["result"]["structuredContent"]["rows"] == [[25]]
    assert [r.error_code for r in running() if "stolen-now" in r.sql] == ["000604"]


async def test_a_revocation_outlives_the_gate_and_covers_stdio(gate: Gate, free_tcp_port: int) -> None:
    await revoked(gate, "--principal", "ada")
    async with gate.client("ada", transport="stdio") as client:
        assert refusal(await client.call_tool("run_query", READ))["code"] == "revoked"
    said: list[dict[str, Any]] = []
    async with serving(gate.sandbox, port=free_tcp_port):
        await _slow_call(gate, free_tcp_port, "after-a-start", said)
    assert said[0]["result"]["structuredContent"]["code"] == "revoked"
    assert gate.ran("after-a-start") == []


async def test_one_sign_in_can_be_ended_and_the_persons_others_go_on(gate: Gate) -> None:
    state = gate.sandbox.state
    stolen, other = mint(state, "ada", extra={"sid": "stolen"}), mint(state, "ada", extra={"sid": "other"})
    assert await _code(gate, token=stolen) == "answered"
    await revoked(gate, "--session", "stolen")
    assert await _code(gate, token=stolen) == "revoked"
    assert await _code(gate, token=mint(state, "ada", extra={"sid": "stolen"})) == "revoked"
    assert await _code(gate, token=other) == "answered"


async def test_everybody_can_be_turned_away_or_everybody_of_one_issuer(gate: Gate) -> None:
    elsewhere = await revoked(gate, "--all", "--issuer", "https://elsewhere.test")
    assert await _code(gate, "ada") == "answered"
    await lifted(gate, elsewhere)
    await revoked(gate, "--all", "--issuer", gate.sandbox.state.issuer_url)
    assert {await _code(gate, "ada"), await _code(gate, "stella")} == {"revoked"}


async def test_a_replica_that_is_told_nothing_looks_for_itself(gate: Gate) -> None:
    """Notifications get lost where a connection pooler stands in between; the row alone has to be enough."""
    async with open_engine(gate.settings.database_url.get_secret_value()) as engine, engine.begin() as connection:
        row = (
            "INSERT INTO gate.revocation (id, kind, name, why, made_by) VALUES ('quiet', 'principal', 'ada', 'w', 'm')"
        )
        await connection.execute(text(row))

    async def is_refused() -> bool:
        return await _code(gate, "ada") == "revoked"

    await eventually(is_refused)


async def test_who_revoked_and_lifted_what_and_why_is_in_the_journal(gate: Gate) -> None:
    revocation = await revoked(gate, "--principal", "nobody-in-particular")
    status, listed = await snowgate(gate, "--list")
    assert status == 0
    assert revocation in listed
    await lifted(gate, revocation)
    assert revocation not in (await snowgate(gate, "--list"))[1]
    async with open_engine(gate.settings.auditor_url) as engine:
        sealer = sealer_of(gate.settings)
        found = await entries(engine, last=200, sealer=sealer)
    told = [(entry.stage, dict(unseal(entry, sealer))) for entry in found if entry.stage.startswith("revocation.")]
    ours = [(stage, facts) for stage, facts in told if facts["revocation"] == revocation]
    assert [(stage, facts["reason"]) for stage, facts in ours] == [
        ("revocation.made", "a test"), ("revocation.lifted", "the test is over"),
    ]  # fmt: skip
    assert ours[0][1]["revoked_name"] == "nobody-in-particular"
    assert all(facts["operator"] for _, facts in ours)


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("--all",), ("--all", "--why", " "), ("--all", "--principal", "ada", "--why", "x"),
        ("--principal", "", "--why", "x"), ("--lift", "revocation_none", "--why", "x"), ("--why", "x"),
        ("--all", "--why", "x" * 1_001),
    ],
    ids=" ".join,
)  # fmt: skip
async def test_a_command_that_is_not_clear_revokes_nobody(arguments: tuple[str, ...], gate: Gate) -> None:
    status, said = await snowgate(gate, *arguments)
    assert status == 2
    assert "Traceback" not in said
    assert "nobody is revoked" in (await snowgate(gate, "--list"))[1]


async def test_a_refused_caller_is_named_in_the_journal(gate: Gate) -> None:
    revocation = await revoked(gate, "--principal", "ada")
    async with gate.client("ada") as client:
        said = refusal(await client.call_tool("run_query", READ))
    [(entry, facts)] = await gate.journal(said["call_id"])
    assert (entry.stage, facts["code"], facts["subject"]) == ("refused", "revoked", "ada")
    assert facts["revocation"] == revocation


async def test_nobody_is_revoked_to_begin_with(gate: Gate) -> None:
    async with gate.client("ada") as client:
        assert answer(await client.call_tool("run_query", READ))["rows"] == [[5]]
