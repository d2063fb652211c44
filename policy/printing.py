"""The judged tree to text, and the proof that the text says what was judged.

The printer belongs to the trusted base and has been wrong before (`@@a` came out as `$$a`, which opens a string). So
the text is read again: it must print the same, be made of the same parts, and call allowed functions only. What stands
in it for a table is a placeholder that no caller can guess, so filling it in afterwards cannot change anything else.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from policy.dialect import SNOWFLAKE, print_sql
from policy.functions import FUNCTIONS_ALLOWED, TYPES_BEFORE_PARENTHESIS, WORDS_BEFORE_PARENTHESIS
from policy.guard import FUNCTIONS_HINT
from policy.identifiers import RESERVED_PREFIX
from policy.refusal import PolicyCode, PolicyRefusal
from policy.resolve import Reference
from policy.statement import Literal

_STRUCTURE = """
    Select Union Intersect Except CTE With Where Group Having Qualify Order Ordered Limit Offset Fetch Join Lateral
    Table TableFromRows TableSample Pivot Window Column Placeholder Star Subquery Exists Insert Update Delete Merge
    When Connect Distinct Alias
"""
_COUNTED: frozenset[type[exp.Expr]] = frozenset(getattr(exp, name) for name in _STRUCTURE.split())
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


@dataclass(frozen=True, slots=True)
class Printed:
    """Text that was read back: cut at its placeholders, with the functions that it calls and its literals."""

    pieces: tuple[str, ...]
    places: tuple[Reference, ...]
    functions: frozenset[str]
    skeleton: str
    literals: tuple[Literal, ...]


def mark_of(text: str) -> str:
    """A mark for the placeholders of `text` that `text` cannot hold: it would have to hold its own hash."""
    return hashlib.sha256(text.encode()).hexdigest()[:32].upper()


def print_verified(root: exp.Expr, references: Sequence[Reference], opened: frozenset[str]) -> Printed:
    """Print `root` and read it back; `opened` are further function names. Raises PolicyRefusal if it differs."""
    judged = _parts(root)
    try:
        text = print_sql(root)
        tokens = SNOWFLAKE.tokenize(text)
        again = [node for node in SNOWFLAKE.parser().parse(list(tokens), text) if node is not None]
        is_same = len(again) == 1 and _parts(again[0]) == judged and print_sql(again[0]) == text
    except Exception as error:
        raise _unfaithful() from error
    if not is_same:
        raise _unfaithful()
    functions = _functions(tokens, FUNCTIONS_ALLOWED | opened)
    pieces, places = _cut(text, references)
    skeleton, literals = _skeleton(text, tokens, references)
    return Printed(pieces, places, functions, skeleton, literals)


def _parts(root: exp.Expr) -> Counter[object]:
    """How often each kind of structure and each table occurs."""
    parts: Counter[object] = Counter()
    for node in root.walk():
        if type(node) in _COUNTED:
            parts[type(node)] += 1
            if isinstance(node, exp.Table):
                parts[node.name, node.text("db"), node.text("catalog")] += 1
            elif isinstance(node, exp.Column):
                parts[node.name.upper(), "column"] += 1
    return parts


def _functions(tokens: Sequence[Token], allowed: frozenset[str]) -> frozenset[str]:
    """The names that the printed text calls; refuses a call of anything that is not allowed."""
    called: set[str] = set()
    for before, token, after in zip((None, *tokens), tokens, tokens[1:], strict=False):
        if after.token_type != TokenType.L_PAREN:
            continue
        word = token.text.upper().rpartition(" ")[2]
        if token.token_type == TokenType.IDENTIFIER:
            if before is not None and before.token_type == TokenType.DOT:
                raise _function(token.text)
            continue
        if not (word[:1].isalpha() or word[:1] == "_"):
            continue
        if before is not None and before.token_type == TokenType.DOT:
            raise _function(token.text)
        if before is not None and before.token_type == TokenType.ALIAS and word not in TYPES_BEFORE_PARENTHESIS:
            continue
        if word in allowed:
            called.add(word)
        elif word not in WORDS_BEFORE_PARENTHESIS and word not in TYPES_BEFORE_PARENTHESIS:
            raise _function(token.text)
    return frozenset(called)


def _cut(text: str, references: Iterable[Reference]) -> tuple[tuple[str, ...], tuple[Reference, ...]]:
    """`text` cut at every placeholder; each must be there exactly once."""
    found: list[tuple[int, Reference, str]] = []
    for reference in references:
        quoted = f'"{reference.placeholder}"'
        if text.count(reference.placeholder) != 1 or quoted not in text:
            raise _unfaithful()
        found.append((text.index(quoted), reference, quoted))
    found.sort(key=lambda each: each[0])
    pieces: list[str] = []
    end = 0
    for start, _, quoted in found:
        pieces.append(text[end:start])
        end = start + len(quoted)
    pieces.append(text[end:])
    return tuple(pieces), tuple(reference for _, reference, _ in found)


def _skeleton(text: str, tokens: Sequence[Token], references: Sequence[Reference]) -> tuple[str, tuple[Literal, ...]]:
    """`text` with `?` for each literal and each table under its full name, and what the literals were."""
    names = {reference.placeholder: str(reference.table) for reference in references}
    out: list[str] = []
    literals: list[Literal] = []
    end = 0
    for token in tokens:
        replacement: str | None = None
        if token.token_type == TokenType.NUMBER:
            literals.append(Literal("number", token.text))
            replacement = "?"
        elif token.token_type in _STRINGS:
            literals.append(Literal("string", token.text))
            replacement = "?"
        elif token.token_type == TokenType.IDENTIFIER and token.text.startswith(RESERVED_PREFIX):
            replacement = names.get(token.text)
        if replacement is not None:
            out += (text[end : token.start], replacement)
            end = token.end + 1
    out.append(text[end:])
    return "".join(out), tuple(literals)


def _unfaithful() -> PolicyRefusal:
    return PolicyRefusal(
        PolicyCode.UNFAITHFUL_PRINT,
        "the statement cannot be written back with the same meaning",
        "write it in a plainer form: one construct at a time, no unusual operators",
    )


def _function(name: str) -> PolicyRefusal:
    return PolicyRefusal(
        PolicyCode.FUNCTION_NOT_ALLOWED,
        f"the function `{name.upper()[:60]}` is not allowed",
        FUNCTIONS_HINT,
    )
