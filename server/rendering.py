"""What comes out of the line, as MCP shows it: an answer, or a refusal of one shape.

The shape of every refusal is `{code, message, hint, retryable, call_id}`, with more beside it where it helps an agent.
"""

import json
from typing import Literal, TypeAlias

import orjson
from mcp.types import SERVER_INFO_META_KEY, CallToolResult, Implementation, RequestId, TextContent

from audit.unavailable import JournalUnavailable
from policy.positions import line_and_column
from policy.refusal import PolicyRefusal
from server.line import CallId
from server.refusals import Refusal
from tools.contract import BadArguments, JsonObject

TurnedAway: TypeAlias = Refusal | PolicyRefusal | BadArguments | JournalUnavailable
TURNED_AWAY = (Refusal, PolicyRefusal, BadArguments, JournalUnavailable)

AnswerForm: TypeAlias = Literal["structured", "text"]


def answered(answer: JsonObject, form: AnswerForm) -> CallToolResult:
    """An answer, its values once on the wire: as structured content, or as text for clients that read only text."""
    if form == "text":
        return CallToolResult(content=[TextContent(text=_json(answer))])
    return CallToolResult(content=[TextContent(text=_summary(answer))], structured_content=answer)


def refused(refusal: TurnedAway, call_id: CallId, sql: object = None) -> CallToolResult:
    """A refusal that an agent can act on; it points into the agent's own `sql` where one piece of it is the reason."""
    shape, where = shape_of(refusal, call_id), ""
    if isinstance(refusal, PolicyRefusal) and refusal.at is not None and isinstance(sql, str):
        line, column = line_and_column(sql, refusal.at)
        shape |= {"at": refusal.at, "line": line, "column": column}
        where = f" at line {line}, column {column}"
    text = f"Refused{where} ({shape['code']}): {refusal.message}. {refusal.hint}"
    return CallToolResult(content=[TextContent(text=text)], structured_content=shape, is_error=True)


def refusal_message(request_id: RequestId | None, refusal: CallToolResult, server: Implementation) -> bytes:
    """The JSON-RPC response of `server` that carries a refusal, written out as the MCP library does (2026-07-28)."""
    meta = {SERVER_INFO_META_KEY: server.model_dump(mode="json", by_alias=True, exclude_none=True)}
    result = refusal.model_dump(mode="json", by_alias=True, exclude_none=True)
    told = {"jsonrpc": "2.0", "id": request_id, "result": {**result, "resultType": "complete", "_meta": meta}}
    return json.dumps(told, separators=(",", ":")).encode()  # an id may be an integer of any size


def shape_of(refusal: TurnedAway, call_id: CallId) -> JsonObject:
    """A refusal as JSON: the shape that all have, and what this one shows beside it."""
    shown = refusal.shown if isinstance(refusal, Refusal) else {}
    return {
        "code": str(refusal.code),
        "message": refusal.message,
        "hint": refusal.hint,
        "retryable": refusal.retryable,
        "call_id": call_id,
        **shown,
    }


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
