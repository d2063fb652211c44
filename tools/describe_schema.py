"""`describe_schema`: what the caller may see, and how each column will appear to them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from tools.arguments import Arguments, checked
from tools.contract import JsonObject, Masked, MaskedSchema, Schema, Wanted

Name = Annotated[str, Field(min_length=1, max_length=255)]


class DescribeSchemaArguments(Arguments):
    """All optional; each narrows what is listed."""

    database: Name | None = None
    schema_: Annotated[Name | None, Field(alias="schema")] = None
    table: Name | None = None
    search: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    cursor: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None


class DescribeSchema:
    """Answers from the catalog snapshot; nothing runs in Snowflake."""

    name = "describe_schema"

    def ask(self, arguments: Mapping[str, Any]) -> Wanted:
        """The look at the catalog that these arguments ask for."""
        given = checked(DescribeSchemaArguments, arguments)
        return Schema(given.database, given.schema_, given.table, given.search, given.cursor)

    def answer(self, masked: Masked) -> JsonObject:
        """Tables with their columns, and the cursor of the next page."""
        assert isinstance(masked, MaskedSchema)  # noqa: S101 - a Schema is only ever answered by one
        return {"tables": list(masked.tables), "tables_total": masked.tables_total, "next_cursor": masked.next_cursor}
