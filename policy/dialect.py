"""Snowflake's dialect as the parser knows it, with some corrections to how it prints.

The generator moves a table function out of a subquery in a projection, which changes what the query means
(https://github.com/tobymao/sqlglot/issues/8242). Text that was read as Snowflake and is printed as Snowflake needs none
of the generator's SELECT transformations, so they are switched off; what they would have translated is refused. Formats
of dates are texts like others: translated to another dialect's and back, some of them would be lost.
"""

import logging

from sqlglot import Dialect, exp
from sqlglot._version import version
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import ErrorLevel
from sqlglot.generator import Generator
from sqlglot.generators.snowflake import SnowflakeGenerator
from sqlglot.tokenizer_core import Token
from sqlglot.tokens import Tokenizer

__all__ = ["PARSER_VERSION", "SNOWFLAKE", "print_sql", "tokenized"]

PARSER_VERSION = version
"""The version of the parser that every decision rests on."""


class GateSnowflake(Snowflake):
    """Snowflake's dialect with the formats of dates left as they are; the parser and the generator are the same."""

    TIME_MAPPING: dict[str, str] = {}  # noqa: RUF012 - an attribute of each dialect, read when the class is made


GateSnowflake.INITCAP_SUPPORTS_CUSTOM_DELIMITERS = True  # lost to any dialect of another name
SNOWFLAKE = Dialect.get_or_raise(GateSnowflake)

# The parser warns of what it cannot type, quoting the statement; such statements are refused, and logs hold no SQL.
logging.getLogger("sqlglot").disabled = True

SnowflakeGenerator.TRANSFORMS[exp.Select] = lambda generator, node: generator.select_sql(node)
# A frame is printed even where it is the default, and the label of UNPIVOT ... IN (a AS 'label') stays a string.
SnowflakeGenerator.TRANSFORMS[exp.Localtimestamp] = lambda generator, node: "LOCALTIMESTAMP"
SnowflakeGenerator.TRANSFORMS[exp.Window] = Generator.window_sql
SnowflakeGenerator.TRANSFORMS[exp.PivotAlias] = lambda generator, node: (
    f"{generator.sql(node, 'this')} AS {generator.sql(node, 'alias')}"
)
SnowflakeGenerator.TRANSFORMS[exp.Is] = lambda generator, node: _is_sql(generator, node)
SnowflakeGenerator.TRANSFORMS[exp.SortArray] = lambda generator, node: generator.func(
    "ARRAY_SORT", node.this, node.args.get("asc"), node.args.get("nulls_first")
)
SnowflakeGenerator.TRANSFORMS[exp.ToNumber] = lambda generator, node: generator.func(
    "TRY_TO_NUMBER" if node.args.get("safe") else "TO_NUMBER",
    node.this,
    *(node.args.get(each) for each in ("format", "precision", "scale")),
)
# REAL is FLOAT, and FLOAT is DOUBLE.
SnowflakeGenerator.TYPE_MAPPING[exp.DType.FLOAT] = "DOUBLE"


_IDLE: list[Tokenizer] = []
"""Tokenisers that nobody uses: each is taken off by who uses it, so that no two threads ever have the same."""


def _is_sql(generator: Generator, node: exp.Is) -> str:
    """`x IS TRUE`, which Snowflake does not have, as a comparison that means the same where `x` is NULL."""
    return generator.binary(node, "IS NOT DISTINCT FROM" if isinstance(node.expression, exp.Boolean) else "IS")


def tokenized(text: str) -> list[Token]:
    """The tokens of `text`. Raises whatever the tokeniser raises."""
    try:
        tokenizer = _IDLE.pop()
    except IndexError:
        tokenizer = SNOWFLAKE.tokenizer()
    tokens = tokenizer.tokenize(text)  # begins by forgetting the text before
    _IDLE.append(tokenizer)
    return tokens


def print_sql(root: exp.Expr) -> str:
    """`root` as Snowflake text on one line, without comments. Raises whatever the generator raises."""
    return SNOWFLAKE.generate(root, copy=False, comments=False, unsupported_level=ErrorLevel.RAISE)
