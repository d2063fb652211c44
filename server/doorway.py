"""The doorway: one MCP server object for both protocol eras; every tool call becomes a walk along the line.

Whatever comes out of the line is rendered here and nowhere else: an answer, a question to the user, or a refusal of
one shape, `{code, message, hint, retryable, call_id}`.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import orjson
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp.types import Tool as ToolListing

from audit.unavailable import JournalUnavailable
from policy.positions import line_and_column
from policy.refusal import PolicyRefusal
from server.elicitation import AskFirst, Elicitation
from server.inflight import InFlight
from server.line import Bearer, Call, CallId, House, Progress, walk
from server.logs import of_call
from server.refusals import Internal, Refusal, Revoked, UnknownTool
from tools.contract import BadArguments, JsonObject, Masked, Tool, Wanted
from tools.manifest import Offer, offers

NAME = "snowgate"
INSTRUCTIONS = (
    "Governed access to Snowflake. Start with describe_schema to learn what you may read and what is masked; read with "
    "run_query; change data only with request_write, which a person confirms. Refusals say what to do next."
)
TOOL_NAME_LENGTH_MAX = 64

log = logging.getLogger(__name__)

TurnedAway: TypeAlias = Refusal | PolicyRefusal | BadArguments | JournalUnavailable
TURNED_AWAY = (Refusal, PolicyRefusal, BadArguments, JournalUnavailable)


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
    answer_form: Literal["structured", "text"] = "structured"
    in_flight: InFlight = field(default_factory=InFlight)
    new_call_id: Callable[[], CallId] = lambda: CallId("call_" + secrets.token_urlsafe(12))

    def server(self, state_key: bytes) -> Server[Any]:
        """The MCP server; `state_key` seals what a client carries between the rounds of one call."""
        server: Server[Any] = Server(
            NAME,
            version=self.version,
            title="snowgate",
            instructions=INSTRUCTIONS,
            cache_hints={"tools/list": CacheHint(ttl_ms=60_000, scope="private")},
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            get_tool_input_schema=lambda _: None,  # no argument travels in an Mcp-Param header
        )
        security = RequestStateSecurity(keys=[state_key])
        server.middleware.append(RequestStateBoundary(security, default_audience=NAME))
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
    ) -> CallToolResult | InputRequiredResult:
        """Walk the line with one call and say how it went."""
        call = Call(
            id=self.new_call_id(),
            bearer=self._bearer(),
            tool=_TOOLS.get(params.name) or NoSuchTool(params.name[:TOOL_NAME_LENGTH_MAX]),
            arguments=params.arguments or {},
            confirm=Elicitation(context, params, self.answer_wait_s),
            progress=_progress(context),
            origin={"transport": self.transport, "era": context.protocol_version, "client": _client(context)},
        )
        with of_call(call.id), self.in_flight.one(call.id) as underway:
            return await self._serve(call)
        # Only a revocation leads here: it cancelled the call, and the line has journaled that.
        await self.house.journal.append(call.id, "revoked", {"code": Revoked.code, "revocation": underway.ended_for})
        return refused(Revoked("an operator has revoked this caller's access"), call.id)

    async def _serve(self, call: Call) -> CallToolResult | InputRequiredResult:
        try:
            answer = await walk(call, self.house)
        except AskFirst as question:
            return question.as_result()
        except TURNED_AWAY as refusal:
            return refused(refusal, call.id, call.arguments.get("sql"))
        except Exception as crash:
            # The journal has the crash in full; its text may quote data, so the log gets the way to it only.
            log.error("a call failed: %s", type(crash).__name__)
            return refused(Internal("something went wrong inside the gate"), call.id)
        return answered({**answer, "call_id": call.id}, self.answer_form)


def answered(answer: JsonObject, form: Literal["structured", "text"]) -> CallToolResult:
    """An answer, its values once on the wire: as structured content, or as text for clients that read only text."""
    if form == "text":
        return CallToolResult(content=[TextContent(text=_json(answer))])
    return CallToolResult(content=[TextContent(text=_summary(answer))], structured_content=answer)


def refused(refusal: TurnedAway, call_id: CallId, sql: object = None) -> CallToolResult:
    """A refusal that an agent can act on; it points into the agent's own `sql` where one piece of it is the reason."""
    shape = {
        "code": str(refusal.code),
        "message": refusal.message,
        "hint": refusal.hint,
        "retryable": refusal.retryable,
        "call_id": call_id,
    }
    if isinstance(refusal, Refusal):
        shape |= refusal.shown
    where = ""
    if isinstance(refusal, PolicyRefusal) and refusal.at is not None and isinstance(sql, str):
        line, column = line_and_column(sql, refusal.at)
        shape |= {"at": refusal.at, "line": line, "column": column}
        where = f" at line {line}, column {column}"
    text = f"Refused{where} ({shape['code']}): {refusal.message}. {refusal.hint}"
    return CallToolResult(content=[TextContent(text=text)], structured_content=shape, is_error=True)


def _summary(answer: JsonObject) -> str:
    match answer:
        case {"row_count": int(rows), "columns": list(columns), "truncated": truncated}:
            more = "; there are more" if truncated else ""
            return f"rows: {rows}, columns: {len(columns)}{more}; the data is in the structured content"
        case {"tables": list(tables), "tables_total": int(total)}:
            return f"tables: {len(tables)} of {total}; they are in the structured content"
        case {"rows_affected": affected}:
            return f"executed; rows affected: {affected}"
        case _:
            return "the answer is in the structured content"


def _json(answer: JsonObject) -> str:
    return orjson.dumps(answer).decode()


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
