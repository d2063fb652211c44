"""What every command shares: where settings come from, and how a failure looks."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from audit.erasing import ErasureRefused
from audit.note import BadKey
from audit.reading import Tampered
from audit.retention import RetentionRefused
from audit.unavailable import JournalUnavailable
from policy.document import PolicyDocumentError
from policy.refusal import PolicyRefusal
from server.cli.client_configs import NoSuchConfiguration
from server.config import SettingsError
from server.database import NoDatabase
from server.refusals import Refusal
from server.sandbox.postgres import PostgresNotStarted
from server.sandbox.state import SandboxError
from server.shipping import Undelivered
from tools.manifest import ManifestMismatch

EnvFile = Annotated[
    Path | None, typer.Option("--env-file", help="A file of SNOWGATE_... settings; the environment wins over it.")
]


class CommandFailed(Exception):
    """A command was refused by what it asked; `code` and `hint` are the refusal's own."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


KNOWN = (
    BadKey,
    CommandFailed,
    JournalUnavailable,
    ManifestMismatch,
    NoDatabase,
    NoSuchConfiguration,
    PolicyDocumentError,
    PolicyRefusal,
    Refusal,
    ErasureRefused,
    Undelivered,
    RetentionRefused,
    Tampered,
    PostgresNotStarted,
    SandboxError,
    SettingsError,
)


@contextmanager
def failing_cleanly() -> Generator[None]:
    """Turn a known failure into its code, its message and exit status 2; Ctrl-C is a normal end."""
    try:
        yield
    except KNOWN as error:
        _say(error)
        raise typer.Exit(2) from None
    except BaseExceptionGroup as group:
        known, rest = group.split(KNOWN)
        if rest is not None or known is None:
            raise
        _say(_first(known))
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _say(error: BaseException) -> None:
    console = Console(stderr=True)
    code, hint = getattr(error, "code", type(error).__name__), getattr(error, "hint", None)
    console.print(Text(str(code), style="bold red"), Text(str(error)))
    if hint:
        console.print(Text("hint:", style="bold"), Text(str(hint)))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
