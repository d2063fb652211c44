"""What this process says of itself on standard error: one shape for every event, as text or as a line of JSON.

Nothing of what a call says or gets is in it. Libraries log requests, chunks of answers and identifiers of sessions, and
texts of errors quote values: so of their events there is where they were logged, and of an error its type and the way
to it.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TypeAlias

from opentelemetry import trace

from server.visible import visible

LogFormat: TypeAlias = Literal["text", "json"]

OWN = frozenset({"server", "tools", "policy", "audit"})
"""Packages whose messages were written to be read by anybody; those of all others are withheld."""

FRAMES_MAX = 20
WITHHELD = "withheld: a library's words may quote a call"
UNSPELLED = "an event whose words do not fit its values"

log = logging.getLogger(__name__)

_call: ContextVar[str] = ContextVar("snowgate_call_id", default="")


@contextmanager
def of_call(call_id: str) -> Generator[None]:
    """Say that what is logged while inside, in threads that it waits for too, is about this call."""
    token = _call.set(call_id)
    try:
        yield
    finally:
        _call.reset(token)


def set_up(level: str, form: LogFormat = "text") -> None:
    """Send what is logged from `level` on to standard error in this form; called again, the last form counts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet(form))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # else an event that cannot be written is printed, with its values
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    logging.getLogger("snowflake").setLevel(logging.CRITICAL)  # the driver's logs quote statements and values


def _uncaught(kind: type[BaseException], error: BaseException | None, way: TracebackType | None) -> None:
    """What nobody caught is an event like any other: the interpreter would print what the error says."""
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        log.critical("not caught", exc_info=(kind, error, way))


class Discreet(logging.Formatter):
    """Writes an event without what a library or an error said in it."""

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """One event: a line of JSON, or a line of text and one for each frame of an error."""
        event = event_of(record)
        if self._form == "json":
            return json.dumps(event)
        # Nothing that it quotes can look like another event, or move what a terminal shows.
        message = visible(" ".join(str(event["message"]).splitlines()))
        call = f" [{event['call_id']}]" if "call_id" in event else ""
        lines = [f"{event['time']} {event['level']} {event['logger']}:{call} {message}"]
        if "error" in event:
            lines += [f"  {frame}" for frame in (*event["frames"], event["error"])]
        return "\n".join(lines)


def event_of(record: logging.LogRecord) -> dict[str, str | list[str]]:
    """A record as an event. `call_id`, `trace_id` and `span_id`, `error` and `frames` are there where they exist."""
    is_own = record.name.partition(".")[0] in OWN
    event: dict[str, str | list[str]] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "where": f"{record.module}:{record.lineno}",
        "message": _message(record) if is_own else WITHHELD,
    }
    if call_id := _call.get():
        event["call_id"] = call_id
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"], event["span_id"] = trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id)
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        event["error"] = type(error).__qualname__
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
        event["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return UNSPELLED
