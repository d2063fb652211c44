"""`request_write`: one change that a person must confirm before it runs."""

from collections.abc import Mapping
from typing import Any

from tools.arguments import Arguments, checked
from tools.contract import JsonObject, Masked, MaskedRows, Sql, Wanted
from tools.run_query import Parameters, Reason, SqlText


class RequestWriteArguments(Arguments):
    """A statement, why it is wanted, and its bind values."""

    sql: SqlText
    reason: Reason
    parameters: Parameters


class RequestWrite:
    """One INSERT, UPDATE, DELETE or MERGE, held, confirmed and run in a transaction."""

    name = "request_write"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """The change that these arguments ask for."""
        given = checked(RequestWriteArguments, arguments)
        return Sql(given.sql, tuple(given.parameters), given.reason, is_write=True)

    def answer(self, masked: Masked) -> JsonObject:
        """What the change did."""
        assert isinstance(masked, MaskedRows)  # noqa: S101 - a Sql is only ever answered by one
        return {
            "status": "executed",
            "rows_affected": masked.rows_affected,
            "query_id": masked.query_id,
            "undo": masked.undo,
            "notes": list(masked.notes),
        }
