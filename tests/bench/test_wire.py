"""The stand-in and the light client read HTTP however it is cut, and neither outlives what goes wrong with a socket."""

import gzip
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import orjson
import pytest
from anyio.abc import SocketStream
from anyio.lowlevel import checkpoint
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.bench import wire
from tests.bench.backend import Backend, Counts, Request, serve
from tests.bench.cases import CASES
from tests.bench.processes import free_port
from tests.bench.stage import paced
from tests.bench.target import WrongAnswer
from tests.bench.wire import Wire, result_of

WITHIN_S = 30
QUERY = gzip.compress(orjson.dumps({"sqlText": CASES["point"].make().sql}))
LOGIN_CHUNKED = (
    b"POST /session/v1/login-request?databaseName=TPCH HTTP/1.1\r\nHost: bench\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'4\r\n{"da\r\n6\r\nta":1}\r\n0\r\n\r\n'
)
QUERY_PACKED = (
    b"POST /queries/v1/query-request?requestId=1 HTTP/1.1\r\nHost: bench\r\nContent-Encoding: gzip\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(QUERY), QUERY)
)
RIGHT = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"result":{}}'
EVENTS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'1c\r\nevent: message\r\ndata: {"resu\r\nc\r\nlt":{"n":1}}\r\n2\r\n\n\n\r\n0\r\n\r\n'
)


@asynccontextmanager
async def stand_in() -> AsyncGenerator[tuple[Backend, SocketStream]]:
    """The stand-in, slow at logins alone, and a socket to it."""
    backend = Backend(free_port(), {}, query_ms=0, login_ms=1, tables=0, counts=Counts())
    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks:
            await tasks.start(serve, backend)
            async with await anyio.connect_tcp("127.0.0.1", backend.port) as stream:
                yield backend, stream
            tasks.cancel_scope.cancel()


async def others_read() -> None:
    """Let the loop find what was sent, and then hand it over: nothing that is sent later is read together with it."""
    for _ in range(2):
        await checkpoint()


async def read(reader: BufferedByteReceiveStream) -> dict[str, Any]:
    """The data of one answer of the stand-in."""
    head = await reader.receive_until(b"\r\n\r\n", 1_000)
    data: dict[str, Any] = orjson.loads(await reader.receive_exactly(int(head.rpartition(b":")[2])))["data"]
    return data


async def test_two_requests_in_a_row_are_answered_in_turn_wherever_they_are_cut() -> None:
    both = LOGIN_CHUNKED + QUERY_PACKED
    async with stand_in() as (backend, stream):
        reader = BufferedByteReceiveStream(stream)
        for cut in range(1, len(both)):
            await stream.send(both[:cut])
            await others_read()
            await stream.send(both[cut:])
            assert (await read(reader))["sessionId"] == 1_000 + cut
            assert (await read(reader))["total"] == 1
        assert backend.counts == Counts(logins=len(both) - 1, queries=len(both) - 1)


async def test_requests_that_come_byte_by_byte_are_answered() -> None:
    async with stand_in() as (_, stream):
        for byte in LOGIN_CHUNKED + QUERY_PACKED:
            await stream.send(bytes([byte]))
            await others_read()
        reader = BufferedByteReceiveStream(stream)
        assert (await read(reader))["token"]
        assert (await read(reader))["total"] == 1


async def test_it_takes_its_time_while_it_is_told_to() -> None:
    async with stand_in() as (backend, _):
        asked = Request("/queries/v1/query-request", orjson.dumps({"sqlText": "SELECT 1"}), stays=True)
        async with paced(backend.port, 7.5):
            assert backend.answer(asked)[0] == 7.5
        assert backend.answer(asked)[0] == 0
        assert backend.counts.queries == 2


