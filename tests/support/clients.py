"""Official MCP clients of a running gate: either transport, either era, any person, asked or not."""

import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.context import ClientRequestContext
from mcp.client.extension import ClientExtension
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ElicitRequestParams, ElicitRequestURLParams, ElicitResult

from audit.entry import JournalEntry
from audit.reading import entries, unseal
from server.config import Settings, load
from server.database import open_engine
from server.journal_keys import sealer_of
from server.sandbox.issuer import mint
from server.sandbox.run import Sandbox

Transport: TypeAlias = Literal["http", "stdio"]
Era: TypeAlias = Literal["auto", "legacy"]
"""`auto` speaks 2026-07-28; `legacy` shakes hands as clients did before."""


@dataclass
class Answering:
    """A user: answers every question the same way, and remembers what was asked."""

    action: Literal["accept", "decline", "cancel"] = "accept"
    content: dict[str, Any] | None = field(default_factory=lambda: {"confirm": True})
    asked: list[str] = field(default_factory=list)
    led: list[str] = field(default_factory=list)
    """The pages that were offered."""

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        if isinstance(params, ElicitRequestURLParams):
            self.led.append(params.url)
            return ElicitResult(action=self.action)
        self.asked.append(params.message)
        return ElicitResult(action=self.action, content=self.content if self.action == "accept" else None)


@dataclass(frozen=True)
class Gate:
    """A running gate as its clients and its auditors see it."""

    sandbox: Sandbox

    @property
    def settings(self) -> Settings:
        return load(self.sandbox.state.env_file)

    @asynccontextmanager
    async def client(
        self,
        person: str = "ada",
        *,
        transport: Transport = "http",
        era: Era = "auto",
        user: Callable[..., Any] | None = None,
        token: str | None = None,
        extensions: Sequence[ClientExtension] = (),
        port: int | None = None,
    ) -> AsyncGenerator[Client]:
        """A client that acts for `person`; without `user` it declares that it cannot ask anybody.

        `port` is where another gate of this sandbox serves.
        """
        bearer = token if token is not None else mint(self.sandbox.state, person)
        if transport == "stdio":
            arguments = ["-P", "-m", "server.cli", "serve", "--transport", "stdio", "--log-level", "error"]
            parameters = StdioServerParameters(
                command=sys.executable,
                args=[*arguments, "--env-file", str(self.sandbox.state.env_file)],
                env={"SNOWGATE_TOKEN": bearer, "PYTHONPATH": "."},
            )
            async with Client(parameters, mode=era, elicitation_callback=user, extensions=extensions) as client:
                yield client
            return
        headers = {"Authorization": f"Bearer {bearer}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            own, resource = self.sandbox.state.ports.gate, self.sandbox.state.resource_url
            over = streamable_http_client(resource.replace(f":{own}/", f":{port or own}/"), http_client=http)
            async with Client(over, mode=era, elicitation_callback=user, extensions=extensions) as client:
                yield client

    async def journal(self, call_id: str) -> list[tuple[JournalEntry, dict[str, Any]]]:
        """The entries of one call with their facts opened."""
        async with open_engine(self.settings.auditor_url) as engine:
            sealer = sealer_of(self.settings)
            found = await entries(engine, call_id=call_id, last=50, sealer=sealer)
        return [(entry, dict(unseal(entry, sealer))) for entry in found]

    async def stages(self, call_id: str) -> list[str]:
        """How a call went on, but for the ids of what it ran: they are there with a setting, or on a slow machine."""
        return [entry.stage for entry, _ in await self.journal(call_id) if entry.stage != "running"]

    async def refusals(self, last: int) -> list[tuple[JournalEntry, dict[str, Any]]]:
        """The newest entries of calls that were refused, oldest first, with their facts opened."""
        async with open_engine(self.settings.auditor_url) as engine:
            found = [entry for entry in await entries(engine, last=50) if entry.stage == "refused"][-last:]
        return [(entry, dict(unseal(entry, sealer_of(self.settings)))) for entry in found]

    def ran(self, containing: str = "") -> list[str]:
        """Statements that gates ran for calls (not their own look at the catalog) and that contain a text."""
        records = self.sandbox.lookalike.queries()
        return [record.sql for record in records if "snowgate_call" in record.tag and containing in record.sql]


def answer(result: CallToolResult) -> dict[str, Any]:
    """The structured answer of a call that was answered."""
    assert not result.is_error, result.structured_content
    content: dict[str, Any] = result.structured_content or {}
    return content


def refusal(result: CallToolResult) -> dict[str, Any]:
    """The structured refusal of a call that was refused."""
    assert result.is_error
    content: dict[str, Any] = result.structured_content or {}
    assert set(content) >= {"code", "message", "hint", "retryable", "call_id"}
    return content
