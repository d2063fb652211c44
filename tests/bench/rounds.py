"""Runs the targets in turn, in shuffled order, and keeps what each burst cost.

The machine's speed drifts, so targets are compared within a round: their bursts of one case follow each other.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from tests.bench import proc
from tests.bench.cases import CASES, Case, Query
from tests.bench.stage import Stage, counts, paced
from tests.bench.target import Target

IN_FLIGHT_MAX = 32
WIDTHS = (1, 8, IN_FLIGHT_MAX)
FEW_CALLS = 2
CALLS_PER_SLOT = 32
"""Calls of a burst for each one in flight, so that nearly all of a burst runs at full width, and lasts for seconds."""

PEER_CALLS_PER_SLOT, OWN_TIMES = 8, 8
"""Beside peers, of which some answer fifteen calls a second, bursts are shorter, but for the three's."""

WARM_UP_BURSTS_MAX, WARM_UP_CALM, WARM_UP_QUERY_MS = 8, 3, 60.0
"""While the backend takes its time, all that is in flight is before it at once, with a session each."""
WARM_UP_CALLS, WARM_UP_NARROW_CALLS = 4 * IN_FLIGHT_MAX, 8


@dataclass(frozen=True, slots=True)
class Step:
    """One case at one width: `calls` calls with `in_flight` at a time."""

    case: Case
    in_flight: int
    calls: int


@dataclass(frozen=True, slots=True)
class Burst:
    """What one burst cost; times in seconds, CPU by who spent it."""

    stage: str
    step: Step
    target: str
    round: int
    elapsed_s: tuple[float, ...]
    wall_s: float
    cpu_s: float
    journal_cpu_s: float
    client_cpu_s: float
    size_bytes: int
    logins: int
    queries: int


@dataclass(frozen=True, slots=True)
class Contender:
    """A target, where its CPU is counted (in a process of its own, or in ours), and how many workers it has.

    A burst of it has `times` as many calls as the step says.
    """

    target: Target
    pid: int | None
    journal_pid: int | None = None
    workers: int = 1
    times: int = 1


def peer_steps(*, slow: bool) -> list[Step]:
    """What one round beside peers runs; before a slow backend less of it, for some of them answer fifteen calls/s."""
    per_slot = PEER_CALLS_PER_SLOT // 2 if slow else PEER_CALLS_PER_SLOT
    planned = [Step(CASES["point-unseen"], in_flight, max(20, in_flight * per_slot)) for in_flight in WIDTHS]
    planned += [
        Step(CASES[name], in_flight, max(40, in_flight * per_slot))
        for name in ("point", "point-new")
        for in_flight in (1, IN_FLIGHT_MAX)
    ]
    return planned if slow else [*planned, Step(CASES["rows1k"], 1, 10)]


def steps(case_names: Sequence[str], *, slow: bool, quick: bool) -> list[Step]:
    """What one round of a stage runs: point queries at every width, on a slow stage nothing else."""
    planned = []
    for case in (CASES[name] for name in case_names if not slow or name.startswith("point")):
        for in_flight in WIDTHS if case.name.startswith("point") else (1,):
            calls = case.calls // (4 if slow else 1) if in_flight == 1 else in_flight * CALLS_PER_SLOT
            planned.append(Step(case, in_flight, calls))
    return [replace(step, calls=step.calls // 2) for step in planned if _is_quick(step, slow)] if quick else planned


def _is_quick(step: Step, slow: bool) -> bool:
    """Whether a quick run has the step: one at a time, and point queries that are no repetitions at full width."""
    if step.case.name in ("point-new", "point-unseen"):
        return step.in_flight in (1, IN_FLIGHT_MAX)
    return step.in_flight == 1 and step.calls > FEW_CALLS and not slow


def contenders(stage: Stage, journal_pid: int | None) -> list[Contender]:
    """The three targets of a stage."""
    own = [
        Contender(stage.driver, None),
        Contender(stage.floor.target, stage.floor.pid),
        Contender(stage.snowgate.target, stage.snowgate.pid, journal_pid, stage.slowness.workers),
    ]
    return [replace(each, times=OWN_TIMES) for each in own] if stage.slowness.peers else own


async def warm_up(those: Sequence[Contender], backend_port: int) -> None:
    """Run bursts of full width until some in a row open no connection any more; then some before the backend as it is.

    Where several workers answer, the bursts are wider: each may come to serve nearly all that is in flight.
    """
    point = CASES["point-unseen"]
    for one in those:
        calm, logins = 0, (await counts(backend_port))[0]
        async with paced(backend_port, WARM_UP_QUERY_MS):
            for _ in range(WARM_UP_BURSTS_MAX):
                await one.target.burst(point.queries(WARM_UP_CALLS * one.workers), IN_FLIGHT_MAX * one.workers)
                logins_before, logins = logins, (await counts(backend_port))[0]
                calm = calm + 1 if logins == logins_before else 0
                if calm == WARM_UP_CALM:
                    break
        await one.target.burst(point.queries(WARM_UP_CALLS), IN_FLIGHT_MAX)
        await one.target.burst(point.queries(WARM_UP_NARROW_CALLS), 1)


async def run_rounds(
    stage: Stage, those: Sequence[Contender], planned: Sequence[Step], rounds: int, tell: Callable[[str], None]
) -> list[Burst]:
    """`rounds` rounds of all steps, each by all targets, in an order of its own."""
    shuffle = random.Random(2_026).shuffle  # noqa: S311 - an order, not a secret
    bursts = []
    for number in range(rounds):
        tell(f"{stage.slowness.name}: round {number + 1} of {rounds}")
        for step, in_turn in _shuffled(list(planned), list(those), shuffle):
            bursts += [await _burst(stage, one, step, number) for one in in_turn]
    return bursts


def _shuffled(
    planned: list[Step], those: list[Contender], shuffle: Callable[[list[Step] | list[Contender]], None]
) -> Iterator[tuple[Step, list[Contender]]]:
    shuffle(planned)
    for step in planned:
        shuffle(those)
        yield step, list(those)


async def _burst(stage: Stage, one: Contender, step: Step, number: int) -> Burst:
    queries: Iterator[Query] = step.case.queries(step.calls * one.times)
    logins, asked = await counts(stage.backend_port)
    server_s = proc.cpu_s(one.pid) if one.pid else 0.0
    journal_s = proc.cpu_s(one.journal_pid) if one.journal_pid else 0.0
    client_s, began = time.process_time(), time.perf_counter()

    answers = await one.target.burst(queries, step.in_flight)

    wall_s, client_s = time.perf_counter() - began, time.process_time() - client_s
    journal_s = proc.cpu_s(one.journal_pid) - journal_s if one.journal_pid else 0.0
    logins_after, asked_after = await counts(stage.backend_port)
    return Burst(
        stage=stage.slowness.name,
        step=step,
        target=one.target.name,
        round=number,
        elapsed_s=tuple(answer.elapsed_s for answer in answers),
        wall_s=wall_s,
        cpu_s=proc.cpu_s(one.pid) - server_s if one.pid else client_s,
        journal_cpu_s=journal_s,
        client_cpu_s=client_s if one.pid else 0.0,
        size_bytes=sum(answer.size_bytes for answer in answers) // len(answers),
        logins=logins_after - logins,
        queries=asked_after - asked,
    )
