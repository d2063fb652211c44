"""Runs `snowgate serve --transport http` under a sampling profiler, between two SIGUSR1.

What is recorded is the event loop's thread, how long each stack was on it, and the garbage collector's pauses, which
stop every thread. Written to `--out` as JSON, `{"pauses_s": [...], "stacks": [[seconds, frames], ...]}`; each frame is
`[function, file]`, the outermost comes first.
"""

import argparse
import gc
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import anyio
from pyinstrument import Profiler

from server.app import serve
from server.config import load

INTERVAL_S = 0.0005


class _Recorder:
    """The profiler and the collector's pauses."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._profiler = Profiler(interval=INTERVAL_S, async_mode="disabled")
        self._pauses_s: list[float] = []
        self._paused_at = 0.0

    async def run(self) -> None:
        """Start at the first signal, stop and write at the second."""
        with anyio.open_signal_receiver(signal.SIGUSR1) as signals:
            async for _ in signals:
                if self._profiler.is_running:
                    self._write()
                    return
                gc.callbacks.append(self._collecting)
                self._profiler.start()

    def _collecting(self, phase: str, _: dict[str, Any]) -> None:
        if phase == "start":
            self._paused_at = time.perf_counter()
        else:
            self._pauses_s.append(time.perf_counter() - self._paused_at)

    def _write(self) -> None:
        gc.callbacks.remove(self._collecting)
        records = self._profiler.stop().frame_records
        stacks = [[seconds, [frame.split("\0")[:2] for frame in stack]] for stack, seconds in records]
        self._out.write_text(json.dumps({"pauses_s": self._pauses_s, "stacks": stacks}), encoding="utf-8")


async def _serve_profiled(out: Path) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_Recorder(out).run)
        await serve(load(), "http")
        tasks.cancel_scope.cancel()


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    anyio.run(_serve_profiled, parser.parse_args().out, backend_options={"use_uvloop": sys.platform != "win32"})


if __name__ == "__main__":
    main()
