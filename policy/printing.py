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

from policy.binds import BIND_PREFIX
from policy.dialect import SNOWFLAKE, print_sql, tokenized
from policy.flat import flat, take_apart
from policy.functions import (
    CALLED_WITHOUT_BRACKETS,
    DICE,
    FUNCTIONS_ALLOWED,
    PATTERN_FUNCTIONS,
    PRINTED_AS,
    TYPES_BEFORE_PARENTHESIS,
    WORDS_BEFORE_PARENTHESIS,
    hint_on,
)
from policy.guard import guard
from policy.hints import FUNCTIONS as FOREIGN
from policy.hints import LOST
from policy.identifiers import RESERVED_PREFIX
from policy.lexing import is_cut_alike
from policy.losses import first_lost
from policy.misreadings import LITERALS, refuse_misread
from policy.refusal import PolicyCode, PolicyRefusal
from policy.resolve import TABLE_PREFIX, Resolved
from policy.statement import Literal
from policy.syntax import Parsed
from policy.tree import Reference

_STRUCTURE = """
    Select Union Intersect Except CTE With Where Group Having Qualify Order Ordered Limit Offset Fetch Join Lateral
    Table TableFromRows TableSample Pivot Window Column Placeholder Star Subquery Exists Insert Update Delete Merge
    When Connect Distinct Alias
"""
_COUNTED: frozenset[type[exp.Expr]] = frozenset(getattr(exp, name) for name in _STRUCTURE.split())
# An enumeration's members are slow to look up; these are compared with every token.
_NUMBER = TokenType.NUMBER
_NAME = TokenType.IDENTIFIER
_OPENS = TokenType.L_PAREN
_MATCH = TokenType.MATCH_RECOGNIZE
_GRAMMAR = WORDS_BEFORE_PARENTHESIS | TYPES_BEFORE_PARENTHESIS | FUNCTIONS_ALLOWED
_PLAINER = "write it in a plainer form: one construct at a time, no unusual operators"


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


def print_verified(parsed: Parsed, resolved: Resolved, opened: frozenset[str]) -> Printed:
    """Print a judged tree and read it back; `opened` are further function names. Raises PolicyRefusal if it differs."""
    text, tokens = _read_back(parsed.root, opened)
    kinds = [token.token_type for token in tokens]
    if not is_cut_alike(text, tokens, kinds):
        raise _unfaithful()
    allowed = FUNCTIONS_ALLOWED | opened if opened else FUNCTIONS_ALLOWED
    if _MATCH in kinds:
        plain = _without_patterns(tokens)
        functions = _functions(plain, [token.token_type for token in plain], allowed | PATTERN_FUNCTIONS)
    else:
        functions = _functions(tokens, kinds, allowed)
    source = [token.token_type for token in parsed.tokens]
    called, quoted = _called(parsed.tokens, source)
    if quoted or any(not _survives(name, functions) for name in called & FUNCTIONS_ALLOWED):
        raise _unfaithful()
    refuse_misread(parsed.tokens, source)
    if not functions.isdisjoint(DICE) and _is_dice_doubled(parsed.tokens, tokens):
        raise _unfaithful()
    kept, kept_kinds = tokens, kinds
    if resolved.removed:
        kept = [*tokens, *(token for text in resolved.removed for token in tokenized(text))]
        kept_kinds = [token.token_type for token in kept]
    lost = first_lost((parsed.tokens, source), (kept, kept_kinds), resolved.renamed)
    if lost is not None:
        raise _function(lost.text, lost.start) if lost.text.upper() in FOREIGN else _unfaithful(lost)
    cutter = _Cutter(text, resolved.references)
    cutter.take(tokens, kinds)
    return cutter.printed(functions, parsed.binds)


def _read_back(root: exp.Expr, opened: frozenset[str]) -> tuple[str, Sequence[Token]]:
    """The text of `root` and its tokens, once it is known to say what was judged.

    Most texts are read back as the very tree that was judged. Where the printer spells something in another way, the
    text must print the same again, be made of the same parts, and pass the guard.
    """
    nodes: list[exp.Expr] = []
    read: list[exp.Expr] = []
    judged = flat(root, nodes)
    try:
        text = print_sql(root)
        tokens = tokenized(text)
        again = [node for node in SNOWFLAKE.parser().parse(list(tokens), text) if node is not None]
        is_identical = len(again) == 1 and flat(again[0], read) == judged
        is_same = is_identical or (
            len(again) == 1
            and flat(root) == judged  # printing did not change what is compared
            and _parts(again[0]) == _parts(root)
            and print_sql(again[0]) == text
        )
    except Exception as error:
        raise _unfaithful() from error
    if not is_same:
        raise _unfaithful()
    if not is_identical:
        guard(again[0], text, opened, reading_back=True)
    take_apart(read)
    take_apart(nodes)
    return text, tokens


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


def _functions(tokens: Sequence[Token], kinds: Sequence[TokenType], allowed: frozenset[str]) -> frozenset[str]:
    """The names that the printed text calls; refuses a call of anything that is not allowed."""
    called: set[str] = set()
    for at in [at for at, kind in enumerate(kinds) if kind is _OPENS and at]:
        before, token = tokens[at - 2] if at > 1 else None, tokens[at - 1]
        word = token.text.upper().rpartition(" ")[2]
        if token.token_type is _NAME:
            is_named = before is not None and before.token_type in (TokenType.ALIAS, TokenType.INTO)
            if not is_named and not token.text.startswith(RESERVED_PREFIX):
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
    return frozenset(called.union(_called_bare(tokens)))


