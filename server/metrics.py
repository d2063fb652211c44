"""Prometheus metrics at an address of their own: what calls came to, how long steps take, what is held.

Labels have few values each (tools, steps, codes, states) and none of them is of a caller or of data. Several workers
write to files in one directory, which their supervisor reads for all of them.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from server.config import SettingsError
from server.observing import STEPS, Step
from tools.manifest import offers

OTHER_TOOL = "other"
STEP_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0)
CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0)


class Metrics:
    """The metrics of one process; `server.observing` says what to count."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._tools = frozenset(offer.tool.name for offer in offers())
        self.calls = Counter("snowgate_calls", "Calls, by what came of them.", ["tool", "code"], registry=registry)
        self.withdrawn = Counter(
            "snowgate_answers_withdrawn", "Answers refused as they left.", ["tool"], registry=registry
        )
        self.call_seconds = Histogram(
            "snowgate_call_seconds", "From identity to journal.", ["tool"], registry=registry, buckets=CALL_SECONDS
        )
        self.step_seconds = Histogram(
            "snowgate_step_seconds", "One step of the line.", ["step"], registry=registry, buckets=STEP_SECONDS
        )
        self.in_flight = self._gauge("snowgate_calls_in_flight", "Calls under way.", "livesum", registry)
        self.sessions = Gauge(
            "snowgate_pool_sessions", "Snowflake sessions.", ["state"], registry=registry, multiprocess_mode="livesum"
        )
        self.catalog_age = self._gauge("snowgate_catalog_age_seconds", "Of the oldest catalog.", "livemax", registry)
        self.missing = Gauge(
            "snowgate_missing",
            "1 where something that every call needs is missing.",
            ["what"],
            registry=registry,
            multiprocess_mode="livemax",
        )

        # Looking a label up costs as much as counting.
        self._of_step = {step: self.step_seconds.labels(step) for step in STEPS}
        self._of_tool = {tool: self.call_seconds.labels(tool) for tool in (*self._tools, OTHER_TOOL)}

    @staticmethod
    def _gauge(name: str, said: str, mode: str, registry: CollectorRegistry) -> Gauge:
        return Gauge(name, said, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]

    def began(self) -> None:
        """A call begins."""
        self.in_flight.inc()

    def took(self, step: Step, seconds: float) -> None:
        """A step has ended."""
        self._of_step[step].observe(seconds)

    def ended(self, tool: str, outcome: str, seconds: float) -> None:
        """A call has ended; a tool that there is not is counted as `other`, however it was called."""
        name = tool if tool in self._tools else OTHER_TOOL
        self.in_flight.dec()
        self.calls.labels(name, outcome).inc()
        self._of_tool[name].observe(seconds)

    def withdrew(self, tool: str) -> None:
        """An answer, which was counted as one, was refused as it left: the journal did not confirm its outcome."""
        self.withdrawn.labels(tool).inc()


@contextmanager
def exposed(host: str, port: int, registry: CollectorRegistry = REGISTRY) -> Generator[None]:
    """Serve `registry` at this address, in a thread of its own, while inside.

    Raises:
        SettingsError: nothing can listen there.
    """
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError:
        raise SettingsError(
            f"cannot serve metrics at {host}:{port}: see SNOWGATE_METRICS_HOST and SNOWGATE_METRICS_PORT"
        ) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def of_all_workers(directory: Path) -> CollectorRegistry:
    """What all processes that write to `directory` have counted, read anew for every question."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    return registry
