"""Messages about holds reach a web server: signed, again until they arrive, at least once, and without data."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.hold_record import HoldRecord
from server.outbox import ATTEMPTS_MAX, SIGNATURE, Outbox, Webhook
from tests.holds.stores import ADA, ONE, asked, entry, store
from tests.support.watching import eventually

KEY = b"w" * 32
ENTRY = entry(("owners", 2))


@dataclass
class Received:
    """What a server was sent; `answers` are the statuses that it gives next, then 200."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hold_back: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture
def receiver() -> Iterator[Received]:
    received = Received()
    received.hold_back.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            received.hold_back.wait(10)
            self.send_response(received.answers.pop(0) if received.answers else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield received
        received.hold_back.set()
        server.shutdown()
        thread.join()


@pytest.fixture
async def http() -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(follow_redirects=False) as client:
        yield client


@pytest.fixture
def outbox(engine: AsyncEngine, receiver: Received, http: httpx2.AsyncClient) -> Outbox:
    return Outbox(engine, Webhook(receiver.url, KEY, "https://gate.example/console"), http)


async def opened(engine: AsyncEngine, **summary: Any) -> HoldRecord:
    told = {"verb": "delete", "objects": ["D.S.T"], "risk": "high", "rows_measured": 3, **summary}
    return await store(engine).open(
        ONE, asked(), ENTRY, requester=ADA, call_id="call_x", tool="request_write", policy="p", summary=told
    )


async def put(outbox: Outbox, event: str, hold: HoldRecord) -> None:
    async with outbox.engine.begin() as connection:
        await outbox(connection, event, hold, ENTRY)


async def waits(engine: AsyncEngine) -> list[tuple[int, float, bool, bool]]:
    """Of each message: attempts, seconds until the next one, whether it was sent, whether it was given up."""
    asked_for = "select attempts, extract(epoch from next_at - now()), sent_at is not null, given_up from gate.outbox"
    async with engine.begin() as connection:
        return [
            (a, float(s), b, g) for a, s, b, g in (await connection.execute(text(asked_for + " order by id"))).all()
        ]


async def make_due(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("update gate.outbox set next_at = now()"))


async def test_a_message_arrives_once_signed_over_its_very_bytes_and_the_time(
    engine: AsyncEngine, outbox: Outbox, receiver: Received
) -> None:
    hold = await opened(engine)
    await put(outbox, "requested", hold)
    assert [await outbox.send_due(), await outbox.send_due()] == [1, 0]
    [(headers, body)] = receiver.requests
    parts = dict(part.split("=", 1) for part in headers[SIGNATURE.lower()].split(","))
    made = hmac.new(KEY, f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], made)
    assert abs(time.time() - int(parts["t"])) < 60
    said = json.loads(body)
    assert said["metadata"]["event_payload"]["hold_id"] == hold.id
    assert said["blocks"][-1]["elements"][0]["url"] == f"https://gate.example/console/holds/{hold.id}"


async def test_what_did_not_arrive_is_sent_again_later_and_later_under_the_same_number(
    engine: AsyncEngine, outbox: Outbox, receiver: Received
) -> None:
    receiver.answers = [500, 302, 429]
    await put(outbox, "requested", await opened(engine))
    expected = [5.0, 10.0, 20.0]
    for attempt, wait_s in enumerate(expected, start=1):
        assert await outbox.send_due() == 0
        assert await outbox.send_due() == 0  # it is not due yet
        [(attempts, seconds, is_sent, is_given_up)] = await waits(engine)
        assert (attempts, is_sent, is_given_up) == (attempt, False, False)
        assert wait_s - 5 < seconds <= wait_s
        await make_due(engine)
    assert await outbox.send_due() == 1
    assert len(receiver.requests) == 4
    assert len({headers["snowgate-delivery"] for headers, _ in receiver.requests}) == 1
    assert len({body for _, body in receiver.requests}) == 1


async def test_a_server_that_is_gone_for_good_is_given_up_and_the_message_kept(
    engine: AsyncEngine, receiver: Received, http: httpx2.AsyncClient, free_tcp_port: int
) -> None:
    gone = Outbox(engine, Webhook(f"http://127.0.0.1:{free_tcp_port}/hook", KEY), http)
    await put(gone, "requested", await opened(engine))
    for _ in range(ATTEMPTS_MAX + 2):
        assert await gone.send_due() == 0
        await make_due(engine)
    [(attempts, _, is_sent, is_given_up)] = await waits(engine)
    assert (attempts, is_sent, is_given_up) == (ATTEMPTS_MAX, False, True)


async def test_a_sender_that_dies_before_it_has_the_answer_leaves_the_message_to_another(
    engine: AsyncEngine, outbox: Outbox, receiver: Received
) -> None:
    await put(outbox, "requested", await opened(engine))
    receiver.hold_back.clear()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outbox.send_due)
            await eventually(lambda: bool(receiver.requests))
            assert await outbox.send_due() == 0  # while one replica has it, no other takes it
            tasks.cancel_scope.cancel()
    receiver.hold_back.set()
    await make_due(engine)
    assert await outbox.send_due() == 1
    first, second = receiver.requests
    assert first[0]["snowgate-delivery"] == second[0]["snowgate-delivery"]
    assert first[1] == second[1]


async def test_many_replicas_send_each_message_once(engine: AsyncEngine, outbox: Outbox, receiver: Received) -> None:
    hold = await opened(engine)
    for event in ("requested", "voted", "approved"):
        await put(outbox, event, hold)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(outbox.send_due)
    assert len(receiver.requests) == 3


async def test_a_message_carries_no_statement_no_value_no_reason_and_no_key(
    engine: AsyncEngine, outbox: Outbox, receiver: Received
) -> None:
    hold = await opened(engine)
    assert hold.asked is not None
    await put(outbox, "requested", hold)
    await outbox.send_due()
    [(headers, body)] = receiver.requests
    sent = json.dumps(headers) + body.decode()
    for secret in (hold.asked.text, hold.asked.sql, hold.asked.reason, *map(str, hold.asked.parameters), KEY.decode()):
        assert secret not in sent


async def test_what_others_wrote_is_no_markup_in_a_message(
    engine: AsyncEngine, outbox: Outbox, receiver: Received
) -> None:
    await put(outbox, "requested", await opened(engine, objects=["D.S.<!channel> *x* <https://evil|ok>\u202e"]))
    await outbox.send_due()
    said = json.loads(receiver.requests[0][1])
    shown = said["blocks"][0]["text"]["text"] + said["text"]
    assert "<!channel>" not in shown
    assert "<https" not in shown
    assert "\u202e" not in shown
