"""The sandbox's directory and processes: made once, private, and nothing left behind."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.sandbox.children import listens
from server.sandbox.run import Sandbox, running_issuer, running_lookalike
from server.sandbox.state import SandboxError, SandboxState, load_state, open_state

OUTSIDE = """
import os, sys
from pathlib import Path
import anyio
from server.sandbox.run import running_issuer
from server.sandbox.state import load_state

async def main():
    async with running_issuer(load_state(Path(sys.argv[1]))):
        print("up", flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


@pytest.fixture
def state(tmp_path: Path) -> SandboxState:
    return open_state(tmp_path / "home")


def test_keys_and_ports_survive_a_second_start(state: SandboxState) -> None:
    before = {file.name: file.read_bytes() for file in state.keys.iterdir()}
    again = open_state(state.home)
    assert again == load_state(state.home) == state
    assert {file.name: file.read_bytes() for file in again.keys.iterdir()} == before


def test_ports_are_different_from_each_other(state: SandboxState) -> None:
    assert len({state.ports.snowflake, state.ports.issuer, state.ports.gate}) == 3


def test_everything_is_for_its_owner_alone(sandbox: Sandbox) -> None:
    home = sandbox.state.home
    found = [home, *home.rglob("*")]
    modes = {path.relative_to(home): stat.S_IMODE(path.stat().st_mode) for path in found if "logs" not in path.parts}
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


def test_a_missing_key_is_made_and_the_others_are_kept(state: SandboxState) -> None:
    kept = state.lease_key_file.read_bytes()
    state.issuer_key_file.unlink()
    open_state(state.home)
    assert state.issuer_key_file.exists()
    assert state.lease_key_file.read_bytes() == kept


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', '{"ports": {"gate": 0}}'])
def test_a_broken_state_is_not_guessed_at(state: SandboxState, content: str) -> None:
    (state.home / "sandbox.json").write_text(content)
    with pytest.raises(SandboxError) as refused:
        open_state(state.home)
    assert refused.value.code == "sandbox_state_broken"


def test_where_there_is_no_sandbox_none_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as refused:
        load_state(tmp_path)
    assert refused.value.code == "sandbox_not_found"


async def test_a_second_sandbox_on_the_same_ports_does_not_start(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError) as refused:
        async with running_issuer(sandbox.state):
            pass
    assert refused.value.code == "sandbox_port_taken"


async def test_a_process_that_cannot_start_says_why(state: SandboxState) -> None:
    state.lease_key_file.write_text("not a key")
    state.warehouse_directory.mkdir()
    with pytest.raises(SandboxError) as refused:
        async with running_lookalike(state):
            pass
    assert refused.value.code == "sandbox_not_ready"


def test_a_process_dies_with_its_parent_however_that_dies(state: SandboxState) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, "-c", OUTSIDE, str(state.home)], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.send_signal(signal.SIGKILL)
    give_up_at = time.monotonic() + 10
    while listens(state.ports.issuer):
        assert time.monotonic() < give_up_at


def test_the_gates_process_never_loads_the_look_alike() -> None:
    code = "import sys, server.sandbox.run; print(sorted({'fakesnow', 'duckdb'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
