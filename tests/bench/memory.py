"""How much memory a large answer takes: resident before, at the peak and afterwards."""

from dataclasses import dataclass

from tests.bench import proc
from tests.bench.cases import CASES
from tests.bench.stage import Server

WARM_UP_CALLS = 20


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB that one server process holds around answers of 100,000 rows; `later` is after some more of them."""

    before: float
    peak: float
    after: float
    later: float

    @property
    def growth(self) -> float:
        """What the first large answer added at its worst."""
        return self.peak - self.before


async def measure_memory(server: Server, more: int) -> Memory:
    """Ask `server`, which has answered only small queries until now, for one large answer and then `more`."""
    await server.target.burst(CASES["point"].queries(WARM_UP_CALLS), 1)
    large = CASES["rows100k"]
    before, _ = proc.memory_mib(server.pid)
    proc.forget_peak(server.pid)
    await server.target.burst(large.queries(1), 1)
    after, peak = proc.memory_mib(server.pid)
    await server.target.burst(large.queries(more), 1)
    later, _ = proc.memory_mib(server.pid)
    return Memory(before, peak, after, later)
