"""One whole gate for all wire tests: the sandbox, and `snowgate serve` as a process of its own."""

import os
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from server.cli.sandboxes import POLICY, served
from server.sandbox.run import Sandbox
from tests.support.clients import Gate
from tests.support.databases import reachable_directory


@pytest.fixture(scope="session")
def gate_home() -> Iterator[Path]:
    """A state directory that an unprivileged PostgreSQL can reach."""
    with reachable_directory() as home:
        yield home


@pytest.fixture(scope="session")
async def running(gate_home: Path, anyio_backend: str) -> AsyncGenerator[Sandbox]:
    """The sandbox with the gate served over HTTP."""
    os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
    async with served(gate_home, POLICY, None) as sandbox:
        yield sandbox


@pytest.fixture
def gate(running: Sandbox) -> Gate:
    """Clients of the running gate, over both transports."""
    return Gate(running)
