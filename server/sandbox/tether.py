"""Becomes another program that dies with its parent: `python -I -S tether.py SIGNAL PARENT USER GROUP PROGRAM ARGS...`.

A process of its own between fork and exec, because Python code in a forked child of a program with threads may
deadlock. USER and GROUP are numbers, or `-` to stay who we are. The kernel's promise is tied to the parent's *thread*
that started us (PR_SET_PDEATHSIG, prctl(2)): start it from the main thread. Only Linux makes it.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Take on the user, ask for the signal, become the program."""
    signal_number, parent, user, group, program, *rest = arguments
    if user != "-":
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != int(parent):  # it died before the kernel knew that we care
            sys.exit(0)
    os.execv(program, [program, *rest])  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
