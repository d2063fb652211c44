"""Step 1 of the line, whole: who asks is proven, and may ask at all."""

from dataclasses import dataclass

from policy.principal import Principal
from server.clocks import Clock
from server.identity import Identify
from server.inflight import InFlight
from server.line import Call
from server.quotas import Quotas
from server.revocations import Revocations


@dataclass(frozen=True, slots=True)
class Admission:
    """Proves who asks, turns away whom an operator has revoked, and counts the call."""

    identify: Identify
    in_flight: InFlight
    revocations: Revocations
    quotas: Quotas
    clock: Clock

    async def __call__(self, call: Call) -> Principal:
        """The proven principal of `call`.

        The call is known as theirs before revocations are looked at: one that comes later ends it.

        Raises:
            ClockApart: see `Clock.check`.
            Unauthenticated, UnknownTool: see `Identify`.
            Revoked, RevocationsUnavailable: see `Revocations.check`.
            LimitReached, LimitsUnavailable: see `Quotas.call`.
        """
        self.clock.check()
        principal = await self.identify(call.bearer, call.tool.name)
        self.in_flight.is_of(call.id, principal)
        await self.revocations.check(principal)
        await self.quotas.call(principal)
        return principal
