"""What is told of this process to those who run it: metrics and traces, each only where a setting asks for it."""

import time
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import anyio

from server.config import Settings, SettingsError
from server.engine_room import EngineRoom
from server.observing import Watch, watching
from server.pool import SessionPool
from server.readiness import Readiness
from server.seat import Seat

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from server.metrics import Metrics

SAMPLE_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Telemetry:
    """How calls are watched, and where the rest is counted."""

    watch: Watch
    metrics: "Metrics | None" = None

    def withdrew(self, tool: str) -> None:
        """Count an answer that was made and refused as it left."""
        if self.metrics is not None:
            self.metrics.withdrew(tool)

    @asynccontextmanager
    async def sampling(self, pool: SessionPool, rooms: EngineRoom, readiness: Readiness) -> AsyncGenerator[None]:
        """Look at what is held, every few seconds, while inside."""
        if self.metrics is None:
            yield
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_sample_forever, self.metrics, pool, rooms, readiness)
            yield
            tasks.cancel_scope.cancel()


@contextmanager
def open_telemetry(settings: Settings, seat: Seat | None) -> Generator[Telemetry]:
    """The telemetry that the settings ask for. Of several workers, the supervisor serves the metrics.

    Raises:
        SettingsError: nothing can listen at the metrics' address, or traces are asked for without the extra.
    """
    with ExitStack() as stack:
        tracer = stack.enter_context(_traces()) if settings.traces else None
        if settings.metrics_port is None:
            yield Telemetry(watching(tracer, None, time.monotonic))
            return
        from server.metrics import Metrics, exposed  # takes time to import, and most gates on a laptop need none

        metrics = Metrics()
        if seat is None:
            stack.enter_context(exposed(settings.metrics_host, settings.metrics_port))
        yield Telemetry(watching(tracer, metrics, time.monotonic), metrics)


@contextmanager
def _traces() -> Generator["Tracer"]:
    """A tracer whose spans go where OpenTelemetry's own variables say (OTEL_EXPORTER_OTLP_ENDPOINT and others)."""
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            "SNOWGATE_TRACES needs what the extra `otel` brings", 'install "snowgate[otel]", or take the setting away'
        ) from None
    named = Resource.create({"service.name": "snowgate", "service.version": version("snowgate")})
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield provider.get_tracer("snowgate")
    finally:
        provider.shutdown()


async def _sample_forever(metrics: "Metrics", pool: SessionPool, rooms: EngineRoom, readiness: Readiness) -> None:
    while True:
        for state, count in pool.counts().items():
            metrics.sessions.labels(state).set(count)
        metrics.catalog_age.set(rooms.age_s)
        missing = readiness.missing()
        for name in (*readiness.checks, "draining"):
            metrics.missing.labels(name).set(name in missing)
        await anyio.sleep(SAMPLE_EVERY_S)
