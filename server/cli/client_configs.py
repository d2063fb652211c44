"""Ready-to-paste configurations of MCP clients for one gate; `manifests/clients/` holds its output for the defaults.

No configuration holds a token unless one is given: each host has its own way to name a variable, and an OAuth client
needs none, for the gate's challenge says where to sign in.

Sources: the hosts' own documentation of `.mcp.json` (Claude Code), `claude_desktop_config.json`, `.vscode/mcp.json` and
`.cursor/mcp.json`.
"""

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never, get_args

NAME = "snowgate"
TOKEN_VARIABLE = "SNOWGATE_TOKEN"  # noqa: S105 - the name of it
DEFAULT_URL = "http://127.0.0.1:8765/mcp"
DEFAULT_ENV_FILE = Path(".snowgate/snowgate.env")

Client: TypeAlias = Literal["claude-code", "claude-desktop", "vscode", "cursor"]
Transport: TypeAlias = Literal["http", "stdio"]

CLIENTS: tuple[Client, ...] = get_args(Client)

_REFERENCES: dict[Client, str | None] = {
    "claude-code": "${SNOWGATE_TOKEN}",
    "claude-desktop": None,  # expands nothing: the token belongs in the settings file
    "vscode": "${input:snowgate-token}",
    "cursor": "${env:SNOWGATE_TOKEN}",
}
"""How each host names a secret that is not in the file."""


class NoSuchConfiguration(Exception):
    """A client that cannot be told of a gate in this way."""

    code = "no_such_configuration"

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Entrance:
    """How a client reaches a gate. `token` is written out where given; None is a reference to wherever it is kept."""

    transport: Transport = "http"
    url: str = DEFAULT_URL
    command: str = NAME
    env_file: Path = DEFAULT_ENV_FILE
    signs_in: bool = False
    token: str | None = field(default=None, repr=False)


def file_of(client: Client) -> str:
    """The file that a client reads its servers from."""
    match client:
        case "claude-code":
            return ".mcp.json"
        case "claude-desktop":
            return "claude_desktop_config.json"
        case "vscode":
            return ".vscode/mcp.json"
        case "cursor":
            return ".cursor/mcp.json"
        case _:
            assert_never(client)


def configuration(client: Client, entrance: Entrance) -> str:
    """JSON to paste into `file_of(client)`.

    Raises:
        NoSuchConfiguration: Claude Desktop's file names programs alone, not addresses.
    """
    token = entrance.token if entrance.token is not None else _REFERENCES[client]
    over_http = entrance.transport == "http"
    if over_http and client == "claude-desktop":
        raise NoSuchConfiguration(
            "claude_desktop_config.json takes no address", "add the URL as a connector in the settings, or use stdio"
        )
    server = _over_http(client, entrance, token) if over_http else _over_stdio(client, entrance, token)
    document: dict[str, Any] = {"servers" if client == "vscode" else "mcpServers": {NAME: server}}
    if client == "vscode" and entrance.token is None and not (over_http and entrance.signs_in):
        document["inputs"] = [
            {"type": "promptString", "id": "snowgate-token", "description": "snowgate access token", "password": True}
        ]
    return json.dumps(document, indent=2)


def _over_http(client: Client, entrance: Entrance, token: str | None) -> dict[str, Any]:
    typed = {} if client == "cursor" else {"type": "http"}
    headers = {} if entrance.signs_in else {"headers": {"Authorization": f"Bearer {token}"}}
    return {**typed, "url": entrance.url, **headers}


def _over_stdio(client: Client, entrance: Entrance, token: str | None) -> dict[str, Any]:
    """The client starts the gate itself; the token is the person's identity."""
    typed = {"type": "stdio"} if client == "vscode" else {}
    arguments = ["serve", "--transport", "stdio", "--env-file", str(entrance.env_file)]
    return {
        **typed,
        "command": entrance.command,
        "args": arguments,
        **({"env": {TOKEN_VARIABLE: token}} if token is not None else {}),
    }


def program() -> str:
    """The absolute path of the `snowgate` command of this environment."""
    beside = Path(sys.executable).with_name(NAME)
    return str(beside) if beside.exists() else shutil.which(NAME) or NAME
