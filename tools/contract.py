"""What every tool is: a name, a question and an answer. No tool holds a connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object as it goes on the wire; the values are already JSON's own types."""

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Sql:
    """One SQL statement that the agent wants run. `is_write` says which door it came through.

    `hold_id` is set where it was asked for before and is followed now.
    """

    text: str
    parameters: tuple[Scalar, ...]
    reason: str
    is_write: bool
    rows_max: int | None = None
    hold_id: str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A look at the catalog."""

    database: str | None = None
    schema: str | None = None
    table: str | None = None
    search: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Holds:
    """A use of the holds: `act` is list, show or decide (others' requests), check, withdraw or undo (one's own).

    `call_id` is the call whose change is to be undone.
    """

    act: Literal["list", "show", "decide", "check", "withdraw", "undo"]
    hold_id: str | None = None
    verdict: Literal["approve", "deny"] | None = None
    reason: str = ""
    is_break_glass: bool = False
    cursor: str | None = None
    call_id: str | None = None


Wanted: TypeAlias = Sql | Schema | Holds


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of an answer; `type` is Snowflake's own, such as `NUMBER(38,2)`."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class MaskedRows:
    """Rows that kept every obligation of their permit; only the line's mask step makes one.

    `notes` says in words what was masked or filtered. `rows_affected` is set for a write, and
    `undo`, the command that takes it back, where there is one.
    """

    columns: Sequence[ResultColumn]
    rows: Sequence[Sequence[Any]]
    truncated: bool
    query_id: str
    notes: Sequence[str]
    rows_affected: int | None = None
    undo: str | None = None


@dataclass(frozen=True, slots=True)
class MaskedSchema:
    """One page of the catalog as the caller may see it."""

    tables: Sequence[JsonObject]
    tables_total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class MaskedHolds:
    """What the caller may know of holds, as JSON."""

    content: JsonObject


Masked: TypeAlias = MaskedRows | MaskedSchema | MaskedHolds


class BadArguments(Exception):
    """Arguments that the tool cannot take. The message names fields, never their values."""

    code = "invalid_arguments"
    retryable = False

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Tool(Protocol):
    """Arguments to what is wanted; masked rows to an answer."""

    @property
    def name(self) -> str:
        """The tool's name, as agents call it."""
        ...

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """What these arguments ask for.

        Raises:
            BadArguments: an argument is unknown, missing or of the wrong type.
        """
        ...

    def answer(self, masked: Masked) -> JsonObject:
        """The structured answer for the agent."""
        ...
