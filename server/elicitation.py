"""Asks the caller's own user through their MCP client, in both protocol eras: one form, or the way to one page.

2026-07-28: the call answers `input_required`, and the client makes the same call again with the answer; the sealed
request state carries the hold's id, so an answer counts for the hold it was given to and no other. Before that, the
server asks in the middle of the call. A client is asked only in a mode that it declared.

The page is the one of the caller's own request in the console, which asks who they are. It is offered and no more: the
answer decides nothing, and nobody else is ever sent there by this way.

Source: MCP 2026-07-28, client/elicitation and basic/patterns/mrtr.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import anyio
from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from server.line import Beforehand
from server.refusals import Held

ANSWER = "confirm"
"""The name of the question in a multi-round call, and of the one field of its form."""

PAGE = "page"
"""The name of the offer in a multi-round call."""

LEADING = "Your request waits for other people. You can follow it in the console."

LEAD_WAIT_S = 60.0
"""How long a call of the handshake era waits for the user to close the offer; the request is held either way."""

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        ANSWER: {"type": "boolean", "title": "Run it", "description": "Run exactly this statement, once?"},
    },
    "required": [ANSWER],
}


Question: TypeAlias = ElicitRequestFormParams | ElicitRequestURLParams


class AskFirst(Held):
    """The question has to travel back to the client before the call can go on."""

    def __init__(self, hold_id: str, name: str, question: Question, state: str) -> None:
        super().__init__("the client has to ask its user first", hold_id=hold_id)
        self.name = name
        self.question = question
        self.state = state

    def as_result(self) -> InputRequiredResult:
        """The interim result that carries the question."""
        request = ElicitRequest(params=self.question)
        return InputRequiredResult(input_requests={self.name: request}, request_state=self.state)


@dataclass(frozen=True, slots=True)
class Elicitation:
    """Puts a question to the user behind one tool call: a `server.line.Confirm`, and with `lead` a `server.line.Lead`.

    `console_url` is where people find their requests in a browser, if anywhere.
    """

    context: ServerRequestContext[Any, Any]
    params: CallToolRequestParams
    answer_wait_s: float
    console_url: str | None = None

    async def __call__(self, hold_id: str, question: str, first: Beforehand | None = None) -> bool:
        """Whether the user accepted; `first` is done before they are asked.

        Raises:
            AskFirst: the question has to be answered in the client's next round.
            Held: the client cannot show a form, or nobody answered in time.
        """
        if not self._can_show("form"):
            raise Held("a person must confirm this statement, and this client cannot ask", hold_id=hold_id)
        if first is not None:
            await first()
        if self._is_modern:
            form = ElicitRequestFormParams(message=question, requested_schema=FORM)
            return _accepted(self._answered(ANSWER, hold_id, form, question))
        return await self._ask_now(hold_id, question)

    async def lead(self, hold_id: str) -> None:
        """Offer the user the page of their request in the console; what they answer changes nothing.

        Raises:
            AskFirst: the offer has to travel in the client's next round.
        """
        if self.console_url is None or not self._can_show("url"):
            return
        url = f"{self.console_url.rstrip('/')}/holds/{hold_id}"
        if self._is_modern:
            self._answered(PAGE, hold_id, ElicitRequestURLParams(message=LEADING, url=url), url)
            return
        with suppress(TimeoutError, MCPError), anyio.fail_after(min(LEAD_WAIT_S, self.answer_wait_s)):
            await self.context.session.elicit_url(LEADING, url, hold_id, related_request_id=self.context.request_id)

    @property
    def _is_modern(self) -> bool:
        return self.context.protocol_version in MODERN_PROTOCOL_VERSIONS

    def _answered(self, name: str, hold_id: str, question: Question, shown: str) -> ElicitResult:
        """What this round of the call carries as the answer to exactly this question.

        Raises:
            AskFirst: nothing.
        """
        answer, state = (self.params.input_responses or {}).get(name), state_of(hold_id, shown)
        if not isinstance(answer, ElicitResult) or self.params.request_state != state:
            raise AskFirst(hold_id, name, question, state)
        return answer

    async def _ask_now(self, hold_id: str, question: str) -> bool:
        try:
            with anyio.fail_after(self.answer_wait_s):
                answer = await self.context.session.elicit_form(
                    question, FORM, related_request_id=self.context.request_id
                )
        except (TimeoutError, MCPError):
            raise Held("nobody answered the question", hold_id=hold_id) from None
        return _accepted(answer)

    def _can_show(self, mode: Literal["form", "url"]) -> bool:
        """Whether the client declared this mode; `elicitation: {}` means form (MCP, client/elicitation)."""
        capabilities = self.context.session.client_capabilities
        elicitation = capabilities.elicitation if capabilities else None
        if elicitation is None:
            return False
        is_declared = elicitation.url is not None if mode == "url" else elicitation.form is not None
        is_implied = mode == "form" and elicitation.url is None
        return (is_declared or is_implied) and (self._is_modern or self.context.session.can_send_request)


def state_of(hold_id: str, shown: str) -> str:
    """What the client carries back with an answer: it counts for this hold, as it was shown, and nothing else."""
    return f"{hold_id}.{hashlib.sha256(shown.encode()).hexdigest()}"


def _accepted(answer: ElicitResult) -> bool:
    return answer.action == "accept" and (answer.content or {}).get(ANSWER) is True
