"""What every command shares: where settings come from, and how a failure looks."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

EnvFile = Annotated[
    Path | None, typer.Option("--env-file", help="A file of SNOWGATE_... settings; the environment wins over it.")
]


class CommandFailed(Exception):
    """A command was refused by what it asked; `code` and `hint` are the refusal's own."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def known() -> tuple[type[Exception], ...]:
    """The failures that are told and not raised; what defines them is loaded once something has failed."""
    from server.cli.failures import FAILURES

    return (CommandFailed, *FAILURES)


@contextmanager
def failing_cleanly() -> Generator[None]:
    """Turn a known failure into its code, its message and exit status 2; Ctrl-C is a normal end."""
    try:
        yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except known() as error:
        _say(error)
        raise typer.Exit(2) from None
    except BaseExceptionGroup as group:
        ours, rest = group.split(known())
        if rest is not None or ours is None:
            raise
        _say(_first(ours))
        raise typer.Exit(2) from None


def _say(error: BaseException) -> None:
    console = Console(stderr=True)
    code, hint = getattr(error, "code", type(error).__name__), getattr(error, "hint", None)
    console.print(Text(str(code), style="bold red"), Text(str(error)))
    if hint:
        console.print(Text("hint:", style="bold"), Text(str(hint)))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
