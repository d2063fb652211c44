"""The first judge: every node, argument and function of the tree is allowed by a table, or the statement is refused.

It knows nothing of the catalog, so what it says is the same for every caller.
"""

import re
from collections.abc import Callable, Iterable

from sqlglot import exp

from policy.binds import BIND_PREFIX
from policy.bounds import too_deep
from policy.constructs import SLOTS, TYPES
from policy.functions import FUNCTIONS_ALLOWED, PATTERN_FUNCTIONS, TABLE_FUNCTIONS, hint_on
from policy.hints import CONSTRUCTS, PLAIN
from policy.identifiers import RESERVED_PREFIX, has_control
from policy.refusal import PolicyCode, PolicyRefusal
from policy.syntax import is_too_deep

_SLOTS: dict[type[exp.Expr], frozenset[str]] = {getattr(exp, name): slots for name, slots in SLOTS.items()}
_TABLE_FUNCTION_NODES = (exp.Explode, exp.Generator, exp.SplitToTable)
_TYPES = frozenset(exp.DType[name] for name in TYPES)
_TYPES_HINT = "write a type of Snowflake's own, such as VARCHAR, NUMBER, FLOAT, DATE, TIMESTAMP_NTZ, BOOLEAN or VARIANT"
_PLAIN_VALUES = frozenset({str, bool, type(None)})
_COMMON_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_PLAIN_NAME = re.compile(r"[^\W\d][\w$]*\Z")
_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_ ]*\Z")
_PATTERN = re.compile(r"[\w\s()|*+{},]+\Z", re.ASCII)
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def guard(
    root: exp.Expr, text: str, opened: frozenset[str] = frozenset(), *, reading_back: bool = False
) -> list[exp.Expr]:
    """Refuse `root` unless it is made of allowed parts only; `opened` are further function names that policy allows.

    What we printed ourselves holds our reserved names; `reading_back` lets them pass. Gives every node of the tree.
    """
    judge = _Guard(text, opened, reading_back)
    # Level by level, not by recursion: a statement may be as deep as the parser let it be.
    nodes: list[exp.Expr] = []
    level, depth = [root], 0
    while level:
        if is_too_deep(depth):
            raise too_deep()
        judge.nodes(level)
        nodes += level
        level, depth = below(level), depth + 1
    return nodes


def position(node: exp.Expr) -> int | None:
    """Offset in the caller's text of the first word of `node` that the parser placed."""
    starts: list[object] = []
    level = [node]
    while level:
        starts += [part.meta_get("start") for part in level]
        level = below(level)
    return min([start for start in starts if isinstance(start, int)], default=None)


def below(level: Iterable[exp.Expr]) -> list[exp.Expr]:
    """The nodes right below those of `level`, in order; their own `iter_expressions` makes a generator of each."""
    found: list[exp.Expr] = []
    for value in [value for node in level for value in node.args.values() if type(value) not in _PLAIN_VALUES]:
        if isinstance(value, exp.Expr):
            found.append(value)
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, exp.Expr)]
    return found


