"""The calls that are being walked: a stop waits until each has reached the journal, a revocation ends some of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

from policy.principal import Principal
from server.line import CallId


@dataclass(eq=False)
class Underway:
    """One call under way; `ended_for` is the revocation that ended it.

    While `has_lease`, ending its Snowflake session ends it too, and tells better what became of its statement.
    """

    scope: anyio.CancelScope
    has_lease: bool = False
    principal: Principal | None = None
    ended_for: str | None = None


@dataclass
class InFlight:
    """Every call under way in this process."""

    _calls: dict[CallId, Underway] = field(default_factory=dict)
    _none_left: anyio.Event | None = field(default=None)

    @contextmanager
    def one(self, call_id: CallId) -> Iterator[Underway]:
        """One more call, for as long as one is inside; left early, without an error, when a revocation ends it."""
        underway = Underway(anyio.CancelScope())
        self._calls[call_id] = underway
        try:
            with underway.scope:
                yield underway
        finally:
            del self._calls[call_id]
            if not self._calls and self._none_left is not None:
                self._none_left.set()

    def is_of(self, call_id: CallId, principal: Principal) -> None:
        """From now on the call can be ended for what its principal is."""
        if call_id in self._calls:
            self._calls[call_id].principal = principal

    @contextmanager
    def leased(self, call_id: CallId) -> Iterator[None]:
        """The call has a lease, for as long as one is inside."""
        underway = self._calls.get(call_id)
        if underway is not None:
            underway.has_lease = True
        try:
            yield
        finally:
            if underway is not None:
                underway.has_lease = False

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
