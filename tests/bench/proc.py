"""What Linux says of running processes: CPU spent and memory held, by process tree."""

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"  # proc(5), clear_refs


def tree(pid: int) -> list[int]:
    """`pid` and everything that descends from it."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds, user and system, that `pid` and its descendants have spent."""
    return sum(_ticks(Path(f"/proc/{one}/stat")) for one in tree(pid)) / _TICKS_PER_S


def cpu_by_thread_s(pid: int) -> dict[str, float]:
    """CPU seconds by thread name; the main thread is called `main`."""
    spent: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            name = "main" if task.name == str(pid) else (task / "comm").read_text().strip().rstrip("0123456789-")
            spent[name] = spent.get(name, 0.0) + _ticks(task / "stat") / _TICKS_PER_S
    return spent


def switches(pid: int) -> dict[str, int]:
    """How often each thread of `pid` and its descendants has given up a processor to wait for something."""
    found: dict[str, int] = {}
    for one in tree(pid):
        with suppress(OSError):  # it has ended meanwhile
            for task in Path(f"/proc/{one}/task").iterdir():
                found[task.name] = int((task / "status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return found


def memory_mib(pid: int) -> tuple[float, float]:
    """What `pid` holds resident now, and its peak since `forget_peak` or its start, in MiB."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(status["VmRSS"].split()[0]) / 1024, int(status["VmHWM"].split()[0]) / 1024


def forget_peak(pid: int) -> None:
    """Let the peak start anew from what is resident now, where the kernel allows it."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)


def total(pids: Iterable[int]) -> float:
    """CPU seconds of several process trees."""
    return sum(cpu_s(pid) for pid in pids)


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                yield int(entry.name), int(_fields(entry / "stat")[1])


def _ticks(stat: Path) -> int:
    try:
        fields = _fields(stat)
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _fields(stat: Path) -> list[str]:
    """The fields of proc(5)'s stat after the command, which may hold spaces and parentheses."""
    return stat.read_text().rpartition(")")[2].split()


def busy_s() -> float:
    """Seconds for which processors have been busy since the machine started, all of them together."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / _TICKS_PER_S  # less idle and waiting for input and output


def keep_on(pid: int, processors: Collection[int]) -> None:
    """Have every thread of a process run on these, and those to come."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), processors)
