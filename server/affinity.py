"""Keeps a process of the gate on one processor, and takes it to another when others have need of that one.

Python runs one thread of a process at a time. Threads on several processors wake each other across them at every turn
for the interpreter's lock, which costs a busy gate a third of its time (decision 0057); on one processor they do not.
"""

import logging
import os
import random
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import anyio
from anyio import to_thread

from server.config import CpuAffinity
from server.seat import Seat

LOOK_S, AGAIN_S = 2.0, 0.2
WANTED_MIN = 0.25
"""The part of a processor that a process has to want before it leaves one: whoever rests is in nobody's way."""
OTHERS_MAX = 0.25
"""The part of a processor that others may use before it is left."""
GAIN_MIN = 0.15
"""How much calmer, as a part of a processor, another has to be: a move costs every cache."""
ALIKE = 0.05
"""Processors whose use differs by less are as good as each other, so that not all who move go to the same."""

THREADS, STATISTICS = Path("/proc/self/task"), Path("/proc/stat")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """When it was taken; how long each usable processor has been busy, this process has run, and has waited to run."""

    at_s: float
    busy_s: Mapping[int, float]
    own_s: float
    waited_s: float


async def stay(wish: CpuAffinity, seat: Seat | None) -> None:
    """Keep this process on one of the processors that it may use, for as long as that is wished and possible.

    An operator who sets its affinity meanwhile is not overruled. Only Linux is asked (sched_setaffinity(2), proc(5)).
    """
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if wish == "none" or len(usable) < 2:
        return
    try:
        await _keep(usable, chosen(usable, seat))
    except Exception as missing:  # whatever it is, nobody is served the worse for it
        log.warning("this process cannot be kept on one processor: %s", type(missing).__name__)
        with suppress(OSError):
            gather(usable)


async def _keep(usable: Collection[int], here: int) -> None:
    gather({here})
    seen = await to_thread.run_sync(read, usable)
    log.info("this process runs on processor %d", here)
    while True:
        await anyio.sleep(LOOK_S * random.uniform(0.8, 1.2))  # noqa: S311 - so that no two gates look in step
        before, seen = seen, await to_thread.run_sync(read, usable)
        if better(here, before, seen) != here:  # those who were here may just have left, and others come there
            await anyio.sleep(AGAIN_S)
            before, seen = seen, await to_thread.run_sync(read, usable)
        told = os.sched_getaffinity(os.getpid())
        if told != {here}:
            log.info("somebody else has set where this process runs, and is left to it")
            gather(told)
            return
        there = better(here, before, seen)
        if there != here:
            log.info("this process leaves processor %d to others, for %d", here, there)
        here = there
        gather({here})


def chosen(usable: Collection[int], seat: Seat | None) -> int:
    """Where to start: workers of one gate as far apart as can be, from anywhere, and a process alone where it is."""
    if seat is not None:
        first = crc32(bytes(seat.directory))  # of a random name: gates on one machine do not all begin at its first
        return sorted(usable)[(first + seat.number * len(usable) // seat.count) % len(usable)]
    # proc(5), /proc/pid/stat: field 39 is the processor; the name in field 2 may hold spaces, and ends with a bracket.
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[39 - 3])


def gather(processors: Collection[int]) -> None:
    """Have every thread of this process run there; those to come will, for each begins as who starts it.

    Raises:
        OSError: it may not.
    """
    os.sched_setaffinity(os.getpid(), processors)
    for thread in THREADS.iterdir():
        with suppress(OSError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), processors)


def read(usable: Collection[int]) -> Reading:
    """How busy the `usable` processors and this process have been until now (proc(5), /proc/stat)."""
    busy_s = {}
    for line in STATISTICS.read_text(encoding="utf-8").splitlines():
        name, *counted = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in usable:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, counted[:8])
            busy_s[int(name[3:])] = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return Reading(time.monotonic(), busy_s, time.process_time(), _waited_s())


def _waited_s() -> float:
    """How long threads of this process could have run, and had no processor (sched-stats in the kernel's docs)."""
    waited_ns = 0
    for thread in THREADS.iterdir():
        with suppress(OSError):  # it has ended meanwhile
            waited_ns += int((thread / "schedstat").read_text(encoding="utf-8").split()[1])
    return waited_ns / 1e9


def better(here: int, before: Reading, now: Reading) -> int:
    """Where to be, after what was used of the processors between two readings: `here`, or one of the calmest."""
    period_s = now.at_s - before.at_s
    busy = {each: (until_s - before.busy_s[each]) / period_s for each, until_s in now.busy_s.items()}
    own, waited = (now.own_s - before.own_s) / period_s, (now.waited_s - before.waited_s) / period_s
    others = busy[here] - own
    calmest = min(busy, key=lambda each: busy[each] + random.uniform(0, ALIKE))  # noqa: S311 - not a secret
    is_crowded = own + waited >= WANTED_MIN and others > OTHERS_MAX
    return calmest if is_crowded and busy[calmest] + GAIN_MIN < others else here
