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


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_expected_failure_is_explained_and_none_is_of_what_the_gate_has(revision: Revision) -> None:
    lines = suite.baseline(revision).read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.lstrip().startswith("-")]
    assert entries
    for line in entries:
        said = re.fullmatch(r"  - ([\w-]+)(:[\w-]+)?  # (\S.*)", line)
        assert said, line
        assert said[2] or said[1] not in PROVING[revision], line
