"""The doorway: one MCP server object for both protocol eras; every tool call becomes a walk along the line.

What comes of it is an answer, a question to the user, a task that stands for a held request, or a refusal.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    RequestId,
    ToolAnnotations,
)
from mcp.types import Tool as ToolListing

from audit.unavailable import JournalUnavailable
from server.elicitation import AskFirst, Elicitation
from server.hold_refusals import Waiting
from server.inflight import InFlight
from server.line import Bearer, Call, CallId, Confirm, House, Lead, Progress, walk
from server.logs import of_call
from server.refusals import Internal, Revoked, UnknownTool
from server.rendering import TURNED_AWAY, AnswerForm, answered, refusal_message, refused
from server.tasks import Own, Task, Tasks, created, knows_tasks
from server.withheld import Instead, withheld_of
from tools.contract import JsonObject, Masked, Tool, Wanted
from tools.manifest import Offer, offers

NAME = "snowgate"
INSTRUCTIONS = (
    "Governed access to Snowflake. Start with describe_schema to learn what you may read and what is masked; read with "
    "run_query; change data only with request_write, which a person confirms. Refusals say what to do next."
)
TOOL_NAME_LENGTH_MAX = 64

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NoSuchTool:
    """Stands for a tool that is not offered, so that asking for it is a call like any other: journaled and refused."""

    name: str

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """Refuse."""
        raise UnknownTool("there is no such tool")

    def answer(self, masked: Masked) -> JsonObject:
        """Never reached: nothing is asked."""
        raise UnknownTool("there is no such tool")


@dataclass(frozen=True, slots=True)
class Doorway:
    """Turns MCP requests into calls, and what comes of them into MCP results."""

    house: House
    lists: Callable[[Bearer | None, str], Awaitable[bool]]
    transport: Literal["stdio", "http"]
    version: str
    local_bearer: Bearer | None = None
    answer_wait_s: float = 300.0
    answer_form: AnswerForm = "structured"
    console_url: str | None = None
    """Where people find their requests in a browser; None: there is no console."""
    own: Own | None = None
    """Finds a hold of a caller's own; without it nothing is a task."""
    in_flight: InFlight = field(default_factory=InFlight)
    traced: bool = False
    """Whether somebody gets the MCP SDK's spans; where nobody does, none is made."""
    withdrew: Callable[[str], None] = lambda _: None
    """Hears of each answer that was refused as it left, by the name of its tool."""
    new_call_id: Callable[[], CallId] = lambda: CallId("call_" + secrets.token_urlsafe(12))

    def server(self, state_key: bytes) -> Server[Any]:
        """The MCP server; `state_key` seals what a client carries between the rounds of one call."""
        server: Server[Any] = Server(
            NAME,
            version=self.version,
            title=NAME,
            instructions=INSTRUCTIONS,
            cache_hints={"tools/list": CacheHint(ttl_ms=60_000, scope="private")},
            on_list_tools=self.list_tools,
            get_tool_input_schema=lambda _: None,  # no argument travels in an Mcp-Param header
        )
        if not self.traced:
            server.middleware.clear()  # one that makes a span of each message, for nobody
        security = RequestStateSecurity(keys=[state_key])
        server.middleware.append(RequestStateBoundary(security, default_audience=NAME))
        server.add_request_handler("tools/call", CallToolRequestParams, self.call_tool)
        if self.own is not None:
            Tasks(self, self.own).offer(server)
        return server

    async def list_tools(
        self, context: ServerRequestContext[Any, Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        """The tools that the caller can use."""
        bearer = self._bearer()
        usable = [offer for offer in offers() if await self.lists(bearer, offer.tool.name)]
        return ListToolsResult(tools=[_listing(offer) for offer in usable])

    def _bearer(self) -> Bearer | None:
        """What the request's sender has shown; over stdio, what the operator gave."""
        token = get_access_token()
        return Bearer(token.token, getattr(token, "thumbprint", None)) if token else self.local_bearer

    async def call_tool(
        self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult | Task:
        """Walk the line with one call and say how it went."""
        tool = _TOOLS.get(params.name) or NoSuchTool(params.name[:TOOL_NAME_LENGTH_MAX])
        asking = Elicitation(context, params, self.answer_wait_s, self.console_url)
        withheld = withheld_of(context.request, context.protocol_version)
        call = self.call(context, tool, params.arguments or {}, asking, asking.lead)
        if withheld is not None:
            call = replace(call, keeper=withheld.keeper)
            withheld.instead = self._instead(context.request_id, call.id, tool.name)
        try:
            return answered(await self.carry(call, self.house), self.answer_form)
        except AskFirst as question:
            return question.as_result()
        except TURNED_AWAY as refusal:
            if isinstance(refusal, Waiting) and self.own is not None and knows_tasks(context):
                return created(refusal)
            return refused(refusal, call.id, call.arguments.get("sql"))

    def _instead(self, request_id: RequestId | None, call_id: CallId, tool: str) -> Instead:
        """What leaves in the place of a call's answer. It holds nothing of the request, which holds it."""

        def instead(why: JournalUnavailable) -> bytes:
            self.withdrew(tool)
            with of_call(call_id):
                log.warning("an answer was refused as it left: the journal does not confirm its outcome")
            return refusal_message(request_id, refused(why, call_id), self._info)

        return instead

    @property
    def _info(self) -> Implementation:
        return Implementation(name=NAME, title=NAME, version=self.version)

    def call(
        self,
        context: ServerRequestContext[Any, Any],
        tool: Tool,
        arguments: Mapping[str, Any],
        confirm: Confirm,
        lead: Lead | None = None,
        **origin: str,
    ) -> Call:
        """One call of `tool` as it has arrived."""
        era, client = context.protocol_version, _client(context)
        return Call(
            id=self.new_call_id(),
            bearer=self._bearer(),
            tool=tool,
            arguments=arguments,
            confirm=confirm,
            lead=lead,
            progress=_progress(context),
            origin={"transport": self.transport, "era": era, "client": client, **origin},
        )

    async def carry(self, call: Call, house: House) -> JsonObject:
        """The answer to one call that walks the line through `house`.

        Raises:
            TurnedAway: in whichever way it went wrong; a crash is told as one of ours.
        """
        with of_call(call.id), self.in_flight.one(call.id) as underway:
            try:
                return {**await walk(call, house), "call_id": call.id}
            except TURNED_AWAY:
                raise
            except Exception as crash:
                # The journal has the crash in full; its text may quote data, so the log gets the way to it only.
                log.error("a call failed: %s", type(crash).__name__)
                raise Internal("something went wrong inside the gate") from None
        # Only a revocation leads here: it cancelled the call, and the line has journaled that.
        await self.house.journal.append(call.id, "revoked", {"code": Revoked.code, "revocation": underway.ended_for})
        raise Revoked("an operator has revoked this caller's access")


def _progress(context: ServerRequestContext[Any, Any]) -> Progress | None:
    """A way to tell the caller how long it has been, if they asked to be told."""
    if not context.meta or context.meta.get("progress_token") is None:
        return None

    async def tell(elapsed_s: float, message: str) -> None:
        await context.session.report_progress(round(elapsed_s, 1), message=message)

    return tell


def _client(context: ServerRequestContext[Any, Any]) -> str:
    """The client's own name for itself; a claim, journaled as one."""
    params = context.session.client_params
    return f"{params.client_info.name} {params.client_info.version}"[:100] if params else "unknown"


def _listing(offer: Offer) -> ToolListing:
    manifest = offer.manifest
    return ToolListing(
        name=manifest.name,
        title=manifest.title,
        description=manifest.description,
        input_schema=offer.input_schema,
        output_schema=offer.output_schema,
        annotations=ToolAnnotations.model_validate(manifest.annotations),
    )


_TOOLS: dict[str, Tool] = {offer.tool.name: offer.tool for offer in offers()}
