"""What can be seen of a call from outside: each step once, in order, with the code of what came of it, and no data."""

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

import httpx2
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from policy.refusal import PolicyRefusal
from server.config import SettingsError
from server.line import walk
from server.metrics import Metrics, exposed
from server.observing import STEPS, Step, unwatched, watching
from server.refusals import Refusal
from tests.house import tree
from tests.line.played import PlayedHouse

CANARY = "canary_9137"
READ = f"SELECT id, '{CANARY}' AS x FROM orders"
CALLS = [
    (READ, "good", list(STEPS), "answered"),
    (READ, "bad", ["identity"], "unauthenticated"),
    (f"selekt '{CANARY}'", "good", ["identity", "parse"], None),
    (f"SELECT id FROM salaries WHERE '{CANARY}' = 'x'", "good", ["identity", "parse", "decide", "hold"], "forbidden"),
]


@dataclass
class Heard:
    steps: list[Step] = field(default_factory=list)
    ends: list[tuple[str, str]] = field(default_factory=list)
    open: int = 0

    def began(self) -> None:
        self.open += 1

    def took(self, step: Step, seconds: float) -> None:
        assert seconds >= 0
        self.steps.append(step)

    def ended(self, tool: str, outcome: str, seconds: float) -> None:
        self.open -= 1
        self.ends.append((tool, outcome))


@pytest.mark.parametrize(("sql", "bearer", "steps", "outcome"), CALLS)
async def test_each_step_is_seen_once_in_order_and_so_is_the_end(
    sql: str, bearer: str, steps: list[Step], outcome: str | None, played: PlayedHouse
) -> None:
    spans, heard = InMemorySpanExporter(), Heard()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    watch = watching(provider.get_tracer("test"), heard, time.monotonic)
    raised: Exception | None = None
    try:
        await walk(played.call(sql, bearer=bearer), replace(played.house, watch=watch))
    except Exception as refusal:
        raised = refusal
    assert heard.steps == steps
    assert heard.open == 0
    [(tool, came_of_it)] = heard.ends
    assert tool == "run_query"
    assert came_of_it == (str(getattr(raised, "code", "answered")))
    assert outcome in (None, came_of_it)
    finished = spans.get_finished_spans()
    assert [span.name for span in finished] == [f"snowgate.{step}" for step in steps]
    assert [span.status.is_ok for span in finished] == [True] * (len(steps) - 1) + [raised is None]
    assert CANARY not in "".join(span.to_json() for span in finished)
    provider.shutdown()


async def test_metrics_say_what_came_of_calls_and_nothing_of_what_they_said(played: PlayedHouse) -> None:
    registry = CollectorRegistry()
    watch = watching(None, Metrics(registry), time.monotonic)
    for sql, bearer, _, _ in CALLS:
        with suppress(Refusal, PolicyRefusal):
            await walk(played.call(sql, bearer=bearer), replace(played.house, watch=watch))
    text = generate_latest(registry).decode()
    assert 'snowgate_calls_total{code="answered",tool="run_query"} 1.0' in text
    assert 'snowgate_calls_total{code="forbidden",tool="run_query"} 1.0' in text
    assert 'snowgate_step_seconds_count{step="identity"} 4.0' in text
    assert 'snowgate_step_seconds_count{step="journal"} 1.0' in text
    assert "snowgate_calls_in_flight 0.0" in text
    assert CANARY not in text
    assert "ada" not in text


def test_a_tool_that_there_is_not_makes_no_label_of_its_own() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for n in range(100):
        metrics.ended(f"{CANARY}_{n}", "unknown_tool", 0.1)
    text = generate_latest(registry).decode()
    assert 'snowgate_calls_total{code="unknown_tool",tool="other"} 100.0' in text
    assert CANARY not in text


def test_who_watches_nothing_pays_nothing() -> None:
    assert watching(None, None, time.monotonic) is unwatched
    assert unwatched("a") is unwatched("b")


async def test_metrics_are_served_where_the_settings_say_or_the_gate_does_not_start(free_tcp_port: int) -> None:
    registry = CollectorRegistry()
    Metrics(registry).ended("run_query", "answered", 0.1)
    with exposed("127.0.0.1", free_tcp_port, registry):
        async with httpx2.AsyncClient(timeout=10) as http:
            told = await http.get(f"http://127.0.0.1:{free_tcp_port}/metrics")
        with pytest.raises(SettingsError), exposed("127.0.0.1", free_tcp_port, registry):
            pass
    assert 'snowgate_calls_total{code="answered",tool="run_query"} 1.0' in told.text


def test_the_operators_page_names_every_metric_and_no_other() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    counted = {f"{each.name}_total" if each.type == "counter" else each.name for each in registry.collect()}
    page = (tree.ROOT / "docs" / "OPERATING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(snowgate_\w+)` \|", page, re.MULTILINE)) == counted
