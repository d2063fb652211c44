"""A command waits for what it needs, and for nothing that others need."""

import subprocess
import sys

import pytest

from server.cli.commands import COMMANDS
from server.cli.main import app
from tests.house import tree

LOADED = """
import contextlib, sys
from server.cli import main
with contextlib.suppress(SystemExit):
    main()
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
HEAVY = {"sqlalchemy", "snowflake", "pyarrow", "sqlglot", "duckdb"}


def loaded(*arguments: str) -> set[str]:
    command = [sys.executable, "-P", "-c", LOADED, *arguments]
    ended = subprocess.run(command, cwd=tree.ROOT, env={"PYTHONPATH": str(tree.ROOT)}, capture_output=True, check=True)
    return set(ended.stderr.decode().split())


def test_all_commands_are_there_when_none_is_asked_for() -> None:
    groups = {group.name for group in app.registered_groups}
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert groups | commands == {*COMMANDS, "serve"}


@pytest.mark.parametrize("arguments", [("--version",), ("holds", "--help"), ("client-config", "--help")], ids=" ".join)
def test_a_command_that_neither_judges_nor_reads_a_database_loads_nothing_for_it(arguments: tuple[str, ...]) -> None:
    assert "rich" in loaded(*arguments)
    assert not loaded(*arguments) & HEAVY


def test_a_command_that_does_loads_it() -> None:
    assert loaded("policy", "check", "--help") >= {"sqlglot"}
