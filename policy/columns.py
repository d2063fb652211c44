"""Columns to the sources that have them: which names a query offers, and which of its names nothing offers.

Protection does not rest on this: a protected table is replaced whole. It gives a caller an error in its own words
instead of Snowflake's error about a text that the caller never wrote, and it tells the rewriter which columns can
matter. Where the columns of a source cannot be known (after PIVOT, of a missing table) it is taken to have any name.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlglot import exp

from policy.alike import alike
from policy.bounds import too_deep
from policy.guard import below, position
from policy.names import TableName
from policy.resolve import LEAVES, stored
from policy.tree import ColumnFacts, Columns, UnknownColumn

_FLATTEN = ("SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS")
_SPLIT = ("SEQ", "INDEX", "VALUE")
_HIERARCHY = frozenset({"LEVEL", "CONNECT_BY_ISLEAF", "CONNECT_BY_ISCYCLE"})
_WORD = re.compile(r"[A-Za-z_]\w*")
_PARTS = ("catalog", "db", "table", "this")
_PLACE = frozenset({"db", "catalog"})
ALIASES_WATCHED_MIN = 10
ALIAS_GROWTH_MAX = 2_000
"""How often an alias may stand in another, written out."""

COLUMNS_EXPANDED_MAX = 50_000
"""Columns that all stars of a statement may stand for: those of one that joins a thing with itself double each time."""


@dataclass(frozen=True, slots=True)
class _Source:
    alias: str | None
    columns: Columns
    table: TableName | None = None


@dataclass(slots=True)
class _Scope:
    outer: "_Scope | None"
    sources: list[_Source] = field(default_factory=list)
    aliases: frozenset[str] = frozenset()

    def chain(self) -> Iterable["_Scope"]:
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


Lookup: TypeAlias = Callable[[str], tuple[TableName, Columns] | None]
"""From a placeholder to its table and that table's columns; None for a name that is no placeholder."""


def check_columns(root: exp.Expr, lookup: Lookup) -> ColumnFacts:
    """Look up every column of a resolved tree; strips database and schema from those that carry them."""
    checker = _Checker(lookup, is_in_place=isinstance(root, exp.Update | exp.Delete | exp.Merge))
    outputs: Columns = ()
    if isinstance(root, exp.Query | exp.Values):
        outputs = checker.query(root, None)
    else:
        checker.write(root)
    return ColumnFacts(outputs, checker.first_unknown(), checker.is_certain)


