"""A policy comes into force on every replica without a restart, leaves a trace, and can be gone back from."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest
from typer.testing import CliRunner

from audit.reading import entries, unseal
from server.cli.main import app
from server.database import open_engine
from server.journal_keys import sealer_of
from server.sandbox.database_logins import make_logins
from tests.activation.test_two_people import login_of
from tests.bench.processes import free_port
from tests.support.clients import Gate
from tests.support.databases import Databases, driver_dsn
from tests.support.gates import POLICY, environment_of, serving
from tests.support.watching import eventually

READ = {"sql": "SELECT COUNT(*) AS n FROM tpch.public.region", "purpose": "is the door open"}
HIDDEN = "object_not_found"
"""The code for what no rule lets one see: there might as well be no such thing."""

WITHIN_S = 20.0
"""Two seconds, on a machine that has nothing else to do."""


@dataclass(frozen=True)
class Fleet:
    """Replicas that share a database of their own, and the operator's commands."""

    gate: Gate
    logins: Mapping[str, str]

    @asynccontextmanager
    async def replica(self) -> AsyncGenerator[Gate]:
        port = free_port()
        state = replace(self.gate.sandbox.state, ports=self.gate.sandbox.state.ports.model_copy(update={"gate": port}))
        async with serving(self.gate.sandbox, port=port, **self.logins, SNOWGATE_RESOURCE=state.resource_url):
            yield Gate(replace(self.gate.sandbox, state=state))

    async def snowgate(self, *arguments: str) -> tuple[int, str]:
        """The status of `snowgate policy`, and what it said."""
        settings = environment_of(self.gate.sandbox, free_port(), **self.logins) | {"COLUMNS": "200"}
        runner = CliRunner(env=settings)
        done = await anyio.to_thread.run_sync(lambda: runner.invoke(app, ["policy", *arguments]))
        return done.exit_code, done.output

    async def told(self, stage: str) -> list[dict[str, Any]]:
        """The facts of every entry of this stage, oldest first."""
        async with open_engine(self.logins["SNOWGATE_AUDITOR_DATABASE_URL"]) as engine:
            sealer = sealer_of(self.gate.settings)
            found = await entries(engine, last=200, sealer=sealer)
        return [dict(unseal(each, sealer)) for each in found if each.stage == stage]


async def code(gate: Gate) -> str:
    async with gate.client("ada") as client:
        result = await client.call_tool("run_query", READ)
        return str((result.structured_content or {}).get("code", "answered"))


@pytest.fixture(scope="module")
async def fleet(gate: Gate, databases: Databases) -> AsyncGenerator[Fleet]:
    with databases.fresh() as url:
        yield Fleet(gate, await anyio.to_thread.run_sync(make_logins, url))


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    """The sandbox's policy, without the rule that lets everybody read TPC-H."""
    lines = POLICY.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "everyone-reads-tpch" not in line]
    assert len(kept) == len(lines) - 1
    path = tmp_path / "strict.yaml"
    path.write_text("".join(kept), encoding="utf-8")
    return path


async def test_an_activated_policy_is_in_force_on_every_replica_and_the_one_before_can_be_gone_back_to(
    fleet: Fleet, strict: Path
) -> None:
    with anyio.fail_after(240):
        async with fleet.replica() as one:
            assert await code(one) == "answered"
            for policy in (POLICY, strict):
                status, said = await fleet.snowgate("activate", str(policy), "--why", "reviewed by grace")
                assert status == 0, said
            await eventually(lambda: _says(one, HIDDEN), WITHIN_S)
            async with fleet.replica() as late:  # its file says otherwise
                assert await code(late) == HIDDEN
                _, listed = await fleet.snowgate("history")
                digests = re.findall(r"enforce\s+([0-9a-f]{64})", listed)
                assert len(digests) == 2
                status, said = await fleet.snowgate("activate", "--digest", digests[1], "--why", "too strict")
                assert status == 0, said
                await eventually(lambda: _says(one, "answered"), WITHIN_S)
                await eventually(lambda: _says(late, "answered"), WITHIN_S)
        told = await fleet.told("activation.made")
    assert [each["policy"] for each in told] == [digests[1], digests[0], digests[1]]
    assert [each["reason"] for each in told] == ["reviewed by grace", "reviewed by grace", "too strict"]
    assert all(each["operator"] for each in told)


