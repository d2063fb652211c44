"""What must hold, and whether it does in this run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.bench.figures import Figure, Key
from tests.bench.memory import Memory
from tests.bench.rounds import IN_FLIGHT_MAX
from tests.bench.stage import LAT60, LAT60_PEERS, STUB, STUB_PEERS, Slowness

ADDED_NEW_MS_MAX = 6.0
ADDED_NEW_CPU_MS_MAX = 4.5
ADDED_REPEATED_MS_MAX = 1.5
SPEED_RATIO_MIN = 0.8
LABS_SPEED_RATIO_MIN = 10.0
PROXY_SPEED_RATIO_MIN = 20.0
PROXIES = ("fastmcp", "mcp-contextforge-gateway")
POINTS, UNSEEN = ("point-new", "point"), "point-unseen"
GROWTH_RATIO_MAX = 2.0
FIRST_ANSWER_S_MAX = 2.0
BEFORE_FLOOR = ("mcp-proxy", *PROXIES)
"""Peers that pass on what the floor answers, so that its size is the floor's."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that must hold: the measured value, in words, and the verdict."""

    name: str
    measured: str
    bound: str
    holds: bool


def gates(
    figures: Mapping[Key, Figure], memories: Mapping[str, Memory], first_answers_s: Mapping[str, float]
) -> list[Gate]:
    """Every gate for which this run has figures."""
    return [
        *_added(figures),
        *(gate for case in POINTS for gate in throughput(figures, case)),
        *_growth(memories),
        *_start(first_answers_s),
        *_frugality(figures),
        *_peers(figures),
    ]


def _added(figures: Mapping[Key, Figure]) -> Iterator[Gate]:
    for case, most, cpu_most in (
        ("point-unseen", ADDED_NEW_MS_MAX, ADDED_NEW_CPU_MS_MAX),
        ("typical-unseen", ADDED_NEW_MS_MAX, ADDED_NEW_CPU_MS_MAX),
        ("point-new", ADDED_NEW_MS_MAX, ADDED_NEW_CPU_MS_MAX),
        ("typical-new", ADDED_NEW_MS_MAX, ADDED_NEW_CPU_MS_MAX),
        ("point", ADDED_REPEATED_MS_MAX, ADDED_REPEATED_MS_MAX),
        ("typical", ADDED_REPEATED_MS_MAX, ADDED_REPEATED_MS_MAX),
    ):
        own, floor = (figures.get(Key(STUB.name, case, 1, target)) for target in ("snowgate", "floor"))
        if own and floor:
            # CPU too: on a machine that others use, time says more about them than about us.
            for what, added_ms, bound in (("p50", own.added_ms, most), ("CPU", own.cpu_ms - floor.cpu_ms, cpu_most)):
                name = f"stub, {case}: {what} over the floor"
                yield Gate(name, f"{added_ms:+.2f} ms", f"at most {bound:g} ms", added_ms <= bound)


def throughput(figures: Mapping[Key, Figure], case: str) -> Iterator[Gate]:
    """How many calls of `case` are answered a second, over the driver's and over the proxies'."""
    figure = figures.get(Key(LAT60.name, case, IN_FLIGHT_MAX, "snowgate"))
    if figure:
        yield Gate(
            f"{LAT60.name}, {case}, {IN_FLIGHT_MAX} in flight: calls/s over the bare driver's",
            f"{figure.speed_ratio:.2f}",
            f"at least {SPEED_RATIO_MIN:g}",
            figure.speed_ratio >= SPEED_RATIO_MIN,
        )
    for proxy in PROXIES:
        yield from _over_peer(figures, STUB_PEERS, case, proxy, PROXY_SPEED_RATIO_MIN)


def _over_peer(figures: Mapping[Key, Figure], stage: Slowness, case: str, peer: str, least: float) -> Iterator[Gate]:
    own, other = (figures.get(Key(stage.name, case, IN_FLIGHT_MAX, target)) for target in ("snowgate", peer))
    if own and other:
        ratio = own.calls_per_s / other.calls_per_s
        name = f"{stage.name}, {case}, {IN_FLIGHT_MAX} in flight: calls/s over {peer}'s"
        yield Gate(name, f"{ratio:.1f}", f"at least {least:g}", ratio >= least)


def _growth(memories: Mapping[str, Memory]) -> Iterator[Gate]:
    if memories:
        ratio = memories["snowgate"].growth / max(memories["floor"].growth, 1.0)
        yield Gate(
            "100,000 rows: peak memory growth over the floor's",
            f"{ratio:.2f}",
            f"below {GROWTH_RATIO_MAX:g}",
            ratio < GROWTH_RATIO_MAX,
        )


def _start(first_answers_s: Mapping[str, float]) -> Iterator[Gate]:
    seconds = first_answers_s["snowgate"]
    holds = seconds < FIRST_ANSWER_S_MAX
    yield Gate("start to first right answer", f"{seconds:.2f} s", f"below {FIRST_ANSWER_S_MAX:g} s", holds)


def _frugality(figures: Mapping[Key, Figure]) -> Iterator[Gate]:
    own = [figure for figure in figures.values() if figure.key.target == "snowgate"]
    if own:
        logins, queries = max(f.logins_per_call for f in own), max(f.queries_per_call for f in own)
        yield Gate("warm path: logins a call", f"{logins:.3f}", "none", logins == 0)
        yield Gate("warm path: queries a call", f"{queries:.3f}", "one", queries == 1)


def _peers(figures: Mapping[Key, Figure]) -> Iterator[Gate]:
    for peer in PROXIES:
        own, other = (figures.get(Key(STUB_PEERS.name, "point", 1, target)) for target in ("snowgate", peer))
        if own and other:
            ratio = other.added_ms / max(own.added_ms, 0.001)
            name = f"{STUB_PEERS.name}, one caller, point: what {peer} adds to a call over what snowgate adds"
            yield Gate(name, f"{ratio:.1f}", f"at least {PROXY_SPEED_RATIO_MIN:g}", ratio >= PROXY_SPEED_RATIO_MIN)
    yield from _over_peer(figures, LAT60_PEERS, UNSEEN, "snowflake-labs-mcp", LABS_SPEED_RATIO_MIN)
    sizes = {f.key.target: f.size_bytes for f in figures.values() if f.key[:2] == (STUB_PEERS.name, "rows1k")}
    others = [size for target, size in sizes.items() if target not in ("driver", "floor", "snowgate", *BEFORE_FLOOR)]
    if others:
        own_bytes = sizes["snowgate"]
        yield Gate("1,000 rows: bytes", f"{own_bytes}", f"below {min(others)}", own_bytes < min(others))
