"""What the checkout consists of, as the house's tests look at it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("server", "tools", "policy", "audit")


def ours() -> list[Path]:
    """Every Python file of the four packages."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def tests() -> list[Path]:
    """Every Python file of the tests; what npm brought is not ours."""
    return sorted(path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts)


def documents() -> list[Path]:
    """Every page that a person reads."""
    return sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def shown(path: Path) -> str:
    """`path` as it is called from the checkout."""
    return path.relative_to(ROOT).as_posix()


def directories(files: list[Path]) -> Iterator[Path]:
    """Every directory that holds one of `files`, once."""
    return iter(sorted({path.parent for path in files}))


def ran(program: str, *path: Path) -> subprocess.CompletedProcess[str]:
    """`program`, asked with `--version`, in a process away from the checkout that finds packages on `path` first."""
    return subprocess.run(
        [sys.executable, "-P", "-c", program, "--version"],
        cwd=path[0].parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
