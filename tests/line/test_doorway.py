"""What the doorway makes of a call that fails inside the gate: one refusal, and an event that names the call."""

import json
import logging
from types import SimpleNamespace
from typing import Any, cast

from mcp.server.lowlevel import Server
from mcp.types import CallToolRequestParams, CallToolResult

from server.doorway import Doorway
from server.line import Bearer, Cleared
from server.logs import event_of
from server.raw import Raw
from tests.line.played import PlayedHouse

SECRET = "secret@example.com"


async def _everybody(*_: object) -> bool:
    return True


async def test_a_crash_is_one_refusal_and_an_event_that_names_the_call(
    played: PlayedHouse,
) -> None:
    async def crash(_: Cleared) -> Raw:
        raise RuntimeError(f"{SECRET} is not a number")

    told: list[dict[str, Any]] = []

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(event_of(record))

    played.execute = crash
    doorway = Doorway(played.house, _everybody, "stdio", "0", local_bearer=Bearer("good"))
    context: Any = SimpleNamespace(
        protocol_version="2026-07-28", meta=None, request=None, session=SimpleNamespace(client_params=None)
    )
    asked = CallToolRequestParams(
        name="run_query", arguments={"sql": "SELECT id FROM orders", "purpose": "to see it fail"}
    )
    handler = Told()
    logging.getLogger("server").addHandler(handler)
    try:
        result = cast("CallToolResult", await doorway.call_tool(context, asked))
    finally:
        logging.getLogger("server").removeHandler(handler)
    refused = result.structured_content or {}
    assert refused["code"] == "internal_error"
    assert [event["call_id"] for event in told] == [refused["call_id"]]
    assert SECRET not in json.dumps([told, refused])


async def test_no_spans_are_made_for_nobody(played: PlayedHouse) -> None:
    def middleware(server: Server[Any]) -> list[str]:
        return [type(each).__name__ for each in server.middleware]

    assert middleware(Server("the SDK's own")) == ["OpenTelemetryMiddleware"]  # all of it makes spans
    for traced in (True, False):
        doorway = Doorway(played.house, _everybody, "stdio", "0", traced=traced)
        own = ["OpenTelemetryMiddleware"] if traced else []
        assert middleware(doorway.server(b"k" * 32)) == [*own, "RequestStateBoundary"]
