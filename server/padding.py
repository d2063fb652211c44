"""Answers that leave only at certain times, so that how long one took tells less of rows that it does not show.

What a call owes is known once it is decided. From there on whatever it ends with, an answer or a refusal, leaves at a
multiple of so many milliseconds after it began, and at none before: the journal has its outcome, and what it held is
given back. A call that was cancelled has nobody to tell.
"""

from dataclasses import dataclass, field
from typing import Self

import anyio

from policy.decision import Decision, Deny, Hold, Permit


@dataclass
class Padding:
    """The time that one call takes: `began` is the event loop's, in seconds.

    What is owed inside is kept on the way out, whether by an answer or by an exception.
    """

    began: float = field(default_factory=anyio.current_time)
    to_ms: int = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None or isinstance(error, Exception):
            await self.wait()

    def owe(self, decision: Decision) -> None:
        """Pad from now on as `decision` asks for, if it does; what has been owed stays owed."""
        match decision:
            case Permit():
                self.to_ms = max(self.to_ms, decision.padded_ms)
            case Hold(_, then):
                self.owe(then)
            case Deny():
                pass

    async def wait(self) -> None:
        """Return at the next multiple."""
        if self.to_ms:
            to_s = self.to_ms / 1_000
            multiples = -((self.began - anyio.current_time()) // to_s)
            await anyio.sleep_until(self.began + multiples * to_s)


def padded() -> Padding:
    """The time of a call that begins now, to be entered."""
    return Padding()