def _called_bare(tokens: Sequence[Token]) -> Iterable[str]:
    """The functions among `tokens` that are called without brackets."""
    return (t.text for t in tokens if t.text in CALLED_WITHOUT_BRACKETS and t.token_type not in LITERALS)


def _without_patterns(tokens: Sequence[Token]) -> list[Token]:
    """`tokens` without each PATTERN (...): symbols before brackets in it are no functions."""
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        token, depth = tokens[at], 0
        is_pattern = token.token_type is TokenType.VAR and token.text.upper() == "PATTERN"
        at += 1
        if not is_pattern or at == len(tokens) or tokens[at].token_type is not _OPENS:
            kept.append(token)
            continue
        is_open = True
        while is_open:  # what was read back as a tree has as many brackets that close
            depth += (tokens[at].token_type is _OPENS) - (tokens[at].token_type is TokenType.R_PAREN)
            at += 1
            is_open = depth > 0
    return kept


def _called(tokens: Sequence[Token], kinds: Sequence[TokenType]) -> tuple[set[str], bool]:
    """The words before an opening parenthesis, and whether a word of the grammar among them is quoted; no literals.

    A quoted one is a function of that very name, which printing would lose.
    """
    followed = zip(tokens, kinds, kinds[1:], strict=False)
    before = [token for token, kind, after in followed if after is _OPENS and kind not in LITERALS]
    called = {token.text.upper().rpartition(" ")[2] for token in before}
    return called, any(t.token_type is _NAME and t.text.upper() in _GRAMMAR for t in before)


def _is_dice_doubled(source: Sequence[Token], printed: Sequence[Token]) -> bool:
    """Whether the printer wrote out an argument twice that throws dice: the two would fall differently."""
    thrown = sum(token.text.upper() in DICE for token in printed)
    return thrown > 0 and thrown > sum(token.text.upper() in DICE for token in source)


def _survives(name: str, printed: frozenset[str]) -> bool:
    """Whether a function of the caller's text is in what was printed, under its own name or a reviewed other one."""
    if name in printed or name in WORDS_BEFORE_PARENTHESIS or name in TYPES_BEFORE_PARENTHESIS:
        return True
    others = PRINTED_AS.get(name)
    return others is not None and (not others or not printed.isdisjoint(others))


class _Cutter:
    """Walks the printed text once: cuts it at its tables, puts `?` back for binds, and takes the literals out."""

    def __init__(self, text: str, references: Iterable[Reference]) -> None:
        self._text = text
        self._waiting = {reference.placeholder: reference for reference in references}
        self._end = 0
        self._binds = 0
        self._pieces: list[str] = []
        self._piece: list[str] = []
        self._places: list[Reference] = []
        self._skeleton: list[str] = []
        self._literals: list[Literal] = []

    def take(self, tokens: Sequence[Token], kinds: Sequence[TokenType]) -> None:
        """Look at each token of the text; refuses a placeholder that is doubled or out of order."""
        before: Token | None = None
        for token, kind in zip(tokens, kinds, strict=True):
            if kind in LITERALS:
                self._literals.append(Literal("number" if kind is _NUMBER else "string", token.text))
                self._copy(token.start, token.end, self._text[token.start : token.end + 1], "?")
            elif token.text.startswith(RESERVED_PREFIX):
                self._reserved(before, token)
            before = token

    def _reserved(self, before: Token | None, token: Token) -> None:
        word = token.text
        if word.startswith(BIND_PREFIX) and before is not None and before.token_type is TokenType.COLON:
            self._binds += 1
            if word != f"{BIND_PREFIX}{self._binds}":
                raise _unfaithful()
            self._copy(before.start, token.end, "?", "?")
        elif word.startswith(TABLE_PREFIX):
            reference = self._waiting.pop(word, None)
            if reference is None:
                raise _unfaithful()
            clauses = [clause for clause in (reference.past, reference.sample) if clause]
            self._literals += [Literal("string", clause) for clause in clauses]
            self._copy(token.start, token.end, "", " ".join([str(reference.table), *("?" for _ in clauses)]))
            self._pieces.append("".join(self._piece))
            self._piece = []
            self._places.append(reference)

    def printed(self, functions: frozenset[str], binds: int) -> Printed:
        """What was found, once the whole text was taken; every table and every bind must have been in it."""
        if self._waiting or self._binds != binds:
            raise _unfaithful()
        self._copy(len(self._text), len(self._text), "", "")
        return Printed(
            pieces=(*self._pieces, "".join(self._piece)),
            places=tuple(self._places),
            functions=functions,
            skeleton="".join(self._skeleton),
            literals=tuple(self._literals),
        )

    def _copy(self, start: int, end: int, in_text: str, in_skeleton: str) -> None:
        """Copy the text up to `start`, then write what stands for the rest up to `end`."""
        plain = self._text[self._end : start]
        self._piece += (plain, in_text)
        self._skeleton += (plain, in_skeleton)
        self._end = end + 1


def _unfaithful(lost: Token | None = None) -> PolicyRefusal:
    """The refusal of what is not printed as it was meant; `lost` is a piece of the text that would be missing."""
    part = "" if lost is None else f": `{lost.text[:60]}` would be lost"
    return PolicyRefusal(
        PolicyCode.UNFAITHFUL_PRINT,
        f"the statement cannot be written back with the same meaning{part}",
        LOST.get("" if lost is None else lost.text.upper(), _PLAINER),
        None if lost is None else lost.start,
    )


def _function(name: str, at: int | None = None) -> PolicyRefusal:
    return PolicyRefusal(
        PolicyCode.FUNCTION_NOT_ALLOWED,
        f"the function `{name.upper()[:60]}` is not allowed",
        hint_on(name[:60]),
        at,
    )
