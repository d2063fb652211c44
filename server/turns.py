"""Who begins when many arrive at once: one for each turn of the event loop, after what is under way.

Otherwise those that arrive together take every step together, and the first of them leaves for Snowflake when the last
has been judged; it comes back that much later, and so they arrive together again (decision 0058).
"""

from dataclasses import dataclass, field

import anyio

WAIT_S_MAX = 0.05
"""What else keeps the loop busy, and takes no turns, must not hold up those who do for longer than this."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of one event loop, taken in the order of arrival."""

    _one: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))

    async def take(self) -> None:
        """Return when the loop has seen to what was ready before, and those who came before have begun."""
        with anyio.move_on_after(WAIT_S_MAX):
            was_taken = self._one.locked()
            async with self._one:
                if not was_taken:  # handed over, it has come in another turn already
                    await anyio.sleep(0)  # noqa: ASYNC115 - its other name says something else here
