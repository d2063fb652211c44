"""Under which conditions a run was made: without them its figures say nothing."""

import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench import proc

PACKAGES = (
    "mcp", "snowflake-connector-python", "sqlglot", "sqlglotc", "pydantic", "sqlalchemy", "psycopg", "pyarrow",
    "starlette", "uvicorn", "uvloop",
)  # fmt: skip


def conditions() -> dict[str, str]:
    """The machine, its load just now, and the versions that decide."""
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processors": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{_memory_gib():.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, {_interpreter()}",
        "load before": load(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


class Watch:
    """Sees how much of the machine other programs use while we run: figures from a busy machine are worse than ours."""

    def __init__(self) -> None:
        self._began, self._busy_s, self._own_s = time.monotonic(), proc.busy_s(), self._own()

    def others(self) -> str:
        """The share of the processors that others have used since."""
        wall_s = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        others_s = proc.busy_s() - self._busy_s - (self._own() - self._own_s)
        return f"{100 * max(others_s, 0.0) / wall_s:.0f} % of the processors were used by other programs"

    @staticmethod
    def _own() -> float:
        """CPU seconds of this process and of all its children, those that have ended included."""
        ended = os.times()
        return proc.cpu_s(os.getpid()) + ended.children_user + ended.children_system


def load() -> str:
    """How many programs wanted a processor over the last one, five and fifteen minutes."""
    return " ".join(f"{average:.1f}" for average in os.getloadavg())


def _interpreter() -> str:
    """Whose Python it is: the same version, built otherwise, can take half as long again for the same work."""
    return "the system's" if sys.base_prefix == "/usr" else "not the system's"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
