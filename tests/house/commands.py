"""docs/CLI.md, from the program itself; `python -m tests.house.commands` writes it."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import typer

from server.cli.main import app
from tests.house import tree

PAGE = tree.ROOT / "docs" / "CLI.md"

HEAD = """# Commands

Every command and every option, written by `python -m tests.house.commands` from the program; a test compares the two.
Where a command takes `--env-file`, it reads `SNOWGATE_...` settings from that file, and the environment wins
([Settings](OPERATING.md#settings)). A command that fails in a known way prints a code of [REFUSALS](REFUSALS.md) and
ends with status 2.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"\n{section}\n" for section in _sections("snowgate", typer.main.get_command(app)))


def _sections(name: str, command: Any) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield _section(name, command)
        return
    for word in sorted(inner):
        if not inner[word].hidden:
            yield from _sections(f"{name} {word}", inner[word])


def _section(name: str, command: Any) -> str:
    arguments = [f"<{each.name}>" for each in command.params if _is_argument(each)]
    lines = [f"## {name}", "", " ".join((command.help or "").split()), "", "```", " ".join((name, *arguments)), "```"]
    shown = [each for each in command.params if not each.hidden and each.name != "help"]
    if shown:
        lines += ["", "| | |", "| --- | --- |", *map(_row, shown)]
    return "\n".join(lines)


def _is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


def _row(parameter: Any) -> str:
    words = [f"<{parameter.name}>"] if _is_argument(parameter) else [*parameter.opts, *parameter.secondary_opts]
    said = [" ".join((parameter.help or "").split()).replace("|", "\\|")]
    choices = _choices(parameter.type_descriptor.annotation)
    if choices:
        said.append(f"One of {', '.join(f'`{each}`' for each in choices)}.")
    default = parameter.default
    is_ours = isinstance(default, Path) and default.is_absolute()  # a file of the program, wherever it lies
    if isinstance(default, str | int | float | Path) and not isinstance(default, bool) and not is_ours:
        said.append(f"Default `{getattr(default, 'value', default)}`.")
    if parameter.required and not _is_argument(parameter):
        said.append("Required.")
    return f"| {', '.join(f'`{word}`' for word in words)} | {' '.join(each for each in said if each)} |"


def _choices(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(each.value) for each in annotation]
    return [each for each in get_args(annotation) if isinstance(each, str)]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
