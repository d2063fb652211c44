"""Where snowgate's time goes, by thread, by package and by function.

CPU by thread is measured without the profiler, and the event loop's share of it is then divided as the profiler saw it.
A frame's own time counts for its package. Frames of the standard library count for whoever called them, except those of
asyncio; compiled code (sqlglot's, pydantic's core, orjson) counts for the Python that called it.
"""

import json
import os
import re
import signal
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import proc
from tests.bench.cases import CASES
from tests.bench.processes import ROOT
from tests.bench.rounds import Contender, warm_up
from tests.bench.stage import Premises, snowgate

CALLS = 400
FUNCTIONS_SHOWN = 25
PROFILED = ("point", "point-unseen", "typical-unseen")

_SITE = re.compile(r"site-packages/([A-Za-z0-9_]+)")
_STDLIB = re.compile(r"/lib/python3\.\d+/(?!site-packages)(\w+)")


async def profile(place: Premises, backend_port: int, console: Console) -> None:
    """Ask snowgate one statement at a time, first by itself and then profiled, and print where the time went."""
    for name in PROFILED:
        out = place.home / f"{name}.profile"
        arguments = ["-P", "-m", "tests.bench.profiled", "--out", str(out)]
        async with snowgate(place, backend_port, arguments) as server:
            await warm_up([Contender(server.target, server.pid)], backend_port)
            whole_s, threads_s = proc.cpu_s(server.pid), proc.cpu_by_thread_s(server.pid)
            await server.target.burst(CASES[name].queries(CALLS), 1)
            whole_s = proc.cpu_s(server.pid) - whole_s
            after_s = proc.cpu_by_thread_s(server.pid)
            threads_s = {thread: after_s[thread] - before_s for thread, before_s in threads_s.items()}
            os.kill(server.pid, signal.SIGUSR1)
            await server.target.burst(CASES[name].queries(CALLS), 1)
            os.kill(server.pid, signal.SIGUSR1)
        _show(CASES[name].title, whole_s, threads_s, json.loads(out.read_text(encoding="utf-8")), console)


def _show(
    title: str, whole_s: float, threads_s: Mapping[str, float], recorded: Mapping[str, Any], console: Console
) -> None:
    loop_s, driver_s = threads_s["main"], threads_s.get("tokio-rt-worker", 0.0)
    threads = {"event loop": loop_s, "driver's own": driver_s, "worker threads": max(whole_s - loop_s - driver_s, 0.0)}
    _draw(f"{title}: CPU by thread", threads, console)
    packages, functions = _summed(recorded["stacks"])
    for what, spent in (("package", packages), ("function, the dearest", functions)):
        share = loop_s / (sum(spent.values()) or 1.0)
        _draw(
            f"{title}: the event loop by {what}", {where: seconds * share for where, seconds in spent.items()}, console
        )
    pauses_s = recorded["pauses_s"]
    console.print(
        f"garbage collection: {1_000 * sum(pauses_s) / CALLS:.3f} ms a call, "
        f"longest pause {1_000 * max(pauses_s, default=0.0):.0f} ms\n"
    )


def _draw(title: str, spent: Mapping[str, float], console: Console) -> None:
    table = Table("where", "ms a call", "%", title=title, title_justify="left", min_width=60)
    whole = sum(spent.values()) or 1.0
    for where, seconds in sorted(spent.items(), key=itemgetter(1), reverse=True)[:FUNCTIONS_SHOWN]:
        table.add_row(where, f"{1_000 * seconds / CALLS:.3f}", f"{100 * seconds / whole:.1f}")
    console.print(table)


def _summed(stacks: Iterable[tuple[float, list[list[str]]]]) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Seconds by package and by function, without the time in which the loop waited."""
    packages, functions = defaultdict[str, float](float), defaultdict[str, float](float)
    for seconds, stack in stacks:
        if not stack[-1][1].endswith("asyncio/runners.py"):  # the loop itself, with nothing to run
            packages[_package(stack)] += seconds
            functions[_function(stack)] += seconds
    return packages, functions


def _package(stack: list[list[str]]) -> str:
    for _, file in reversed(stack):
        if match := _SITE.search(file):
            return match[1]
        if file.startswith(str(ROOT)):
            return Path(file).relative_to(ROOT).parts[0]
        if (match := _STDLIB.search(file)) and match[1] == "asyncio":
            return "asyncio"
    return "other"


def _function(stack: list[list[str]]) -> str:
    name, file = stack[-1]
    if file == "<built-in>" and len(stack) > 1:
        return f"{name} from {_short(stack[-2][1])}: {stack[-2][0]}"
    return f"{_short(file)}: {name}"


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-3:]))
