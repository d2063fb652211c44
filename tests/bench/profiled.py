"""Runs `snowgate serve --transport http` under a sampling profiler, between two SIGUSR1.

What is recorded is the event loop's thread: how long each stack was on it. Written to `--out` as JSON lines, one a
stack: `[seconds, [[function, file, line], ...]]`, outermost frame first.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

import anyio
from pyinstrument import Profiler

from server.app import serve
from server.config import load

INTERVAL_S = 0.0005


async def _serve_profiled(out: Path) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_record, out)
        await serve(load(), "http")
        tasks.cancel_scope.cancel()


async def _record(out: Path) -> None:
    profiler = Profiler(interval=INTERVAL_S, async_mode="disabled")
    with anyio.open_signal_receiver(signal.SIGUSR1) as signals:
        async for _ in signals:
            if not profiler.is_running:
                profiler.start()
                continue
            _write(profiler, out)
            return


def _write(profiler: Profiler, out: Path) -> None:
    records = profiler.stop().frame_records
    lines = [json.dumps([seconds, [frame.split("\0")[:3] for frame in stack]]) for stack, seconds in records]
    out.write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    anyio.run(_serve_profiled, parser.parse_args().out, backend_options={"use_uvloop": sys.platform != "win32"})


if __name__ == "__main__":
    main()
