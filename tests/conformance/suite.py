"""The official MCP conformance suite, from npm at the version in the lock file, run against a server."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
import pytest

from tests.support import npm

HOME = Path(__file__).parent
NODE_MIN = 22
PROGRAM = HOME / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"

EXTENSIONS = HOME / "expected_extensions.yml"
"""As `baseline`, for scenarios of extensions."""

Revision: TypeAlias = Literal["2025-11-25", "2026-07-28"]
Checks: TypeAlias = Mapping[str, int]
"""How many checks of a scenario came to SUCCESS, FAILURE, WARNING, SKIPPED or INFO."""


@dataclass(frozen=True)
class Verdict:
    """What the suite says: its exit status, what it printed, and the checks of each scenario."""

    status: int
    printed: str
    scenarios: Mapping[str, Checks]


def baseline(revision: Revision) -> Path:
    """Which scenarios are expected to fail, and beside each why."""
    return HOME / f"expected_{revision.replace('-', '_')}.yml"


def node() -> str:
    """A Node that is new enough, with the suite installed; skips the test where there can be none."""
    npm.install(HOME, "the conformance suite")
    candidates = [*sorted(HOME.glob("node_modules/node-*/bin/node")), shutil.which("node")]
    for found in candidates:
        if found is not None and _major(str(found)) >= NODE_MIN:
            return str(found)
    pytest.skip(f"the conformance suite needs Node {NODE_MIN} or newer")


def _major(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60).stdout
    number = said.strip().lstrip("v").split(".")[0]
    return int(number) if number.isdigit() else 0


async def run(url: str, revision: Revision, results: Path) -> Verdict:
    """Everything that the suite has for `revision`, against the server at `url`."""
    return await _run(url, results, "--suite", "all", "--spec-version", revision, expected=baseline(revision))


async def run_scenario(url: str, scenario: str, results: Path) -> Verdict:
    """One scenario of an extension's, which no revision brings along, against the server at `url`."""
    return await _run(url, results, "--scenario", scenario, expected=EXTENSIONS)


async def _run(url: str, results: Path, *which: str, expected: Path) -> Verdict:
    program = [await anyio.to_thread.run_sync(node), str(PROGRAM), "server", "--url", url]
    command = [*program, *which, "--expected-failures", str(expected), "--output-dir", str(results)]
    with anyio.fail_after(240):
        ended = await anyio.run_process(command, check=False, stderr=subprocess.STDOUT)
    return Verdict(ended.returncode, ended.stdout.decode(), _checks(results))


def _checks(results: Path) -> dict[str, Checks]:
    found: dict[str, Checks] = {}
    for file in sorted(results.rglob("checks.json")):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", file.parent.name.removeprefix("server-"))
        states = [check["status"] for check in json.loads(file.read_text(encoding="utf-8"))]
        found[scenario] = {state: states.count(state) for state in states}
    return found
