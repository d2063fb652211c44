"""A gate that crashes leaves no picture of its memory."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tests.support.clients import Gate
from tests.support.gates import ROOT, serving

PR_GET_DUMPABLE = 3
CRASH = """
import ctypes, os, sys
from server.core_dumps import refuse_core_dumps
if sys.argv[1] == "refusing":
    refuse_core_dumps()
secret = "".join(["a secret ", "of the gate"])
print(ctypes.CDLL(None).prctl({get}, 0, 0, 0, 0), flush=True)
os.abort()
"""


def _crashed(home: Path, how: str) -> tuple[str, list[bytes]]:
    """What a process says before it aborts in `home`, and the files that are there afterwards."""

    def unlimited() -> None:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    command = [sys.executable, "-c", CRASH.format(get=PR_GET_DUMPABLE), how]
    done = subprocess.run(
        command,
        cwd=home,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=unlimited,
    )
    assert done.returncode == -signal.SIGABRT
    return done.stdout.strip(), [each.read_bytes() for each in home.iterdir()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
def test_a_process_that_refuses_to_dump_core_leaves_none(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "refusing").mkdir()
    dumpable, _ = _crashed(tmp_path / "open", "open")
    assert dumpable == "1"
    assert _crashed(tmp_path / "refusing", "refusing") == ("0", [])


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
async def test_a_gate_that_serves_refuses_to_dump_core(gate: Gate, free_tcp_port: int) -> None:
    async with serving(gate.sandbox, port=free_tcp_port) as process:
        limits = await anyio.Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii")
    [line] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]
