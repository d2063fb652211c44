"""The `snowgate` command, whole: every known failure is one line with a code, never a traceback."""

from server.cli.commands import program

__all__ = ["app"]

app = program()
