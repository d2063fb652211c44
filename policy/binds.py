"""Bind placeholders: numbered before parsing, so that the printed statement provably takes its values in their order.

Snowflake binds `?` by position (https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-example).
A printer that swaps or doubles arguments would bind a value to the wrong place; with numbers that shows.
"""

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from policy.identifiers import RESERVED_PREFIX
from policy.refusal import PolicyCode, PolicyRefusal

BIND_PREFIX = f"{RESERVED_PREFIX}P"
"""What a numbered placeholder is called while it is judged; the number follows."""

# The tokeniser reads the `?::` of `?::DATE` as one operator of another dialect.
_PLACEHOLDERS = frozenset({TokenType.PLACEHOLDER, TokenType.QDCOLON})
_STRINGS = frozenset({TokenType.STRING, TokenType.RAW_STRING, TokenType.NATIONAL_STRING, TokenType.HEREDOC_STRING})


def numbered(tokens: Sequence[Token], text: str) -> tuple[list[Token], int]:
    """The tokens of `text` with each `?` as `:<prefix><number>`, and how many there are.

    Refuses a caller's own reserved words.
    """
    if "?" not in text and RESERVED_PREFIX not in text.upper():
        return list(tokens), 0
    out: list[Token] = []
    binds = 0
    for token in tokens:
        if token.token_type in _PLACEHOLDERS:
            binds += 1
            place = (token.line, token.col, token.start, token.end)
            out.append(Token(TokenType.COLON, ":", *place))
            out.append(Token(TokenType.VAR, f"{BIND_PREFIX}{binds}", *place))
            if token.token_type == TokenType.QDCOLON:
                out.append(Token(TokenType.DCOLON, "::", *place))
            continue
        if token.text[: len(RESERVED_PREFIX)].upper() == RESERVED_PREFIX and token.token_type not in _STRINGS:
            raise PolicyRefusal(
                PolicyCode.CONSTRUCT_NOT_ALLOWED,
                f"the reserved name `{token.text[:60]}` is not allowed",
                f"use names that do not begin with {RESERVED_PREFIX}",
                token.start,
            )
        out.append(token)
    return out, binds
