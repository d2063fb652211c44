"""What really reached the look-alike: every statement as it arrived, who sent it, and how it ended.

JSON lines, two per statement (when it arrives and when it ends), so that a statement cut short by a crash shows too.
Tests read it to see what the gate sent, as an administrator would read Snowflake's QUERY_HISTORY.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

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


def read_queries(file: Path) -> list[QueryRecord]:
    """Return all statements in order of arrival, each with the last that is known of it."""
    records: dict[str, QueryRecord] = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            record = QueryRecord(**json.loads(line))
            records[record.query_id] = record
    return list(records.values())
