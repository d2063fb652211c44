"""The command line: `snowgate serve | sandbox | demo | doctor | migrate | policy ... | journal ...`."""

from server.cli.main import main

__all__ = ["main"]
