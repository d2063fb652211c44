"""Text to one syntax tree whose root is a query or a write; everything else is refused by its kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token

from policy.binds import numbered
from policy.bounds import tokens_of, too_deep
from policy.dialect import SNOWFLAKE
from policy.hints import STATEMENTS, SYNTAX
from policy.refusal import PolicyCode, PolicyRefusal
from policy.statement import Verb

TREE_DEPTH_MAX = 400

_VERBS: dict[type[exp.Expr], Verb] = {
    exp.Select: Verb.READ,
    exp.Union: Verb.READ,
    exp.Intersect: Verb.READ,
    exp.Except: Verb.READ,
    exp.Subquery: Verb.READ,
    exp.Values: Verb.READ,
    exp.Insert: Verb.INSERT,
    exp.Update: Verb.UPDATE,
    exp.Delete: Verb.DELETE,
    exp.Merge: Verb.MERGE,
}
_KINDS_HINT = (
    "only queries, INSERT, UPDATE, DELETE and MERGE are understood, and some changes of a whole table; "
    "use describe_schema to see what exists"
)
_SYNTAX_HINT = "correct the syntax; write plain Snowflake SQL without scripting"


@dataclass(frozen=True, slots=True)
class Parsed:
    """One statement as the parser read it, the tokens that it read, and how many `?` were among them."""

    root: exp.Expr
    verb: Verb
    tokens: Sequence[Token]
    binds: int


def parse_one(text: str) -> Parsed:
    """The only statement of `text`. Raises PolicyRefusal, whatever the parser raises."""
    tokens, binds = numbered(tokens_of(text), text)
    try:
        parsed = SNOWFLAKE.parser().parse(tokens, text)
    except RecursionError:
        raise too_deep() from None
    except ParseError as error:
        raise _syntax_error(text, error) from None
    except Exception as error:
        raise PolicyRefusal(
            PolicyCode.SYNTAX_ERROR, "the statement cannot be read as SQL", "write it in plain Snowflake SQL"
        ) from error
    roots = [root for root in parsed if root is not None and not isinstance(root, exp.Semicolon)]
    if not roots:
        raise PolicyRefusal(PolicyCode.EMPTY_STATEMENT, "there is no statement", "send one SQL statement")
    if len(roots) > 1:
        raise PolicyRefusal(
            PolicyCode.NOT_ONE_STATEMENT,
            f"there are {len(roots)} statements",
            "send each statement in a call of its own",
        )
    root = roots[0]
    verb = _VERBS.get(type(root))
    if verb is None:
        kind = tokens[0].text.upper()[:30]
        hint = STATEMENTS.get(kind, _KINDS_HINT)
        raise PolicyRefusal(
            PolicyCode.STATEMENT_NOT_ALLOWED, f"`{kind}` statements are not allowed", hint, tokens[0].start
        )
    return Parsed(root, verb, tokens, binds)


def _syntax_error(text: str, error: ParseError) -> PolicyRefusal:
    """The refusal for text that does not parse, with the word at which the parser gave up."""
    details = error.errors[0] if error.errors else {}
    word = str(details.get("highlight") or "")[:60]
    line, column = details.get("line"), details.get("col")
    where = f" near `{word}`" if word else ""
    at = None
    if isinstance(line, int) and isinstance(column, int):
        lines = text.splitlines(keepends=True)[: line - 1]
        at = min(sum(map(len, lines)) + max(column - len(word), 0), len(text))
    return PolicyRefusal(
        PolicyCode.SYNTAX_ERROR,
        f"the statement cannot be read as SQL{where}",
        next((hint for sign, hint in SYNTAX if sign.search(text)), _SYNTAX_HINT),
        at,
    )


def is_too_deep(depth: int) -> bool:
    """Whether a node at `depth` below the root is further down than the judge goes."""
    return depth > TREE_DEPTH_MAX
