"""Statements about users: made, altered and dropped as an administrator, or a broker of short-lived credentials, does.

Each is recognised by its text as a whole. Sources: Snowflake, "ALTER USER ... ADD PROGRAMMATIC ACCESS TOKEN (PAT)",
"ALTER USER ... REMOVE PROGRAMMATIC ACCESS TOKEN (PAT)", "SHOW USER PROGRAMMATIC ACCESS TOKENS", "CREATE USER",
"ALTER USER", "DROP USER", "GRANT ROLE".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
_TEXT = r"'(?:[^']|'')*'"
_PAT = r"(?:PROGRAMMATIC\s+ACCESS\s+TOKEN|PAT)"


@dataclass(frozen=True, slots=True)
class AddToken:
    """ALTER USER ... ADD PROGRAMMATIC ACCESS TOKEN."""

    user: str
    name: str
    role: str
    days: int


@dataclass(frozen=True, slots=True)
class RemoveToken:
    """ALTER USER ... REMOVE PROGRAMMATIC ACCESS TOKEN."""

    user: str
    name: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class ShowTokens:
    """SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER."""

    user: str


@dataclass(frozen=True, slots=True)
class CreateUser:
    """CREATE USER; `public_key` is base64 of the key's DER, without the lines of PEM."""

    name: str
    public_key: str
    default_role: str


@dataclass(frozen=True, slots=True)
class DropUser:
    """DROP USER."""

    user: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class GiveRole:
    """GRANT ROLE ... TO USER, or REVOKE ROLE ... FROM USER."""

    role: str
    user: str
    is_given: bool


@dataclass(frozen=True, slots=True)
class SetDisabled:
    """ALTER USER ... SET DISABLED; a disabled user's statements end."""

    user: str
    disabled: bool
    if_exists: bool


@dataclass(frozen=True, slots=True)
class AbortQueries:
    """ALTER USER ... ABORT ALL QUERIES; the user may log in again."""

    user: str
    if_exists: bool


UserStatement: TypeAlias = (
    AddToken | RemoveToken | ShowTokens | CreateUser | DropUser | GiveRole | SetDisabled | AbortQueries
)


def recognise(text: str) -> UserStatement | None:
    """Return what a statement about users asks for, None if it is about something else."""
    for pattern, reader in _READERS:
        if found := pattern.fullmatch(text):
            return reader(found)
    return None


def name_of(text: str) -> str:
    """Return a name as Snowflake stores it: as it is if quoted, else in upper case."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.upper()


def _text(options: str, name: str) -> str:
    found = re.search(rf"\b{name}\s*=\s*({_TEXT}|{_NAME}|\d+)", options, re.IGNORECASE)
    if found is None:
        return ""
    value = found[1]
    return value[1:-1].replace("''", "'") if value.startswith("'") else name_of(value)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL)


_READERS: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], UserStatement]]] = (
    (
        _pattern(rf"ALTER USER ({_NAME}) ADD {_PAT} ({_NAME})(.*)"),
        lambda m: AddToken(
            name_of(m[1]), name_of(m[2]), _text(m[3], "ROLE_RESTRICTION"), int(_text(m[3], "DAYS_TO_EXPIRY") or 15)
        ),
    ),
    (
        _pattern(rf"ALTER USER( IF EXISTS)? ({_NAME}) REMOVE {_PAT} ({_NAME})"),
        lambda m: RemoveToken(name_of(m[2]), name_of(m[3]), m[1] is not None),
    ),
    (
        _pattern(rf"SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER ({_NAME})"),
        lambda m: ShowTokens(name_of(m[1])),
    ),
    (
        _pattern(rf"CREATE USER ({_NAME})(.*)"),
        lambda m: CreateUser(name_of(m[1]), _text(m[2], "RSA_PUBLIC_KEY"), _text(m[2], "DEFAULT_ROLE")),
    ),
    (_pattern(rf"DROP USER( IF EXISTS)? ({_NAME})"), lambda m: DropUser(name_of(m[2]), m[1] is not None)),
    (
        _pattern(rf"(GRANT|REVOKE) ROLE ({_NAME}) (?:TO|FROM) USER ({_NAME})"),
        lambda m: GiveRole(name_of(m[2]), name_of(m[3]), m[1].upper() == "GRANT"),
    ),
    (
        _pattern(rf"ALTER USER( IF EXISTS)? ({_NAME}) SET DISABLED\s*=\s*(TRUE|FALSE)"),
        lambda m: SetDisabled(name_of(m[2]), m[3].upper() == "TRUE", m[1] is not None),
    ),
    (
        _pattern(rf"ALTER USER( IF EXISTS)? ({_NAME}) ABORT ALL QUERIES"),
        lambda m: AbortQueries(name_of(m[2]), m[1] is not None),
    ),
)
