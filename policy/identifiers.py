"""Dotted names as text: `DB.SCHEMA."my table"`, folded and unquoted part by part.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
"""

import re
from dataclasses import dataclass

from policy.names import fold

RESERVED_PREFIX = "__GW_"
"""Names that begin so are the gate's own; a caller's statement that holds one is refused."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PART = re.compile(r'"(?:[^"]|"")+"|[^\s".]+')
_WORD = re.compile(r"[A-Za-z_\u00aa-\uffff][A-Za-z0-9_$\u00aa-\uffff]*\Z")


def is_reserved(name: str) -> bool:
    """Whether `name` is the gate's own to give, or one that Snowflake keeps for itself."""
    return name.upper().startswith((RESERVED_PREFIX, "METADATA$"))


def has_control(name: str) -> bool:
    """Whether `name` holds a line break or another control character."""
    return _CONTROL.search(name) is not None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a dotted name: the stored name, and whether it was quoted."""

    name: str
    is_quoted: bool


def split_dotted(text: str) -> tuple[Part, ...]:
    """The parts of a dotted name; raises ValueError if `text` is not one. A word may hold anything, `*` included."""
    parts: list[Part] = []
    at = 0
    while True:
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(text)
        token = match.group()
        is_quoted = token.startswith('"')
        name = token[1:-1].replace('""', '"') if is_quoted else fold(token, quoted=False)
        parts.append(Part(name, is_quoted))
        at = match.end()
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            raise ValueError(text)
        at += 1


def parse_dotted(text: str) -> tuple[str, ...]:
    """The stored names of a dotted name without wildcards; raises ValueError if `text` is not one."""
    parts = split_dotted(text)
    if not all(part.is_quoted or _WORD.match(part.name) for part in parts):
        raise ValueError(text)
    return tuple(part.name for part in parts)
