"""Bursts become figures: percentiles over all calls, ratios and differences within rounds."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from tests.bench.rounds import Burst


class Key(NamedTuple):
    """What a figure is about."""

    stage: str
    case: str
    in_flight: int
    target: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One target at one case and width; CPU is per call.

    `ratio` is p50 over the bare driver's, `added_ms` is p50 less the floor's, `speed_ratio` is calls a second over the
    bare driver's: each the median over rounds.
    """

    key: Key
    calls: int
    p50_ms: float
    p99_ms: float
    ratio: float
    added_ms: float
    calls_per_s: float
    speed_ratio: float
    cpu_ms: float
    journal_cpu_ms: float
    client_cpu_ms: float
    logins_per_call: float
    queries_per_call: float
    size_bytes: int


def percentile(values: Iterable[float], percent: float) -> float:
    """The nearest-rank percentile."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(percent / 100 * len(ranked)) - 1)]


def figures(bursts: Sequence[Burst]) -> dict[Key, Figure]:
    """One figure for each stage, case, width and target, in the order in which they are shown."""
    grouped = defaultdict[Key, list[Burst]](list)
    for burst in bursts:
        grouped[Key(burst.stage, burst.step.case.name, burst.step.in_flight, burst.target)].append(burst)
    return {key: _figure(key, grouped) for key in grouped}


def _figure(key: Key, grouped: dict[Key, list[Burst]]) -> Figure:
    own = grouped[key]
    calls = sum(len(burst.elapsed_s) for burst in own)
    elapsed_ms = [1_000 * elapsed_s for burst in own for elapsed_s in burst.elapsed_s]
    driver, floor = grouped[key._replace(target="driver")], grouped[key._replace(target="floor")]

    def per_call(cost: Callable[[Burst], float]) -> float:
        return sum(map(cost, own)) / calls

    return Figure(
        key=key,
        calls=calls,
        p50_ms=percentile(elapsed_ms, 50),
        p99_ms=percentile(elapsed_ms, 99),
        ratio=_over_rounds(own, driver, lambda ours, theirs: _p50_ms(ours) / _p50_ms(theirs)),
        added_ms=_over_rounds(own, floor, lambda ours, theirs: _p50_ms(ours) - _p50_ms(theirs)),
        calls_per_s=calls / sum(burst.wall_s for burst in own),
        speed_ratio=_over_rounds(own, driver, lambda ours, theirs: _calls_per_s(ours) / _calls_per_s(theirs)),
        cpu_ms=1_000 * per_call(lambda burst: burst.cpu_s),
        journal_cpu_ms=1_000 * per_call(lambda burst: burst.journal_cpu_s),
        client_cpu_ms=1_000 * per_call(lambda burst: burst.client_cpu_s),
        logins_per_call=per_call(lambda burst: burst.logins),
        queries_per_call=per_call(lambda burst: burst.queries),
        size_bytes=own[-1].size_bytes,
    )


def _calls_per_s(burst: Burst) -> float:
    return len(burst.elapsed_s) / burst.wall_s


def _p50_ms(burst: Burst) -> float:
    return 1_000 * percentile(burst.elapsed_s, 50)


def _over_rounds(own: list[Burst], other: list[Burst], compare: Callable[[Burst, Burst], float]) -> float:
    """The median over rounds of a comparison between bursts of the same round."""
    theirs = {burst.round: burst for burst in other}
    return median(compare(ours, theirs[ours.round]) for ours in own)
