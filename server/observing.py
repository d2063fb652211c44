"""What can be seen of calls from outside: a span a step, how long each took, and what came of the call.

Nothing of what a call says or gets is in it: no SQL, no value, no name of a person. The line marks where a step begins;
when nobody watches, a mark is a call of a function that does nothing.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

import anyio

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

Step: TypeAlias = Literal["identity", "parse", "decide", "hold", "lease", "execute", "mask", "journal"]
STEPS: tuple[Step, ...] = get_args(Step)

Mark: TypeAlias = Callable[[Step], None]
"""Says that a step begins, and that the one before it has ended."""

Watch: TypeAlias = Callable[[str], AbstractAsyncContextManager[Mark]]
"""Watches one call of the tool with this name, from the first step to the last."""


class Meter(Protocol):
    """Counts what was seen; see `server.metrics`."""

    def began(self) -> None:
        """A call begins."""
        ...

    def took(self, step: Step, seconds: float) -> None:
        """A step has ended."""
        ...

    def ended(self, tool: str, outcome: str, seconds: float) -> None:
        """A call has ended, with `answered` or a stable code."""
        ...


def _unmarked(step: Step) -> None:
    """Nobody watches."""


_UNWATCHED = nullcontext(_unmarked)


def unwatched(tool: str) -> AbstractAsyncContextManager[Mark]:
    """Watches nothing, at next to no cost."""
    return _UNWATCHED


def watching(tracer: "Tracer | None", meter: Meter | None, clock: Callable[[], float]) -> Watch:
    """Watches with whichever of the two there is; the clock gives seconds and only goes forward."""
    if tracer is None and meter is None:
        return unwatched
    return lambda tool: _Watched(tool, tracer, meter, clock)


class _Watched:
    """One call that is watched."""

    def __init__(self, tool: str, tracer: "Tracer | None", meter: Meter | None, clock: Callable[[], float]) -> None:
        self._tool, self._tracer, self._meter, self._clock = tool, tracer, meter, clock
        self._step: Step | None = None
        self._span: Span | None = None

    async def __aenter__(self) -> Mark:
        self._began = self._step_began = self._clock()
        if self._meter is not None:
            self._meter.began()
        return self._mark

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        outcome = outcome_of(error)
        now = self._end_step(outcome if error is not None else None)
        if self._meter is not None:
            self._meter.ended(self._tool, outcome, now - self._began)

    def _mark(self, step: Step) -> None:
        self._step_began = self._end_step(None)
        self._step = step
        if self._tracer is not None:
            self._span = self._tracer.start_span(f"snowgate.{step}")

    def _end_step(self, refused: str | None) -> float:
        now = self._clock()
        if self._step is not None and self._meter is not None:
            self._meter.took(self._step, now - self._step_began)
        if self._span is not None:
            if refused is not None:
                _mark_refused(self._span, refused)
            self._span.end()
        self._step = self._span = None
        return now


def _mark_refused(span: "Span", code: str) -> None:
    from opentelemetry.trace import StatusCode  # here already if there is a span, and not needed otherwise

    span.set_attribute("error.type", code)
    span.set_status(StatusCode.ERROR)


def outcome_of(error: BaseException | None) -> str:
    """`answered`, `cancelled`, the refusal's code, or `internal`: one of few words, whatever the call said."""
    if error is None:
        return "answered"
    if isinstance(error, anyio.get_cancelled_exc_class()):
        return "cancelled"
    code = getattr(error, "code", None)
    # Every refusal has a code and a hint; a code alone is also what some libraries put on their errors.
    return str(code) if isinstance(code, str) and isinstance(getattr(error, "hint", None), str) else "internal"
