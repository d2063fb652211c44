"""What a change of a whole table would do, as questions: reads of the table as it is, and as it was."""

from collections.abc import Callable
from typing import assert_never

from policy.catalog import Table
from policy.names import TableName, quote
from policy.probes import SAMPLE_COLUMNS_MAX, SAMPLE_ROWS_MAX, UNMEASURABLE, Cell, Counting, Probe, Probes, Sampling
from policy.refusal import PolicyRefusal
from policy.statement import (
    AddColumn,
    Create,
    Drop,
    DropColumn,
    PutBack,
    SqlStatement,
    TableChange,
    Truncate,
    Undrop,
    Verb,
)

_NOTHING = Probes((), {}, None)


def probes_of_change(
    change: TableChange, name: TableName, table: Table | None, judge: Callable[[str], SqlStatement]
) -> Probes:
    """The probes of `change` on the table `name`; `judge` understands their text. Raises nothing."""
    if isinstance(change, Create | AddColumn | Undrop):
        return _NOTHING  # nothing that is there is touched
    if table is None:
        return UNMEASURABLE

    def counting(what: str, moment: str, verb: Verb) -> Counting:
        sql = f"SELECT COUNT({what}) AS N FROM {name.quoted}{moment}"  # noqa: S608 - quoted names and an understood moment
        return Counting(Probe(judge(sql), ()), (verb,))

    try:
        match change:
            case Truncate() | Drop():
                counts = [counting("*", "", Verb.DELETE)]
            case DropColumn(column):
                counts = [counting(quote(column), "", Verb.ALTER)]
            case PutBack(moment):
                counts = [counting("*", "", Verb.DELETE), counting("*", f" {moment}", Verb.INSERT)]
            case _:
                assert_never(change)
        return Probes(
            tuple(counts), {}, None if isinstance(change, DropColumn) else _sampling(name.quoted, table, judge)
        )
    except PolicyRefusal:
        return UNMEASURABLE


def _sampling(full: str, table: Table, judge: Callable[[str], SqlStatement]) -> Sampling | None:
    """Some rows as they are now."""
    others = [column.name for column in table.columns if column.name not in table.primary_key]
    names = [*table.primary_key, *others][:SAMPLE_COLUMNS_MAX]
    shown = ", ".join(f"{quote(name)} AS C{n}" for n, name in enumerate(names))
    try:
        probe = Probe(judge(f"SELECT {shown} FROM {full} LIMIT {SAMPLE_ROWS_MAX}"), ())  # noqa: S608 - quoted names
    except PolicyRefusal:
        return None
    return Sampling(probe, tuple(Cell(name, "before", frozenset({name}), is_foreign=False) for name in names))
