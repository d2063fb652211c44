"""Which constants and bind values a write puts into which column: through expressions, subqueries, CTEs and joins.

A constant is followed to every column that its value can end up in, whole or as a piece. What only decides whether or
which rows are written (a condition, an order, a limit) is followed nowhere.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce

from sqlglot import exp

from policy.binds import BIND_PREFIX
from policy.resolve import stored
from policy.tree import Assigned, Flow

_NOTHING = Flow()
_DECIDES = frozenset(
    {"where", "having", "qualify", "on", "match_condition", "group", "order", "limit", "offset", "connect"}
)
"""Slots of a statement whose constants end up in no column."""

_TEXTS = (exp.RawString, exp.National, exp.Heredoc)
_KEEPS = (exp.Paren, exp.Alias, exp.Cast, exp.TryCast, exp.Nullif, exp.Max, exp.Min, exp.AnyValue)
"""What has the value of its operand, or none."""

_CHOOSES = (exp.Coalesce, exp.Greatest, exp.Least)
_MAKES = (
    *("CHR", "DECODE", "DECRYPT", "DECOMPRESS", "HEXSTRING", "UNHEX", "TOBINARY"),
    *("PARSEJSON", "PARSEXML", "PARSEURL", "JSONEXTRACTSCALAR"),
)
"""Words in the names of functions and node classes that make text of what is no text, or of another text."""

_BINARIES = frozenset({exp.DType.BINARY, exp.DType.VARBINARY})

_PLAIN = re.compile(r"[\w$ ]*")
_ROWS = (exp.Select, exp.Values)
_TABLE_FUNCTIONS = (exp.Lateral, exp.TableFromRows, exp.Explode, exp.Unnest)


def assigned(root: exp.Expr) -> tuple[Assigned, ...]:
    """What the write `root` puts where: by a column's name, by its number, or by None into any column."""
    inner = list(_inner(root))
    names = _odd_names(root) if inner else _NOTHING
    pool = names
    for _ in range(2):  # what is put together of constants of a query further in takes a second look
        pool = (_Follow(pool).pool(inner) | names).spread()
    follow = _Follow(pool)
    flows: dict[str | int | None, Flow] = {}
    for column, flow in _parts(root, follow):
        flows[column] = flows.get(column, _NOTHING) | flow
    return tuple(Assigned(column, flow) for column, flow in flows.items() if flow != _NOTHING)


def _parts(root: exp.Expr, follow: "_Follow") -> Iterator[tuple[str | int | None, Flow]]:
    if isinstance(root, exp.Insert):
        target = root.this
        names = [stored(each) for each in target.expressions] if isinstance(target, exp.Schema) else None
        for row in _rows(root.expression):
            yield from follow.row(names, row)
    elif isinstance(root, exp.Update):
        yield from follow.settings(root.expressions)
    for when in root.find_all(exp.When) if isinstance(root, exp.Merge) else ():
        then = when.args.get("then")
        if isinstance(then, exp.Update):
            yield from follow.settings(then.expressions)
        elif isinstance(then, exp.Insert):
            names = [stored(each.this) for each in then.this.expressions] if then.this is not None else None
            yield from follow.row(names, then.expression.expressions)


def _rows(query: exp.Expr) -> Iterator[list[exp.Expr]]:
    """The rows or projections of a query that is inserted; brackets and set operations are looked through."""
    for top in _tops(query):
        if isinstance(top, exp.Values):
            yield from map(_cells, top.expressions)
        else:
            yield top.expressions


def _cells(row: exp.Expr) -> list[exp.Expr]:
    return row.expressions if isinstance(row, exp.Tuple) else [row]


def _inner(root: exp.Expr) -> Iterator[exp.Expr]:
    """The queries and table functions of a write whose columns it may read, without those that only decide."""
    top = {id(query) for query in _tops(root.args.get("expression"))}
    pending: list[exp.Expr] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, (*_ROWS, *_TABLE_FUNCTIONS)) and id(node) not in top:
            yield node
        for slot, value in node.args.items():
            if slot not in _DECIDES:
                pending += [e for e in (value if isinstance(value, list) else [value]) if isinstance(e, exp.Expr)]


def _odd_names(root: exp.Expr) -> Flow:
    """Names that are no plain words: UNPIVOT and OBJECT_CONSTRUCT make values of names."""
    names = (each.name for each in root.find_all(exp.Identifier) if each.args.get("quoted"))
    return Flow(texts=frozenset(name for name in names if not _PLAIN.fullmatch(name)))


