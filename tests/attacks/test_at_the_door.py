"""The same at our own door: who has a stolen or a made-up token gets nothing, and what runs for them ends.

Tokens of every hostile kind are in tests/identity; here it is shown that none of them reaches Snowflake, and what a
caller meets whose user is disabled in Snowflake, or who is revoked here, while a statement of theirs runs.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from joserfc.jwk import ECKey

from server.leases import RETRY_WITHIN_S
from server.sandbox.issuer import mint
from server.sandbox.querylog import QueryRecord
from server.sandbox.state import SandboxState
from tests.attacks.attacks import user_of
from tests.faults.test_kill import left_in, settings_of
from tests.faults.test_outages import Calls
from tests.leases.test_brokers import WAYS, administrator
from tests.support.clients import Gate, answer, refusal
from tests.support.gates import serving
from tests.support.watching import eventually
from tests.wire.test_door import _call, _send
from tests.wire.test_revocation import lifted, revoked

STOPPED, ENDED = "000604", "390111"

TOKENS: dict[str, Callable[[SandboxState], str]] = {
    "expired": lambda state: mint(state, "ada", now=time.time() - 7_200),
    "of tomorrow": lambda state: mint(state, "ada", extra={"nbf": int(time.time()) + 86_400}),
    "for another gate": lambda state: mint(state, "ada", audience="https://other.example/mcp"),
    "for Snowflake itself": lambda state: mint(state, "ada", audience="https://sandbox.snowflakecomputing.com"),
    "signed by somebody else": lambda state: mint(state, "ada", key=ECKey.generate_key("P-256")),
    "of another issuer": lambda state: mint(state, "ada", extra={"iss": "https://evil.example"}),
    "bound to a key": lambda state: mint(state, "ada", extra={"cnf": {"jkt": "x" * 43}}),
    "without its signature": lambda state: mint(state, "ada").rpartition(".")[0] + ".",
    "with another's claims": lambda state: _swapped(mint(state, "ada"), mint(state, "stella")),
}


def _swapped(mine: str, theirs: str) -> str:
    header, _, signature = mine.split(".")
    return ".".join((header, theirs.split(".")[1], signature))


@pytest.mark.parametrize("make", TOKENS.values(), ids=TOKENS.keys())
async def test_a_token_that_proves_nobody_never_reaches_snowflake(
    make: Callable[[SandboxState], str], gate: Gate
) -> None:
    mark = f"never {list(TOKENS.values()).index(make)}"
    sql = f"SELECT COUNT(*) FROM tpch.public.region WHERE r_name <> '{mark}'"
    headers = [("Authorization", f"Bearer {make(gate.sandbox.state)}"), ("MCP-Protocol-Version", "2026-07-28")]
    response = await _send(gate, headers, _call("run_query", sql=sql, purpose="an attack"))
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert not any(mark in record.sql for record in gate.sandbox.lookalike.queries())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM TABLE(RESULT_SCAN('{query_id}'))",
        "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))",
        "SELECT LAST_QUERY_ID()",
        "SELECT 1 ->> SELECT * FROM $1",
        "SELECT * FROM TABLE(crm.information_schema.query_history_by_session())",
    ],
)
async def test_nobody_reads_anothers_result_through_the_gate(sql: str, gate: Gate) -> None:
    """Nor their own: on Snowflake a result is its user's for a day, whatever policy said when it was made."""
    async with gate.client("stella") as client:
        answer(
            await client.call_tool(
                "run_query", {"sql": "SELECT COUNT(*) AS n FROM crm.public.customers", "purpose": "hers"}
            )
        )
    query_id = next(r.query_id for r in reversed(gate.sandbox.lookalike.queries()) if r.user == "STELLA")
    before = len(gate.ran())
    async with gate.client("ada") as client:
        said = refusal(await client.call_tool("run_query", {"sql": sql.format(query_id=query_id), "purpose": "theirs"}))
    assert said["retryable"] is False
    assert len(gate.ran()) == before


def running(gate: Gate, mark: str) -> list[QueryRecord]:
    return [record for record in gate.sandbox.lookalike.queries() if mark in record.sql]


@asynccontextmanager
async def under_way(gate: Gate, port: int, mark: str, told: list[dict[str, Any]]) -> AsyncGenerator[None]:
    """A read of Ada's that Snowflake holds up while inside; what its caller is told is in `told` afterwards."""
    await gate.sandbox.lookalike.delay_next(mark, 60)
    sql = f"SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> '{mark}'"

    async def call() -> None:
        told.append(await Calls(gate, port).call({"sql": sql, "purpose": "to be stopped"}))

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await eventually(lambda: bool(running(gate, mark)), within_s=30)
            [record] = running(gate, mark)
            await eventually(lambda: time.time() - record.started_at > RETRY_WITHIN_S)  # it runs, and was not just lost
            yield


@pytest.mark.parametrize("broker", WAYS)
async def test_what_runs_for_somebody_ends_with_them_whoever_made_their_credential(
    gate: Gate, broker: str, database_url: str, free_tcp_port: int, tmp_path: Path
) -> None:
    """Disabled in Snowflake, then revoked at the gate; each time in the middle of a statement."""
    quick = {"sql": "SELECT COUNT(*) AS n FROM tpch.public.region", "purpose": "is it open"}
    told: list[dict[str, Any]] = []
    settings = settings_of(gate, broker, database_url)
    env_file = tmp_path / "gate.env"
    env_file.write_text("".join(f"{k}='{v}'\n" for k, v in {**gate.sandbox.environment, **settings}.items()), "utf-8")
    async with serving(gate.sandbox, port=free_tcp_port, **settings):
        calls = Calls(gate, free_tcp_port)
        with closing(administrator(gate.sandbox.state)) as own:
            async with under_way(gate, free_tcp_port, f"disabled {broker}", told):
                [(_, _, handle)] = left_in(database_url)
                user = user_of(handle)
                await anyio.to_thread.run_sync(own.run, f'ALTER USER "{user}" SET DISABLED = TRUE')
            after = await calls.call(quick)
            if user == "ADA":
                await anyio.to_thread.run_sync(own.run, 'ALTER USER "ADA" SET DISABLED = FALSE')
        assert [record.error_code for record in running(gate, f"disabled {broker}")] == [ENDED]
        assert told[0]["code"] == "snowflake_unavailable"
        # The next session of an ephemeral user is another user's: there it is the person who has to be turned away.
        assert after.get("code", "answered") == ("snowflake_unavailable" if user == "ADA" else "answered")
        assert "code" not in await calls.call(quick)
        async with under_way(gate, free_tcp_port, f"revoked {broker}", told):
            revocation = await revoked(gate, "--principal", "ada", env_file=env_file)
        assert [record.error_code for record in running(gate, f"revoked {broker}")] in ([STOPPED], [ENDED])
        assert told[1]["code"] == (await calls.call(quick))["code"] == "revoked"
        await eventually(lambda: left_in(database_url) == [], within_s=20)
        await lifted(gate, revocation, env_file=env_file)
