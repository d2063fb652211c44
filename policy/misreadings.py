"""Shapes of text that the parser reads as something else than Snowflake does, or than their author meant.

Each is told from the tokens alone, before anything rests on the tree, and refused with what to write instead.
"""

import itertools
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from policy.dialect import SNOWFLAKE
from policy.refusal import PolicyCode, PolicyRefusal

_STRINGS = frozenset(
    {
        TokenType.STRING,
        TokenType.NATIONAL_STRING,
        TokenType.RAW_STRING,
        TokenType.HEREDOC_STRING,
        TokenType.HEX_STRING,
        TokenType.BIT_STRING,
        TokenType.BYTE_STRING,
        TokenType.UNICODE_STRING,
    }
)
LITERALS = _STRINGS | {TokenType.NUMBER}
"""Tokens that are values."""
_TYPED = frozenset(SNOWFLAKE.parser_class.TYPE_TOKENS) - {TokenType.INTERVAL}
# An enumeration's members are slow to look up; these are compared with every token.
_CAST = TokenType.DCOLON
_CARET = TokenType.CARET
_FLOW = TokenType.DARROW
_STAR = TokenType.STAR


def refuse_misread(source: Sequence[Token], kinds: Sequence[TokenType]) -> None:
    """Refuse what the parser misreads in `source`, whose `kinds` these are. Raises PolicyRefusal."""
    present = frozenset(kinds)
    # `DATE '2026-01-31'::TEXT`: the parser casts the string, and makes a date of what comes out.
    for at in [at for at, kind in enumerate(kinds) if kind is _CAST and at > 1] if _CAST in present else ():
        if kinds[at - 1] in LITERALS and kinds[at - 2] in _TYPED:
            raise _refused(source[at - 2], "put the literal in brackets: (DATE '2026-01-31')::VARCHAR")
    # Written by who means a power, and read as bits.
    if _CARET in present:
        raise _refused(source[kinds.index(_CARET)], "write POWER(a, b), or BITXOR(a, b) for bits")
    # Another dialect's arrow into a document; Snowflake's flow from one statement to the next.
    if _FLOW in present:
        raise _refused(source[kinds.index(_FLOW)], "write x:path::VARCHAR to read a document")
    # Snowflake's spread of an array or object, read as a star that is multiplied.
    for at in [at for at, kind in enumerate(kinds) if kind is _STAR and at] if _STAR in present else ():
        if kinds[at - 1] is _STAR:
            raise _refused(source[at], "write ARRAY_CAT(a, b) or OBJECT_INSERT(o, 'key', value) instead of `**`")
    # Joined by the parser; Snowflake joins no texts without an operator.
    strings = () if _STRINGS.isdisjoint(present) else [at for at, kind in enumerate(kinds) if kind in _STRINGS]
    for one, other in itertools.pairwise(strings):
        if one + 1 == other:
            raise _refused(source[other], "write || between two texts, and an alias in double quotes")


def _refused(token: Token, hint: str) -> PolicyRefusal:
    return PolicyRefusal(
        PolicyCode.UNFAITHFUL_PRINT,
        f"`{token.text[:60]}` cannot be written back with the same meaning here",
        hint,
        token.start,
    )
