"""`run_query`: one read that the agent wrote itself."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from tools.arguments import Arguments, checked
from tools.contract import JsonObject, Masked, MaskedRows, Sql, Wanted

SQL_LENGTH_MAX = 2_000_000
"""Characters of SQL that are looked at at all; policy sets a lower bound with a clearer answer."""

SqlText = Annotated[str, Field(max_length=SQL_LENGTH_MAX)]
Reason = Annotated[str, Field(min_length=3, max_length=1_000)]
# NaN and infinities are no JSON: the inputs that the journal keeps of a decision could not spell them.
Parameters = Annotated[list[str | int | FiniteFloat | bool | None], Field(default_factory=list, max_length=1_000)]


class RunQueryArguments(Arguments):
    """A statement, why it is wanted, its bind values and how many rows are enough."""

    sql: SqlText
    purpose: Reason
    parameters: Parameters
    rows_max: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class RunQuery:
    """One SELECT, answered with typed columns and rows."""

    name = "run_query"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """The read that these arguments ask for."""
        given = checked(RunQueryArguments, arguments)
        return Sql(given.sql, tuple(given.parameters), given.purpose, is_write=False, rows_max=given.rows_max)

    def answer(self, masked: Masked) -> JsonObject:
        """Columns, rows, and what was kept from the reader."""
        assert isinstance(masked, MaskedRows)  # noqa: S101 - a Sql is only ever answered by one
        return {
            "columns": [{"name": c.name, "type": c.type, "nullable": c.nullable} for c in masked.columns],
            "rows": masked.rows,
            "row_count": len(masked.rows),
            "truncated": masked.truncated,
            "query_id": masked.query_id,
            "notes": list(masked.notes),
        }
