"""No picture of this process's memory is left on disk when it crashes: keys, tokens and rows are in it.

Sources: core(5), prctl(2) PR_SET_DUMPABLE.
"""

import ctypes
import resource
import sys

PR_SET_DUMPABLE = 4


def refuse_core_dumps() -> None:
    """Take from this process the right to dump core; on Linux also from others of this user the right to look inside.

    The limit alone would not do where a program takes cores through a pipe. It cannot be undone for this process.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