class _Checker:
    def __init__(self, lookup: Lookup, *, is_in_place: bool) -> None:
        self._lookup = lookup
        self._is_in_place = is_in_place
        self._expressions: dict[str, Columns] = {}
        self._recursive: dict[int, str] = {}
        self._unknown_first: tuple[int | None, str, Iterable[str | None]] | None = None
        self._expanded = 0
        self.is_certain = True

    # Queries

    def query(self, node: exp.Expr, outer: _Scope | None) -> Columns:
        with_ = node.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            self._common_table(cte, outer)
        if isinstance(node, exp.Select):
            return self._select(node, outer)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, outer)
        if isinstance(node, exp.Subquery):
            scope = _Scope(outer)
            outputs = self._bracketed(node, scope)
            self._visit_slots(node, scope, ("order", "limit", "offset"))
            return outputs
        return self._values(node, _Scope(outer))

    def _common_table(self, cte: exp.Expr, outer: _Scope | None) -> None:
        alias = cte.args["alias"]
        declared = _declared(alias)
        body = cte.this
        name = alias.this.name
        if declared:
            self._expressions[name] = declared
        elif isinstance(body, exp.SetOperation):
            self._recursive[id(body)] = name
        outputs = self.query(body, outer)
        self._expressions[name] = declared or outputs

    def _set_operation(self, node: exp.Expr, outer: _Scope | None) -> Columns:
        outputs = self.query(node.this, outer)
        if name := self._recursive.get(id(node)):
            self._expressions[name] = outputs
        self.query(node.expression, outer)
        scope = _Scope(outer, [_Source(None, outputs)])
        self._visit_slots(node, scope, ("order", "limit", "offset"))
        return outputs

    def _select(self, node: exp.Expr, outer: _Scope | None) -> Columns:
        scope = _Scope(outer)
        from_ = node.args.get("from_")
        if from_ is not None:
            self._source(from_.this, scope)
        self._joined(node, scope)
        match = node.args.get("match")
        if match is not None:
            self._match(match, scope)
        projections = node.expressions
        scope.aliases = frozenset(stored(e.args["alias"]) for e in projections if isinstance(e, exp.Alias))
        if len(scope.aliases) >= ALIASES_WATCHED_MIN:
            _refuse_growth(projections)
        if node.args.get("connect") is not None:
            scope.aliases |= _HIERARCHY
        self._visit_slots(
            node, scope, ("expressions", "where", "group", "having", "qualify", "order", "connect", "limit", "offset")
        )
        return self._outputs(projections, scope, merges=_merges(node))

    def _outputs(self, projections: Sequence[exp.Expr], scope: _Scope, *, merges: bool) -> Columns:
        outputs: list[str | None] = []
        for projection in projections:
            if isinstance(projection, exp.Alias):
                outputs.append(stored(projection.args["alias"]))
            elif isinstance(projection, exp.Column) and not isinstance(projection.this, exp.Star):
                outputs.append(stored(projection.this))
            elif isinstance(projection, exp.Star | exp.Column):
                expanded = None if merges else _expand(projection, scope)
                if expanded is None:
                    return None
                self._expanded += len(expanded)
                if self._expanded > COLUMNS_EXPANDED_MAX:
                    raise too_deep(position(projection))
                outputs.extend(expanded)
            else:
                outputs.append(None)
        return tuple(outputs)

    # Sources

    def _joined(self, node: exp.Expr, scope: _Scope) -> None:
        """The sources that joins and laterals add to a scope, then their conditions, which see all of them."""
        joins = node.args.get("joins") or ()
        for join in joins:
            left = len(scope.sources)
            self._source(join.this, scope)
            self._using(join, scope.sources[:left], scope.sources[left:])
        for lateral in node.args.get("laterals") or ():
            self._source(lateral, scope)
        for join in joins:
            self._visit_slots(join, scope, ("on", "match_condition"))

    def _using(self, join: exp.Expr, left: list[_Source], right: list[_Source]) -> None:
        """The names of USING must be columns of both sides."""
        for identifier in join.args.get("using") or ():
            name = stored(identifier)
            for sources in (left, right):
                if any(source.columns is None or None in source.columns for source in sources):
                    self.is_certain = False
                elif not any(name in (source.columns or ()) for source in sources):
                    self._unknown(identifier.name, identifier, (c for s in sources for c in s.columns or ()))

    def _match(self, match: exp.Expr, scope: _Scope) -> None:
        """A pattern sees its source's columns, also under the names of its symbols; what it shows is not followed."""
        rows = scope.sources[0].columns
        symbols = {word.upper() for word in _WORD.findall(match.args["pattern"].name)}
        symbols |= {stored(each.args["alias"]) for each in match.args.get("define") or ()}
        inner = _Scope(scope.outer, [*scope.sources, *(_Source(symbol, rows) for symbol in sorted(symbols))])
        self._visit_slots(match, inner, ("partition_by", "order", "measures", "define"))
        alias = match.args.get("alias")
        scope.sources = [_Source(stored(alias.this) if alias is not None else scope.sources[0].alias, None)]

    def _source(self, node: exp.Expr, scope: _Scope) -> None:
        alias_node = node.args.get("alias")
        alias = stored(alias_node.this) if alias_node is not None and alias_node.this is not None else None
        declared = _declared(alias_node)
        table: TableName | None = None
        if isinstance(node, exp.Table):
            table, columns = self._table(node)
            alias = alias or (table.name if table else None)
        elif isinstance(node, exp.Subquery):
            columns = self._bracketed(node, scope)
            if alias is None and not isinstance(node.this, exp.Query):
                self._joined(node, scope)
                return
        elif isinstance(node, exp.Values):
            columns = self._values(node, scope)
        else:
            columns = self._table_function(node, scope)
        if pivots := node.args.get("pivots"):
            inner = _Scope(scope.outer, [_Source(alias, columns, table)])
            for pivot in pivots:
                self._visit(pivot.expressions, inner)
                alias = stored(pivot.args["alias"].this) if pivot.args.get("alias") is not None else alias
            columns, table = None, None
        scope.sources.append(_Source(alias, declared or columns, table))
        if not isinstance(node, exp.Lateral):
            self._joined(node, scope)

    def _table(self, node: exp.Expr) -> tuple[TableName | None, Columns]:
        name = node.this.name
        found = self._lookup(name)
        return found if found is not None else (None, self._expressions.get(name))

    def _bracketed(self, node: exp.Expr, scope: _Scope) -> Columns:
        """What is in brackets: a query, which sees the outer scopes, or joined sources, which stand in this scope."""
        if isinstance(node.this, exp.Query):
            return self.query(node.this, scope)
        if node.args.get("alias") is None:
            self._source(node.this, scope)
            return None
        inner = _Scope(scope)
        self._source(node.this, inner)
        self._joined(node, inner)
        return _concatenated(inner.sources)

    def _values(self, node: exp.Expr, scope: _Scope) -> Columns:
        rows = node.expressions
        self._visit(rows, scope)
        width = len(rows[0].expressions) if rows and isinstance(rows[0], exp.Tuple) else 1
        return tuple(f"COLUMN{n + 1}" for n in range(width))

    def _table_function(self, node: exp.Expr, scope: _Scope) -> Columns:
        inner = node.this
        if isinstance(inner, exp.Subquery):
            return self.query(inner, scope)
        if isinstance(inner, exp.TableFromRows):
            return self._table_function(inner, scope)
        self._visit([inner], scope)
        if isinstance(inner, exp.Explode):
            return _FLATTEN
        return () if isinstance(inner, exp.Generator) else _SPLIT

    # Writes

    def write(self, root: exp.Expr) -> None:
        scope = _Scope(None)
        with_ = root.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            self._common_table(cte, None)
        target = root.this
        listed: Sequence[exp.Expr] = ()
        if isinstance(target, exp.Schema):
            target, listed = target.this, target.expressions
        self._source(target, scope)
        for identifier in listed:
            self._find(stored(identifier), identifier, scope)
        if isinstance(root, exp.Insert):
            self.query(root.expression, None)
            return
        from_ = root.args.get("from_")
        using = root.args.get("using") or []
        for node in [from_.this] if from_ is not None else using if isinstance(using, list) else [using]:
            self._source(node, scope)
        if from_ is not None:
            self._joined(from_, scope)
        self._visit_slots(root, scope, ("expressions", "where", "on", "whens"))

    # Columns

    def _visit_slots(self, node: exp.Expr, scope: _Scope, slots: Iterable[str]) -> None:
        for slot in slots:
            value = node.args.get(slot)
            if value is not None:
                self._visit(value if isinstance(value, list) else [value], scope)

    def _visit(self, nodes: Iterable[object], scope: _Scope) -> None:
        stack = [node for node in nodes if isinstance(node, exp.Expr)]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Column):
                self._column(node, scope)
            elif isinstance(node, exp.Query):
                self.query(node, scope)
            elif type(node) not in LEAVES:
                stack += below([node])

    def _column(self, column: exp.Expr, scope: _Scope) -> None:
        if (qualifier := column.args.get("table")) is None:
            self._find(stored(column.this), column, scope)
            return
        source = _qualified(column, stored(qualifier), scope)
        names = None if source is None else source.columns
        is_known = names is not None and (isinstance(column.this, exp.Star) or stored(column.this) in names)
        if is_known and _PLACE.isdisjoint(column.args):
            return
        parts = () if is_known else [part.name for key in _PARTS if (part := column.args.get(key)) is not None]
        for key in _PLACE:
            column.set(key, None)
        if source is None:
            self._unknown(".".join(parts), column, (s.alias for each in scope.chain() for s in each.sources))
        elif names is None:
            self.is_certain = False
        elif not is_known:
            self._unknown(".".join(parts), column, names)

    def _find(self, name: str, node: exp.Expr, scope: _Scope) -> None:
        offered = [source.columns for each in scope.chain() for source in each.sources]
        if (name == "ALL" and isinstance(node.parent, exp.Ordered)) or any(name in known for known in offered if known):
            return
        # A write's target stands there as it is, so a column that it has gained would be met before the alias.
        if not self._is_in_place and any(name in each.aliases for each in scope.chain()):
            return
        if any(columns is None or None in columns for columns in offered):
            self.is_certain = False
            return
        self._unknown(node.name, node, (name for columns in offered for name in columns or ()))

    def _unknown(self, name: str, node: exp.Expr, candidates: Iterable[str | None]) -> None:
        """Remember the first unknown name of the text; `candidates` are what it may have been meant to be."""
        at = position(node)
        if self._unknown_first is None or (at or 0) < (self._unknown_first[0] or 0):
            self._unknown_first = at, name, candidates

    def first_unknown(self) -> UnknownColumn | None:
        """The first name that nothing offers, with what may have been meant."""
        if self._unknown_first is None:
            return None
        at, name, candidates = self._unknown_first
        return UnknownColumn(name, alike(name.rsplit(".", 1)[-1].upper(), filter(None, candidates)), at)


