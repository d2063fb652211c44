"""SQL as a person reads it: its words told apart, and what the gate put in marked. For the eye; nothing is judged here.

Every text can be read: what is not closed reaches to the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

COMPARED_MAX = 1_500
"""Words of a statement that are compared with another's; comparing takes time that grows with their square."""

_WORDS = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<text>'(?:[^']|'')*(?:'|\Z))"
    r"|(?P<number>\b\d[\w.]*)"
    r'|(?P<name>"(?:[^"]|"")*(?:"|\Z)|[^\W\d]\w*)'
    r"|(?P<space>\s+)"
    r"|(?P<sign>.)",
    re.DOTALL,
)
_KEYWORDS = frozenset(
    """
    ALL ALTER AND AS ASC BETWEEN BY CASE CAST CREATE CROSS DELETE DESC DISTINCT DROP ELSE END EXISTS FALSE FROM FULL
    GROUP HAVING IN INNER INSERT INTO IS JOIN LEFT LIKE LIMIT MATCHED MERGE NOT NULL ON OR ORDER OUTER OVER PARTITION
    QUALIFY RIGHT SELECT SET TABLE THEN TRUNCATE TRUE UNION UPDATE USING VALUES VIEW WHEN WHERE WITH
    """.split()  # noqa: SIM905 - a list of words is read as words
)


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of SQL: its `kind` as the stylesheet names it, and whether the gate put it in."""

    text: str
    kind: str
    is_new: bool = False


def words(sql: str, asked: str | None = None) -> list[Word]:
    """The pieces of `sql`; with `asked`, those that are not in it are marked as new. Joined, they are `sql`."""
    found = list(_split(sql))
    if asked is None:
        return found
    before = list(_split(asked))
    if max(len(found), len(before)) > COMPARED_MAX:
        return found
    pairs = SequenceMatcher(None, [_key(w) for w in before], [_key(w) for w in found], autojunk=False)
    new = {
        n
        for tag, _, _, start, end in pairs.get_opcodes()
        if tag in ("insert", "replace")
        for n in range(start, end)
        if found[n].kind != "space"
    }
    return [Word(w.text, w.kind, n in new) for n, w in enumerate(found)]


def _split(sql: str) -> Iterator[Word]:
    for match in _WORDS.finditer(sql):
        kind = match.lastgroup or "sign"
        if kind == "name" and match[0].upper() in _KEYWORDS:
            kind = "keyword"
        yield Word(match[0], kind)


def _key(word: Word) -> str:
    """What makes two words the same to a reader: not case, not quotes round a name, not how much space."""
    if word.kind == "space":
        return " "
    return word.text if word.kind == "text" else word.text.strip('"').upper()
