"""What a stranger can make the gate hold: very little, before it knows who they are."""

from contextlib import suppress

import anyio
import pytest

from tests.support.clients import Gate, answer

HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n"
LETTERS = b"a" * 64_000
ENDLESS = {
    "headers": (HEAD, b"x-many: " + LETTERS[:8_000] + b"\r\n"),
    "one header's value": (HEAD + b"x-long: ", LETTERS),
    "one header's name": (HEAD + b"x-", LETTERS),
    "a request line": (b"GET /", LETTERS),
    "a chunk's size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", LETTERS),
    "trailers": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x-many: " + LETTERS[:8_000] + b"\r\n"),
}
SENT_MAX = 20_000_000


@pytest.mark.parametrize("what", ENDLESS)
async def test_what_does_not_end_is_cut_off_before_anybody_is_known(gate: Gate, what: str) -> None:
    start, piece = ENDLESS[what]
    sent = 0
    with anyio.fail_after(30):
        stream = await anyio.connect_tcp("127.0.0.1", gate.sandbox.state.ports.gate)
        async with stream:
            with suppress(anyio.BrokenResourceError):
                await stream.send(start)
                while sent < SENT_MAX:
                    await stream.send(piece)
                    sent += len(piece)
    assert sent < SENT_MAX
    async with gate.client() as client:
        sql = "SELECT COUNT(*) AS n FROM tpch.public.region"
        assert answer(await client.call_tool("run_query", {"sql": sql, "purpose": "still there?"}))["rows"] == [[5]]


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: +5\r\n\r\nabcde",
        b"Content-Length : 5\r\n\r\nabcde",
    ],
)
async def test_a_request_whose_end_two_readers_may_see_in_two_places_is_refused(gate: Gate, framing: bytes) -> None:
    """RFC 9112 section 11.2: request smuggling."""
    received = b""
    with anyio.fail_after(30):
        stream = await anyio.connect_tcp("127.0.0.1", gate.sandbox.state.ports.gate)
        async with stream:
            await stream.send(HEAD + framing)
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while True:
                    received += await stream.receive()
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1 ") == 1
