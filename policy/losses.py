"""Whether everything that the caller wrote is in what was printed.

The parser silently steps over some of what it cannot place, such as a bracket after `IDENTIFIER('T')` or an argument
that it gives no meaning. So words and signs of the text are looked for in the printed text, as often as they were
written; what is missing without a known reason is refused.
"""

import re
from collections import Counter
from collections.abc import Sequence, Set
from typing import TypeAlias

from sqlglot.tokenizer_core import Token, TokenType

from policy.functions import PRINTED_AS
from policy.idioms import column_of

_WORD = re.compile(r"\w+")
_WORDED = frozenset(
    {
        TokenType.VAR,
        TokenType.IDENTIFIER,
        TokenType.STRING,
        TokenType.RAW_STRING,
        TokenType.HEREDOC_STRING,
        TokenType.NATIONAL_STRING,
        TokenType.HEX_STRING,
        TokenType.NUMBER,
        TokenType.TRUE,
        TokenType.FALSE,
        TokenType.NULL,
    }
)
_COMPARISONS = frozenset(
    {TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE},
)
_COUNTED = _COMPARISONS | frozenset(
    {
        TokenType.SELECT,
        TokenType.STAR,
        TokenType.WHERE,
        TokenType.JOIN,
        TokenType.UNION,
        TokenType.INTERSECT,
        TokenType.EXCEPT,
        TokenType.HAVING,
        TokenType.QUALIFY,
        TokenType.GROUP_BY,
        TokenType.ORDER_BY,
        TokenType.PARTITION_BY,
        TokenType.OVER,
        TokenType.CASE,
        TokenType.WHEN,
        TokenType.DPIPE,
        TokenType.PLUS,
        TokenType.DASH,
        TokenType.SLASH,
        TokenType.MOD,
        TokenType.AND,
        TokenType.OR,
        TokenType.BETWEEN,
        TokenType.DISTINCT,
        TokenType.EXISTS,
        TokenType.LATERAL,
        TokenType.USING,
        TokenType.VALUES,
    }
)
# An enumeration's members are slow to look up; these are compared with every token.
_WORD_KIND = TokenType.VAR
_PLUS = TokenType.PLUS
_DISTINCT = TokenType.DISTINCT
_UNION = TokenType.UNION
_POSITION = TokenType.PARAMETER
_SIGNS = frozenset({_PLUS, _DISTINCT})
_PATHS = frozenset({TokenType.COLON, TokenType.DOT})
_BEFORE_SIGN = _COMPARISONS | frozenset(
    {
        TokenType.SELECT,
        TokenType.COMMA,
        TokenType.L_PAREN,
        TokenType.L_BRACKET,
        TokenType.PLUS,
        TokenType.DASH,
        TokenType.STAR,
        TokenType.SLASH,
        TokenType.BETWEEN,
        TokenType.AND,
        TokenType.THEN,
        TokenType.ELSE,
    }
)
"""What a plus stands behind that is a sign of a number and no sum: it says nothing, and is not printed."""

_UNITS = """
    Y YY YYY YYYY YR YEARS YRS MM MON MONS MONTHS D DD DAYS DAYOFMONTH WEEKDAY DOW DW WEEKDAY_ISO DOW_ISO DW_ISO DOY DY
    W WK WEEKOFYEAR WOY WY WEEK_ISO WEEKOFYEARISO WEEKOFYEAR_ISO Q QTR QTRS QUARTERS H HH HR HOURS HRS M MI MIN MINUTES
    MINS S SEC SECONDS SECS MS MSEC MSECS MILLISECONDS US USEC USECS MICROSECONDS NS NSEC NSECS NANOSEC NANOSECS
    NSECOND NSECONDS NANOSECONDS EPOCH_SECONDS EPOCH_MILLISECONDS EPOCH_MICROSECONDS EPOCH_NANOSECONDS TZH TZM EPOCH
    DATE_PART WEEKS
"""
_DEFAULTS = frozenset({"REPEATABLE", "IDENTIFIER", "NULLS", "FIRST", "LAST", "ROW", "PERCENT"})
_REPLACED = frozenset(PRINTED_AS) | frozenset(_UNITS.split()) | _DEFAULTS
"""Words that the printer writes otherwise or leaves to the default."""

