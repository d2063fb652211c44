"""What a stranger can make the gate hold: very little, before it knows who they are."""

from contextlib import suppress

import anyio

from tests.support.clients import Gate, answer

HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n"
PIECE = b"x-many: " + b"a" * 8_000 + b"\r\n"


async def test_headers_without_end_are_cut_off_before_anybody_is_known(gate: Gate) -> None:
    sent = 0
    with anyio.fail_after(30):
        stream = await anyio.connect_tcp("127.0.0.1", gate.sandbox.state.ports.gate)
        async with stream:
            with suppress(anyio.BrokenResourceError):
                await stream.send(HEAD)
                while sent < 20_000_000:
                    await stream.send(PIECE * 8)
                    sent += len(PIECE) * 8
    assert sent < 20_000_000
    async with gate.client() as client:
        sql = "SELECT COUNT(*) AS n FROM tpch.public.region"
        assert answer(await client.call_tool("run_query", {"sql": sql, "purpose": "still there?"}))["rows"] == [[5]]
