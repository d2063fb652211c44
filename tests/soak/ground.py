"""What the soak stands on: a network of its own and a small disk, where root may make them, for as long as it runs."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DISK_MIB, DISK_MIB_A_MINUTE = 640, 20
LEFT_BYTES = 300_000
MARK = "SNOWGATE_SOAK_NETWORK"


def enter_own_network() -> bool:
    """Begin this program again in a network namespace whose loopback nobody else has; whether this is in one."""
    if os.environ.get(MARK):
        return _ip("up")
    can = os.geteuid() == 0 and shutil.which("unshare") is not None and shutil.which("ip") is not None
    if can and subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode == 0:
        os.environ[MARK] = "1"
        os.execvp("unshare", ["unshare", "--net", *sys.orig_argv])  # noqa: S606 - this very program
    return False


def _ip(state: str) -> bool:
    return subprocess.run(["ip", "link", "set", "lo", state], check=False, capture_output=True).returncode == 0


def cut() -> None:
    """Let nothing through any more; what is connected stays so and hears nothing."""
    _ip("down")


def mend() -> None:
    """Let everything through again."""
    _ip("up")


def faked_clock(file: Path) -> dict[str, str]:
    """What a process is started with so that its wall clock follows the offset in `file`; empty without libfaketime."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        return {}
    set_clock(file, 0)
    steady = {"DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1"}
    return {"LD_PRELOAD": str(found[0]), "FAKETIME_TIMESTAMP_FILE": str(file), **steady}


def set_clock(file: Path, offset_s: int) -> None:
    """Let the clock that follows `file` be so far off."""
    file.write_text(f"{offset_s:+d}\n", encoding="ascii")


@contextmanager
def small_disk(minutes: float) -> Iterator[Path | None]:
    """An empty disk in memory, with room for the journal of so many minutes; None where none may be mounted."""
    place = Path(tempfile.mkdtemp(prefix="snowgate-disk-"))
    options = f"size={DISK_MIB + int(DISK_MIB_A_MINUTE * minutes)}m,mode=711"
    mounting = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    is_mounted = os.geteuid() == 0 and subprocess.run(mounting, check=False, capture_output=True).returncode == 0
    try:
        yield place if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave next to no room on the disk while inside."""
    ballast = disk / "ballast"
    told = os.statvfs(disk)
    try:
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, told.f_bavail * told.f_frsize - LEFT_BYTES))
        yield
    finally:
        ballast.unlink(missing_ok=True)
