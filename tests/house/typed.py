"""Types a page, command by command, on a machine that has never seen it, and looks whether it shows what comes."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.house import tree
from tests.house.consoles import is_true
from tests.support.databases import reachable_directory

STEP = re.compile(r"^```sh\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
STEPS_S_MAX = 600
MARK = "--- end of step"


def steps(page: str) -> list[tuple[str, str]]:
    """Each step's commands, and what is shown of what they print; without `kubectl`, not those that need it."""
    text = (tree.ROOT / "docs" / page).read_text(encoding="utf-8")
    found: list[tuple[str, str]] = STEP.findall(text)
    assert len(found) == text.count("```sh\n") > 5
    has_kubectl = shutil.which("kubectl") is not None
    return [step for step in found if has_kubectl or "kubectl" not in step[0]]


def settled(text: str) -> str:
    """`text` with what differs from run to run made equal."""
    return re.sub(
        r"revocation_[\w-]+", "revocation_ID", re.sub(r"^(\d+|N) entries", "N entries", text, flags=re.MULTILINE)
    )


@contextmanager
def sandbox(home: Path, environment: dict[str, str]) -> Iterator[None]:
    """`snowgate sandbox`, as the page has it started, until it says that it is open."""
    command = [sys.executable, "-P", "-m", "server.cli", "sandbox"]
    with subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("snowgate is open" in line for line in process.stdout)
            yield
        finally:
            process.terminate()


def type_out(page: str) -> None:
    """Type all of `page`; AssertionError where something else comes than it shows."""
    with reachable_directory() as home:
        home.chmod(0o755)
        (home / "bin").mkdir()
        for name, words in (("snowgate", " -P -m server.cli"), ("python3", "")):
            program = home / "bin" / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n')
            program.chmod(0o755)
        theirs = {name: value for name, value in os.environ.items() if not name.startswith("SNOWGATE_")}
        environment = theirs | {
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(tree.ROOT),
            "COLUMNS": "120",
        }
        script = "set -eu\n" + "".join(f"{commands}echo '{MARK}'\n" for commands, _ in steps(page))
        with sandbox(home, environment):
            ended = subprocess.run(
                ["sh", "-c", script],
                cwd=home,
                env=environment,
                capture_output=True,
                text=True,
                timeout=STEPS_S_MAX,
                check=False,
            )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    printed = ended.stdout.split(f"{MARK}\n")
    for (commands, shown), came in zip(steps(page), printed, strict=False):
        assert not shown or is_true(settled(shown), settled(came)), commands + came
