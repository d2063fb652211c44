"""What `snowgate holds` says where it cannot even ask, and how it answers what no terminal can show."""

from pathlib import Path
from typing import Any

import pytest
from mcp.types import ElicitRequestURLParams
from typer.testing import CliRunner

from server.cli.holds import _ask
from server.cli.main import app

NOBODY = "http://127.0.0.1:1/mcp"
"""An address that nothing listens at."""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], "bad_settings", "say where the gate is"),
        (["--url", "http://gate.example.com/mcp"], "bad_settings", "must be https"),
        (["--url", NOBODY, "--token-file", "missing"], "bad_settings", "no token can be read"),
        (["--url", NOBODY, "--token-file", "empty"], "bad_settings", "there is no access token"),
        (["--url", NOBODY, "--token-file", "token"], "gate_unreachable", "could not be asked: ConnectError"),
    ],
)
def test_what_keeps_a_command_from_asking_is_one_line_with_a_code(
    arguments: list[str], code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").write_text("\n")
    Path("token").write_text("a-secret-token\n")
    done = CliRunner().invoke(app, ["holds", "list", *arguments], env={"SNOWGATE_RESOURCE": None})
    assert (done.exit_code, code in done.stderr, said in done.stderr) == (2, True, True), done.stderr
    assert "a-secret-token" not in done.output


async def test_a_page_that_a_terminal_cannot_show_is_declined() -> None:
    context: Any = None  # who asks makes no difference
    page = ElicitRequestURLParams(message="Look", url="https://elsewhere.example/", elicitation_id="1")
    assert (await _ask(context, page)).action == "decline"
