"""Snowflake's dialect as the parser knows it, with some corrections to how it prints.

The generator moves a table function out of a subquery in a projection, which changes what the query means
(https://github.com/tobymao/sqlglot/issues/8242). Text that was read as Snowflake and is printed as Snowflake needs none
of the generator's SELECT transformations, so they are switched off; what they would have translated is refused.
"""

import logging

from sqlglot import Dialect, exp
from sqlglot._version import version
from sqlglot.errors import ErrorLevel
from sqlglot.generator import Generator
from sqlglot.generators.snowflake import SnowflakeGenerator

__all__ = ["PARSER_VERSION", "SNOWFLAKE", "print_sql"]

PARSER_VERSION = version
"""The version of the parser that every decision rests on."""

SNOWFLAKE = Dialect.get_or_raise("snowflake")

# The parser warns of what it cannot type, quoting the statement; such statements are refused, and logs hold no SQL.
logging.getLogger("sqlglot").disabled = True

SnowflakeGenerator.TRANSFORMS[exp.Select] = lambda generator, node: generator.select_sql(node)
# A frame is printed even where it is the default, and the label of UNPIVOT ... IN (a AS 'label') stays a string.
SnowflakeGenerator.TRANSFORMS[exp.Localtimestamp] = lambda generator, node: "LOCALTIMESTAMP"
SnowflakeGenerator.TRANSFORMS[exp.Window] = Generator.window_sql
SnowflakeGenerator.TRANSFORMS[exp.PivotAlias] = lambda generator, node: (
    f"{generator.sql(node, 'this')} AS {generator.sql(node, 'alias')}"
)


def print_sql(root: exp.Expr) -> str:
    """`root` as Snowflake text on one line, without comments. Raises whatever the generator raises."""
    return SNOWFLAKE.generate(root, copy=False, comments=False, unsupported_level=ErrorLevel.RAISE)
