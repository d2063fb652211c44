"""Child processes of the sandbox: started, waited for until they answer, stopped, and never left behind."""

import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

import anyio
from anyio.abc import Process

import server
from server.sandbox.state import LOOPBACK, SandboxError

READY_WITHIN_S = 90.0
STOP_WITHIN_S = 5.0
POLL_S = 0.02
LINE_CHARS_MAX = 300
_TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the sandbox that serves 127.0.0.1:`port`."""

    module: str
    port: int
    log: Path
    process: Process

    async def ready(self) -> None:
        """Return when it listens.

        Raises SandboxError `sandbox_not_ready`, with the end of its log, if it ended or took longer than
        `READY_WITHIN_S`.
        """
        with anyio.move_on_after(READY_WITHIN_S):
            while self.process.returncode is None:
                if listens(self.port):
                    return
                await anyio.sleep(POLL_S)
        raise SandboxError(
            "sandbox_not_ready",
            f"`{self.module}` did not start: {_last_line(self.log)}",
            f"the whole story is in {self.log}",
        )


@asynccontextmanager
async def child(module: str, arguments: Sequence[str], port: int, log: Path) -> AsyncGenerator[Child]:
    """Run `python -m module arguments` while inside; its output goes to `log`.

    On Linux it dies with us however we die. Enter from the main thread: the kernel ties that promise to the thread that
    starts the child. Raises SandboxError `sandbox_port_taken`.
    """
    if listens(port):
        raise SandboxError(
            "sandbox_port_taken",
            f"something else listens on port {port}",
            "is this sandbox running already? stop it, or use another state directory",
        )
    with log.open("wb") as output:
        process = await anyio.open_process(
            _command(module, arguments), stdin=DEVNULL, stdout=output, stderr=output, env=_environment()
        )
    try:
        yield Child(module, port, log, process)
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(process)


def _command(module: str, arguments: Sequence[str]) -> list[str]:
    program = [sys.executable, "-P", "-m", module, *arguments]
    tether = [sys.executable, "-I", "-S", str(_TETHER), str(int(signal.SIGTERM)), str(os.getpid()), "-", "-"]
    return [*tether, *program] if sys.platform == "linux" else program


def _environment() -> dict[str, str]:
    # `-P` keeps the working directory off the child's path, so that it cannot find another `server` there; where ours
    # is must then be said.
    return {**os.environ, "PYTHONPATH": str(Path(server.__file__).parents[1])}


def listens(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1:`port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOOPBACK, port)) == 0


async def _stop(process: Process) -> None:
    for ask in (process.terminate, process.kill):
        if process.returncode is None:
            with suppress(ProcessLookupError), anyio.move_on_after(STOP_WITHIN_S):
                ask()
                await process.wait()
    await process.aclose()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:LINE_CHARS_MAX] if lines else "it said nothing"
