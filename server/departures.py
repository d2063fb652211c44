"""A read is made ready while its decision is written down, and leaves once the journal holds it (decision 0056).

Its thread works up to where the driver would send it, and waits there for the event loop's word. Whatever becomes of
the decision, that word is given: what may not leave ends its thread, and nothing of it was sent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from audit.journal import Durable
from server.warehouse import Order, at_once


class NotLetGo(Exception):
    """A statement that was ready did not leave; why, its caller is told by what kept it."""


class LeftEarly(Exception):
    """A statement left before it was let go: the driver sends by another way than the one that waits."""


@dataclass(slots=True)
class Departure:
    """Whether one statement may leave: said by the loop, waited for by the thread. A `server.warehouse.Execute`."""

    decided: Durable
    is_wanted: Callable[[], bool]
    is_let_go: bool = False
    _said: "SimpleQueue[bool]" = field(default_factory=SimpleQueue)
    _has_waited: bool = False

    def __call__(self, cursor: Any, order: Order) -> None:
        """In the thread: make the statement ready, wait, and run it.

        Raises:
            NotLetGo: it may not leave, or nobody wants it any more.
            LeftEarly: it did not wait. Its answer is not to be shown, and no other statement to be made ready.
        """
        cursor.before_leaving = self._wait
        at_once(cursor, order)
        if not self._has_waited:
            raise LeftEarly

    def _wait(self) -> None:
        if not self._has_waited and not (self._said.get() and self.is_wanted()):
            raise NotLetGo
        self._has_waited = True

    async def let_go(self, then: Callable[[], None]) -> None:
        """In the loop: let the statement leave as soon as the journal holds its decision, and else never.

        `then` is called when it leaves.

        Raises:
            JournalUnavailable: it does not.
        """
        try:
            await self.decided()
            self.is_let_go = True
        finally:
            self._said.put(self.is_let_go)
        then()
