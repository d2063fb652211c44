"""What Snowflake's lexer makes of a text, written from its documentation and not from the parser that policy uses.

Sources: https://docs.snowflake.com/en/sql-reference/data-types-text (strings, escapes, dollar quotes),
https://docs.snowflake.com/en/sql-reference/identifiers-syntax (names). Comments do not nest.
"""

import re
from collections.abc import Iterator

from tests.corpus.world import DATABASE, HIDDEN_COLUMNS, PROTECTED_TABLE, SCHEMA

_TOKEN = re.compile(
    r"""
      (?P<string> '(?:[^'\\]|\\.|'')*' | \$\$.*?\$\$ )
    | (?P<comment> --[^\n]* | //[^\n]* | /\*.*?\*/ )
    | (?P<quoted> "(?:[^"]|"")*" )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<number> \d+(?:\.\d*)?(?:[eE][+-]?\d+)? | \.\d+ )
    | (?P<space> \s+ )
    | (?P<sign> ->> | -> | => | :: | \|\| | <= | >= | <> | != | .)
    """,
    re.VERBOSE | re.DOTALL,
)
_RAW = [f'"{DATABASE}"', ".", f'"{SCHEMA}"', ".", f'"{PROTECTED_TABLE}"']
_BEHIND = ["AS", '"__GW_R"', "WHERE", "(", '"__GW_R"', ".", '"C_MKTSEGMENT"', "<>", "'MACHINERY'", ")", ")"]
_NEVER = frozenset("$@\\`#")


def tokens(sql: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each token but space."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "space":
            yield match.lastgroup or "sign", match.group()


def leak(sql: str) -> str | None:
    """What is wrong with printed text that reads the corpus' protected table, or None.

    Each of the table's full names must stand in a derived table of its own, which ends with the row filter and names no
    hidden column; comments, variables and stages may not occur at all.
    """
    kinds = list(tokens(sql))
    words = [text for _, text in kinds]
    for n, (kind, text) in enumerate(kinds):
        if kind == "comment" or (kind == "sign" and text in _NEVER):
            return f"not plain: {text[:40]}"
        if kind == "word" and text.upper() == PROTECTED_TABLE and words[n - 1].upper() in ("FROM", "JOIN"):
            return "the table under a short name"
        if words[n : n + 5] == _RAW and not _is_protected(words, n):
            return f"the table itself: {' '.join(words[max(0, n - 5) : n + 12])}"
    return None


def _is_protected(words: list[str], at: int) -> bool:
    """Whether the table's name at `at` stands in its derived table, and shows no hidden column there."""
    depth, n = 0, at - 1
    while n > 0 and (depth or words[n] != "SELECT"):
        depth += (words[n] == ")") - (words[n] == "(")
        n -= 1
    shown = words[n:at]
    names = [shown[k + 2].strip('"') for k, word in enumerate(shown[:-2]) if word == '"__GW_R"']
    is_alone = words[n - 1] == "(" and shown[-1] == "FROM" and shown.count("SELECT") == 1
    return is_alone and words[at + 5 : at + 5 + len(_BEHIND)] == _BEHIND and HIDDEN_COLUMNS.isdisjoint(names)
