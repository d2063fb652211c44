"""`python -m tests.fuzz NAME SECONDS`: fuzz one target with atheris (dependency group `fuzz`), from its corpus on.

What fails is written into the corpus, where a test tries it ever after; with `--keep` some of the inputs that reached
more are kept as well. Ends with 1 if anything failed.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import corpus

KEPT_MAX, KEPT_BYTES_MAX = 100, 300


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", choices=corpus.NAMES)
    parser.add_argument("seconds", type=int)
    parser.add_argument("--keep", action="store_true", help="keep inputs that reach more")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "found").mkdir()
        command = [sys.executable, "-m", "tests.fuzz.running", asked.name, str(home), str(asked.seconds)]
        ended = subprocess.run(command, check=False)
        for failure in (home / "failed").glob("*"):
            kept = corpus.keep(asked.name, failure.read_bytes())
            sys.stdout.write(f"failed, and kept as {kept}\n")
        if asked.keep:
            _keep_some(asked.name, home / "found")
    return 0 if ended.returncode == 0 else 1


def _keep_some(name: str, found: Path) -> None:
    """As many short inputs as the corpus has room for, whichever their hashes put first."""
    room = KEPT_MAX - len(corpus.inputs(name))
    short = [path.read_bytes() for path in found.iterdir() if path.stat().st_size <= KEPT_BYTES_MAX]
    for data in sorted(short, key=lambda each: hashlib.sha256(each).digest())[: max(room, 0)]:
        corpus.keep(name, data)


if __name__ == "__main__":
    raise SystemExit(main())
