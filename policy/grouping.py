"""Of how many rows of a table each value is that leaves it: the smallest group that a statement lets out.

A query vouches for a number of rows when it reads one table and nothing else, shows keys and plain aggregates of it,
and keeps groups of so many rows: `HAVING COUNT(*) >= 5`. Whatever else it does with the table makes the number 0: its
condition may not look at a row in a way that could fail on it, and what is made of values that only some rows have must
count those. What is done with such a query's rows further out is free.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from policy.catalog import Column, Table
from policy.names import TableName
from policy.resolve import stored
from policy.sqltypes import Family, parse_type
from policy.triviality import conjuncts

TableOf = Callable[[str], Table | None]
"""From a placeholder to its table in the catalog; None for any other name."""

_SLOTS = frozenset(
    {"expressions", "from_", "where", "group", "having", "order", "limit", "offset", "with_", "distinct"}
)
_SUMMARIES = (exp.Sum, exp.Avg, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop)
"""Aggregates that no single value of a group can be read from."""

_COMPARES = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_PARTS_OF_TIMES = (exp.TimestampTrunc, exp.DateTrunc, exp.Year, exp.Quarter, exp.Month)
_AT_LEAST: Mapping[type[exp.Expr], int] = {exp.GTE: 0, exp.EQ: 0, exp.GT: 1}
_TURNED: Mapping[type[exp.Expr], type[exp.Expr]] = {exp.LTE: exp.GTE, exp.LT: exp.GT, exp.EQ: exp.EQ}
_NUMBERS = frozenset({Family.NUMBER, Family.FLOAT})
_TIMES = frozenset({Family.DATE, Family.TIMESTAMP})


def smallest_groups(root: exp.Expr, table_of: TableOf) -> tuple[tuple[TableName, int], ...]:
    """For each table of a resolved tree, of how many of its rows each value is that leaves it."""
    found: dict[TableName, int] = {}
    for node in root.find_all(exp.Table):
        table = table_of(node.this.name)
        if table is not None:
            rows = _vouched(node, table)
            found[table.name] = min(rows, found.get(table.name, rows))
    return tuple(sorted(found.items()))


def _vouched(node: exp.Expr, table: Table) -> int:
    """How many rows the query round one reference to `table` vouches for."""
    select = node.find_ancestor(exp.Select)
    if select is None or {slot for slot, value in select.args.items() if value} - _SLOTS:
        return 0
    from_ = select.args.get("from_")
    if from_ is None or from_.this is not node or any(v for k, v in node.args.items() if k not in ("this", "alias")):
        return 0
    alias = node.args.get("alias")
    name = stored(alias.this) if alias is not None and alias.this is not None else table.name.name
    shown = [(stored(each.args["alias"]), each.this) for each in select.expressions if isinstance(each, exp.Alias)]
    aliases = dict(shown) if len(dict(shown)) == len(shown) else {}  # which of two is meant, nobody can tell
    return _Grouped(select, name, {column.name: column for column in table.columns}, aliases).rows()


@dataclass(frozen=True, slots=True)
class _Grouped:
    """One SELECT of one table, which is called `alias` in it; `aliases` are what its projections are called."""

    select: exp.Expr
    alias: str
    columns: Mapping[str, Column]
    aliases: Mapping[str, exp.Expr]

    def rows(self) -> int:
        group, having = self.select.args.get("group"), self.select.args.get("having")
        if having is None or (group is not None and any(v for k, v in group.args.items() if k != "expressions")):
            return 0
        keys = [self._at(key) for key in (group.expressions if group is not None else ())]
        if not all(map(self._is_key, keys)) or not self._is_total(self.select.args.get("where")):
            return 0
        order = self.select.args.get("order")
        shown = [
            *self.select.expressions,
            having.this,
            *(self._at(e.this) for e in (order.expressions if order else ())),
        ]
        counted = self._counted(having.this)
        least = [counted.get(None, 0)]
        for each in shown:
            summed = self._summed(each, keys)
            if summed is None:
                return 0
            least += [counted.get(name, 0) for name in summed if self.columns[name].nullable]
        return min(least)

    def _column(self, node: object) -> Column | None:
        """The table's column that `node` is, if it is one."""
        if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
            return None
        qualifier = node.args.get("table")
        if qualifier is not None and stored(qualifier) != self.alias:
            return None
        return self.columns.get(stored(node.this))

    def _at(self, node: exp.Expr) -> exp.Expr:
        """What a position among the projections stands for, or an alias."""
        projections = self.select.expressions
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            n = int(node.this)
            return projections[n - 1].unalias() if 0 < n <= len(projections) else node
        return self._meant(node)

    def _meant(self, node: exp.Expr) -> exp.Expr:
        """What an alias stands for; a column of the table comes before an alias."""
        if isinstance(node, exp.Column) and not node.args.get("table") and self._column(node) is None:
            return self.aliases.get(stored(node.this), node)
        return node

    def _is_key(self, node: exp.Expr) -> bool:
        """Whether groups may be made by `node`: a column, or a part of a moment, which can fail on no row."""
        if isinstance(node, _PARTS_OF_TIMES):
            column = self._column(node.this)
            return column is not None and parse_type(column.type).family in _TIMES
        return self._column(node) is not None

    def _summed(self, node: exp.Expr, keys: Sequence[exp.Expr], *, is_meant: bool = False) -> list[str] | None:
        """The columns whose values went into what is shown; None if it is anything but keys and aggregates.

        An alias of an alias is not looked into: `is_meant` says that one has been.
        """
        meant = node.unalias() if is_meant else self._meant(node.unalias())
        is_meant, node = is_meant or meant is not node.unalias(), meant
        column = self._column(node)
        is_key = node in keys or (column is not None and column in map(self._column, keys))
        if is_key or isinstance(node, exp.Literal | exp.Null | exp.Boolean):
            return []
        if isinstance(node, exp.Count):
            return [] if self._counts(node) else None
        if isinstance(node, _SUMMARIES):
            column = self._column(node.this)
            return None if column is None else [column.name]
        if isinstance(node, (*_COMPARES, exp.Round, exp.Paren, exp.And, exp.Coalesce, exp.Neg)):
            inner = [self._summed(each, keys, is_meant=is_meant) for each in node.iter_expressions()]
            return None if None in inner else [name for names in inner for name in names or ()]
        return None

    def _counts(self, node: exp.Expr) -> Iterable[str | None] | None:
        """What a COUNT counts: the names of columns, or None for rows; nothing if it counts anything else."""
        counted = node.this.expressions if isinstance(node.this, exp.Distinct) else [node.this]
        if node.expressions or len(counted) != 1:
            return None
        if isinstance(counted[0], exp.Star) and not any(counted[0].args.values()):
            return [None]
        column = self._column(counted[0])
        return None if column is None else [column.name, None]

    def _counted(self, condition: exp.Expr) -> dict[str | None, int]:
        """How many values of each column, and rows (None), a group has at least that meets `condition`."""
        least: dict[str | None, int] = {}
        for each in conjuncts(condition):
            kind, one, other = type(each), each.this, each.args.get("expression")
            if isinstance(one, exp.Literal):
                kind, one, other = _TURNED.get(kind, kind), other, one
            more = _AT_LEAST.get(kind)
            count = self._meant(one) if isinstance(one, exp.Expr) else None
            if more is None or not isinstance(count, exp.Count) or not isinstance(other, exp.Literal):
                continue
            if other.is_string or not other.this.isdigit():
                continue
            for name in self._counts(count) or ():
                least[name] = max(least.get(name, 0), int(other.this) + more)
        return least

    def _is_total(self, where: exp.Expr | None) -> bool:
        """Whether a condition on rows can fail on none of them, and asks of nothing but the table."""
        stack = [] if where is None else [where.this]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.And | exp.Or | exp.Not | exp.Paren):
                stack += node.iter_expressions()
            elif isinstance(node, exp.Is):
                if self._column(node.this) is None or not isinstance(node.expression, exp.Null):
                    return False
            elif isinstance(node, (*_COMPARES, exp.In, exp.Between, exp.Like)):
                if not self._is_comparison(node):
                    return False
            elif not isinstance(node, exp.Boolean) and not self._is_truth(node):
                return False
        return True

    def _is_truth(self, node: exp.Expr) -> bool:
        column = self._column(node)
        return column is not None and parse_type(column.type).cast == "BOOLEAN"

    def _is_comparison(self, node: exp.Expr) -> bool:
        """Whether columns are compared with what never makes Snowflake convert their values."""
        sides = list(node.iter_expressions())
        columns = [column for side in sides if (column := self._column(side)) is not None]
        families = {parse_type(column.type).family for column in columns}
        constants = [side for side in sides if self._column(side) is None]
        if not families:
            return False
        if families <= {Family.TEXT}:
            return all(isinstance(each, exp.Literal) and each.is_string for each in constants)
        return families <= _NUMBERS | _TIMES and not isinstance(node, exp.Like) and all(map(_is_constant, constants))


def _is_constant(node: exp.Expr) -> bool:
    return not any(isinstance(each, exp.Column | exp.Query | exp.Func) for each in node.walk() if not _is_cast(each))


def _is_cast(node: exp.Expr) -> bool:
    return isinstance(node, exp.Cast)
