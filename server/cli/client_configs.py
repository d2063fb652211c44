"""Ready-to-paste MCP client configurations for one gate.

Sources: the hosts' own documentation of `.mcp.json` (Claude Code), `claude_desktop_config.json`, `.vscode/mcp.json` and
`.cursor/mcp.json`.
"""

import json
import shutil
import sys
from pathlib import Path

NAME = "snowgate"


def claude_code(url: str, token: str) -> str:
    """The command that adds the gate to Claude Code, over HTTP."""
    return f'claude mcp add --transport http {NAME} {url} --header "Authorization: Bearer {token}"'


def over_http(url: str, token: str, *, key: str) -> str:
    """JSON for a client that speaks HTTP; `key` is `mcpServers` (Cursor) or `servers` (VS Code)."""
    server = {"type": "http", "url": url, "headers": {"Authorization": f"Bearer {token}"}}
    return json.dumps({key: {NAME: server}}, indent=2)


def over_stdio(env_file: Path, token: str) -> str:
    """JSON for a client that starts the gate itself, such as Claude Desktop; the token is the person's identity."""
    server = {
        "command": program(),
        "args": ["serve", "--transport", "stdio", "--env-file", str(env_file)],
        "env": {"SNOWGATE_TOKEN": token},
    }
    return json.dumps({"mcpServers": {NAME: server}}, indent=2)


def program() -> str:
    """The absolute path of the `snowgate` command of this environment."""
    beside = Path(sys.executable).with_name("snowgate")
    return str(beside) if beside.exists() else shutil.which("snowgate") or "snowgate"
