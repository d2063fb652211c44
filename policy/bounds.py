"""What a text must be before the parser sees it: short, shallow, plain, and quick to parse."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from policy.dialect import SNOWFLAKE, tokenized
from policy.refusal import PolicyCode, PolicyRefusal

CHARACTERS_MAX = 100_000
TOKENS_MAX = 7_000
DEPTH_MAX = 60
JOINS_WAITING_MAX = 8
TYPE_CALLS_DEPTH_MAX = 8
RETRIED_DEPTH_MAX = 4

_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_SPLIT_HINT = "ask for less at once: split the question into smaller statements"
_OPEN = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
_CLOSE = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END})
_JOIN_ENDS = frozenset({TokenType.ON, TokenType.USING, TokenType.CROSS, TokenType.MATCH_CONDITION})
_RETRIED = frozenset(
    {TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH, TokenType.LATERAL, TokenType.PIVOT, TokenType.UNPIVOT}
)
_NUMERALS = frozenset({TokenType.HEX_STRING, TokenType.BIT_STRING})
_BRACKET = TokenType.L_PAREN
_JOIN = TokenType.JOIN
_NESTING = _OPEN | _CLOSE | _JOIN_ENDS | {_JOIN}
_TYPES = SNOWFLAKE.parser_class.TYPE_TOKENS


def tokens_of(text: str) -> Sequence[Token]:
    """The tokens of `text`, once it is known to be fit to parse. Raises PolicyRefusal."""
    if len(text) > CHARACTERS_MAX:
        raise PolicyRefusal(
            PolicyCode.STATEMENT_TOO_LONG, f"the statement is longer than {CHARACTERS_MAX} characters", _SPLIT_HINT
        )
    if control := _CONTROL.search(text):
        raise PolicyRefusal(
            PolicyCode.SYNTAX_ERROR,
            f"the statement holds the control character U+{ord(control.group()):04X}",
            "write the statement without invisible characters",
            control.start(),
        )
    try:
        tokens = tokenized(text)
    except Exception as error:
        raise PolicyRefusal(
            PolicyCode.SYNTAX_ERROR, "the statement cannot be read as SQL", "check quotes and comments"
        ) from error
    if not tokens:
        raise PolicyRefusal(PolicyCode.EMPTY_STATEMENT, "there is no statement", "send one SQL statement")
    if len(tokens) > TOKENS_MAX:
        raise PolicyRefusal(
            PolicyCode.STATEMENT_TOO_LONG, f"the statement has more than {TOKENS_MAX} words and signs", _SPLIT_HINT
        )
    kinds = [token.token_type for token in tokens]
    if not _NUMERALS.isdisjoint(kinds):
        _refuse_numerals(tokens, text)
    _bound_nesting(tokens, kinds)
    return tokens


def _refuse_numerals(tokens: Sequence[Token], text: str) -> None:
    for token in tokens:
        if token.token_type in _NUMERALS and text[token.start] == "0":
            raise PolicyRefusal(
                PolicyCode.SYNTAX_ERROR,
                f"`{text[token.start : token.end + 1][:60]}` is not a number for Snowflake",
                "write a decimal number, or binary text as X'...'",
                token.start,
            )


def _bound_nesting(tokens: Sequence[Token], kinds: Sequence[TokenType]) -> None:
    """Refuse deep brackets, and the shapes at which the parser's backtracking doubles with each level.

    These are calls of type names inside calls of type names, brackets after LIMIT, LATERAL or PIVOT inside each other,
    and joins that wait for their condition, wherever they wait.
    """
    frames = [_Frame(is_type_call=False)]
    type_calls = retried = waiting = 0
    for at, kind in enumerate(kinds):
        if kind not in _NESTING:
            continue
        token = tokens[at]
        if kind in _OPEN:
            before = kinds[at - 1] if at else None
            frame = _Frame(kind is _BRACKET and before in _TYPES, before in _RETRIED)
            frames.append(frame)
            type_calls += frame.is_type_call
            retried += frame.is_retried
            if len(frames) > DEPTH_MAX or type_calls > TYPE_CALLS_DEPTH_MAX or retried > RETRIED_DEPTH_MAX:
                raise too_deep(token.start)
        elif kind in _CLOSE and len(frames) > 1:
            frame = frames.pop()
            type_calls -= frame.is_type_call
            retried -= frame.is_retried
            waiting -= frame.joins_waiting
        elif kind is _JOIN:
            frames[-1].joins_waiting += 1
            waiting += 1
            if waiting > JOINS_WAITING_MAX:
                raise too_deep(token.start)
        elif kind in _JOIN_ENDS:
            waiting -= frames[-1].joins_waiting
            frames[-1].joins_waiting = 0


@dataclass(slots=True)
class _Frame:
    """An open bracket: called by a type name or not, tried twice by the parser or not, and its joins that wait."""

    is_type_call: bool
    is_retried: bool = False
    joins_waiting: int = 0


def too_deep(at: int | None = None) -> PolicyRefusal:
    """The refusal of a statement that nests too far."""
    return PolicyRefusal(
        PolicyCode.STATEMENT_TOO_DEEP,
        "the statement nests too deeply",
        "flatten it: use common table expressions, join conditions and fewer brackets",
        at,
    )
