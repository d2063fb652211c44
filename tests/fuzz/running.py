"""One run of atheris, in a process that it ends itself: `python -m tests.fuzz.running NAME DIRECTORY SECONDS`."""

import hashlib
import sys
from pathlib import Path

import atheris

from tests.fuzz import corpus

INPUT_BYTES_MAX = 4_096
SECONDS_AN_INPUT_MAX = 60


def main() -> None:
    name, home, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    packages = {
        "statement": ["policy"],
        "template": ["policy"],
        "token": ["server.tokens", "server.claims", "joserfc"],
        "canonical": ["audit.canonical", "audit.entry", "json"],
        "state": ["mcp.server.request_state", "policy.describe"],
    }
    with atheris.instrument_imports(include=packages[name]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    begun = home / "begun"
    begun.mkdir()
    for data in target.begin_with():
        (begun / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = home / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in (*target.words, "{}")), encoding="utf-8")
    (home / "failed").mkdir()
    options = [
        f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", f"-timeout={SECONDS_AN_INPUT_MAX}",
        f"-artifact_prefix={home / 'failed'}/", f"-dict={words}", "-print_final_stats=1", "-rss_limit_mb=4096",
    ]  # fmt: skip
    directories = [
        str(home / "found"),
        str(begun),
        *([str(corpus.HERE / name)] if (corpus.HERE / name).is_dir() else []),
    ]
    atheris.Setup([sys.argv[0], *options, *directories], target.one)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


if __name__ == "__main__":
    main()
