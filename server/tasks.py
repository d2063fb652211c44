"""MCP's tasks extension: a request that waits for people is a task, for clients that say that they know tasks.

The task is the hold. Its id is the hold's and all that is said of it comes from there, so every replica answers it and
a restart forgets nothing. `tasks/get` walks the line as `check_request` does and `tasks/cancel` as `withdraw_request`:
proven, limited and journaled alike. The `tasks/get` that first meets an approval runs what was approved, with its
caller's own credential, and carries the answer. Nothing is asked through a task, so `tasks/update` has nothing to take.

Source: MCP extension io.modelcontextprotocol/tasks, revision 2026-07-28 (SEP-2663).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import require_client_extension
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp.types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CallToolResult,
    RequestParams,
    Result,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from audit.unavailable import JournalUnavailable
from policy.principal import Principal, Subject
from server.hold_record import ALIVE, HoldRecord, State
from server.hold_refusals import Denied, HoldNotFound, HoldStale, Waiting
from server.line import Beforehand, Call, Confirm, House, Recall
from server.refusals import Held, HoldSpent, Internal, Revoked
from server.rendering import TURNED_AWAY, AnswerForm, TurnedAway, answered, refused, shape_of
from tools.contract import BadArguments, Holds, JsonObject, Tool, Wanted
from tools.holds import CheckRequest, WithdrawRequest

EXTENSION = "io.modelcontextprotocol/tasks"

POLL_INTERVAL_MS = 5_000
"""How often clients are told to ask. People take minutes; each time is a call like any other."""

CANCELLED = "The client cancelled the task"
"""The reason for which a request is withdrawn by `tasks/cancel`, which takes none."""

NOT_ABOUT_THE_TASK = (JournalUnavailable, Internal, Revoked)
"""Refusals after which nothing is said of a task, whatever has become of it."""

Status: TypeAlias = Literal["working", "completed", "cancelled"]

Own: TypeAlias = Callable[[Principal, str], Awaitable[HoldRecord]]
"""The hold of that id, if it is this principal's; see `server.desk`."""


class TaskParams(RequestParams):
    """Which task a request is about."""

    task_id: str


class UpdateParams(TaskParams):
    """What a client answers to questions of a task's; there are none."""

    input_responses: dict[str, Any] = Field(default_factory=dict)


class Task(Result):
    """A task on the wire. Times are ISO 8601 in UTC, durations milliseconds; `result` is there once it is completed."""

    result_type: Literal["task", "complete"]
    task_id: str
    status: Status
    status_message: str
    created_at: str
    last_updated_at: str
    ttl_ms: int
    poll_interval_ms: int = POLL_INTERVAL_MS
    result: JsonObject | None = None


class Door(Protocol):
    """What a task needs of the doorway."""

    @property
    def house(self) -> House:
        """The house behind it."""
        ...

    @property
    def answer_form(self) -> AnswerForm:
        """How answers are told."""
        ...

    def call(
        self,
        context: ServerRequestContext[Any, Any],
        tool: Tool,
        arguments: JsonObject,
        confirm: Confirm,
        lead: None = None,
        **origin: str,
    ) -> Call:
        """One call of `tool` as it has arrived."""
        ...

    async def carry(self, call: Call, house: House) -> JsonObject:
        """The answer to one call.

        Raises:
            TurnedAway: there is none.
        """
        ...


@dataclass
class Following:
    """A `server.line.Recall` that keeps the hold that a call was proven to follow, as it was before anything ran."""

    recall: Recall
    own: Own
    hold: HoldRecord | None = None

    async def __call__(self, principal: Principal, wanted: Wanted) -> Wanted:
        """What `recall` says, if the request is this principal's own."""
        found = await self.recall(principal, wanted)
        if isinstance(wanted, Holds) and wanted.hold_id is not None:
            self.hold = await self.own(principal, wanted.hold_id)
        return found


