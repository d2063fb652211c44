"""Snowflake's own history of what ran, as the gate's session may see it: by everybody on the warehouses it operates.

Sources: Snowflake, "QUERY_HISTORY, QUERY_HISTORY_BY_*": seven days, at most 10,000 statements, without delay; "Account
Usage: ACCESS_HISTORY view": a year, three hours late, Enterprise Edition.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.fields import Facts
from server.config import SettingsError
from server.pool import Kind, SessionPool
from server.refusals import Refusal
from server.spelling import quoted
from server.warehouse import Order

HISTORY_ROWS_MAX = 10_000
HISTORY_TIMEOUT_S = 60
COLUMNS = ("QUERY_ID", "QUERY_TAG", "QUERY_TYPE", "USER_NAME", "ROLE_NAME", "EXECUTION_STATUS")
TAG = "snowgate_history"
CODE = frozenset({"function", "procedure"})
"""Domains of objects that are run and hold nothing, such as the function of a keyed mask."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One statement that Snowflake ran. `call_id` is the call that its tag names, empty if it names none."""

    query_id: str
    call_id: str
    kind: str
    user: str
    role: str
    status: str
    is_ours: bool
    """Its tag is one of the gate's: of a call, or of a look at the catalog, an effect, a history."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Ran":
        """The statement in a row of QUERY_HISTORY, whose names are in capitals."""
        tag = _tag(str(row.get("QUERY_TAG") or ""))
        ours = [value for name, value in tag.items() if name.startswith("snowgate")]
        return cls(
            str(row["QUERY_ID"]),
            str(tag.get("snowgate_call") or ""),
            str(row.get("QUERY_TYPE") or ""),
            str(row.get("USER_NAME") or ""),
            str(row.get("ROLE_NAME") or ""),
            str(row.get("EXECUTION_STATUS") or "").lower(),
            bool(ours),
        )


@dataclass(frozen=True, slots=True)
class Accessed:
    """What one statement has named and read: the full names of tables, views, stages and whatever else holds data."""

    query_id: str
    names: frozenset[str]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Accessed":
        """The row of ACCESS_HISTORY. What lies beneath a view that Snowflake opens itself is in another column.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: the row is none of that view.
        """
        objects = row["DIRECT_OBJECTS_ACCESSED"]
        listed: list[dict[str, Any]] = json.loads(objects or "[]") if isinstance(objects, str) else objects or []
        holding = [each for each in listed if str(each["objectDomain"]).casefold() not in CODE]
        return cls(str(row["QUERY_ID"]), frozenset(str(each["objectName"]) for each in holding))


@dataclass(frozen=True, slots=True)
class QueryHistory:
    """Asks in a session of the gate's own."""

    pool: SessionPool
    kind: Kind
    database: str

    async def recent(self) -> list[Ran]:
        """What ran lately, newest first.

        Raises:
            Refusal: Snowflake could not be asked.
        """
        asked = (
            f"SELECT {', '.join(COLUMNS)} FROM "  # noqa: S608  # constants, and a database of the settings
            f"TABLE({quoted(self.database)}.INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => {HISTORY_ROWS_MAX}))"
        )
        order = Order(asked, (), HISTORY_ROWS_MAX, HISTORY_TIMEOUT_S, json.dumps({TAG: ""}))
        async with self.pool.aside(self.kind) as session:
            rows = (await self.pool.in_thread(lambda: session.run(order), abandon=True)).rows
        return [Ran.of(dict(zip(COLUMNS, row, strict=True))) for row in rows]

    async def lookup(self, call_ids: Sequence[str]) -> Mapping[str, Facts]:
        """What became of these calls, as far as their tags are in the history; for `audit.reconciling`."""
        try:
            ran = await self.recent()
        except Refusal:
            return {}  # they are closed as unknown, and reconciling later still finds what ran
        wanted = set(call_ids)
        return {
            each.call_id: {"effect": each.status, "query_id": each.query_id} for each in ran if each.call_id in wanted
        }


def read_history(path: Path) -> list[dict[str, Any]]:
    """The rows of a view of SNOWFLAKE.ACCOUNT_USAGE that was exported as JSON lines or as CSV with a header.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows: Iterable[Mapping[str, Any]] = (
                csv.DictReader(file) if path.suffix.lower() == ".csv" else map(json.loads, filter(str.strip, file))
            )
            found = [{str(name).upper(): value for name, value in row.items()} for row in rows]
    except (OSError, ValueError, AttributeError) as error:
        raise SettingsError(f"no history can be read from {path}: {type(error).__name__}") from None
    if any("QUERY_ID" not in row for row in found):
        raise SettingsError(f"a row of {path} has no QUERY_ID")
    return found


def read_accesses(path: Path) -> list[Accessed]:
    """What statements have read, of an export of SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY.

    Raises:
        SettingsError: it cannot be read, or is one of another view.
    """
    try:
        return [Accessed.of(row) for row in read_history(path)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path} is no ACCESS_HISTORY: {type(error).__name__}") from None


def _tag(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