Cut: TypeAlias = tuple[Sequence[Token], Sequence[TokenType]]
"""Tokens, and the type of each: reading one costs more than all that is asked of it here."""


def first_lost(written: Cut, printed: Cut, renamed: Set[str]) -> Token | None:
    """The first word or sign that was `written` and is missing in what was `printed`, or None.

    `renamed` are names that were replaced on purpose.
    """
    source = written[0]
    texts, signs, unsaid = _taken(*written)
    kept_texts, kept_signs, kept_unsaid = _taken(*printed)
    if signs != kept_signs or unsaid != kept_unsaid:  # most are printed in the order in which they were written
        counts, kept_counts = Counter(signs), Counter(kept_signs)
        counts.subtract(unsaid)
        kept_counts.subtract(kept_unsaid)
        for sign, count in counts.items():
            if count > kept_counts[sign]:
                return next(token for token in source if token.token_type is sign)
    kept = Counter(kept_texts)
    missing: list[str] = []
    for text in texts:
        count = kept.get(text, 0)
        if count:
            kept[text] = count - 1
        else:
            missing.append(text)
    # The names of tables, which most statements lose and nothing else. In ASCII, upper case has no upper case of its
    # own, so such a text has the very words of the name that was replaced: it cannot be among the lost ones.
    if all(text.isascii() and text.upper() in renamed for text in missing):
        return None
    kept = +kept
    lost = _words(Counter(missing)) - _words(kept)
    gone = set(lost) - _REPLACED - set(_words(Counter(renamed)))
    gone -= {word for word in gone if not _WORD.match(word) and word and any(word in text for text in kept)}
    if not gone:
        return None
    return next(token for token in source if not gone.isdisjoint(_words(Counter([token.text]))))


def _taken(tokens: Sequence[Token], own: Sequence[TokenType]) -> tuple[list[str], list[TokenType], list[TokenType]]:
    """The words of `tokens`, the signs among them that are counted, and those of the signs that say nothing."""
    kinds = list(own)
    # A key behind a colon or a dot may be any word of the grammar: it is text.
    for at in [at for at, kind in enumerate(own) if kind in _PATHS]:
        if at + 1 < len(kinds) and tokens[at + 1].text[:1].isalpha():
            kinds[at + 1] = _WORD_KIND
    texts = [token.text for token, kind in zip(tokens, kinds, strict=True) if kind in _WORDED]
    signs = [kind for kind in kinds if kind in _COUNTED]
    unsaid: list[TokenType] = []
    before = (None, *own[:-1])
    if _PLUS in signs or _DISTINCT in signs:
        unsaid = [
            kind for left, kind in zip(before, kinds, strict=True) if kind in _SIGNS and _says_nothing(left, kind)
        ]
    if _POSITION in kinds:  # the guard lets nothing pass that a position is written as but a number or a string
        texts = [
            column_of(token.text) if left is _POSITION and token.text.isdigit() else token.text
            for left, token, kind in zip(before, tokens, kinds, strict=True)
            if kind in _WORDED
        ]
    return texts, signs, unsaid


def _says_nothing(left: TokenType | None, kind: TokenType) -> bool:
    """Whether a sign is the plus of a number, or the DISTINCT that every UNION means."""
    return (kind is _PLUS and left in _BEFORE_SIGN) or (kind is _DISTINCT and left is _UNION)


def _words(texts: Counter[str]) -> Counter[str]:
    """The words of `texts`, in upper case, as often as they occur; a text without a word stands for itself."""
    words: Counter[str] = Counter()
    for text, count in texts.items():
        for word in _WORD.findall(text.upper()) or [text]:
            words[word] += count
    return words
