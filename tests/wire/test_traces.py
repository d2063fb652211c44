"""Traces reach a collector as OTLP: a span a step of the line, beneath the request's, and no word of what it said."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import anyio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.observing import STEPS
from tests.bench.processes import free_port
from tests.support.clients import Gate, answer, refusal
from tests.support.gates import serving

CANARY = "canary_5521"


@dataclass
class Collector:
    """What OpenTelemetry's exporter posted."""

    endpoint: str = ""
    posts: list[tuple[str, bytes]] = field(default_factory=list)

    def spans(self) -> list[Any]:
        told = [ExportTraceServiceRequest.FromString(body) for path, body in self.posts if path == "/v1/traces"]
        return [
            span
            for each in told
            for named in each.resource_spans
            for scope in named.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            collector.posts.append((self.path, self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever)
        thread.start()
        collector.endpoint = f"http://127.0.0.1:{http.server_port}"
        try:
            yield collector
        finally:
            http.shutdown()
            thread.join()


async def test_a_collector_gets_one_span_a_step_and_no_word_of_the_statement(gate: Gate) -> None:
    port = free_port()
    state = replace(gate.sandbox.state, ports=gate.sandbox.state.ports.model_copy(update={"gate": port}))
    traced = Gate(replace(gate.sandbox, state=state))
    with anyio.fail_after(120), collecting() as collector:
        settings = {
            "SNOWGATE_TRACES": "true",
            "SNOWGATE_RESOURCE": state.resource_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        }
        async with serving(gate.sandbox, port=port, **settings), traced.client() as client:
            sql = f"SELECT COUNT(*) AS n FROM tpch.public.region WHERE r_name <> '{CANARY}'"
            assert answer(await client.call_tool("run_query", {"sql": sql, "purpose": CANARY}))["rows"] == [[5]]
            refused = refusal(await client.call_tool("run_query", {"sql": f"selekt '{CANARY}'", "purpose": CANARY}))
        spans = collector.spans()  # the gate sends what it still has before it ends
    steps = [span for span in spans if span.name.startswith("snowgate.")]
    assert [span.name for span in steps] == [f"snowgate.{step}" for step in (*STEPS, "identity", "parse")]
    requests = {span.span_id for span in spans if span.name.startswith("tools/call")}
    assert {span.parent_span_id for span in steps} == requests
    assert len(requests) == 2
    [code] = [attribute.value.string_value for span in steps for attribute in span.attributes]
    assert code == refused["code"]
    assert not any(word in body for _, body in collector.posts for word in (CANARY.encode(), b"selekt", b"tpch"))
