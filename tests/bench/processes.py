"""Programs of the run: started on free ports of 127.0.0.1, waited for, stopped, and never left behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio

import server

ROOT = Path(server.__file__).parents[1]
STOP_S_MAX = 10.0
READY_S_MAX = 30.0
POLL_S = 0.005

_TETHER = ROOT / "server" / "sandbox" / "tether.py"


class NotReady(Exception):
    """A program ended or hung before it listened; the message holds the end of its log."""


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None, *, program: str = sys.executable
) -> Generator[int]:
    """Run `program`, which is this Python, with `arguments` while inside, and give its process id.

    Its output goes to `log`.
    """
    command = [program, *arguments]
    tether = [sys.executable, "-I", "-S", str(_TETHER), str(int(signal.SIGTERM)), str(os.getpid()), "-", "-"]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*tether, *command] if sys.platform == "linux" else command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONPATH": path, **(env or {})},
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def listening(port: int, pid: int, log: Path, within_s: float = READY_S_MAX) -> None:
    """Return once `port` takes connections.

    Raises:
        NotReady: `pid` ended, or did not listen in time.
    """
    with anyio.move_on_after(within_s):
        while _lives(pid):
            try:
                stream = await anyio.connect_tcp("127.0.0.1", port)
            except OSError:
                await anyio.sleep(POLL_S)
            else:
                await stream.aclose()
                return
    raise NotReady(f"{log.name}: {_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1_000:]


def _lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