async def test_a_connection_ends_when_that_is_asked_for() -> None:
    closing = QUERY_PACKED.replace(b"Host: bench", b"Connection: close")
    async with stand_in() as (_, stream):
        await stream.send(closing)
        reader = BufferedByteReceiveStream(stream)
        assert (await read(reader))["total"] == 1
        with pytest.raises(anyio.EndOfStream):
            await reader.receive()


@asynccontextmanager
async def answering(*connections: Sequence[bytes]) -> AsyncGenerator[tuple[Wire, anyio.Event]]:
    """A wire to a server, and whether that was asked; it sends what is listed for each connection, byte by byte.

    At the end of a connection's list it hangs up.
    """
    waiting, asked, port = iter(connections), anyio.Event(), free_port()

    async def handle(stream: SocketStream) -> None:
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                for answer in next(waiting):
                    await stream.receive()
                    asked.set()
                    for byte in answer:
                        await stream.send(bytes([byte]))
                        await others_read()

    with anyio.fail_after(WITHIN_S):
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, handle)
            one = Wire(f"http://127.0.0.1:{port}/mcp")
            yield one, asked
            await one.close()
            tasks.cancel_scope.cancel()


async def test_answers_are_read_byte_by_byte_on_one_socket() -> None:
    async with answering([RIGHT, EVENTS, RIGHT]) as (one, _):
        for expected in ({}, {"n": 1}, {}):
            elapsed_s, response = await one.post(["Mcp-Method: tools/call"], b"{}")
            assert elapsed_s > 0
            assert result_of(response) == expected


async def test_the_next_request_after_a_hang_up_takes_another_socket() -> None:
    async with answering([RIGHT[:-1]], [RIGHT]) as (one, _):
        with pytest.raises(ConnectionError):
            await one.post([], b"{}")
        assert result_of((await one.post([], b"{}"))[1]) == {}


@pytest.mark.parametrize("wrong", [RIGHT.replace(b"200 OK", b"500 Oh"), b"no HTTP at all\r\n\r\n"])
async def test_an_answer_that_is_no_success_is_wrong(wrong: bytes) -> None:
    async with answering([wrong, b""], [RIGHT]) as (one, _):
        with pytest.raises(WrongAnswer):
            await one.post([], b"{}")
        assert result_of((await one.post([], b"{}"))[1]) == {}


async def test_a_socket_that_the_server_is_done_with_is_not_used_again() -> None:
    done = RIGHT.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    async with answering([done, EVENTS], [RIGHT]) as (one, _):
        for _ in range(2):
            assert result_of((await one.post([], b"{}"))[1]) == {}


async def test_a_socket_whose_caller_gave_up_is_not_used_again() -> None:
    async with answering([b"", EVENTS], [RIGHT]) as (one, asked):
        async with anyio.create_task_group() as calls:
            calls.start_soon(one.post, [], b"{}")
            await asked.wait()
            calls.cancel_scope.cancel()
        assert result_of((await one.post([], b"{}"))[1]) == {}


async def test_a_socket_that_answers_late_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering([RIGHT, b"", EVENTS], [RIGHT]) as (one, _):
        await one.post([], b"{}")
        with monkeypatch.context() as hurried:
            hurried.setattr(wire, "CALL_S_MAX", 0)
            with pytest.raises(TimeoutError):
                await one.post([], b"{}")
        assert result_of((await one.post([], b"{}"))[1]) == {}


async def test_a_socket_that_lay_idle_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "IDLE_S_MAX", 0)
    async with answering([RIGHT, EVENTS], [RIGHT]) as (one, _):
        for _ in range(2):
            assert result_of((await one.post([], b"{}"))[1]) == {}


async def test_the_wire_reads_the_stand_in() -> None:
    async with stand_in() as (backend, _):
        one = Wire(f"http://127.0.0.1:{backend.port}/queries/v1/query-request")
        for count in (1, 2):
            _, response = await one.post(["Content-Encoding: gzip"], QUERY)
            assert orjson.loads(response.body)["data"]["total"] == 1
            assert backend.counts.queries == count
        await one.close()
