"""Statements about the account rather than about data, which the look-alike answers itself.

Each is recognised by its text as a whole and becomes a value of a type of its own; anything else is for fakesnow.
Sources: Snowflake, "SYSTEM$ABORT_SESSION", "SYSTEM$CANCEL_ALL_QUERIES", "SYSTEM$CANCEL_QUERY", "SYSTEM$WAIT",
"QUERY_HISTORY_BY_SESSION", "RESULT_SCAN", "SHOW GRANTS", "SHOW WAREHOUSES", "SHOW PRIMARY KEYS", "SHOW IMPORTED KEYS",
"USE WAREHOUSE", "USE ROLE", "USE SECONDARY ROLES", "ALTER SESSION".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from server.sandbox import tagging, user_statements
from server.sandbox.names import NAME, stored
from server.sandbox.past import Moment, Name, seconds
from server.sandbox.replies import SnowflakeError
from server.sandbox.tagging import AskedTags, Tagging
from server.sandbox.user_statements import UserStatement


@dataclass(frozen=True, slots=True)
class AbortSession:
    """End a session and whatever runs in it."""

    session_id: int


@dataclass(frozen=True, slots=True)
class CancelSession:
    """Stop whatever runs in a session; the session lives on."""

    session_id: int


@dataclass(frozen=True, slots=True)
class CancelQuery:
    """Stop one statement."""

    query_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while; can be cancelled as any statement."""

    seconds: float


@dataclass(frozen=True, slots=True)
class UseWarehouse:
    """Change the session's warehouse."""

    name: str


@dataclass(frozen=True, slots=True)
class UseRole:
    """Change the session's role; without a name, take secondary roles besides."""

    name: str | None


@dataclass(frozen=True, slots=True)
class ShowPrivileges:
    """SHOW GRANTS TO ROLE."""

    role: str


@dataclass(frozen=True, slots=True)
class ShowWarehouse:
    """SHOW WAREHOUSES LIKE one name."""

    name: str


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Show an earlier statement's result again; without an id, that of the session's last statement."""

    query_id: str | None


@dataclass(frozen=True, slots=True)
class SetParameters:
    """Change parameters of the session."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class History:
    """What ran, newest first: in one session as QUERY_HISTORY_BY_SESSION shows it, or in all as QUERY_HISTORY does.

    It is everything by oneself, and by all others on a warehouse that one's role operates.
    """

    columns: tuple[str, ...]
    session_id: int | None
    rows_max: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """Accepted because it changes nothing here, such as USE SECONDARY ROLES NONE."""


@dataclass(frozen=True, slots=True)
class ShowKeys:
    """List primary or foreign keys; `scope` is empty (everything), or database, schema and table as far as given."""

    kind: Literal["PRIMARY", "IMPORTED"]
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BringBack:
    """UNDROP a table, or put it back to what it was at `moment` (CREATE OR REPLACE ... CLONE of itself)."""

    table: Name
    moment: Moment | None


AdminStatement: TypeAlias = (
    AbortSession
    | CancelSession
    | CancelQuery
    | Wait
    | UseWarehouse
    | UseRole
    | ScanResult
    | ShowPrivileges
    | ShowWarehouse
    | SetParameters
    | History
    | Nothing
    | ShowKeys
    | BringBack
    | Tagging
    | AskedTags
    | UserStatement
)

_SYSTEM = re.compile(
    r"(?:SELECT|CALL)\s+SYSTEM\$(\w+)\s*\(\s*(.*?)\s*\)(?:\s+AS\s+" + NAME + r")?", re.IGNORECASE | re.DOTALL
)
_ALTER_SESSION = re.compile(r"ALTER\s+SESSION\s+SET\s+(.*)", re.IGNORECASE | re.DOTALL)
_ASSIGNMENT = re.compile(r"(\w+)\s*=\s*('(?:[^']|'')*'|[\w.]+)\s*,?\s*")
_USE_WAREHOUSE = re.compile(rf"USE\s+WAREHOUSE\s+({NAME})", re.IGNORECASE)
_USE_ROLE = re.compile(rf"USE\s+(?:ROLE\s+({NAME})|SECONDARY\s+ROLES\s+(?:ALL|(?!NONE\b){NAME}.*))", re.IGNORECASE)
_SHOW_PRIVILEGES = re.compile(rf"SHOW\s+GRANTS\s+TO\s+ROLE\s+({NAME})", re.IGNORECASE)
_SHOW_WAREHOUSE = re.compile(r"SHOW\s+WAREHOUSES\s+LIKE\s+'([^'%]+)'", re.IGNORECASE)
_SCAN = re.compile(
    r"SELECT\s+\*\s+FROM\s+TABLE\s*\(\s*RESULT_SCAN\s*\(\s*(?:'([\w-]+)'|LAST_QUERY_ID\s*\(\s*\))\s*\)\s*\)",
    re.IGNORECASE,
)
_USE_SECONDARY = re.compile(r"USE\s+SECONDARY\s+ROLES\s+NONE", re.IGNORECASE)
_HISTORY = re.compile(
    rf"SELECT\s+(\w+(?:\s*,\s*\w+)*)\s+FROM\s+TABLE\s*\(\s*{NAME}\s*\.\s*INFORMATION_SCHEMA\s*\.\s*"
    r"QUERY_HISTORY(?:_BY_SESSION\s*\(\s*SESSION_ID\s*=>\s*(\d+)\s*,?|\s*\()"
    r"\s*(?:RESULT_LIMIT\s*=>\s*(\d+)\s*)?\)\s*\)",
    re.IGNORECASE,
)
_SHOW_KEYS = re.compile(
    rf"SHOW\s+(?:TERSE\s+)?(PRIMARY|IMPORTED)\s+KEYS"
    rf"(?:\s+IN\s+(?:ACCOUNT|(?:DATABASE|SCHEMA|TABLE)?\s*({NAME}(?:\s*\.\s*{NAME}){{0,2}})))?",
    re.IGNORECASE,
)
_TABLE = rf"({NAME}\s*\.\s*{NAME}\s*\.\s*{NAME})"
_UNDROP = re.compile(rf"UNDROP\s+TABLE\s+{_TABLE}", re.IGNORECASE)
_PUT_BACK = re.compile(
    rf"CREATE\s+OR\s+REPLACE\s+TABLE\s+{_TABLE}\s+CLONE\s+{_TABLE}\s+(?:BEFORE\s*\(\s*STATEMENT\s*=>\s*'([^']+)'\s*\)|"
    r"AT\s*\(\s*TIMESTAMP\s*=>\s*'([^']+)'::TIMESTAMP_TZ\s*\))(?:\s+COPY\s+GRANTS)?",
    re.IGNORECASE,
)


