"""A bell that one task waits for: an event at a fraction of the cost, since every entry waits for some."""

import asyncio  # noqa: TID251 - an event of anyio's asks each time which loop it is on; the journal's is asyncio's


class Bell:
    """Rung once it stays rung, until it is muted. At most one task waits at a time."""

    __slots__ = ("_waiter", "rung")

    def __init__(self) -> None:
        self.rung = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether a task waits and has not been let go."""
        return self._waiter is not None and not self._waiter.done()

    def ring(self) -> None:
        """Let who waits go, and whoever comes to wait."""
        self.rung = True
        waiter = self._waiter
        if waiter is not None and not waiter.done():  # one that was cancelled is done, and its task gone or going
            waiter.set_result(None)

    def mute(self) -> None:
        """Let the next one wait again."""
        self.rung = False

    async def wait(self) -> None:
        """Return at once if it has rung, and else when it does."""
        if not self.rung:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
