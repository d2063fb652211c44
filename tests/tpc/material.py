"""TPC-H and TPC-DS: tables, data and questions that nobody here wrote, from packages whose DuckDB is not the sandbox's.

The packages are locked with hashes in requirements/tpc.txt and installed into a folder of their own, from which a
subprocess writes everything to Parquet and JSON. Both are kept below `.snowgate/`, named for what made them.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.house.tree import ROOT

LOCKED = ROOT / "requirements" / "tpc.txt"
DUMP = Path(__file__).with_name("dump.py")
INSTALL_TIMEOUT_S = 240
DUMP_TIMEOUT_S = 300
SCALE = 0.01
"""TPC-H's 60,175 order lines. Smaller ones leave TPC-DS hardly any answer that is not empty."""


class MaterialMissing(Exception):
    """The packages cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark: a Parquet file for each table in `folder`, DuckDB's column types, and questions by number."""

    folder: Path
    tables: dict[str, dict[str, str]]
    queries: dict[str, str]


@cache
def benchmark(name: str, scale: float = SCALE) -> Benchmark:
    """The benchmark `tpch` or `tpcds`, of a size. Raises MaterialMissing."""
    folder = _home(scale) / name
    material = json.loads((folder / "material.json").read_text(encoding="utf-8"))
    return Benchmark(folder, material["tables"], material["queries"])


def _home(scale: float) -> Path:
    """The folder with what was dumped, made if this checkout has none yet."""
    digest = hashlib.sha256(LOCKED.read_bytes() + DUMP.read_bytes()).hexdigest()[:16]
    home = ROOT / ".snowgate" / f"tpc-{scale:g}-{digest}"
    if not home.is_dir():
        home.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix="tpc-") as made:
            packages, dumped = Path(made) / "packages", Path(made) / "dumped"
            dumped.mkdir()
            _install(packages)
            _run([sys.executable, str(DUMP), str(dumped), str(scale)], DUMP_TIMEOUT_S, PYTHONPATH=str(packages))
            if not home.is_dir():  # another run may have been quicker
                dumped.rename(home)
    return home


def _install(packages: Path) -> None:
    """Install what is locked into a folder that no environment knows of."""
    options = ["--quiet", "--target", str(packages), "--no-deps", "--require-hashes", "-r", str(LOCKED)]
    if shutil.which("uv"):
        _run(["uv", "pip", "install", "--python", sys.executable, *options], INSTALL_TIMEOUT_S)
    else:
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"]
        _run([*pip, *options], INSTALL_TIMEOUT_S)


def _run(command: list[str], timeout_s: float, **settings: str) -> None:
    """Run `command` in the caller's environment, without what coverage adds to it. Raises MaterialMissing."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE", "COV_"))}
    try:
        done = subprocess.run(
            command, env={**environment, **settings}, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MaterialMissing(f"{command[0]}: {error}") from error
    if done.returncode:
        raise MaterialMissing(done.stderr.strip()[-400:] or f"{command[0]} ended with {done.returncode}")
