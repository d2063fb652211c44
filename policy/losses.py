"""Whether everything that the caller wrote is in what was printed.

The parser silently steps over some of what it cannot place, such as a bracket after `IDENTIFIER('T')`. So words and
signs of the text are looked for in the printed text; what is missing without a known reason is refused.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from policy.functions import PRINTED_AS

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
    }
)
_COUNTED = frozenset(
    {
        TokenType.SELECT,
        TokenType.STAR,
        TokenType.WHERE,
        TokenType.JOIN,
        TokenType.UNION,
        TokenType.INTERSECT,
        TokenType.HAVING,
        TokenType.QUALIFY,
        TokenType.GROUP_BY,
        TokenType.ORDER_BY,
        TokenType.PARTITION_BY,
        TokenType.OVER,
        TokenType.CASE,
        TokenType.WHEN,
        TokenType.EQ,
        TokenType.LT,
        TokenType.GT,
        TokenType.DPIPE,
        TokenType.PLUS,
        TokenType.SLASH,
        TokenType.DISTINCT,
        TokenType.EXISTS,
        TokenType.LATERAL,
        TokenType.USING,
        TokenType.VALUES,
    }
)
_PATHS = frozenset({TokenType.COLON, TokenType.DOT})
_UNITS = """
    Y YY YYY YYYY YR YEARS YRS MM MON MONS MONTHS D DD DAYS DAYOFMONTH WEEKDAY DOW DW WEEKDAY_ISO DOW_ISO DW_ISO DOY DY
    W WK WEEKOFYEAR WOY WY WEEK_ISO WEEKOFYEARISO WEEKOFYEAR_ISO Q QTR QTRS QUARTERS H HH HR HOURS HRS M MI MIN MINUTES
    MINS S SEC SECONDS SECS MS MSEC MSECS MILLISECONDS US USEC USECS MICROSECONDS NS NSEC NSECS NANOSEC NANOSECS
    NSECOND NSECONDS NANOSECONDS EPOCH_SECONDS EPOCH_MILLISECONDS EPOCH_MICROSECONDS EPOCH_NANOSECONDS TZH TZM EPOCH
    DATE_PART DAYS WEEKS
"""
_DEFAULTS = frozenset({"REPEATABLE", "IDENTIFIER", "NULLS", "FIRST", "LAST", "ROW", "PERCENT"})
_REPLACED = frozenset(PRINTED_AS) | frozenset(_UNITS.split()) | _DEFAULTS
"""Words that the printer writes otherwise or leaves to the default."""


def is_anything_lost(source: Sequence[Token], printed: Sequence[Token], renamed: Iterable[str]) -> bool:
    """Whether a word or sign of `source` is missing in `printed`; `renamed` are names that were replaced on purpose."""
    texts, signs = _taken(source)
    kept_texts, kept_signs = _taken(printed)
    if any(count > kept_signs[sign] for sign, count in signs.items()):
        return True
    missing = _words(texts - kept_texts)  # most texts are printed as they were written
    if missing:
        missing -= _words(kept_texts) | _REPLACED
    return bool(missing and missing - _words(renamed))


def _taken(tokens: Sequence[Token]) -> tuple[set[str], Counter[TokenType]]:
    kinds = [token.token_type for token in tokens]
    # A key behind a colon or a dot may be any word of the grammar: it is printed as text.
    kinds = [
        kind if before not in _PATHS else TokenType.VAR for before, kind in zip((None, *kinds), kinds, strict=False)
    ]
    texts = {token.text for token, kind in zip(tokens, kinds, strict=True) if kind in _WORDED}
    return texts, Counter(kind for kind in kinds if kind in _COUNTED)


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text.upper())}
