"""Gates as processes of their own, against the run's one sandbox."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process

from server.sandbox.children import listens
from server.sandbox.run import Sandbox, write_env_file
from tests.support.clients import Gate
from tests.support.watching import eventually
from tools.manifest import MANIFESTS

POLICY = MANIFESTS / "policies" / "sandbox.yaml"
ROOT = Path(__file__).resolve().parents[2]
START_WITHIN_S = 60.0


SERVE = [sys.executable, "-P", "-m", "server.cli", "serve", "--transport", "http", "--log-level", "warning"]


def environment_of(sandbox: Sandbox, port: int, **settings: str) -> dict[str, str]:
    """What a gate at `port` is started with; `settings` replace the sandbox's."""
    own = {"SNOWGATE_PORT": str(port), "SNOWGATE_POLICY": str(POLICY), **settings}
    return {**os.environ, **sandbox.environment, **own, "PYTHONPATH": str(ROOT)}


@asynccontextmanager
async def serving(sandbox: Sandbox, *, port: int | None = None, **settings: str | None) -> AsyncGenerator[Process]:
    """`snowgate serve` over HTTP while inside; `settings` replace the sandbox's, None takes one away.

    A test may stop it itself.
    """
    at = port or sandbox.state.ports.gate
    own = {"SNOWGATE_PORT": str(at), "SNOWGATE_POLICY": str(POLICY), **settings}
    told = {**os.environ, **sandbox.environment, **own, "PYTHONPATH": str(ROOT)}
    environment = {name: value for name, value in told.items() if value is not None}
    command = [sys.executable, "-P", "-m", "server.cli", "serve", "--transport", "http", "--log-level", "warning"]
    async with await anyio.open_process(command, env=environment, stdout=None, stderr=None) as process:
        try:
            await eventually(lambda: listens(at) or process.returncode is not None, within_s=START_WITHIN_S)
            assert process.returncode is None
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                with anyio.CancelScope(shield=True):
                    await process.wait()


@pytest.fixture(scope="session")
async def gate(sandbox: Sandbox, anyio_backend: str) -> AsyncGenerator[Gate]:
    """One gate for the whole run, and its clients over both transports."""
    environment = {**sandbox.environment, "SNOWGATE_POLICY": str(POLICY)}
    write_env_file(sandbox.state, environment)
    async with serving(sandbox):
        yield Gate(replace(sandbox, environment=environment))
