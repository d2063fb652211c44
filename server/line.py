"""The straight line that every call walks. If you read one file, read this one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NewType, Protocol, TypeAlias, assert_never

from audit.journal import Durable, Journal, Keeper
from policy.circumstances import UNKNOWN
from policy.decision import Deny, Hold, Permit, RunSql
from policy.engine import Provenance
from policy.names import TableName
from policy.positions import position_of
from policy.principal import Principal
from policy.questions import Question
from policy.refusal import PolicyRefusal
from policy.statement import SqlStatement, Statement, TableChange, Verb
from server.facts import facts_of_answer, facts_of_cleared, facts_of_judged, facts_of_principal
from server.judging import Judge, Judged
from server.masking import keep
from server.observing import Watch, unwatched
from server.padding import padded
from server.raw import Raw
from tools.contract import JsonObject, Sql, Tool, Wanted

CallId = NewType("CallId", str)

Progress: TypeAlias = Callable[[float, str], Awaitable[None]]
"""Tells a caller that asked for progress how many seconds have gone by, and what is being done."""

Beforehand: TypeAlias = Callable[[], Awaitable[object]]
"""What is done before something else, and only if that comes about."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """An access token as it was presented, and the key that its sender has shown to hold, if any.

    `thumbprint` is the RFC 7638 thumbprint of a key whose DPoP proof (RFC 9449) the door verified for this request.
    """

    token: str = field(repr=False)
    thumbprint: str | None = None


class Confirm(Protocol):
    """Puts a question to the caller's own user; see `server.elicitation`."""

    async def __call__(self, hold_id: str, question: str, first: Beforehand | None = None) -> bool:
        """Whether the user accepted. `first` is awaited before the question is put, and only where it can be.

        Raises:
            Held: the user cannot be asked, or has to be asked before the call is made again.
        """
        ...


