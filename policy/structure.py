"""What conditions of rules ask of how a statement is built: its WHERE, its limit, its joins, and what leaves it whole.

Worked out once per statement on the resolved tree, and only for a policy that has conditions. It protects nothing by
itself: columns and rows are protected where they are read, whatever a statement is like.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from policy.grouping import TableOf, smallest_groups
from policy.linkage import Source, unlinked
from policy.names import TableName
from policy.resolve import stored
from policy.statement import Verb
from policy.tree import Columns, Structure
from policy.triviality import conjuncts, is_trivial

Lookup = Callable[[str], tuple[TableName, Columns] | None]
"""From a placeholder to its table and that table's columns; None for a name that is no placeholder."""

_DEPTH_MAX = 50
"""How deep sources are followed for facts that may also be unknown."""

_COLLECTING = (exp.ArrayAgg, exp.ArrayConcatAgg, exp.GroupConcat, exp.ArrayUnionAgg, exp.JSONObjectAgg, exp.ObjectAgg)
"""Aggregates that hand on what they read."""


def structure_of(root: exp.Expr, verb: Verb, lookup: Lookup, table_of: TableOf) -> Structure:
    """The structure of a resolved tree whose columns have been checked."""
    observer = _Observer(root, lookup)
    source = root.expression if verb is Verb.INSERT else root
    wheres = list(_wheres(source)) if verb in (Verb.READ, Verb.INSERT) else [_own_where(root)]
    has_where = all(each is not None for each in wheres)
    if verb in (Verb.READ, Verb.INSERT):
        observer.leaving(source, None)
    limit = observer.limit(source) if verb in (Verb.READ, Verb.INSERT) else None
    joins, crossed = observer.joins()
    return Structure(
        has_where=has_where,
        where_is_trivial=has_where and any(is_trivial(each) for each in wheres if each is not None),
        has_limit=limit is not None,
        limit=limit if limit is not None and limit >= 0 else None,
        selects_star=any(map(_shows_columns, root.find_all(exp.Star))),
        joins=joins,
        cross_joins=crossed,
        unrestricted=frozenset(observer.whole),
        grouped=frozenset(observer.grouped),
        groups=smallest_groups(root, table_of),
    )


def _own_where(write: exp.Expr) -> exp.Expr | None:
    """The condition of an UPDATE or DELETE, or on what a MERGE joins."""
    where = write.args.get("on" if isinstance(write, exp.Merge) else "where")
    return where.this if isinstance(where, exp.Where) else where


def _wheres(query: exp.Expr) -> Iterator[exp.Expr | None]:
    """The WHERE of each arm of a query, or None where an arm has none."""
    stack = [query]
    while stack:
        each = stack.pop()
        if isinstance(each, exp.SetOperation):
            stack += [each.expression, each.this]
        elif isinstance(each, exp.Subquery):
            stack.append(each.this)
        else:
            yield _own_where(each)


