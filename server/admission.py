"""Step 1 of the line, whole: who asks is proven, and may ask at all; also for what they come back for."""

from dataclasses import dataclass

from policy.principal import Principal
from server.clocks import Clock
from server.identity import Identify
from server.inflight import InFlight
from server.line import Call, Recall
from server.quotas import Quotas
from server.revocations import Revocations
from tools.contract import Sql, Wanted
from tools.request_write import RequestWrite
from tools.run_query import RunQuery


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


@dataclass(frozen=True, slots=True)
class Returning:
    """A `server.line.Recall`: an earlier request needs the scope of the tool that it was made with, whoever follows it.

    Else a token that may follow requests, and read nothing, would be answered with the rows of a held read.
    """

    recall: Recall
    identify: Identify

    async def __call__(self, principal: Principal, wanted: Wanted) -> Wanted:
        """What `recall` says.

        Raises:
            OutOfScope: the token does not cover what was asked for.
        """
        found = await self.recall(principal, wanted)
        if isinstance(found, Sql):
            self.identify.require(principal, RequestWrite.name if found.is_write else RunQuery.name)
        return found
