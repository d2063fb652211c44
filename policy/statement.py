"""What a caller wants done, once it is understood: one SQL statement with its facts, or a look at the catalog."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from policy.names import TableName
from policy.tree import Tree


class Verb(StrEnum):
    """What a statement does, at the grain that rules are written in."""

    DESCRIBE = "describe"
    READ = "read"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    TRUNCATE = "truncate"
    CREATE = "create"
    ALTER = "alter"
    DROP = "drop"
    RESTORE = "restore"


WRITES = frozenset({Verb.INSERT, Verb.UPDATE, Verb.DELETE, Verb.MERGE})
"""What changes rows: it runs in a transaction, and a rule that says `write` means all of it."""

TABLE_CHANGES = frozenset({Verb.TRUNCATE, Verb.CREATE, Verb.ALTER, Verb.DROP, Verb.RESTORE})
"""What changes a table as a whole: Snowflake commits it at once, a rule must name it, and it is always held."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """Remove every row of the table."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make the table, empty; `columns` are name, type and whether NULL is allowed."""

    columns: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Add a column, NULL in every row."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class DropColumn:
    """Remove a column with its values."""

    name: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Remove the table."""


@dataclass(frozen=True, slots=True)
class Undrop:
    """Bring the table back that was dropped last under this name."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """Replace the table by what it was: `moment` is an AT or BEFORE clause."""

    moment: str


TableChange: TypeAlias = Truncate | Create | AddColumn | DropColumn | Drop | Undrop | PutBack


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal of the caller's text: its SQL kind (`string`, `number`) and its value as written."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """One understood SQL statement.

    `reads` are the tables and views that it names as sources (not through views), `target` the one that it changes.
    `skeleton` is the canonical text with every literal replaced by `?`, fit for a journal; `literals` are what was
    taken out, in order. `digest` identifies the canonical text. `tree` is resolved and belongs to policy alone.
    """

    verb: Verb
    reads: frozenset[TableName]
    target: TableName | None
    functions: frozenset[str]
    binds: int
    skeleton: str
    literals: tuple[Literal, ...]
    digest: str
    tree: Tree = field(repr=False, compare=False)
    change: "TableChange | None" = None


@dataclass(frozen=True, slots=True)
class SchemaRequest:
    """A look at the catalog, narrowed by names (as the caller wrote them) and a search text; `cursor` continues."""

    database: str | None = None
    schema: str | None = None
    table: str | None = None
    search: str | None = None
    cursor: str | None = None


class HoldsAct(StrEnum):
    """What can be done with holds."""

    LIST = "list"
    SHOW = "show"
    DECIDE = "decide"
    CHECK = "check"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class HoldsRequest:
    """A look at holds, or a word on one: on others' (list, show, decide) or on one's own (check, withdraw)."""

    act: HoldsAct
    hold_id: str | None = None


Statement: TypeAlias = SqlStatement | SchemaRequest | HoldsRequest
