"""Several processes at one address: starts them, starts one again that died, and stops them together.

A worker lives no longer than its supervisor: it stops when the pipe that it holds to it is closed, however that came.
"""

import logging
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.abc import Process

from server.seat import Seat

EXIT_BAD_START = 2
RESTART_PAUSE_S = 1.0

log = logging.getLogger(__name__)


async def supervise(arguments: Sequence[str], count: int) -> int:
    """Run `python <arguments> --seat ...` `count` times until stopped; the exit status of the whole.

    A worker that cannot start for a reason that another start would meet again (status 2) ends all of them.
    """
    with tempfile.TemporaryDirectory(prefix="snowgate-") as directory:
        crew = _Crew(arguments, [Seat(number, count, Path(directory)) for number in range(count)])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crew.hear_signals)
            async with anyio.create_task_group() as keepers:
                for seat in crew.seats:
                    keepers.start_soon(crew.keep, seat)
            tasks.cancel_scope.cancel()
    return crew.status


class _Crew:
    def __init__(self, arguments: Sequence[str], seats: Sequence[Seat]) -> None:
        self.seats = seats
        self.status = 0
        self._arguments = arguments
        self._running: dict[Seat, Process] = {}
        self._is_stopping = False

    async def keep(self, seat: Seat) -> None:
        """Have a worker at `seat` until all are stopped."""
        while not self._is_stopping:
            command = [sys.executable, *self._arguments, "--seat", str(seat)]
            async with await anyio.open_process(command, stdin=subprocess.PIPE, stdout=None, stderr=None) as process:
                self._running[seat] = process
                if self._is_stopping:  # it was asked for before the signal came
                    process.terminate()
                status = await process.wait()
            del self._running[seat]
            if status == EXIT_BAD_START:
                self.status = status
                self.stop(signal.SIGTERM)
            elif not self._is_stopping:
                log.error("worker %d ended with status %d and is started again", seat.number, status)
                await anyio.sleep(RESTART_PAUSE_S)

    def stop(self, number: signal.Signals) -> None:
        """Pass a signal on, and start nobody any more."""
        self._is_stopping = True
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.send_signal(number)

    async def hear_signals(self) -> None:
        """Pass on what this process is told."""
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                self.stop(number)