class _Guard:
    def __init__(self, text: str, opened: frozenset[str], reading_back: bool) -> None:
        self._text = text
        self._opened = opened
        self._reserved = ("METADATA$",) if reading_back else (RESERVED_PREFIX, "METADATA$")

    def nodes(self, level: Iterable[exp.Expr]) -> None:
        """Refuse the first of `level` that is not allowed where it stands."""
        for node in level:
            seat = _SEATS.get(type(node))
            if seat is None:
                self._unseated(node)
                continue
            allowed, is_function, check = seat
            if not node.args.keys() <= allowed:
                self._slots(node, allowed)
            if is_function and isinstance(node, exp.Func) and self._is_quoted(node):
                raise self._function(node, node.sql_name())
            if check is not None:
                check(self, node)

    def _unseated(self, node: exp.Expr) -> None:
        """A kind of node that no table allows: a function that the policy opens, or refused."""
        kind = type(node)
        if not isinstance(node, exp.Func):
            raise self._construct(node, *CONSTRUCTS.get(kind.__name__, (_words(kind),)))
        if node.sql_name() not in self._opened:
            raise self._function(node, node.sql_name())

    def _slots(self, node: exp.Expr, allowed: frozenset[str]) -> None:
        """Refuse an argument that is none of `allowed`, unless it says nothing."""
        kind = type(node)
        for slot, value in node.args.items():
            if value and slot not in allowed:
                plain = (f"{slot.strip('_').replace('_', ' ')} in {_words(kind)}",)
                raise self._construct(node, *CONSTRUCTS.get((kind.__name__, slot), plain))

    def _is_quoted(self, node: exp.Expr) -> bool:
        """Whether a function's name was quoted: that is a name of its own, which printing would lose."""
        start = node.meta_get("start")
        return isinstance(start, int) and self._text[start : start + 1] == '"'

    def identifier(self, node: exp.Expr) -> None:
        if _COMMON_NAME.match(node.name):  # neither reserved nor empty, and it means the same bare and quoted
            return
        name = node.name.upper()
        if name.startswith(self._reserved):
            raise self._construct(node, f"the reserved name `{node.name}`")
        if not name:
            raise self._construct(node, "an empty name")
        if node.args.get("quoted"):
            if has_control(node.name):
                raise self._construct(node, "a line break or other control character in a name")
            return
        # Whatever the parser took for a name is printed bare, so it must be a name for Snowflake as well.
        if not _PLAIN_NAME.match(node.name):
            raise self._construct(node, f"the unquoted name `{node.name[:60]}`")
        if not node.name.isascii() and _folds_away(node.name):
            raise self._construct(node, f"a letter of `{node.name}` that folds to another")

    def var(self, node: exp.Expr) -> None:
        if isinstance(node.parent, exp.MatchRecognize) and node.arg_key == "pattern":
            return
        if not _PLAIN_WORD.match(node.name):
            raise self._construct(node, f"`{node.name[:60]}` in place of a word")

    def kwarg(self, node: exp.Expr) -> None:
        if not isinstance(node.this, exp.Var | exp.Identifier):
            raise self._construct(node, "an argument's name that is no plain word")

    def placeholder(self, node: exp.Expr) -> None:
        if not node.name.startswith(BIND_PREFIX):
            raise PolicyRefusal(
                PolicyCode.BAD_PARAMETERS,
                f"the parameter `:{node.name}` is not allowed",
                "write each parameter as `?` and pass its value in `parameters`, in order",
                position(node),
            )
        parent = node.parent
        if isinstance(parent, exp.Table | exp.DynamicIdentifier | exp.DataTypeParam | exp.TableAlias | exp.TableSample):
            raise PolicyRefusal(
                PolicyCode.BAD_PARAMETERS,
                "a parameter cannot stand for a name",
                "write the name itself; `?` stands for a value",
            )

    def anonymous(self, node: exp.Expr) -> None:
        name = node.args.get("this")
        if isinstance(name, str) and name.upper() in PATTERN_FUNCTIONS and node.find_ancestor(exp.MatchRecognize):
            return
        if not isinstance(name, str) or (name.upper() not in FUNCTIONS_ALLOWED and name.upper() not in self._opened):
            raise self._function(node, str(node.name))

    def column(self, node: exp.Expr) -> None:
        if node.name.upper() in ("NEXTVAL", "CURRVAL") and node.args.get("table"):
            raise self._function(node, "NEXTVAL")

    def dot(self, node: exp.Expr) -> None:
        right = node.args["expression"]
        left: exp.Expr = node
        while isinstance(left, exp.Dot):
            left = left.this
        if isinstance(left, exp.Identifier) or not isinstance(right, exp.Identifier):
            raise self._function(node, _dotted(node))

    def table(self, node: exp.Expr) -> None:
        source = node.this
        if isinstance(source, exp.DynamicIdentifier):
            literal = source.this
            if not (isinstance(literal, exp.Literal) and literal.is_string):
                raise self._construct(node, "IDENTIFIER of anything but a string")
        elif not isinstance(source, exp.Identifier):
            if isinstance(source, exp.Func):
                raise self._function(node, source.name or source.sql_name())
            raise self._construct(node, "a source that is not a table")
        for part in ("db", "catalog"):
            value = node.args.get(part)
            if value is not None and not isinstance(value, exp.Identifier):
                raise self._construct(node, "a table name with an empty part")
        alias = node.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            raise self._construct(node, "a column list after a table's alias")

    def dynamic_identifier(self, node: exp.Expr) -> None:
        if not isinstance(node.parent, exp.Table):
            raise self._construct(node, "IDENTIFIER outside FROM", "write the name itself")

    def table_function(self, node: exp.Expr) -> None:
        inner = node.this
        if isinstance(inner, _TABLE_FUNCTION_NODES):
            return
        if isinstance(inner, exp.Anonymous):
            if str(inner.this).upper() in TABLE_FUNCTIONS:
                return
            raise self._function(inner, inner.name)
        if isinstance(node, exp.Lateral):
            if isinstance(inner, exp.Subquery):
                return
            if isinstance(inner, exp.TableFromRows):
                return
        raise self._construct(node, "TABLE() of anything but a table function")

    def select(self, node: exp.Expr) -> None:
        args = node.args
        if not args.get("expressions"):
            raise self._construct(node, "a SELECT of nothing")
        if not args.get("from_") and (args.get("joins") or args.get("laterals")):
            raise self._construct(node, "a join without FROM")

    def join(self, node: exp.Expr) -> None:
        if (node.args.get("kind") or "").upper() in ("SEMI", "ANTI"):
            hint = "write WHERE EXISTS (...) or WHERE NOT EXISTS (...)"
            raise self._construct(node, "a SEMI or ANTI JOIN, which Snowflake does not have,", hint)

    def struct(self, node: exp.Expr) -> None:
        has_keys = all(isinstance(each, exp.PropertyEQ) for each in node.expressions)
        if not has_keys and not (len(node.expressions) == 1 and node.expressions[0].is_star):
            raise self._construct(node, "an object's value without a key", "write {'key': value}, or {*}")

    def pattern_function(self, node: exp.Expr) -> None:
        if node.find_ancestor(exp.MatchRecognize) is None:
            raise self._function(node, type(node).__name__)

    def match_recognize(self, node: exp.Expr) -> None:
        # The printer writes the pattern behind every join, so only a source that stands alone keeps its meaning.
        select = node.parent
        from_ = select.args.get("from_") if select is not None else None
        source = from_.this if from_ is not None else None
        is_one = isinstance(source, exp.Table) or (
            isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query)
        )
        others = ("joins", "laterals", "pivots", "sample", "alias", "connect")
        if not is_one or any(each.args.get(slot) for each in (source, select) if each for slot in others):
            raise self._construct(node, "MATCH_RECOGNIZE of anything but one table or subquery without an alias")
        pattern = node.args.get("pattern")
        if pattern is None or not _PATTERN.match(pattern.name):
            raise self._construct(
                node, "a PATTERN of more than symbols, ( ) | * + and {n,m}", "write `x{0,1}` instead of `x?`"
            )
        if any(not isinstance(each, exp.Alias) for each in node.args.get("define") or ()):
            raise self._construct(node, "a DEFINE without AS")
        if any(not isinstance(each.this, exp.Alias) for each in node.args.get("measures") or ()):
            raise self._construct(node, "a measure without AS")

    def column_def(self, node: exp.Expr) -> None:
        if not isinstance(node.parent, exp.DataType):
            raise self._construct(node, "a column's definition")

    def data_type(self, node: exp.Expr) -> None:
        if node.args.get("kind") or node.args.get("udt") or node.this == exp.DType.USERDEFINED:
            raise self._construct(node, "a user-defined type", _TYPES_HINT)
        if node.this not in _TYPES:
            raise self._construct(node, f"the type `{getattr(node.this, 'value', node.this)}`", _TYPES_HINT)

    def write(self, node: exp.Expr) -> None:
        if node.parent is not None and not isinstance(node.parent, exp.When):
            raise self._construct(node, "a write inside another statement")

    def lambda_(self, node: exp.Expr) -> None:
        if any(not isinstance(parameter, exp.Identifier) for parameter in node.expressions):
            raise self._construct(node, "a typed lambda parameter")
        # The parser matches parameters by their text alone; a name spelled otherwise is another name in Snowflake.
        spelled = {(p.name, bool(p.args.get("quoted"))) for p in node.expressions}
        alike = {p.name.upper() for p in node.expressions}
        for name in node.this.find_all(exp.Identifier):
            if name.name.upper() in alike and (name.name, bool(name.args.get("quoted"))) not in spelled:
                raise self._construct(node, f"`{name.name[:60]}` beside a lambda parameter of the same letters")

    def subquery(self, node: exp.Expr) -> None:
        if not isinstance(node.this, exp.Query | exp.Table | exp.Values | exp.TableFromRows | exp.Lateral):
            raise self._construct(node, "brackets round this source")

    def _construct(self, node: exp.Expr, what: str, hint: str = PLAIN) -> PolicyRefusal:
        return PolicyRefusal(PolicyCode.CONSTRUCT_NOT_ALLOWED, f"{what} is not allowed", hint, position(node))

    def _function(self, node: exp.Expr, name: str) -> PolicyRefusal:
        shown = re.sub(r"[^\w$.]", "", name)[:60].upper()
        at = position(node)
        if at is None and (found := re.search(rf"\b{re.escape(shown)}\s*\(", self._text, re.IGNORECASE)):
            at = found.start()
        return PolicyRefusal(
            PolicyCode.FUNCTION_NOT_ALLOWED,
            f"the function `{shown}` is not allowed",
            hint_on(shown),
            at,
        )