def _refuse_growth(projections: Iterable[exp.Expr]) -> None:
    """Refuse aliases that use earlier ones again and again: written out, as Snowflake does, they double each time."""
    weights: dict[str, int] = {}
    for projection in projections:
        if isinstance(projection, exp.Alias):
            used = (column for column in projection.find_all(exp.Column) if not column.args.get("table"))
            weight = 1 + sum(weights.get(stored(c.this), 0) for c in used if isinstance(c.this, exp.Identifier))
            if weight > ALIAS_GROWTH_MAX:
                raise too_deep(position(projection))
            weights[stored(projection.args["alias"])] = weight


def _declared(alias: exp.Expr | None) -> tuple[str | None, ...] | None:
    columns = alias.args.get("columns") if alias is not None else None
    return tuple(stored(column) for column in columns) if columns else None


def _merges(node: exp.Expr) -> bool:
    """Whether a join of `node` makes one column of two, so that a star's order cannot be told."""
    return any(join.args.get("using") or join.args.get("method") == "NATURAL" for join in node.args.get("joins") or ())


def _expand(star: exp.Expr, scope: _Scope) -> tuple[str | None, ...] | None:
    """The columns that a star stands for, or None if that cannot be told."""
    plain = star.this if isinstance(star, exp.Column) else star
    if plain.args.get("rename") or plain.args.get("ilike"):
        return None
    sources = scope.sources
    if isinstance(star, exp.Column):
        alias = stored(star.args["table"])
        sources = [source for source in sources if source.alias == alias]
    names = _concatenated(sources)
    left_out = {stored(e.this if isinstance(e, exp.Column) else e) for e in plain.args.get("except_") or ()}
    return None if names is None else tuple(name for name in names if name not in left_out)


def _concatenated(sources: Iterable[_Source]) -> Columns:
    names: list[str | None] = []
    for source in sources:
        if source.columns is None:
            return None
        if len(names) + len(source.columns) > COLUMNS_EXPANDED_MAX:
            raise too_deep()
        names.extend(source.columns)
    return tuple(names)


def _qualified(column: exp.Expr, alias: str, scope: _Scope) -> _Source | None:
    """The nearest source called `alias`; a column that also names a schema must agree with where the table is."""
    wanted = [(key, stored(part)) for key in _PLACE if (part := column.args.get(key)) is not None]
    for each in scope.chain():
        for source in each.sources:
            if source.alias == alias and (not wanted or all(_in_place(source.table, *each) for each in wanted)):
                return source
    return None


def _in_place(table: TableName | None, key: str, name: str) -> bool:
    return table is not None and (table.schema if key == "db" else table.database) == name
