"""The command line: `snowgate serve | sandbox | demo | doctor | migrate | policy ... | journal ...`.

It checks that the files are ours before it imports any of the others: a stranger's module must not get to run.
"""

import sys

from server import selfcheck

__all__ = ["main"]

EXIT_NOT_OURS = 3


def main() -> None:
    """Run the command that the program was started with, if its files are ours."""
    try:
        selfcheck.check()
    except selfcheck.NotOurs as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        raise SystemExit(EXIT_NOT_OURS) from None
    from server.cli.main import app

    app()
