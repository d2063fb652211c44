"""Asks the caller's own user through their MCP client: one form, in both protocol eras.

2026-07-28: the call answers `input_required`, and the client makes the same call again with the answer; the sealed
request state carries the hold's id, so an answer counts for the hold it was given to and no other. Before that, the
server asks in the middle of the call. A client that declares no form elicitation is never asked.

Source: MCP 2026-07-28, client/elicitation and basic/patterns/mrtr.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.types import CallToolRequestParams, ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from server.refusals import Held

ANSWER = "confirm"
"""The name of the question in a multi-round call, and of the one field of its form."""

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        ANSWER: {"type": "boolean", "title": "Run it", "description": "Run exactly this statement, once?"},
    },
    "required": [ANSWER],
}


class AskFirst(Held):
    """The question has to travel back to the client before the call can go on."""

    def __init__(self, hold_id: str, question: str) -> None:
        super().__init__("a person must confirm this statement first", hold_id=hold_id)
        self.hold_id = hold_id
        self.question = question

    def as_result(self) -> InputRequiredResult:
        """The interim result that carries the question."""
        request = ElicitRequest(params=ElicitRequestFormParams(message=self.question, requested_schema=FORM))
        return InputRequiredResult(
            input_requests={ANSWER: request}, request_state=state_of(self.hold_id, self.question)
        )


@dataclass(frozen=True, slots=True)
class Elicitation:
    """Puts a question to the user behind one tool call; a `server.line.Confirm`."""

    context: ServerRequestContext[Any, Any]
    params: CallToolRequestParams
    answer_wait_s: float

    async def __call__(self, hold_id: str, question: str) -> bool:
        """Whether the user accepted.

        Raises:
            AskFirst: the question has to be answered in the client's next round.
            Held: the client cannot show a form, or nobody answered in time.
        """
        if not self._can_show_form():
            raise Held("a person must confirm this statement, and this client cannot ask", hold_id=hold_id)
        if self.context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            answer = (self.params.input_responses or {}).get(ANSWER)
            if not isinstance(answer, ElicitResult) or self.params.request_state != state_of(hold_id, question):
                raise AskFirst(hold_id, question)
            return _accepted(answer)
        return await self._ask_now(hold_id, question)

    async def _ask_now(self, hold_id: str, question: str) -> bool:
        try:
            with anyio.fail_after(self.answer_wait_s):
                answer = await self.context.session.elicit_form(
                    question, FORM, related_request_id=self.context.request_id
                )
        except (TimeoutError, MCPError):
            raise Held("nobody answered the question", hold_id=hold_id) from None
        return _accepted(answer)

    def _can_show_form(self) -> bool:
        """Whether the client declared form elicitation; `elicitation: {}` means form (MCP, client/elicitation)."""
        capabilities = self.context.session.client_capabilities
        elicitation = capabilities.elicitation if capabilities else None
        if elicitation is None or (elicitation.form is None and elicitation.url is not None):
            return False
        return self.context.protocol_version in MODERN_PROTOCOL_VERSIONS or self.context.session.can_send_request


def state_of(hold_id: str, question: str) -> str:
    """What the client carries back with an answer: it counts for this hold, as it was shown, and nothing else."""
    return f"{hold_id}.{hashlib.sha256(question.encode()).hexdigest()}"


def _accepted(answer: ElicitResult) -> bool:
    return answer.action == "accept" and (answer.content or {}).get(ANSWER) is True
