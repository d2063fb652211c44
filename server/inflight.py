"""Counts the calls that are being walked, so that a stop can wait until each has reached the journal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio


@dataclass
class InFlight:
    """How many calls are under way."""

    count: int = 0
    _none_left: anyio.Event | None = field(default=None)

    @contextmanager
    def one(self) -> Iterator[None]:
        """One more call, for as long as one is inside."""
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
            if self.count == 0 and self._none_left is not None:
                self._none_left.set()

    async def none_left(self) -> None:
        """Return when no call is under way."""
        if self.count:
            self._none_left = anyio.Event()
            await self._none_left.wait()