class Lead(Protocol):
    """Shows the caller's own user the way to where they can follow a held request; see `server.elicitation`."""

    async def __call__(self, hold_id: str) -> None:
        """Offer the way. What the user answers decides nothing.

        Raises:
            Held: the offer has to travel before the call is made again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call as it arrived. `origin` says by which door, for the journal.

    A door that can hold an answer back until its outcome is durable says by `keeper` who does so now, if anybody does;
    see `server.withheld`.
    """

    id: CallId
    bearer: Bearer | None
    tool: Tool
    arguments: Mapping[str, Any]
    confirm: Confirm
    progress: Progress | None
    origin: Mapping[str, str]
    lead: Lead | None = None
    keeper: Callable[[], Keeper | None] | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a permit lets run, for whom. `clear` is the only place that makes one. `target` is the table it changes.

    Before anything of it leaves, `decided` is awaited: then the journal holds the decision.
    """

    call_id: CallId
    principal: Principal
    wanted: Wanted
    permit: Permit
    provenance: Provenance
    decided: Durable
    approval: "Approval | None" = None
    target: TableName | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """People's answer to one hold, used up: the permit that it released, and the right to run it, once.

    `rows_allowed` are the numbers of rows that may be touched, by what happens to them (None: any, for it was not
    counted); `versions` is what the objects must still be. `shown` is the digest of the text that was confirmed. A
    `change` of a whole table cannot be rolled back, so its rows are counted again, by `recount`, before it runs.
    """

    permit: Permit
    hold_id: str
    claim: str = ""
    rows_allowed: Mapping[str, range] | None = None
    versions: Mapping[TableName, str] = field(default_factory=dict)
    shown: str = ""
    change: TableChange | None = None
    recount: Sequence[Question] = ()


class Lease(Protocol):
    """Something borrowed to run one cleared statement: a Snowflake session, or the catalog snapshot."""

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        """Run exactly what was cleared, once `cleared.decided` has returned.

        Raises:
            JournalUnavailable: it has raised that, and nothing has left.
        """
        ...


class Identify(Protocol):
    """Proves who asks."""

    async def __call__(self, call: Call) -> Principal:
        """The principal that the call's token proves, if they may ask at all; see `server.admission`.

        Raises:
            Unauthenticated: no valid token.
            UnknownTool: a valid token without the tool's scope.
            Revoked: an operator has turned them away.
        """
        ...


class Weigh(Protocol):
    """Finds out what rules ask of a call, and decides; see `server.weighing`."""

    async def __call__(
        self, call_id: CallId, judge: Judge, principal: Principal, wanted: Wanted, statement: Statement
    ) -> Judged:
        """What policy says of `statement` for `principal`."""
        ...


class Approve(Protocol):
    """Turns a hold into an approval, or does not return."""

    async def __call__(self, call: Call, judged: Judged, decision: Hold | Permit) -> Approval:
        """The approval of a hold: a person's answer, which can be used once.

        A call that follows an approved request, which policy would permit by now without asking anybody, has none.
        """
        ...


class Recall(Protocol):
    """Finds out what a call that follows an earlier one is about."""

    async def __call__(self, principal: Principal, wanted: Wanted) -> Wanted:
        """`wanted` itself, or the approved request that it follows.

        Raises:
            HoldNotFound: it follows no request of this principal's.
        """
        ...


class LeaseFor(Protocol):
    """Borrows what a cleared statement needs, and gives it back however the call ends."""

    def __call__(self, cleared: Cleared) -> AbstractAsyncContextManager[Lease]:
        """A lease for exactly this principal and role."""
        ...


async def _as_it_is(principal: Principal, wanted: Wanted) -> Wanted:
    return wanted


async def _knowing_nothing(
    call_id: CallId, judge: Judge, principal: Principal, wanted: Wanted, statement: Statement
) -> Judged:
    return judge.decide(principal, wanted, statement, UNKNOWN)


@dataclass(frozen=True, slots=True)
class House:
    """What a call meets on its way; built once, in `server.app`."""

    journal: Journal
    identify: Identify
    judge: Callable[[], Judge]
    approve: Approve
    lease: LeaseFor
    recall: Recall = _as_it_is
    watch: Watch = unwatched
    sample_rows: int = 0
    weigh: Weigh = _knowing_nothing


async def walk(call: Call, house: House) -> JsonObject:
    """Carry one call from identity to journal.

    Whatever happens, the journal hears of it. Nothing runs before the journal holds the decision, and nothing is
    returned before it holds the outcome, but to a door that withholds it until then.

    Raises:
        Refusal, PolicyRefusal, BadArguments: the call was turned away; `code` says why.
        JournalUnavailable: the journal took no entry, so nothing was run or nothing is returned.
    """
    async with padded() as padding, house.watch(call.tool.name) as step, house.journal.record(call.id) as record:
        record.note(tool=call.tool.name, **call.origin)

        # 1. identity: who asks, and for whom; proven, never claimed.
        step("identity")
        principal = await house.identify(call)
        record.note(**facts_of_principal(principal))

        # 2. parse: the one thing this call amounts to, resolved against the catalog.
        step("parse")
        wanted = await house.recall(principal, call.tool.ask(call.arguments))
        judge = house.judge()
        statement = judge.parse(wanted)

        # 3. decide: pure, by what rules ask of the call; and durable before anything runs. While the journal writes it
        # down, a read is made ready, up to where it would leave.
        step("decide")
        judged = await house.weigh(call.id, judge, principal, wanted, statement)
        record.note(**facts_of_judged(judged))
        decided = record.begin("decided")
        padding.owe(judged.decision)

        # 4. hold: a permit now, a permit after a person's answer, or no further.
        step("hold")
        cleared = await clear(call, judged, decided, house.approve)
        record.note(**facts_of_cleared(cleared.approval.hold_id if cleared.approval else None))

        # 5. lease: borrow what it needs, for this principal and role alone. 6. execute: exactly what was cleared.
        step("lease")
        async with house.lease(cleared) as lease:
            step("execute")
            raw = await lease.execute(cleared, call.progress)

        # 7. mask: keep the permit's obligations on what came back.
        step("mask")
        masked = keep(raw, cleared.permit)

        # 8. journal: `record` commits the outcome on the way out, before the answer leaves; `padding` says when. A door
        # that withholds answers waits for that itself, while the answer is written out.
        step("journal")
        record.note(**facts_of_answer(masked, house.sample_rows))
        if call.keeper is not None and not padding.to_ms:
            record.hand_over(call.keeper())
        return call.tool.answer(masked)


async def clear(call: Call, judged: Judged, decided: Durable, approve: Approve) -> Cleared:
    """Turn a decision into something that may run, or refuse. But for a read's, it is in the journal when this ends."""
    about = (judged.principal, judged.wanted)
    target = judged.statement.target if isinstance(judged.statement, SqlStatement) else None
    if not _is_plain_read(judged):
        await decided()
    match judged.decision:
        case Permit() as permit if not follows(judged.wanted):
            return Cleared(call.id, *about, permit, judged.provenance, decided, target=target)
        case Hold() | Permit() as decision:
            approval = await approve(call, judged, decision)
            return Cleared(call.id, *about, approval.permit, judged.provenance, decided, approval, target)
        case Deny(_, code, message, hint) as deny:
            raise PolicyRefusal(code, message, hint, position_of(judged.statement, deny))
        case _:
            assert_never(judged.decision)


def _is_plain_read(judged: Judged) -> bool:
    """Whether it may be made ready while its decision is being written down: a statement that changes nothing."""
    match judged.decision:
        case Permit(action=RunSql(verb=Verb.READ)):
            return not follows(judged.wanted)
        case _:
            return False


def follows(wanted: Wanted) -> bool:
    """Whether this is an earlier request that comes back: what it may do is in its hold, and only once."""
    return isinstance(wanted, Sql) and wanted.hold_id is not None
