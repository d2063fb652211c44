"""Where snowgate's time goes for new statements: CPU by thread, and the event loop's time by package and function.

A frame's own time counts for its package. Frames of the standard library count for whoever called them, except those
of asyncio, which are the loop's; compiled code (sqlglot's, pydantic's core, orjson) counts for the Python that
called it.
"""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import proc
from tests.bench.cases import CASES
from tests.bench.processes import ROOT
from tests.bench.rounds import Contender, warm_up
from tests.bench.stage import Premises, snowgate

CALLS = 400
FUNCTIONS_SHOWN = 25

_LOOP = ("asyncio", "selectors")
_SITE = re.compile(r"site-packages/([A-Za-z0-9_]+)")
_STDLIB = re.compile(r"/lib/python3\.\d+/(?!site-packages)(\w+)")


async def profile(place: Premises, backend_port: int, console: Console) -> None:
    """Run snowgate under the profiler, ask it new statements one at a time, and print where the time went."""
    for name in ("point-new", "typical-new"):
        out = place.home / f"{name}.profile"
        arguments = ["-P", "-m", "tests.bench.profiled", "--out", str(out)]
        async with snowgate(place, backend_port, arguments) as server:
            await warm_up([Contender(server.target, server.pid)], backend_port)
            # CPU first, without the profiler, which would be part of it.
            before = proc.cpu_by_thread_s(server.pid)
            await server.target.burst(CASES[name].queries(CALLS), 1)
            threads = proc.cpu_by_thread_s(server.pid)
            os.kill(server.pid, signal.SIGUSR1)
            await server.target.burst(CASES[name].queries(CALLS), 1)
            os.kill(server.pid, signal.SIGUSR1)
        spent = {thread: seconds - before.get(thread, 0.0) for thread, seconds in threads.items()}
        _show(name, spent, out, console)


def _show(name: str, threads: dict[str, float], out: Path, console: Console) -> None:
    packages, functions = _summed(out.read_text(encoding="utf-8").splitlines())
    _draw(f"{name}: CPU by thread, not profiled", Counter(threads), console)
    _draw(f"{name}: the event loop's time by package, profiled", packages, console)
    _draw(f"{name}: the event loop's dearest functions, profiled", functions, console)


def _draw(title: str, spent: Counter[str], console: Console) -> None:
    table = Table("where", "ms a call", "%", title=title, title_justify="left")
    whole = sum(spent.values()) or 1.0
    for where, seconds in spent.most_common(FUNCTIONS_SHOWN):
        table.add_row(where, f"{1_000 * seconds / CALLS:.3f}", f"{100 * seconds / whole:.1f}")
    console.print(table)


def _summed(lines: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """Seconds by package and by function, without the time in which the loop waited."""
    packages, functions = Counter[str](), Counter[str]()
    for line in lines:
        seconds, stack = json.loads(line)
        if not _is_waiting(stack):
            packages[_package(stack)] += seconds
            functions[_function(stack)] += seconds
    return packages, functions


def _is_waiting(stack: list[list[str]]) -> bool:
    """Whether the loop was in its own code and had nothing to run."""
    return all("/asyncio/" in file or "/anyio/_backends/" in file or "profiled.py" in file for _, file, _ in stack)


def _package(stack: list[list[str]]) -> str:
    for _, file, _ in reversed(stack):
        if file.startswith(str(ROOT)) and "site-packages" not in file:
            return Path(file).relative_to(ROOT).parts[0]
        if match := _SITE.search(file):
            return match[1]
        if (match := _STDLIB.search(file)) and match[1] in _LOOP:
            return "asyncio"
    return "other"


def _function(stack: list[list[str]]) -> str:
    name, file, _ = stack[-1]
    path = Path(file)
    short = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-3:])
    return f"{short}: {name}"