def _folds_away(name: str) -> bool:
    """Whether a letter outside ASCII becomes ASCII in upper case, as a dotless i does; not all fold it alike."""
    return any(letter.upper().isascii() for letter in name if not letter.isascii())


def _dotted(node: exp.Expr) -> str:
    """The name of a function that is called with its schema before it."""
    parts = [part.name for part in node.flatten() if part.name] if isinstance(node, exp.Dot) else []
    return ".".join(parts) or "a dotted name"


def _words(kind: type[exp.Expr]) -> str:
    return _WORDS.sub(" ", kind.__name__).lower()


_CHECKS: dict[type[exp.Expr], Callable[[_Guard, exp.Expr], None]] = {
    exp.Identifier: _Guard.identifier,
    exp.Var: _Guard.var,
    exp.Kwarg: _Guard.kwarg,
    exp.Placeholder: _Guard.placeholder,
    exp.Anonymous: _Guard.anonymous,
    exp.Column: _Guard.column,
    exp.Dot: _Guard.dot,
    exp.Table: _Guard.table,
    exp.DynamicIdentifier: _Guard.dynamic_identifier,
    exp.TableFromRows: _Guard.table_function,
    exp.Lateral: _Guard.table_function,
    exp.Select: _Guard.select,
    exp.Join: _Guard.join,
    exp.Struct: _Guard.struct,
    exp.DataType: _Guard.data_type,
    exp.ColumnDef: _Guard.column_def,
    exp.MatchRecognize: _Guard.match_recognize,
    exp.First: _Guard.pattern_function,
    exp.Last: _Guard.pattern_function,
    exp.Lambda: _Guard.lambda_,
    exp.Insert: _Guard.write,
    exp.Update: _Guard.write,
    exp.Delete: _Guard.write,
    exp.Merge: _Guard.write,
    exp.Subquery: _Guard.subquery,
}

_SEATS = {kind: (slots, issubclass(kind, exp.Func), _CHECKS.get(kind)) for kind, slots in _SLOTS.items()}
"""What the judge asks of each kind of node: its slots, whether it is a function, and a check of its own."""