class _Observer:
    def __init__(self, root: exp.Expr, lookup: Lookup) -> None:
        self._root = root
        self._lookup = lookup
        self._expressions: dict[str, exp.Expr] = {cte.args["alias"].this.name: cte for cte in root.find_all(exp.CTE)}
        self._met: set[tuple[int, frozenset[str] | None]] = set()
        self.whole: set[TableName] = set()
        self.grouped: set[tuple[TableName, str]] = set()

    # What leaves

    def leaving(self, query: exp.Expr, keys: frozenset[str] | None) -> None:
        """Follow the rows that leave `query`: all of each (`keys` is None), or only what these columns of it hold."""
        stack = [(query, keys)]
        while stack:
            node, wanted = stack.pop()
            if (id(node), wanted) in self._met or wanted == frozenset():
                continue
            self._met.add((id(node), wanted))
            if isinstance(node, exp.SetOperation):
                stack += [(node.expression, None if wanted is not None else wanted), (node.this, wanted)]
            elif isinstance(node, exp.Subquery):
                stack.append((node.this, wanted))
            elif isinstance(node, exp.Select):
                stack += self._through(node, wanted)
            elif isinstance(node, exp.Table):
                stack += self._table(node, wanted)

    def _through(self, select: exp.Expr, wanted: frozenset[str] | None) -> list[tuple[exp.Expr, frozenset[str] | None]]:
        """What leaves a SELECT that is not restricted comes out of its sources."""
        scalar = [node for p in select.expressions for node in p.find_all(exp.Subquery) if _is_of(node, select)]
        followed: list[tuple[exp.Expr, frozenset[str] | None]] = [(node.this, None) for node in scalar]
        if not _is_narrowed(select) and not self._is_narrowed_by_join(select):
            keys = _handed_on(select, wanted)
            followed += [(source.node, None if source.is_renamed else keys) for source in _sources(select)]
        return followed

    def _table(self, table: exp.Expr, wanted: frozenset[str] | None) -> list[tuple[exp.Expr, frozenset[str] | None]]:
        found = self._lookup(table.this.name)
        if found is None:
            cte = self._expressions[table.this.name]
            return [(cte.this, None if cte.args["alias"].args.get("columns") else wanted)]
        if wanted is None:
            self.whole.add(found[0])
        else:
            self.grouped.update((found[0], key) for key in wanted)
        return []

    def _is_narrowed_by_join(self, select: exp.Expr) -> bool:
        """Whether an inner join ties every row to a source that has a condition of its own."""
        sources = _sources(select)
        if (
            len(sources) < 2
            or any(source.is_optional for source in sources)
            or unlinked(select, self._described(select))
        ):
            return False
        return any(self._has_condition(source.node) for source in sources)

    def _has_condition(self, node: exp.Expr) -> bool:
        query = node.this if isinstance(node, exp.Subquery) else node
        if isinstance(node, exp.Table) and (cte := self._expressions.get(node.this.name)) is not None:
            query = cte.this
        return isinstance(query, exp.Select) and _is_narrowed(query)

    # Limits

    def limit(self, query: exp.Expr, depth: int = 0) -> int | None:
        """How many rows leave at most: -1 for a limit that is not a plain number, None without a limit."""
        own = query.args.get("limit")
        count = own.args.get("count") if isinstance(own, exp.Fetch) else own and own.expression
        # LIMIT NULL and LIMIT '' limit nothing: https://docs.snowflake.com/en/sql-reference/constructs/limit
        is_none = isinstance(count, exp.Null) or (isinstance(count, exp.Literal | exp.RawString) and not count.name)
        if own is not None and not is_none:
            return int(count.this) if isinstance(count, exp.Literal) and count.this.isdigit() else -1
        if isinstance(query, exp.Subquery):
            return self.limit(query.this, depth)
        sources = _sources(query) if isinstance(query, exp.Select) else []
        if len(sources) != 1 or depth > _DEPTH_MAX:
            return None
        only = sources[0].node
        if isinstance(only, exp.Table) and (cte := self._expressions.get(only.this.name)) is not None:
            only = cte.this
        return self.limit(only, depth + 1) if isinstance(only, exp.Query) else None

    # Joins

    def joins(self) -> tuple[int, int]:
        """How many sources are joined to others, and how many of them nothing ties to the rest."""
        joined = crossed = 0
        own = [self._root] if isinstance(self._root, exp.Update | exp.Delete) else []
        for select in [*self._root.find_all(exp.Select), *own]:
            sources = self._described(select)
            if len(sources) > 1:
                joined += len(sources) - 1
                crossed += unlinked(select, sources)
        return joined, crossed

    def _described(self, select: exp.Expr) -> list[Source]:
        """The sources of a SELECT, each with the names of its columns where they are known."""
        return [
            Source(source.alias, self._columns(source.node), source.node, _is_one_row(source.node, self._expressions))
            for source in _sources(select)
        ]

    def _columns(self, node: exp.Expr, depth: int = 0) -> frozenset[str] | None:
        declared = node.args["alias"].args.get("columns") if node.args.get("alias") is not None else None
        if declared:
            return frozenset(map(stored, declared))
        if isinstance(node, exp.Table):
            found = self._lookup(node.this.name)
            if found is not None:
                return None if found[1] is None or node.args.get("pivots") else frozenset(n for n in found[1] if n)
            cte = self._expressions[node.this.name]
            listed = cte.args["alias"].args.get("columns")
            return frozenset(map(stored, listed)) if listed else self._outputs(cte.this, depth)
        return self._outputs(node.this, depth) if isinstance(node, exp.Subquery) else None

    def _outputs(self, query: exp.Expr, depth: int) -> frozenset[str] | None:
        while isinstance(query, exp.SetOperation | exp.Subquery):
            query = query.this
        if not isinstance(query, exp.Select) or depth > _DEPTH_MAX:
            return None
        names: set[str] = set()
        for projection in query.expressions:
            if isinstance(projection, exp.Alias):
                names.add(stored(projection.args["alias"]))
            elif isinstance(projection, exp.Column) and not isinstance(projection.this, exp.Star):
                names.add(stored(projection.this))
            elif isinstance(projection, exp.Star | exp.Column):
                for source in _sources(query):
                    columns = self._columns(source.node, depth + 1)
                    if columns is None:
                        return None
                    names |= columns
        return frozenset(names)


@dataclass(frozen=True, slots=True)
class _Found:
    """A source as it stands: its node, its alias, and whether a row of the others can do without it."""

    node: exp.Expr
    alias: str | None
    is_optional: bool
    is_renamed: bool


