"""A statement that a session of Snowflake's runs for a call."""

import threading
from dataclasses import dataclass, field
from math import inf

import anyio

from audit.journal import Durable
from server.raw import RawRows


@dataclass(slots=True, eq=False)
class Running:
    """One statement in its thread, on its way since `began_at` on the event loop's clock. Cancelling `scope` ends it.

    With `decided` it is made ready before that has returned, and waits for it. What came of it is set before `ended`.
    `query_id` is Snowflake's, once it is known: when the statement has been submitted (`server.submitting`), or has run
    for long (`server.long_running`); `asked` is how often it was asked for.
    """

    call_id: str
    tag: str
    decided: Durable | None = None
    began_at: float = inf
    """Infinite while it is only made ready."""
    has_begun: anyio.Event | None = None
    """Set when it is on its way, where somebody wants to hear of that."""
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: threading.Event = field(default_factory=threading.Event)
    raw: RawRows | None = None
    query_id: str = ""
    asked: int = 0

    def begins(self, within_s: float) -> None:
        """It is on its way from now on, and ended after so long."""
        self.began_at = anyio.current_time()
        self.scope.deadline = self.began_at + within_s
        if self.has_begun is not None:
            self.has_begun.set()
