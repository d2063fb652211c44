"""What limits a call now: how long each step of the line takes, and what many calls at once cost more than one.

The steps are as the gate tells them of itself (`snowgate_step_seconds`). Beside the CPU of a call stands how often its
threads had to wait for the interpreter's lock or anything else (voluntary switches of context, proc(5)), and how often
one statement takes that lock again: each call of the driver's core gives it up, and each event that the core logs calls
Python back.
"""

import cProfile
import os
import pstats
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import httpx2
from anyio import to_thread
from prometheus_client.parser import text_string_to_metric_families

from tests.bench import proc
from tests.bench.cases import CASES
from tests.bench.driver import ask, connect
from tests.bench.processes import free_port
from tests.bench.rounds import IN_FLIGHT_MAX, Contender, warm_up
from tests.bench.stage import SERVE, STUB, Premises, Server, backend, floor, snowgate

STEPS_CASES = ("point", "point-new", "point-unseen", "typical-unseen")
CALLS, STATEMENTS = 400, 100
Where: TypeAlias = Literal["anywhere", "on one"]
_METRIC = "snowgate_step_seconds"


@dataclass(frozen=True, slots=True)
class Crowd:
    """What one call costs a target with so many in flight, and with its threads on any processor or on one."""

    target: str
    where: Where
    in_flight: int
    calls_per_s: float
    cpu_ms: float
    switches: float


@dataclass(frozen=True, slots=True)
class Limits:
    """`steps_ms` are means, by case and step; `calls_of_core` and `log_events` are of one statement of the driver's."""

    steps_ms: Mapping[str, Mapping[str, float]]
    crowds: Sequence[Crowd]
    calls_of_core: float
    log_events: float


async def limits(place: Premises) -> Limits:
    """Measure all of it, before `stub`."""
    metrics = free_port()
    async with (
        backend(place, STUB) as (port, _),
        floor(place, port) as below,
        snowgate(place, port, SERVE, {"SNOWGATE_METRICS_PORT": str(metrics)}) as gate,
    ):
        await warm_up([Contender(each.target, each.pid) for each in (below, gate)], port)
        steps = {name: await _steps(gate, metrics, name) for name in STEPS_CASES}
        crowds = [
            await _crowd(each, width, where)
            for width in (1, IN_FLIGHT_MAX)
            for each in (below, gate)
            for where in ("anywhere", "on one")
        ]
        core, events = await to_thread.run_sync(_calls_within_the_driver, port)
    return Limits(steps, crowds, core, events)


async def _steps(gate: Server, port: int, case: str) -> dict[str, float]:
    before = await _told(port)
    await gate.target.burst(CASES[case].queries(CALLS), 1)
    after = await _told(port)
    return {step: 1_000 * (after[step] - before.get(step, 0.0)) / CALLS for step in after}


async def _told(port: int) -> dict[str, float]:
    """Seconds that each step has taken so far."""
    async with httpx2.AsyncClient() as http:
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples if sample.name == f"{_METRIC}_sum"]
    return {sample.labels["step"]: sample.value for sample in samples}


async def _crowd(server: Server, in_flight: int, where: Where) -> Crowd:
    usable = os.sched_getaffinity(0)
    # The gate leaves a process alone whose affinity somebody else has set.
    proc.keep_on(server.pid, {min(usable)} if where == "on one" else usable)
    await server.target.burst(CASES["point"].queries(IN_FLIGHT_MAX), in_flight)
    began, cpu_s, switches = time.perf_counter(), proc.cpu_s(server.pid), proc.switches(server.pid)
    await server.target.burst(CASES["point"].queries(CALLS), in_flight)
    wall_s, cpu_s = time.perf_counter() - began, proc.cpu_s(server.pid) - cpu_s
    waits = sum(count - switches.get(thread, 0) for thread, count in proc.switches(server.pid).items())
    return Crowd(server.target.name, where, in_flight, CALLS / wall_s, 1_000 * cpu_s / CALLS, waits / CALLS)


def _calls_within_the_driver(port: int) -> tuple[float, float]:
    """How often a statement calls the driver's core, and how often that logs an event by calling Python."""
    connection, profiler = connect(port), cProfile.Profile()
    try:
        for query in CASES["point"].queries(STATEMENTS):
            profiler.runcall(ask, connection, query)
    finally:
        connection.close()
    called = {where[2]: counts[1] for where, counts in pstats.Stats(profiler).stats.items()}  # type: ignore[attr-defined]
    core = sum(times for name, times in called.items() if "call_proto" in name)
    return core / STATEMENTS, called.get("_logger_callback", 0) / STATEMENTS
