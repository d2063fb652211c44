"""The command line: `snowgate serve | sandbox | demo | doctor | migrate | policy ... | journal ...`.

It checks that the files are ours before it imports any of the others: a stranger's module must not get to run.
"""

import gc
import sys

from server import selfcheck

__all__ = ["main"]

EXIT_NOT_OURS = 3


def main() -> None:
    """Run the command that the program was started with, if its files are ours."""
    gc.disable()  # a start makes little garbage and much that stays; whoever stays turns it on again
    try:
        selfcheck.check()
    except selfcheck.NotOurs as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        raise SystemExit(EXIT_NOT_OURS) from None
    from server.cli.commands import program

    program(*sys.argv[1:2])()
