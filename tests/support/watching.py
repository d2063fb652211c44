"""Waiting for something to become true, without guessing how long it takes."""

from collections.abc import Awaitable, Callable

import anyio


async def eventually(condition: Callable[[], bool | Awaitable[bool]], within_s: float = 10.0) -> None:
    """Ask until `condition` holds; TimeoutError when it does not in time."""
    with anyio.fail_after(within_s):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await anyio.sleep(0.01)  # other processes have no events for us
