"""The text of a view to the query that it is, so that what it reads can be protected where it reads it."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from policy.bounds import tokens_of
from policy.catalog import Table
from policy.dialect import SNOWFLAKE
from policy.names import TableName
from policy.refusal import PolicyRefusal
from policy.resolve import Defaults
from policy.statement import SqlStatement, Verb
from policy.syntax import Parsed
from policy.understand import understand_tree

_BEFORE_A_NAME = frozenset({TokenType.L_PAREN, TokenType.COMMA})


def view_statement(
    definition: str,
    tables: Mapping[TableName, Table],
    defaults: Defaults,
    opened: frozenset[str],
    *,
    observing: bool = False,
) -> SqlStatement | None:
    """The query of a view, given as `SELECT ...` or as `CREATE VIEW ... AS SELECT ...`; None if it is not understood.

    Short names are completed with the view's own database and schema, as Snowflake does.
    """
    try:
        tokens: Sequence[Token] = tokens_of(definition)
        parsed = SNOWFLAKE.parser().parse(list(tokens), definition)
        roots = [root for root in parsed if root is not None and not isinstance(root, exp.Semicolon)]
        if len(roots) != 1:
            return None
        root = roots[0]
        if isinstance(root, exp.Create):
            if root.args.get("kind") != "VIEW":
                return None
            root = root.expression.pop()
            tokens = _query_of(tokens)
            if not tokens:
                return None
        if not isinstance(root, exp.Query):
            return None
        read = Parsed(root, Verb.READ, tokens, binds=0)
        return understand_tree(read, definition, tables, defaults, opened, observing=observing)
    except PolicyRefusal:
        return None
    except Exception:
        # Whatever the parser trips over, a view that is not understood is one that cannot be looked into.
        return None


def _query_of(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens of `CREATE VIEW ... AS` behind its AS; none for a view that is made under a policy of Snowflake's.

    Such a policy (ROW ACCESS POLICY, MASKING POLICY, ...) is not in the query that would stand for the view.
    """
    kinds = [token.token_type for token in tokens]
    depths = accumulate((kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN) for kind in kinds)
    end = next(n for n, depth in enumerate(depths) if depth == 0 and kinds[n] is TokenType.ALIAS)
    header = pairwise(kinds[:end])
    is_under_policy = any(kind is TokenType.POLICY and left not in _BEFORE_A_NAME for left, kind in header)
    return () if is_under_policy else tokens[end + 1 :]
