"""What really reached the look-alike: every statement as it arrived, who sent it, and how it ended.

JSON lines, two per statement (when it arrives and when it ends), so that a statement cut short by a crash shows too.
Tests read it to see what the gate sent, as an administrator would read Snowflake's QUERY_HISTORY.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from server.sandbox.replies import Column, SnowflakeError, table

QueryStatus = Literal["RUNNING", "SUCCESS", "FAILED_WITH_ERROR"]


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """One statement: `sql` and `binds` as they arrived; times are seconds since 1970; `error_code` is Snowflake's."""

    query_id: str
    user: str
    role: str
    warehouse: str
    session_id: int
    sql: str
    binds: int
    tag: str
    started_at: float
    status: QueryStatus = "RUNNING"
    ended_at: float | None = None
    error_code: str | None = None


class QueryLog:
    """Appends to one file of mode 0600."""

    def __init__(self, file: Path) -> None:
        file.touch(mode=0o600, exist_ok=True)
        self._file = file.open("a", encoding="utf-8", buffering=1)

    def write(self, record: QueryRecord) -> None:
        """Append the record; it is in the file when this returns."""
        self._file.write(json.dumps(asdict(record)) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def show(records: Sequence[QueryRecord], columns: Sequence[str], query_id: str) -> dict[str, Any]:
    """Return the reply of QUERY_HISTORY_BY_SESSION with these columns; raises SnowflakeError for one it has not."""
    unknown = next((name for name in columns if name not in _SHOWN), None)
    if unknown is not None:
        raise SnowflakeError("000904", "42000", f"SQL compilation error:\ninvalid identifier '{unknown}'")
    return table(query_id, [Column(name) for name in columns], [[_SHOWN[name](r) for name in columns] for r in records])


def _type_of(record: QueryRecord) -> str:
    first = record.sql.split(maxsplit=1)[0].upper().rstrip(";") if record.sql.strip() else ""
    return {"BEGIN": "BEGIN_TRANSACTION"}.get(first, first)


_SHOWN: dict[str, Callable[[QueryRecord], Any]] = {
    "QUERY_ID": lambda record: record.query_id,
    "QUERY_TEXT": lambda record: record.sql,
    "QUERY_TYPE": _type_of,
    "QUERY_TAG": lambda record: record.tag,
    "SESSION_ID": lambda record: record.session_id,
    "USER_NAME": lambda record: record.user,
    "ROLE_NAME": lambda record: record.role,
    "EXECUTION_STATUS": lambda record: record.status,
    "ERROR_CODE": lambda record: record.error_code,
}


def read_queries(file: Path) -> list[QueryRecord]:
    """Return all statements in order of arrival, each with the last that is known of it."""
    records: dict[str, QueryRecord] = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            record = QueryRecord(**json.loads(line))
            records[record.query_id] = record
    return list(records.values())
