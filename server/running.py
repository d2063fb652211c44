"""A statement that a session of Snowflake's runs for a call."""

import threading
from dataclasses import dataclass, field

import anyio

from server.raw import RawRows


@dataclass(slots=True, eq=False)
class Running:
    """One statement in its thread, since `began_at` on the event loop's clock. Cancelling `scope` ends it.

    What came of it is set before `ended` is. `query_id` is Snowflake's, once it is known: when the statement has been
    submitted (`server.submitting`), or has run for long (`server.long_running`); `asked` is how often it was asked for.
    """

    call_id: str
    tag: str
    began_at: float = field(default_factory=anyio.current_time)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: threading.Event = field(default_factory=threading.Event)
    raw: RawRows | None = None
    query_id: str = ""
    asked: int = 0
