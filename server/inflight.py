"""The calls that are being walked: a stop waits until each has reached the journal, a revocation ends some of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import anyio

from policy.principal import Principal
from server.line import CallId


@dataclass(eq=False)
class Underway:
    """One call under way, for as long as one is inside; `ended_for` is the revocation that ended it.

    It is left early, without an error, when a revocation ends it. While `has_lease`, ending its Snowflake session ends
    it too, and tells better what became of its statement.
    """

    call_id: CallId
    in_flight: "InFlight"
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    has_lease: bool = False
    principal: Principal | None = None
    ended_for: str | None = None

    def __enter__(self) -> Self:
        self.in_flight.begun(self)
        self.scope.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            return self.scope.__exit__(kind, error, trace)
        finally:
            self.in_flight.ended(self)


@dataclass
class InFlight:
    """Every call under way in this process."""

    _calls: dict[CallId, Underway] = field(default_factory=dict)
    _none_left: anyio.Event | None = field(default=None)

    def one(self, call_id: CallId) -> Underway:
        """One more call, to be entered."""
        return Underway(call_id, self)

    def begun(self, underway: Underway) -> None:
        """A call has begun."""
        self._calls[underway.call_id] = underway

    def ended(self, underway: Underway) -> None:
        """A call has ended; whoever waits for the last one is told."""
        del self._calls[underway.call_id]
        if not self._calls and self._none_left is not None:
            self._none_left.set()

    def is_of(self, call_id: CallId, principal: Principal) -> None:
        """From now on the call can be ended for what its principal is."""
        if call_id in self._calls:
            self._calls[call_id].principal = principal

    def has_lease(self, call_id: CallId, has_lease: bool) -> None:
        """Whether the call has a lease from now on."""
        if call_id in self._calls:
            self._calls[call_id].has_lease = has_lease

    def end(self, reason: Callable[[Underway], str | None]) -> int:
        """End every call for which there is a reason, a revocation's id, and say how many those are."""
        ended = 0
        for underway in self._calls.values():
            underway.ended_for = underway.ended_for or reason(underway)
            if underway.ended_for is not None and not underway.scope.cancel_called:
                underway.scope.cancel()
                ended += 1
        return ended

    async def none_left(self) -> None:
        """Return when no call is under way."""
        if self._calls:
            self._none_left = anyio.Event()
            await self._none_left.wait()