def _tops(query: object) -> Iterator[exp.Expr]:
    """The queries whose rows are inserted themselves."""
    if isinstance(query, exp.SetOperation):
        yield from _tops(query.this)
        yield from _tops(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from _tops(query.this)
    elif isinstance(query, exp.Expr):
        yield query


class _Follow:
    """Follows values; `pool` is what any column of a query further in may hold."""

    def __init__(self, pool: Flow) -> None:
        self._pool = pool

    def pool(self, inner: Iterable[exp.Expr]) -> Flow:
        """What the columns of these queries may hold."""
        return reduce(lambda one, other: one | other, map(self._held, inner), _NOTHING)

    def _held(self, node: exp.Expr) -> Flow:
        if isinstance(node, exp.Select):
            values: Iterable[exp.Expr] = node.expressions
        elif isinstance(node, exp.Values):
            values = (cell for row in node.expressions for cell in _cells(row))
        else:
            return self._composed(node)
        return self._any(values)

    def row(self, names: list[str] | None, cells: list[exp.Expr]) -> Iterator[tuple[str | int | None, Flow]]:
        """One row that is inserted, into the columns `names` or into all of them in order."""
        if any(cell.find(exp.Star) for cell in cells):  # which column stands where is not told
            yield None, self._any(cells)
            return
        aliases: dict[str, Flow] = {}
        for n, cell in enumerate(cells):
            flow = self.of(cell)
            for column in cell.find_all(exp.Column) if aliases else ():
                # It is an alias to the left, if there is no such column.
                flow |= aliases.get(stored(column.this), _NOTHING)
            if isinstance(cell, exp.Alias):
                aliases[stored(cell.args["alias"])] = flow.spread()
            yield n if names is None else names[n] if n < len(names) else None, flow

    def settings(self, settings: list[exp.Expr]) -> Iterator[tuple[str | None, Flow]]:
        """What SET assigns."""
        for each in settings:
            if isinstance(each, exp.EQ) and isinstance(each.this, exp.Column):
                yield stored(each.this.this), self.of(each.expression)
            else:
                yield None, self._composed(each)

    def of(self, node: exp.Expr | None) -> Flow:
        """What the value of `node` may be or be made of."""
        text = _text(node)
        if node is None or text is not None:
            return _NOTHING if text is None else Flow(texts=frozenset({text}))
        if isinstance(node, exp.Placeholder):
            return Flow(binds=frozenset({_number(node)}))
        if isinstance(node, exp.Column | exp.Query | exp.Star):
            return self._pool
        if isinstance(node, _KEEPS):
            return self.of(node.this)
        if isinstance(node, _CHOOSES):
            return self._any([node.this, *node.expressions])
        if isinstance(node, exp.If):
            return self._any([node.args.get("true"), node.args.get("false")])
        if isinstance(node, exp.Case):
            return self._any([*node.args.get("ifs", ()), node.args.get("default")])
        return self._composed(node)

    def _any(self, nodes: Iterable[exp.Expr | None]) -> Flow:
        return reduce(lambda one, other: one | other, map(self.of, nodes), _NOTHING)

    def _composed(self, node: exp.Expr) -> Flow:
        """What is made of everything below `node`."""
        below = list(node.walk())
        reads = any(isinstance(each, exp.Column | exp.Query) for each in below)
        texts = _texts(below)
        binds = frozenset(_number(each) for each in below if isinstance(each, exp.Placeholder))
        is_constant = not reads or self._pool != _NOTHING
        is_made = is_constant and any(map(_makes, below))
        own = Flow(piece_binds=binds, is_made=is_made)
        own |= Flow(beside=texts) if reads and self._pool == _NOTHING else Flow(pieces=texts)
        return own | self._pool if reads else own


def _makes(node: exp.Expr) -> bool:
    """Whether `node` makes text that is in none of its operands."""
    if isinstance(node, exp.Cast):
        return node.args["to"].this in _BINARIES
    if isinstance(node, exp.ToChar):  # a binary is text in the encoding that the format names
        format_ = node.args.get("format")
        return format_ is not None and (_text(format_) or "UTF8").upper().replace("-", "") == "UTF8"
    name = node.name if isinstance(node, exp.Anonymous) else type(node).__name__
    return any(word in name.upper().replace("_", "") for word in _MAKES)


def _texts(below: Sequence[exp.Expr]) -> frozenset[str]:
    """The texts among these nodes, of which parents come before children, and what is put together of them alone."""
    known: dict[int, str] = {}
    for node in reversed(below):
        text = _folded(node, lambda child: None if child is None else known.get(id(child)))
        if text is not None:
            known[id(node)] = text
    whole = (node for node in below if id(node) in known and (node.parent is None or id(node.parent) not in known))
    return frozenset(
        known[id(node)]
        for node in (*whole, *(n for n in below if isinstance(n, (exp.Literal, *_TEXTS))))
        if id(node) in known
    )


def _text(node: exp.Expr | None) -> str | None:
    """The text that `node` is, if it is the same for every row."""
    return None if node is None else _folded(node, _text)


def _folded(node: exp.Expr, text_of: Callable[[exp.Expr | None], str | None]) -> str | None:
    """The text that `node` is, given those of its operands."""
    if isinstance(node, exp.Literal):
        return node.this if node.is_string else None
    if isinstance(node, _TEXTS):
        return str(node.this)
    if isinstance(node, exp.Paren | exp.Cast | exp.TryCast | exp.ToChar) and not node.args.get("format"):
        return text_of(node.this)
    if isinstance(node, exp.DPipe | exp.Concat):
        parts = node.expressions if isinstance(node, exp.Concat) else [node.this, node.expression]
        texts = [text_of(part) for part in parts]
        return None if None in texts else "".join(text for text in texts if text is not None)
    if isinstance(node, exp.Lower | exp.Upper | exp.Trim) and not node.args.get("expression"):
        text = text_of(node.this)
        if text is None or isinstance(node, exp.Trim):
            return None if text is None else text.strip(" ")
        return text.lower() if isinstance(node, exp.Lower) else text.upper()
    return None


def _number(placeholder: exp.Expr) -> int:
    """Which of the `?` it is, from 1 on; see `policy.binds`."""
    return int(placeholder.name.removeprefix(BIND_PREFIX))
