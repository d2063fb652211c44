"""`snowgate holds`: an approver's terminal. It is an MCP client of the gate, with the approver's own access token.

So it can do no more than any client: the gate proves who asks, decides what they may see and decide, and journals each
word. What is shown before a decision is the gate's own text, and only a person at a terminal can answer it.
"""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
import httpx2
import typer
from mcp import Client, MCPError
from mcp.client.context import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from rich.console import Console
from rich.text import Text

from server.cli.terminal import CommandFailed, failing_cleanly
from server.config import SettingsError, is_safe_url
from server.visible import visible

TIMEOUT_S = 60.0

holds_app = typer.Typer(help="What waits for people: list, read and decide, as an approver.", no_args_is_help=True)

Url = Annotated[
    str | None, typer.Option("--url", envvar="SNOWGATE_RESOURCE", help="The gate's MCP address, `https://.../mcp`.")
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="A file with your access token; else `SNOWGATE_TOKEN` holds it.")
]
HoldId = Annotated[str, typer.Argument(help="The hold's id, `hold_...`.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; the requester and the journal will see it.")]


@holds_app.command("list")
def list_holds(url: Url = None, token_file: TokenFile = None) -> None:
    """What waits for a decision of yours, oldest first."""
    with failing_cleanly():
        found = anyio.run(_all, _Gate.of(url, token_file))
        console = Console()
        for hold in found:
            rows = "rows not measured" if hold.get("rows_measured") is None else f"{hold['rows_measured']} rows"
            who = hold["requested_by"]
            line = (
                f"{hold['hold_id']}  {hold['verb']} {', '.join(hold['objects'])}  {hold['risk']} risk, {rows}  "
                f"for {who['subject']} through {who['through']}  until {hold['expires_at']}"
            )
            console.print(Text(visible(line)), soft_wrap=True)
        if not found:
            console.print("nothing waits for you")


@holds_app.command("show")
def show_hold(hold_id: HoldId, url: Url = None, token_file: TokenFile = None) -> None:
    """One hold: the statement, its effect, who asked and why."""
    with failing_cleanly():
        shown = anyio.run(_call, _Gate.of(url, token_file), "show_hold", {"hold_id": hold_id})
        _print(str(shown["text"]))
        for said in shown.get("said", []):
            _print(f"{said['verdict']} by {said['by']} ({said['via']}): {said['reason']}")


@holds_app.command("approve")
def approve(
    hold_id: HoldId,
    reason: Reason,
    url: Url = None,
    token_file: TokenFile = None,
    break_glass: Annotated[bool, typer.Option("--break-glass", help="As an emergency, where policy allows.")] = False,
) -> None:
    """Approve a hold, once you have confirmed what you are shown."""
    _decide(hold_id, "approve", reason, url, token_file, is_break_glass=break_glass)


@holds_app.command("deny")
def deny(hold_id: HoldId, reason: Reason, url: Url = None, token_file: TokenFile = None) -> None:
    """Deny a hold, once you have confirmed what you are shown."""
    _decide(hold_id, "deny", reason, url, token_file)


@holds_app.command("withdraw")
def withdraw(hold_id: HoldId, reason: Reason, url: Url = None, token_file: TokenFile = None) -> None:
    """Take back a request of your own that this token's client made."""
    with failing_cleanly():
        arguments = {"hold_id": hold_id, "reason": reason}
        said = anyio.run(_call, _Gate.of(url, token_file), "withdraw_request", arguments)
        _print(f"{hold_id} is {said['state']}")


def _decide(
    hold_id: str,
    verdict: Literal["approve", "deny"],
    reason: str,
    url: str | None,
    token_file: Path | None,
    *,
    is_break_glass: bool = False,
) -> None:
    with failing_cleanly():
        if not sys.stdin.isatty():
            raise SettingsError(
                "a decision is confirmed by a person at a terminal, and standard input is none",
                "Run the command in a terminal; programs cannot decide.",
            )
        arguments = {"hold_id": hold_id, "decision": verdict, "reason": reason, "break_glass": is_break_glass}
        said = anyio.run(_call, _Gate.of(url, token_file), "decide_hold", arguments)
        missing = f"; still needed: {said['missing']}" if said.get("missing") else ""
        _print(f"{hold_id} is {said['state']}{missing}")


class _Gate:
    """Where the gate is, and who comes."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._token = token

    @classmethod
    def of(cls, url: str | None, token_file: Path | None) -> "_Gate":
        """From the options of a command.

        Raises:
            SettingsError: something is missing, or the token would travel where others can read it.
        """
        if url is None:
            raise SettingsError("say where the gate is: --url or SNOWGATE_RESOURCE")
        if not is_safe_url(url):
            raise SettingsError("the gate's address must be https: your access token travels there")
        try:
            token = os.environ.get("SNOWGATE_TOKEN", "") if token_file is None else token_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"no token can be read from {token_file}: {type(error).__name__}") from None
        if not token.strip():
            raise SettingsError("there is no access token", "Set SNOWGATE_TOKEN or give --token-file.")
        return cls(url, token.strip())

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        """A client of the gate, whose user sits at the terminal."""
        headers = {"Authorization": f"Bearer {self._token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=TIMEOUT_S, follow_redirects=False) as http,
            Client(streamable_http_client(self.url, http_client=http), elicitation_callback=_ask) as client,
        ):
            yield client


async def _call(gate: _Gate, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One call's answer.

    Raises:
        CommandFailed: it was refused, or the gate was not reached.
    """
    try:
        async with gate.client() as client:
            result = await client.call_tool(tool, arguments)
    except* (httpx2.HTTPError, MCPError, OSError) as group:
        raise CommandFailed("gate_unreachable", _why(group), "Is the address right, and the token fresh?") from None
    content: dict[str, Any] = result.structured_content or {}
    if result.is_error:
        raise CommandFailed(*(str(content.get(key, "")) for key in ("code", "message", "hint")))
    return content


async def _all(gate: _Gate) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await _call(gate, "list_holds", {} if cursor is None else {"cursor": cursor})
        found += page["holds"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return found


async def _ask(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Show the gate's question, and take the person's word for it: the whole word, not a key pressed by habit."""
    if not isinstance(params, ElicitRequestFormParams):
        return ElicitResult(action="decline")
    _print(params.message)
    said = await anyio.to_thread.run_sync(lambda: input("\nType `yes` to confirm: "))
    is_confirmed = said.strip().lower() == "yes"
    return ElicitResult(action="accept", content={"confirm": True}) if is_confirmed else ElicitResult(action="decline")


def _why(group: BaseExceptionGroup[BaseException]) -> str:
    first = group.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _why(first)
    if isinstance(first, httpx2.HTTPStatusError):
        return f"the gate answered {first.response.status_code}"
    return f"the gate could not be asked: {type(first).__name__}"


def _print(text: str) -> None:
    Console().print(Text(visible(text, keep="\n\t")), soft_wrap=True)
