"""Several processes at one address: starts them, starts one again that died, and stops them together.

A worker lives no longer than its supervisor: it stops when the pipe that it holds to it is closed, however that came.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
from anyio.abc import Process

from server.seat import Seat
from server.sharing import ABSENT, Board

EXIT_BAD_START = 2
RESTART_PAUSE_S = 1.0

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client reads it when it is imported: where the processes of one program count together."""

log = logging.getLogger(__name__)


async def supervise(
    arguments: Sequence[str], count: int, listener: socket.socket, metrics_at: tuple[str, int] | None = None
) -> int:
    """Run `python <arguments> --seat ...` `count` times until stopped; the exit status of the whole.

    All take their connections from `listener`, which is closed here when they are to stop.
    What the workers count is served at the host and port of `metrics_at`, for all of them together.

    A worker that cannot start for a reason that another start would meet again (status 2) ends all of them.
    """
    with tempfile.TemporaryDirectory(prefix="snowgate-") as directory:
        counted = Path(directory) / "metrics" if metrics_at is not None else None
        crew = _Crew(arguments, count, listener, Path(directory), counted)
        with _served(metrics_at, counted):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(crew.hear_signals)
                async with anyio.create_task_group() as keepers:
                    for seat in crew.seats:
                        keepers.start_soon(crew.keep, seat)
                tasks.cancel_scope.cancel()
    return crew.status


@contextmanager
def _served(at: tuple[str, int] | None, counted: Path | None) -> Generator[None]:
    """Serve at `at` what the workers write into `counted`, if both are there."""
    if at is None or counted is None:
        yield
        return
    from server.metrics import exposed, of_all_workers

    counted.mkdir()
    with exposed(*at, of_all_workers(counted)):
        yield


class _Crew:
    def __init__(
        self, arguments: Sequence[str], count: int, listener: socket.socket, directory: Path, counted: Path | None
    ) -> None:
        self._board = board = Board.make(count)
        self.seats = [Seat(number, count, listener.fileno(), board.descriptor, directory) for number in range(count)]
        self.status = 0
        self._arguments = arguments
        self._listener = listener
        self._counted = counted
        self._environment = {**os.environ, METRICS_VARIABLE: str(counted)} if counted is not None else None
        self._running: dict[Seat, Process] = {}
        self._beginning = anyio.Lock()
        self._is_stopping = False

    async def keep(self, seat: Seat) -> None:
        """Have a worker at `seat` until all are stopped."""
        while (process := await self._begun(seat)) is not None:
            async with process:
                status = await process.wait()
            del self._running[seat]
            self._forget(seat, process.pid)
            if status == EXIT_BAD_START:
                self.status = status
                await self.stop(signal.SIGTERM)
            elif not self._is_stopping:
                log.error("worker %d ended with status %d and is started again", seat.number, status)
                await anyio.sleep(RESTART_PAUSE_S)

    async def _begun(self, seat: Seat) -> Process | None:
        """A new worker at `seat`, unless all are to stop."""
        async with self._beginning:
            if self._is_stopping:
                return None
            self._running[seat] = process = await anyio.open_process(
                [sys.executable, *self._arguments, "--seat", str(seat)],
                stdin=subprocess.PIPE,
                stdout=None,
                stderr=None,
                env=self._environment,
                pass_fds=[seat.listener, seat.board],
            )
            return process

    def _forget(self, seat: Seat, pid: int) -> None:
        """What a dead worker held is held no more, and nothing is left to it; what it counted stays counted."""
        self._board.tell(seat.number, ABSENT)
        if self._counted is not None:
            from prometheus_client.multiprocess import mark_process_dead

            mark_process_dead(pid, str(self._counted))  # type: ignore[no-untyped-call]

    async def stop(self, number: signal.Signals) -> None:
        """Pass a signal on, and start nobody any more; nothing connects once the last of them has stopped taking."""
        self._is_stopping = True
        async with self._beginning:
            self._listener.close()
            for process in self._running.values():
                with suppress(ProcessLookupError):
                    process.send_signal(number)

    async def hear_signals(self) -> None:
        """Pass on what this process is told."""
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                await self.stop(number)
