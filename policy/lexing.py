"""A second opinion on where strings, quoted names and comments begin and end, by Snowflake's rules and nobody else's.

The parser's tokeniser both reads the caller's text and reads back what was printed, so a mistake of it cannot be seen
by itself: it takes `FILE://` for one word where Snowflake opens a comment. What is about to run is therefore cut once
more by this lexer, which knows nothing but quoting and comments, and the two must agree.

Sources: https://docs.snowflake.com/en/sql-reference/data-types-text#string-constants,
https://docs.snowflake.com/en/sql-reference/identifiers-syntax, https://docs.snowflake.com/en/sql-reference/sql
"""

import re
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

_QUOTED = re.compile(
    r"""
      (?P<string>  '(?:[^'\\]|\\.|'')*' )
    | (?P<name>    "(?:[^"]|"")+" )
    | (?P<word>    [^\W\d][\w$]* )
    | (?P<closed>  //|--|/\*|\$|->>|@|;|\\|[`'"\#] )
    """,
    re.VERBOSE | re.DOTALL,
)
"""Strings, quoted names, and the signs that open a comment, a dollar-quoted string, a variable, a stage or a next
statement: none of them is ever printed outside a string or a quoted name."""

_PREFIXED = frozenset({TokenType.HEX_STRING, TokenType.BYTE_STRING, TokenType.BIT_STRING})
_QUOTED_KINDS = frozenset({TokenType.STRING, TokenType.IDENTIFIER}) | _PREFIXED


def is_cut_alike(text: str, tokens: Sequence[Token], kinds: Sequence[TokenType]) -> bool:
    """Whether Snowflake would find exactly the strings and quoted names of `tokens` in `text`, and no comment.

    `kinds` are the types of `tokens`.
    """
    found: set[tuple[int, int]] = set()
    for match in _QUOTED.finditer(text):
        if match.lastgroup == "closed":
            return False
        if match.lastgroup != "word":
            found.add((match.start(), match.end() - 1))
    said = {
        (token.start + (kind in _PREFIXED), token.end)
        for token, kind in zip(tokens, kinds, strict=True)
        if kind in _QUOTED_KINDS
    }
    return found == said