def recognise(sql: str, binds: Mapping[str, Any] | None) -> AdminStatement | None:
    """Return what an administrative statement asks for, None if it is for fakesnow.

    Raises SnowflakeError 002140 for a SYSTEM$ function that does not exist here, 001003 for arguments it cannot have.
    """
    text = sql.strip().rstrip(";").strip()
    for pattern, reader in _READERS:
        if found := pattern.fullmatch(text):
            return reader(found, binds or {})
    return tagging.recognise(text) or tagging.asked_tags(text) or user_statements.recognise(text)


def _system(found: re.Match[str], binds: Mapping[str, Any]) -> AdminStatement:
    name, argument = found[1].upper(), _argument(found[2], binds)
    try:
        return _SYSTEM_FUNCTIONS[name](argument)
    except KeyError:
        raise SnowflakeError("002140", "42601", f"SQL compilation error:\nUnknown function SYSTEM${name}") from None
    except ValueError:
        raise SnowflakeError("001003", "42000", f"SQL compilation error:\ninvalid argument for SYSTEM${name}") from None


def _argument(text: str, binds: Mapping[str, Any]) -> str:
    if text == "?":
        return str(binds.get("1", {}).get("value", ""))
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


def _set_parameters(found: re.Match[str], _: Mapping[str, Any]) -> AdminStatement | None:
    assignments = _ASSIGNMENT.findall(found[1])
    values = {name.upper(): value.strip("'").replace("''", "'") for name, value in assignments}
    # Transactions are fakesnow's, so is their parameter.
    return None if "AUTOCOMMIT" in values else SetParameters(values)


def _history(found: re.Match[str], _: Mapping[str, Any]) -> History:
    return History(
        tuple(re.split(r"\s*,\s*", found[1].upper())), int(found[2]) if found[2] else None, int(found[3] or 100)
    )


def _show_keys(found: re.Match[str], _: Mapping[str, Any]) -> ShowKeys:
    scope = tuple(stored(part) for part in re.findall(NAME, found[2] or ""))
    return ShowKeys("PRIMARY" if found[1].upper() == "PRIMARY" else "IMPORTED", scope)


def _put_back(found: re.Match[str], _: Mapping[str, Any]) -> BringBack | None:
    table = _table(found[1])
    moment = Moment(query_id=found[3]) if found[3] else Moment(at=seconds(found[4]))
    return BringBack(table, moment) if table == _table(found[2]) else None


def _table(text: str) -> Name:
    return Name(*(stored(part).upper() for part in re.findall(NAME, text)))


_SYSTEM_FUNCTIONS: dict[str, Callable[[str], AdminStatement]] = {
    "ABORT_SESSION": lambda argument: AbortSession(int(argument)),
    "CANCEL_ALL_QUERIES": lambda argument: CancelSession(int(argument)),
    "CANCEL_QUERY": CancelQuery,
    "WAIT": lambda argument: Wait(float(argument.partition(",")[0])),
}

_READERS: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str], Mapping[str, Any]], AdminStatement | None]]] = (
    (_SYSTEM, _system),
    (_ALTER_SESSION, _set_parameters),
    (_USE_WAREHOUSE, lambda found, _: UseWarehouse(stored(found[1]))),
    (_USE_ROLE, lambda found, _: UseRole(stored(found[1]) if found[1] else None)),
    (_SHOW_PRIVILEGES, lambda found, _: ShowPrivileges(stored(found[1]))),
    (_SHOW_WAREHOUSE, lambda found, _: ShowWarehouse(found[1].upper())),
    (_SCAN, lambda found, _: ScanResult(found[1])),
    (_USE_SECONDARY, lambda found, _: Nothing()),
    (_HISTORY, _history),
    (_SHOW_KEYS, _show_keys),
    (_UNDROP, lambda found, _: BringBack(_table(found[1]), None)),
    (_PUT_BACK, _put_back),
)
