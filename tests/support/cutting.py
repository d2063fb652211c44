"""A network between the gate and the look-alike that breaks where a test wants it to."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import SocketAttribute, SocketStream

from server.sandbox.state import LOOPBACK


@dataclass
class Cutting:
    """Passes on to `there` what comes to `port`, and cuts the next `cuts` connections on which `word` is asked for.

    With `arrives`, the request gets there, and its answer is what is lost.
    """

    there: int
    word: bytes = b""
    cuts: int = 0
    arrives: bool = False
    port: int = 0

    async def relay(self, here: SocketStream) -> None:
        """One connection, until either end or a cut ends it."""
        async with here, await anyio.connect_tcp(LOOPBACK, self.there) as there, anyio.create_task_group() as both:
            is_cut = anyio.Event()

            async def ask() -> None:
                async for chunk in here:
                    if self.cuts and self.word in chunk:
                        self.cuts -= 1
                        is_cut.set()
                        if not self.arrives:
                            break
                    await there.send(chunk)
                both.cancel_scope.cancel()

            async def answer() -> None:
                async for chunk in there:
                    if is_cut.is_set():
                        break
                    await here.send(chunk)
                both.cancel_scope.cancel()

            both.start_soon(ask)
            both.start_soon(answer)


@asynccontextmanager
async def cutting(there: int) -> AsyncGenerator[Cutting]:
    """Such a network while inside; it does nothing yet."""
    between = Cutting(there)
    async with await anyio.create_tcp_listener(local_host=LOOPBACK) as listener, anyio.create_task_group() as tasks:
        between.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's `extra`, not Django's
        tasks.start_soon(listener.serve, between.relay)
        yield between
        tasks.cancel_scope.cancel()
