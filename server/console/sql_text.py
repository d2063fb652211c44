"""SQL as a person reads it: its words told apart, and what the gate put in marked. For the eye; nothing is judged here.

Strings and comments begin and end where they do for Snowflake (see `policy.lexing` for its rules): what is shown as
either must be one. Every text can be read: what is not closed reaches to the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORDS = re.compile(
    r"(?P<comment>(?:--|//)[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<text>'(?:[^'\\]|''|\\(?:.|\Z))*(?:'|\Z)|\$\$.*?(?:\$\$|\Z))"
    r"|(?P<number>\b\d[\w.]*)"
    r'|(?P<name>"(?:[^"]|"")*(?:"|\Z)|[^\W\d]\w*)'
    r"|(?P<space>\s+)"
    r"|(?P<sign>.)",
    re.DOTALL,
)
_KEYWORDS = frozenset(
    """
    ADD ALL ALTER AND AS ASC BEFORE BETWEEN BY CASE CAST CLONE COLUMN CREATE CROSS DELETE DESC DISTINCT DROP ELSE END
    EXISTS FALSE FROM FULL
    GROUP HAVING IN INNER INSERT INTO IS JOIN LEFT LIKE LIMIT MATCHED MERGE NOT NULL ON OR ORDER OUTER OVER PARTITION
    QUALIFY REPLACE RIGHT SELECT SET TABLE THEN TRUNCATE TRUE UNDROP UNION UPDATE USING VALUES VIEW WHEN WHERE WITH
    """.split()  # noqa: SIM905 - a list of words is read as words
)


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of SQL: its `kind` as the stylesheet names it, and whether the gate put it in."""

    text: str
    kind: str
    is_new: bool = False


def words(sql: str, asked: str | None = None) -> list[Word]:
    """The pieces of `sql`; with `asked`, the words that do not occur in it are marked as new. Joined, they are `sql`.

    Takes time in proportion to the texts: an agent chooses them, and to align them takes more than their square.
    """
    if asked is None:
        return list(_split(sql))
    known = {_key(word) for word in _split(asked)}
    return [Word(w.text, w.kind, w.kind != "space" and _key(w) not in known) for w in _split(sql)]


def _split(sql: str) -> Iterator[Word]:
    for match in _WORDS.finditer(sql):
        kind = match.lastgroup or "sign"
        if kind == "name" and match[0].upper() in _KEYWORDS:
            kind = "keyword"
        yield Word(match[0], kind)


def _key(word: Word) -> str:
    """What makes two words the same to a reader: not case, not quotes round a name."""
    return word.text if word.kind == "text" else word.text.strip('"').upper()
