"""What the pages show of the program is what the program prints, and the commands that they name are there."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from server.cli.main import app
from tests.house import tree
from tests.house.consoles import Console, consoles, is_true
from tests.support.databases import reachable_directory

COLUMNS = 100
COMMAND_S_MAX = 400
MARKED = [(page, console) for page in tree.documents() for console in consoles(page.read_text(encoding="utf-8"))]


@cache
def printed(command: str) -> str:
    """What `command` prints on a machine where it was never run, in a terminal of 100 columns."""
    program, *arguments = shlex.split(command)
    assert program == "snowgate"
    with reachable_directory() as home:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "server.cli", *arguments],
            cwd=tree.ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("SNOWGATE_")},
                "PYTHONPATH": str(tree.ROOT),
                "COLUMNS": str(COLUMNS),
                "SNOWGATE_HOME": str(home / "sandbox"),
            },
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize(("page", "console"), MARKED, ids=lambda each: getattr(each, "command", None) or each.name)
def test_a_console_block_is_what_the_program_prints(page: Path, console: Console) -> None:
    assert is_true(console.shown, printed(console.command)), printed(console.command)


def test_the_readme_shows_one_answer_and_one_refusal() -> None:
    (block,) = consoles((tree.ROOT / "README.md").read_text(encoding="utf-8"))
    assert "is masked" in block.shown
    assert '"code": ' in block.shown


def test_every_console_block_is_marked_with_the_command_that_makes_it_true() -> None:
    for page in tree.documents():
        text = page.read_text(encoding="utf-8")
        assert text.count("```console") == len(consoles(text)), page


OUTPUT = "one\n\ntwo call_Ab-1 \nthree 1.5 s\nfour\n"


@pytest.mark.parametrize(
    "shown", ["one\ntwo call_zz\n", "...\nthree 99 s\nfour\n", "one\n...\nfour\n", "two call_x\n...\n"]
)
def test_the_checker_believes_an_excerpt(shown: str) -> None:
    assert is_true(shown, OUTPUT)


@pytest.mark.parametrize("shown", ["one\nthree 1 s\n", "four\n...\none\n", "five\n", "two\n", "one\n...\none\n"])
def test_the_checker_does_not_believe_what_was_not_printed(shown: str) -> None:
    assert not is_true(shown, OUTPUT)


def commands() -> Iterator[tuple[str, str]]:
    """Every use of the command in the pages' code, with the page it is on; blocks marked `sh` are typed anyway."""
    for page in tree.documents():
        text = re.sub(r"^```sh\n.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for code in re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", text, re.DOTALL):
            for line in "".join(code).splitlines():
                if used := re.match(r"(?:uvx .*)?\bsnowgate( [a-z-].*)", line):
                    yield tree.shown(page), used[1].partition("  #")[0]


@pytest.mark.parametrize(("page", "used"), sorted(set(commands())))
def test_every_command_in_the_pages_exists_with_its_options(page: str, used: str) -> None:
    for words in used.split(" | "):
        command: Any = typer.main.get_command(app)
        for word in shlex.split(words.partition(" <")[0].replace("...", "")):
            if hasattr(command, "commands") and not word.startswith("-"):
                assert word in command.commands, f"{page}: {word}"
                command = command.commands[word]
            elif word.startswith("--"):
                options = {option for parameter in command.params for option in parameter.opts}
                assert word in options, f"{page}: {word}"


def test_every_make_target_in_the_pages_exists() -> None:
    makefile = (tree.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for page in tree.documents():
        assert set(re.findall(r"(?:`|^|\$ )make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)) <= targets