async def test_a_policy_in_the_shadow_is_journaled_beside_the_decision_and_changes_none(
    fleet: Fleet, strict: Path
) -> None:
    with anyio.fail_after(240):
        async with fleet.replica() as one:
            status, said = await fleet.snowgate("shadow", str(strict), "--why", "what would it refuse")
            assert status == 0, said
            await eventually(lambda: _is_shadowed(fleet, one, True), WITHIN_S)
            decided = (await fleet.told("decided"))[-1]
            assert decided["decision"] == "permit"
            assert (decided["shadow_decision"], decided["shadow_code"]) == ("deny", HIDDEN)
            assert decided["shadow_differs"] is True
            assert decided["shadow"] != decided["policy"]
            status, said = await fleet.snowgate("shadow", "--end", "--why", "seen enough")
            assert status == 0, said
            await eventually(lambda: _is_shadowed(fleet, one, False), WITHIN_S)
    assert len(await fleet.told("shadow.made")) == len(await fleet.told("shadow.ended")) == 1


async def test_what_is_no_policy_is_not_activated_and_nothing_is_without_a_reason(fleet: Fleet, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nrules: [{id: x, effect: allow}]\n")
    before = await fleet.told("activation.made")
    for arguments in (
        ["activate", str(bad), "--why", "a test"],
        ["activate", str(POLICY), "--why", " "],
        ["activate", "--digest", "0" * 64, "--why", "a test"],
        ["activate", "--why", "a test"],
        ["shadow", "--why", "a test"],
    ):
        status, said = await fleet.snowgate(*arguments)
        assert status == 2, said
        assert "bad_settings" in said
    assert await fleet.told("activation.made") == before


async def test_at_the_command_line_a_second_person_has_a_login_of_their_own(fleet: Fleet) -> None:
    admin = fleet.logins["SNOWGATE_ADMIN_DATABASE_URL"]
    with login_of(admin, "grace") as grace, login_of(admin, "heidi") as heidi:
        one, other = (
            replace(
                fleet, logins={**fleet.logins, "SNOWGATE_ADMIN_DATABASE_URL": url, "SNOWGATE_ACTIVATION_PEOPLE": "2"}
            )
            for url in (grace, heidi)
        )
        status, said = await one.snowgate("activate", str(POLICY), "--why", "change 17")
        assert status == 0, said
        assert "waits for a second person" in said
        (number, digest) = re.findall(r"activation (\d+): ([0-9a-f]{64})", said)[0]
        agree = ("second", number, "--digest", digest, "--why", "read it")
        status, said = await one.snowgate(*agree)
        assert (status, "not_seconded" in said) == (2, True), said
        status, said = await other.snowgate(*agree)
        assert status == 0, said
        status, said = await other.snowgate("second", number, "--digest", "0" * 64, "--why", "read it")
        assert status == 2, said
    assert len(await fleet.told("activation.proposed")) == 1
    [told] = await fleet.told("activation.seconded")  # nothing of what was refused
    assert (told["policy"], told["reason"]) == (digest, "read it")


async def test_the_gates_own_login_cannot_activate_anything(fleet: Fleet) -> None:
    dsn = driver_dsn(fleet.logins["SNOWGATE_DATABASE_URL"])
    for statement in (
        "insert into gate.policy_activation (mode, rule_sets, why, made_by) values ('shadow', '{}', 'w', 'me')",
        "update gate.policy_activation set why = 'another'",
        "delete from gate.policy_activation",
        "insert into gate.policy_seconding (n, why, made_by) values (1, 'w', 'me')",
    ):
        with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


async def _says(gate: Gate, expected: str) -> bool:
    return await code(gate) == expected


async def _is_shadowed(fleet: Fleet, gate: Gate, expected: bool) -> bool:
    assert await code(gate) == "answered"
    return ("shadow" in (await fleet.told("decided"))[-1]) is expected
