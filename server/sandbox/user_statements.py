"""Statements about users: made, altered and dropped as an administrator, or a broker of short-lived credentials, does.

Each is recognised by its text as a whole. Sources: Snowflake, "ALTER USER ... ADD PROGRAMMATIC ACCESS TOKEN (PAT)",
"ALTER USER ... REMOVE PROGRAMMATIC ACCESS TOKEN (PAT)", "SHOW USER PROGRAMMATIC ACCESS TOKENS", "CREATE USER",
"ALTER USER", "DROP USER", "GRANT ROLE".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from server.sandbox.names import NAME, stored

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


def _text(options: str, name: str) -> str:
    found = re.search(rf"\b{name}\s*=\s*({_TEXT}|{NAME}|\d+)", options, re.IGNORECASE)
    if found is None:
        return ""
    value = found[1]
    return value[1:-1].replace("''", "'") if value.startswith("'") else stored(value)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL)


_READERS: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], UserStatement]]] = (
    (
        _pattern(rf"ALTER USER ({NAME}) ADD {_PAT} ({NAME})(.*)"),
        lambda m: AddToken(
            stored(m[1]), stored(m[2]), _text(m[3], "ROLE_RESTRICTION"), int(_text(m[3], "DAYS_TO_EXPIRY") or 15)
        ),
    ),
    (
        _pattern(rf"ALTER USER( IF EXISTS)? ({NAME}) REMOVE {_PAT} ({NAME})"),
        lambda m: RemoveToken(stored(m[2]), stored(m[3]), m[1] is not None),
    ),
    (
        _pattern(rf"SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER ({NAME})"),
        lambda m: ShowTokens(stored(m[1])),
    ),
    (
        _pattern(rf"CREATE USER ({NAME})(.*)"),
        lambda m: CreateUser(stored(m[1]), _text(m[2], "RSA_PUBLIC_KEY"), _text(m[2], "DEFAULT_ROLE")),
    ),
    (_pattern(rf"DROP USER( IF EXISTS)? ({NAME})"), lambda m: DropUser(stored(m[2]), m[1] is not None)),
    (
        _pattern(rf"(GRANT|REVOKE) ROLE ({NAME}) (?:TO|FROM) USER ({NAME})"),
        lambda m: GiveRole(stored(m[2]), stored(m[3]), m[1].upper() == "GRANT"),
    ),
    (
        _pattern(rf"ALTER USER( IF EXISTS)? ({NAME}) SET DISABLED\s*=\s*(TRUE|FALSE)"),
        lambda m: SetDisabled(stored(m[2]), m[3].upper() == "TRUE", m[1] is not None),
    ),
    (
        _pattern(rf"ALTER USER( IF EXISTS)? ({NAME}) ABORT ALL QUERIES"),
        lambda m: AbortQueries(stored(m[2]), m[1] is not None),
    ),
)