def _sources(select: exp.Expr) -> list[_Found]:
    """Everything that FROM, joins and USING bring in; joins in brackets are opened."""
    found: list[_Found] = []
    from_ = select.args.get("from_")
    using = select.args.get("using")
    own = [select.this] if isinstance(select, exp.Update | exp.Delete) else []
    more = using if isinstance(using, list) else []
    stack: list[tuple[exp.Expr, bool]] = [(node, False) for node in [*own, *([from_.this] if from_ else []), *more]]
    stack += [(join.this, bool(join.args.get("side"))) for join in select.args.get("joins") or ()]
    stack += [(lateral, False) for lateral in select.args.get("laterals") or ()]
    while stack:
        node, is_optional = stack.pop(0)
        stack += [(join.this, bool(join.args.get("side"))) for join in node.args.get("joins") or ()]
        alias = node.args.get("alias")
        if isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query) and alias is None:
            stack.append((node.this, is_optional))
            continue
        name = stored(alias.this) if alias is not None and alias.this is not None else None
        is_renamed = alias is not None and bool(alias.args.get("columns"))
        found.append(_Found(node, name, is_optional, is_renamed))
    return found


def _shows_columns(star: exp.Expr) -> bool:
    """Whether a star stands for columns that somebody sees; COUNT(*) and EXISTS (SELECT *) show none."""
    if isinstance(star.parent, exp.Count):
        return False
    select = star.find_ancestor(exp.Select)
    return select is None or not isinstance(select.parent, exp.Exists)


def _is_narrowed(select: exp.Expr) -> bool:
    """Whether a condition of a SELECT restricts its rows, and does more than tie its sources together."""
    where = select.args.get("where")
    if where is None:
        return False
    parts = [part for part in conjuncts(where.this) if not is_trivial(part)]
    return any(not _is_tie(part) for part in parts) or (bool(parts) and len(_sources(select)) == 1)


def _is_tie(condition: exp.Expr) -> bool:
    sides = (condition.this, condition.expression) if isinstance(condition, exp.EQ) else ()
    return bool(sides) and all(isinstance(side, exp.Column) for side in sides)


def _is_one_row(node: exp.Expr, expressions: dict[str, exp.Expr]) -> bool:
    """Whether a source has at most one row: one summary of everything, or no source of its own."""
    query = node.this if isinstance(node, exp.Subquery) else node
    if isinstance(node, exp.Table) and (cte := expressions.get(node.this.name)) is not None:
        query = cte.this
    if not isinstance(query, exp.Select):
        return False
    limit = query.args.get("limit")
    if isinstance(limit, exp.Limit) and limit.expression == exp.Literal.number(1):
        return True
    if query.args.get("from_") is None:
        return True
    return (
        query.args.get("group") is None
        and bool(query.expressions)
        and all(_summarises(projection, query) for projection in query.expressions)
    )


def _summarises(projection: exp.Expr, select: exp.Expr) -> bool:
    """Whether a projection of `select` is one value for all of its rows; what a subquery of it summarises is not."""
    own = (node for node in projection.find_all(exp.AggFunc) if _is_of(node, select))
    return any(map(_is_summary, own)) and not _raw_names(projection)


def _is_summary(node: exp.Expr) -> bool:
    """Whether an aggregate makes one value of many rows; a window's does not, and a collecting one keeps them all."""
    return not isinstance(node, _COLLECTING) and not isinstance(node.parent, exp.Window | exp.WithinGroup)


def _handed_on(select: exp.Expr, wanted: frozenset[str] | None) -> frozenset[str] | None:
    """Of which columns of its sources the values leave a SELECT; None means that whole rows do."""
    projections = select.expressions
    is_summary = any(_is_summary(node) for p in projections for node in p.find_all(exp.AggFunc) if _is_of(node, select))
    if wanted is not None:
        if any(p.is_star for p in projections):
            return wanted
        projections = [p for p in projections if _output(p) in wanted]
    elif not is_summary:
        return None
    return frozenset[str]().union(*(_raw_names(p) for p in projections))


def _output(projection: exp.Expr) -> str:
    """The name under which a projection leaves; empty where it has none."""
    if isinstance(projection, exp.Alias):
        return stored(projection.args["alias"])
    is_named = isinstance(projection, exp.Column) and isinstance(projection.this, exp.Identifier)
    return stored(projection.this) if is_named else ""


def _raw_names(projection: exp.Expr) -> frozenset[str]:
    """Names of the columns whose own values `projection` shows: those outside every summarising aggregate."""
    names: set[str] = set()
    stack = [projection]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.AggFunc) and _is_summary(node):
            continue
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
            names.add(stored(node.this))
        elif not isinstance(node, exp.Query):
            stack.extend(node.iter_expressions())
    return frozenset(names)


def _is_of(node: exp.Expr, select: exp.Expr) -> bool:
    return node.find_ancestor(exp.Select) is select
