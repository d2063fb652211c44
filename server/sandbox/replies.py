"""What the look-alike answers: Snowflake's JSON envelope for successes, small results and errors.

Shapes are those that connector 5.2.0 reads. Errors travel with HTTP status 200: the driver takes a 500 for a passing
fault and sends the statement again, up to six times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TEXT_LENGTH_MAX = 16_777_216


class SnowflakeError(Exception):
    """An error that Snowflake itself would answer: six-digit `code`, five-character `sqlstate`, and a text."""

    def __init__(self, code: str, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.sqlstate = sqlstate
        self.message = message


def unsupported(what: str) -> SnowflakeError:
    """What is valid on Snowflake and missing here."""
    return SnowflakeError("000002", "0A000", f"Unsupported feature '{what}'.")


def not_found(what: str) -> SnowflakeError:
    """What is missing, or hidden from the role: Snowflake answers both alike."""
    return SnowflakeError("002003", "02000", f"SQL compilation error:\n{what} does not exist or not authorized.")


def no_privilege(what: str) -> SnowflakeError:
    """What the role has no GRANT for."""
    return SnowflakeError("003001", "42501", f"SQL access control error:\nInsufficient privileges to operate on {what}")


def cancelled() -> SnowflakeError:
    """Somebody stopped the statement; the session stays usable."""
    return SnowflakeError("000604", "57014", "SQL execution canceled")


def timed_out(after_s: float) -> SnowflakeError:
    """The statement ran longer than STATEMENT_TIMEOUT_IN_SECONDS."""
    return SnowflakeError(
        "000630",
        "57014",
        f"Statement reached its statement or warehouse timeout of {after_s:g} second(s) and was canceled.",
    )


def session_gone() -> SnowflakeError:
    """The session was closed or aborted, or never was."""
    return SnowflakeError("390111", "08001", "Session no longer exists. New login required to access the service.")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a small result: `kind` is `text`, `fixed` (NUMBER(38,0)) or `boolean`."""

    name: str
    kind: str = "text"


def success(data: Any = None) -> dict[str, Any]:
    """Return the envelope of a success."""
    return {"data": data, "code": None, "message": None, "success": True}


def failure(error: SnowflakeError, query_id: str | None = None) -> dict[str, Any]:
    """Return the envelope of an error, of a statement or of a session."""
    return {
        "data": {"errorCode": error.code, "sqlState": error.sqlstate, "queryId": query_id},
        "code": error.code,
        "message": error.message,
        "success": False,
        "headers": None,
    }


def table(query_id: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return a small result with its rows as JSON; NULL is None, everything else becomes text on the wire."""
    return success(
        {
            "queryId": query_id,
            "queryResultFormat": "json",
            "rowtype": [_row_type(column) for column in columns],
            "rowset": [[None if value is None else str(value) for value in row] for row in rows],
            "total": len(rows),
            "returned": len(rows),
            "statementTypeId": 0x1000,
            "parameters": [],
        }
    )


def status(query_id: str, text: str = "Statement executed successfully.") -> dict[str, Any]:
    """Return the one-row result by which Snowflake confirms a statement that has no result of its own."""
    return table(query_id, [Column("status")], [[text]])


def _row_type(column: Column) -> dict[str, Any]:
    is_text, is_number = column.kind == "text", column.kind == "fixed"
    return {
        "name": column.name,
        "database": "",
        "schema": "",
        "table": "",
        "nullable": True,
        "type": column.kind,
        "length": TEXT_LENGTH_MAX if is_text else None,
        "byteLength": TEXT_LENGTH_MAX if is_text else None,
        "precision": 38 if is_number else None,
        "scale": 0 if is_number else None,
        "collation": None,
    }
