"""What is promised to be withheld leaves when it may, whole and in order, or not at all."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import Implementation
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from audit.unavailable import JournalUnavailable
from server.line import CallId
from server.rendering import refusal_message, refused
from server.withheld import Withheld, Withholding, withheld_of

MODERN, HANDSHAKE = "2026-07-28", "2025-11-25"
START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
REFUSAL = b'{"refused":true}'


async def silent() -> Message:
    return {"type": "http.disconnect"}


async def received(app: Callable[[Withheld, Send], Awaitable[None]]) -> list[Message]:
    """What leaves of what `app` sends."""
    left: list[Message] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        withheld = withheld_of(Request(scope), MODERN)
        assert withheld is not None
        withheld.instead = lambda _: REFUSAL
        await app(withheld, send)

    async def send(message: Message) -> None:
        left.append(message)

    await Withholding(inner)({"type": "http", "method": "POST", "headers": []}, silent, send)
    return left


def body(piece: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def test_nothing_leaves_before_the_promise_is_kept_and_then_everything_does() -> None:
    kept, sent = anyio.Event(), [START, body(b"1", more=True), body(b"2")]
    left: list[Message] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        withheld = withheld_of(Request(scope), MODERN)
        assert withheld is not None
        withheld.until(kept.wait)
        for message in sent:
            await send(message)

    async def send(message: Message) -> None:
        left.append(message)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Withholding(inner), {"type": "http", "method": "POST", "headers": []}, silent, send)
        await anyio.wait_all_tasks_blocked()
        assert left == []
        kept.set()
    assert left == sent


@given(pieces=st.lists(st.binary(max_size=8), max_size=4))
def test_of_what_may_never_leave_nothing_does_whatever_is_sent(pieces: list[bytes]) -> None:
    async def broken() -> None:
        raise JournalUnavailable

    async def app(withheld: Withheld, send: Send) -> None:
        withheld.until(broken)
        for message in (START, *(body(b"secret" + piece, more=True) for piece in pieces), body(b"secret")):
            await send(message)

    start, end = anyio.run(received, app)
    assert start["status"] == 200
    assert (b"content-type", b"application/json") in start["headers"]
    assert (b"content-length", str(len(REFUSAL)).encode()) in start["headers"]
    assert end == {"type": "http.response.body", "body": REFUSAL}


async def test_without_a_refusal_to_send_instead_nothing_leaves_at_all() -> None:
    async def broken() -> None:
        raise JournalUnavailable

    async def app(withheld: Withheld, send: Send) -> None:
        withheld.instead = None
        withheld.until(broken)
        await send(START)
        await send(body(b"secret"))

    assert await received(app) == []


async def test_whoever_is_interrupted_while_waiting_has_let_nothing_through() -> None:
    async def app(withheld: Withheld, send: Send) -> None:
        withheld.until(anyio.sleep_forever)
        for _ in range(2):
            with anyio.move_on_after(0):
                await send(START)

    assert await received(app) == []


@pytest.mark.parametrize(("request_of", "version"), [
    (lambda scope: None, MODERN),  # over stdio
    (lambda scope: Request(scope), HANDSHAKE),
    (lambda scope: Request({"type": "http"}), MODERN),  # nothing that withholds is in front
])  # fmt: skip
async def test_where_nothing_can_be_withheld_who_answers_waits(request_of: Any, version: str) -> None:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        assert withheld_of(request_of(scope), version) is None

    async def send(message: Message) -> None:
        pass

    await Withholding(inner)({"type": "http"}, silent, send)


async def test_what_has_begun_to_leave_is_not_held_back_any_more() -> None:
    async def app(withheld: Withheld, send: Send) -> None:
        assert withheld.keeper() == withheld.until
        await send(START)
        assert withheld.keeper() is None

    assert await received(app) == [START]


@given(request_id=st.one_of(st.none(), st.integers(), st.text()))
def test_a_refusal_that_leaves_instead_answers_whatever_was_asked(request_id: int | str | None) -> None:
    refusal = refused(JournalUnavailable(), CallId("call_1"))
    told = json.loads(refusal_message(request_id, refusal, Implementation(name="gate", version="1")))
    assert (told["jsonrpc"], told["id"]) == ("2.0", request_id)
    assert told["result"]["isError"] is True