ParamsT = TypeVar("ParamsT", bound=TaskParams)
Handler: TypeAlias = Callable[[ServerRequestContext[Any, Any], ParamsT], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Tasks:
    """The extension at one doorway."""

    door: Door
    own: Own

    def offer(self, server: Server[Any]) -> None:
        """Let `server` say that it knows tasks, and answer for them."""
        server.extensions[EXTENSION] = {}
        server.add_request_handler("tasks/get", TaskParams, _admitting(self.get))
        server.add_request_handler("tasks/update", UpdateParams, _admitting(self.update))
        server.add_request_handler("tasks/cancel", TaskParams, _admitting(self.cancel))

    async def get(self, context: ServerRequestContext[Any, Any], params: TaskParams) -> Task:
        """Where a request is; if it has been approved, what it does.

        Raises:
            MCPError: it is none of the caller's, or nothing can be said of it now.
        """
        following = Following(self.door.house.recall, self.own)
        call = self._call(context, CheckRequest(), {"hold_id": params.task_id})
        try:
            answer = await self.door.carry(call, replace(self.door.house, recall=following))
        except TURNED_AWAY as refusal:
            if following.hold is None or isinstance(refusal, NOT_ABOUT_THE_TASK):
                raise _error(refusal, call) from None
            return _unanswered(await self._again(following.hold, call), refusal, call)
        if following.hold is None:  # what is followed here is always a request of somebody's
            raise _error(Internal("nothing was followed"), call)
        if answer.get("status") in ALIVE:
            return _task(following.hold, "working", _waiting_for(answer))
        ended = f"the request is {answer.get('status')}"
        return _task(following.hold, "completed", ended, answered(answer, self.door.answer_form))

    async def update(self, context: ServerRequestContext[Any, Any], params: UpdateParams) -> Result:
        """Take note of answers that nobody has asked for, as the extension says: whose task it is counts, no more.

        Raises:
            MCPError: it is none of the caller's.
        """
        call = self._call(context, CheckRequest(), {"hold_id": params.task_id})
        return await self._acknowledged(call, replace(self.door.house, recall=_unchanged))

    async def cancel(self, context: ServerRequestContext[Any, Any], params: TaskParams) -> Result:
        """Withdraw a request, unless it runs or has ended.

        Raises:
            MCPError: it is none of the caller's.
        """
        arguments = {"hold_id": params.task_id, "reason": CANCELLED}
        return await self._acknowledged(self._call(context, WithdrawRequest(), arguments), self.door.house)

    def _call(self, context: ServerRequestContext[Any, Any], tool: Tool, arguments: JsonObject) -> Call:
        return self.door.call(context, tool, arguments, _ask_nobody, via="tasks")

    async def _acknowledged(self, call: Call, house: House) -> Result:
        try:
            await self.door.carry(call, house)
        except (Denied, HoldSpent, HoldStale):  # it has ended already
            pass
        except TURNED_AWAY as refusal:
            raise _error(refusal, call) from None
        return Result()

    async def _again(self, hold: HoldRecord, call: Call) -> HoldRecord:
        """The hold as it is now that its caller's call was turned away."""
        who = hold.requester
        try:
            return await self.own(Principal(Subject(who.subject), who.actor, who.issuer), hold.id)
        except TURNED_AWAY as refusal:
            raise _error(refusal, call) from None


def knows_tasks(context: ServerRequestContext[Any, Any]) -> bool:
    """Whether this request's client said that it knows tasks; clients of the handshake era cannot."""
    capabilities = context.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS and EXTENSION in (declared or {})


def created(waiting: Waiting) -> Task:
    """What a call is answered whose request waits for people, in place of its refusal."""
    return _task(waiting.hold, "working", waiting.message, kind="task")


def _admitting(handler: Handler[ParamsT]) -> Handler[ParamsT]:
    """`handler`, for requests of this era whose client knows tasks and whose header names the task that they are of."""

    async def admitted(context: ServerRequestContext[Any, Any], params: ParamsT) -> Result:
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            raise MCPError(METHOD_NOT_FOUND, "Method not found", context.method)
        require_client_extension(context, EXTENSION)
        headers = context.request.headers if context.request is not None else None  # stdio has none
        if headers is not None and decode_header_value(headers.get(MCP_NAME_HEADER)) != params.task_id:
            raise MCPError(HEADER_MISMATCH, f"{MCP_NAME_HEADER} header does not match the request body's 'taskId'")
        return await handler(context, params)

    return admitted


async def _unchanged(principal: Principal, wanted: Wanted) -> Wanted:
    """A `server.line.Recall` for a call that only looks: what has been approved is not run."""
    return wanted


async def _ask_nobody(hold_id: str, question: str, first: Beforehand | None = None) -> bool:
    """A `server.line.Confirm`: what its requester's own word releases is asked in the call itself, and not later."""
    raise Held("the user confirms this in the request itself: make it again", hold_id=hold_id)


def _unanswered(hold: HoldRecord, refusal: TurnedAway, call: Call) -> Task:
    """The task of a hold whose `check_request` was turned away: it has ended, or will be asked for again."""
    match refusal, hold.state:
        case Held(), _:
            return _task(hold, "working", refusal.message)
        case _, State.WITHDRAWN:
            return _task(hold, "cancelled", refusal.message)
        case HoldSpent(), State.EXPIRED:
            return _task(hold, "completed", refusal.message, refused(refusal, call.id))
        case HoldSpent(), _:  # another call was first, and how that went is told by the next one
            return _task(hold, "working", refusal.message)
        case _, State.EXPIRED | State.DENIED | State.STALE | State.FAILED:
            return _task(hold, "completed", refusal.message, refused(refusal, call.id))
        case _:
            return _task(hold, "working", f"{refusal.code}: {refusal.message}")


def _waiting_for(answer: JsonObject) -> str:
    """What a request that is alive waits for, by `check_request`'s answer; policy may not know by now who approves."""
    match answer:
        case {"status": State.EXECUTING}:
            return "the approved statement is running"
        case {"approval": {"needs": needs}}:
            return f"people must decide first: {needs}"
        case _:
            return "the policy that held this is not in force any more: nobody can decide on it"


def _task(
    hold: HoldRecord,
    status: Status,
    message: str,
    result: CallToolResult | None = None,
    kind: Literal["task", "complete"] = "complete",
) -> Task:
    # When a statement ended is told by its answer alone, which may be padded.
    settled_at = hold.opened_at if hold.state in (State.EXECUTED, State.FAILED) else hold.settled_at
    changed = [hold.opened_at, *(said.at for said in hold.votes if said.at), *filter(None, [settled_at])]
    return Task(
        result_type=kind,
        task_id=hold.id,
        status=status,
        status_message=message,
        created_at=_time(hold.opened_at),
        last_updated_at=_time(max(changed)),
        ttl_ms=round((hold.expires_at - hold.opened_at).total_seconds() * 1000),
        result=result.model_dump(by_alias=True, mode="json", exclude_none=True) if result else None,
    )


def _error(refusal: TurnedAway, call: Call) -> MCPError:
    """A refusal that is no end of a task; whose it is and whether it is there are answered alike."""
    if isinstance(refusal, HoldNotFound | BadArguments):
        return MCPError(INVALID_PARAMS, "Task not found")
    return MCPError(INTERNAL_ERROR, refusal.message, shape_of(refusal, call.id))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
