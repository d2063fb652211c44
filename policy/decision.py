"""What the engine can say about a statement, and the obligations that a permit carries.

Effect is what a rule says; decision is what the engine says. Forbid beats hold beats permit, and silence denies.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, TypeAlias

from policy.catalog import ForeignKey, TableKind
from policy.detectors import Detector
from policy.names import TableName
from policy.refusal import PolicyCode
from policy.statement import HoldsAct, Verb

RuleId = NewType("RuleId", str)


class Effect(StrEnum):
    """What a rule that applies asks for."""

    PERMIT = "permit"
    HOLD = "hold"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True)
class MaskColumn:
    """Obligation: wherever this column is referenced, the caller meets the mask. `how` names the mask for people."""

    table: TableName
    column: str
    how: str


@dataclass(frozen=True, slots=True)
class FilterRows:
    """Obligation: the caller meets only the rows of `table` that the row filter `filter_id` keeps."""

    table: TableName
    filter_id: str


@dataclass(frozen=True, slots=True)
class LimitRows:
    """Obligation: at most `rows_max` rows leave."""

    rows_max: int


@dataclass(frozen=True, slots=True)
class ScanContent:
    """Obligation: what looks like one of `detectors` in a value that leaves is redacted."""

    detectors: frozenset[Detector]


@dataclass(frozen=True, slots=True)
class CountAnswer:
    """Obligation: before anything runs, `answers` are taken from the `per_day` that the budget `budget_id` has.

    `is_shared`: all whom the budget means have it together, and not each of them one of their own.
    """

    budget_id: str
    answers: int
    per_day: int
    is_shared: bool


@dataclass(frozen=True, slots=True)
class PadAnswer:
    """Obligation: whatever the call ends with leaves at a multiple of `to_ms` milliseconds after it began."""

    to_ms: int


Obligation: TypeAlias = MaskColumn | FilterRows | LimitRows | ScanContent | CountAnswer | PadAnswer


@dataclass(frozen=True, slots=True)
class RunSql:
    """The action of a permitted SQL statement: exactly `sql` runs, as `role` on `warehouse`, within its limits.

    `sql` is printed from the judged tree; the caller's own text never runs. `beneath` are the tables and views that it
    reads and that the caller has not named: a view is read where what it reads is protected.
    """

    sql: str
    verb: Verb
    role: str
    warehouse: str
    rows_max: int
    statement_timeout_s: int
    beneath: frozenset[TableName] = frozenset()


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column as one caller meets it; `appears` is `clear` or `masked: <how>`."""

    name: str
    type: str
    nullable: bool
    comment: str
    appears: str


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as one caller meets it: the ids of row filters that apply to them, and budgets that it may draw on."""

    name: TableName
    kind: TableKind
    comment: str
    columns: tuple[ColumnView, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    row_filters: tuple[str, ...]
    writable: bool
    budgets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadCatalog:
    """The action of a permitted look at the catalog: one page of what the caller may see, in name order."""

    tables: tuple[TableView, ...]
    tables_total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UseHolds:
    """The action of a permitted use of the holds; on which of them is for the holds to say."""

    act: HoldsAct


Action: TypeAlias = RunSql | ReadCatalog | UseHolds


@dataclass(frozen=True, slots=True)
class Permit:
    """`action` may run; its obligations are already part of it."""

    determining: frozenset[RuleId]
    action: Action
    obligations: frozenset[Obligation] = frozenset()

    @property
    def padded_ms(self) -> int:
        """Of how many milliseconds the time that its answer takes is a multiple; 0 if of none."""
        return max((each.to_ms for each in self.obligations if isinstance(each, PadAnswer)), default=0)


@dataclass(frozen=True, slots=True)
class Hold:
    """`then` may run once a person has approved it."""

    determining: frozenset[RuleId]
    then: Permit


@dataclass(frozen=True, slots=True)
class Deny:
    """The statement must not run. No determining rule means that nothing permitted it.

    `place` is the number, in the statement's order, of the reference to a table that is the reason, if one is.
    """

    determining: frozenset[RuleId]
    code: PolicyCode
    message: str
    hint: str
    place: int | None = None


Decision: TypeAlias = Permit | Hold | Deny
