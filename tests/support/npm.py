"""Programs from npm, each folder's at the versions of its lock file; tests that need one are skipped without npm."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL_S_MAX = 300


def install(home: Path, what: str) -> str:
    """Install what the lock file in `home` says, once; the path of npm. Skips the test, and says so, without npm.

    Of several processes that ask for it one installs, and the others wait.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip(f"{what} needs node and npm, and they are not installed")
    lock, stamp = home / "package-lock.json", home / "node_modules" / ".installed"
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        wanted = held.read()
        if not stamp.is_file() or stamp.read_bytes() != wanted:
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=home, check=True, timeout=INSTALL_S_MAX, capture_output=True)
            stamp.write_bytes(wanted)
    return npm
