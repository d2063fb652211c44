"""The official conformance suite finds nothing at the gate but what is explained, in either era."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.bench.processes import free_port
from tests.conformance import suite
from tests.conformance.suite import Revision
from tests.support.clients import Gate
from tests.support.gates import serving

REVISIONS: tuple[Revision, ...] = ("2025-11-25", "2026-07-28")

PROVING: dict[Revision, frozenset[str]] = {
    "2025-11-25": frozenset(
        {
            "server-initialize",
            "server-session-lifecycle",
            "ping",
            "tools-list",
            "server-sse-multiple-streams",
            "dns-rebinding-protection",
        }
    ),
    "2026-07-28": frozenset(
        {
            "server-stateless",
            "tools-list",
            "http-header-validation",
            "dns-rebinding-protection",
            "caching",
            "input-required-result-unsupported-methods",
        }
    ),
}
"""Scenarios that show something of a server that has three tools and nothing else."""

OF_TASKS = {
    "tasks-capability-negotiation": 4,
    "tasks-dispatch-and-envelope": 7,
    "tasks-lifecycle": 2,
    "tasks-mrtr-composition": 1,
    "tasks-mrtr-input": 1,
    "tasks-request-headers": 2,
    "tasks-request-state-removal": 1,
    "tasks-required-task-error": 1,
    "tasks-wire-fields": 1,
}
"""Scenarios of the tasks extension, and how many of their checks succeed at a server without the suite's own tools."""


@pytest.fixture(scope="module")
async def url(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    """A gate that asks for no token, for the suite cannot send one."""
    principal = tmp_path_factory.mktemp("principal") / "principal.json"
    principal.write_text('{"subject": "ada", "groups": ["analysts"]}')
    port = free_port()
    takes = dict.fromkeys(
        name for name in gate.sandbox.environment if re.match("SNOWGATE_(ISSUER|RESOURCE|CONSOLE)", name)
    )
    async with serving(gate.sandbox, port=port, SNOWGATE_UNSAFE_LOCAL_PRINCIPAL=str(principal), **takes):
        yield f"http://127.0.0.1:{port}/mcp"


@pytest.mark.parametrize("revision", REVISIONS)
async def test_the_official_suite_finds_nothing_but_what_is_explained(
    revision: Revision, url: str, tmp_path: Path
) -> None:
    verdict = await suite.run(url, revision, tmp_path)
    assert verdict.status == 0, verdict.printed
    for scenario in PROVING[revision]:
        assert verdict.scenarios[scenario].get("SUCCESS", 0) > 0, scenario


async def test_the_official_suite_finds_nothing_at_tasks_but_what_is_explained(url: str, tmp_path: Path) -> None:
    for scenario, checks in OF_TASKS.items():
        verdict = await suite.run_scenario(url, scenario, tmp_path / scenario)
        assert verdict.status == 0, verdict.printed
        assert verdict.scenarios[scenario]["SUCCESS"] == checks, scenario


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_expected_failure_is_explained_and_none_is_of_what_the_gate_has(revision: Revision) -> None:
    for scenario, check in _explained(suite.baseline(revision)):
        assert check or scenario not in PROVING[revision], scenario


def test_every_expected_failure_of_an_extension_is_explained_and_of_a_scenario_that_runs() -> None:
    assert {scenario for scenario, _ in _explained(suite.EXTENSIONS)} <= set(OF_TASKS)


def _explained(baseline: Path) -> list[tuple[str, str | None]]:
    """The expected failures, scenario and check, of a file in which each says why."""
    lines = baseline.read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.lstrip().startswith("-")]
    assert entries
    said = [re.fullmatch(r"  - ([\w-]+)(:[\w-]+)?  # (\S.*)", line) for line in entries]
    assert all(said), entries
    return [(each[1], each[2]) for each in said if each]
