"""The command by which a change is taken back: time travel, UNDROP, or DROP of what was made.

Source: https://docs.snowflake.com/en/user-guide/data-time-travel
"""

from typing import assert_never

from policy.names import TableName
from policy.statement import AddColumn, Create, Drop, DropColumn, PutBack, TableChange, Truncate, Undrop
from policy.table_changes import MOMENT, STATEMENT_ID, written


def undo_command(target: TableName, query_id: str, change: TableChange | None = None) -> str | None:
    """SQL that takes back what the statement `query_id` did to `target`: `change`, or a change of rows.

    What was changed in the table afterwards is lost with it. None where one command cannot do it, and for what is no
    query id of Snowflake's.
    """
    if not STATEMENT_ID.match(query_id):
        return None
    return _undo(target, change, f"BEFORE (STATEMENT => '{query_id}')")


def prepared_undo(target: TableName, change: TableChange, moment: str) -> str | None:
    """The same, known before the statement runs: `moment` is Snowflake's time then, `2026-01-31 12:00:00.000 +0000`."""
    if not MOMENT.match(moment):
        return None
    return _undo(target, change, f"AT (TIMESTAMP => '{moment}'::TIMESTAMP_TZ)")


def _undo(target: TableName, change: TableChange | None, moment: str) -> str | None:
    match change:
        case None | Truncate() | DropColumn():
            return _sql(target, PutBack(moment))
        case AddColumn(name):
            return _sql(target, DropColumn(name))
        case Create() | Undrop():
            return _sql(target, Drop())
        case Drop():
            return _sql(target, Undrop())
        case PutBack():
            return None  # the table that it replaced is a dropped one, behind a name that is taken
        case _:
            assert_never(change)


def _sql(target: TableName, change: TableChange) -> str:
    before, after = written(change, target.quoted)
    return f"{before}{target.quoted}{after}"
