"""Who begins when many arrive at once: as many as a moment allows, and then what is under way goes first.

Otherwise those that arrive together take every step together, and the first of them leaves for Snowflake when the last
has been judged; it comes back that much later, and so they arrive together again (decision 0058).
"""

import time
from dataclasses import dataclass, field

import anyio

MOMENT_S = 0.001
"""Longer, and they leave together; shorter, and the loop turns for each of them, which has its price."""


@dataclass(slots=True)
class Turns:
    """The turns of one event loop, taken in the order of arrival."""

    _ends_at_s: float = 0.0
    _one: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))

    async def take(self) -> None:
        """Return at once within a moment that has begun, and else when the loop has seen to what was ready."""
        async with self._one:
            if time.monotonic() >= self._ends_at_s:
                await anyio.sleep(0)  # noqa: ASYNC115 - its other name says something else here
                self._ends_at_s = time.monotonic() + MOMENT_S
