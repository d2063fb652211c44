"""Snowflake's identifiers: case folding, quoting and three-part table names.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
"""

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*\Z")


def fold(identifier: str, *, quoted: bool) -> str:
    """The name that Snowflake stores: as it is when quoted, else in upper case."""
    return identifier if quoted else identifier.upper()


def quote(name: str) -> str:
    """`name` as a double-quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def display(name: str) -> str:
    """`name` as a person would write it: quoted only where it must be."""
    return name if _PLAIN.match(name) else quote(name)


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A fully qualified table or view, each part as Snowflake stores it."""

    database: str
    schema: str
    name: str

    @property
    def parts(self) -> tuple[str, str, str]:
        """Its three parts."""
        return self.database, self.schema, self.name

    @property
    def quoted(self) -> str:
        """It as SQL: three quoted parts, which mean the same whatever the session's defaults are."""
        return ".".join(map(quote, self.parts))

    def __str__(self) -> str:
        return f"{display(self.database)}.{display(self.schema)}.{display(self.name)}"
