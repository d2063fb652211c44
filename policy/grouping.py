"""Of how many rows of a table each value is that leaves it: the smallest group that a statement lets out.

A query vouches for a number of rows when it reads one table and nothing else, shows keys and plain aggregates of it,
and keeps groups of so many rows: `HAVING COUNT(*) >= 5`. Whatever else it does with the table makes the number 0: its
condition may not look at a row in a way that could fail on it, and what is made of values that only some rows have must
count those. What is done with such a query's rows further out is free.

Where a person has many rows, people are counted: `HAVING COUNT(DISTINCT person) >= 5`. Of whom the values are that only
some rows have, such a count does not say, so a query that sums them up vouches for no column's values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from sqlglot import exp

from policy.catalog import Column, Table
from policy.names import TableName
from policy.operands import BOOLEAN, Operand, are_comparable, constant, of_type, whole_number
from policy.resolve import stored
from policy.sqltypes import Family, parse_type
from policy.tree import Vouched
from policy.triviality import conjuncts

TableOf = Callable[[str], Table | None]
"""From a placeholder to its table in the catalog; None for any other name."""

_SLOTS = frozenset(
    {"expressions", "from_", "where", "group", "having", "order", "limit", "offset", "with_", "distinct"}
)
_SUMMARIES = (exp.Sum, exp.Avg, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop)
"""Aggregates that no single value of a group can be read from."""

_COMPARES = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_PARTS_OF_TIMES = (exp.Year, exp.Quarter, exp.Month)
_TRUNCATED_TO = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY"})
_AT_LEAST: Mapping[type[exp.Expr], int] = {exp.GTE: 0, exp.EQ: 0, exp.GT: 1}
"""What a comparison of a count with a number says of the least count, beyond the number; nothing if it is not here."""

_TURNED: Mapping[type[exp.Expr], type[exp.Expr]] = {
    exp.LTE: exp.GTE,
    exp.LT: exp.GT,
    exp.GTE: exp.LTE,
    exp.GT: exp.LT,
    exp.EQ: exp.EQ,
}
_COUNT = Operand(Family.NUMBER, whole=18)
_PART = Operand(Family.NUMBER, whole=9)
_DIGITS = 38
_AVG_SCALE = 6
"""An average of whole numbers has so many digits behind the point."""

_TIMES = frozenset({Family.DATE, Family.TIMESTAMP})


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is shown of a group: what it can be compared as, if that is known, and the columns summed up in it."""

    operand: Operand | None
    summed: tuple[str, ...] = ()


def smallest_groups(root: exp.Expr, table_of: TableOf) -> tuple[tuple[TableName, Vouched], ...]:
    """For each table of a resolved tree, what each value that leaves it is of."""
    found: dict[TableName, Vouched] = {}
    for node in root.find_all(exp.Table):
        table = table_of(node.this.name)
        if table is not None:
            vouched = _vouched(node, table)
            found[table.name] = vouched.and_of(found.get(table.name, vouched))
    return tuple(sorted(found.items(), key=itemgetter(0)))


def _vouched(node: exp.Expr, table: Table) -> Vouched:
    """What the query round one reference to `table` vouches for."""
    select = node.find_ancestor(exp.Select)
    if select is None or {slot for slot, value in select.args.items() if value} - _SLOTS:
        return Vouched()
    from_ = select.args.get("from_")
    if from_ is None or from_.this is not node or any(v for k, v in node.args.items() if k not in ("this", "alias")):
        return Vouched()
    alias = node.args.get("alias")
    name = stored(alias.this) if alias is not None and alias.this is not None else table.name.name
    shown = [(stored(each.args["alias"]), each.this) for each in select.expressions if isinstance(each, exp.Alias)]
    aliases = dict(shown) if len(dict(shown)) == len(shown) else {}  # which of two is meant, nobody can tell
    return _Grouped(select, name, {column.name: column for column in table.columns}, aliases).vouched()


@dataclass(frozen=True, slots=True)
class _Grouped:
    """One SELECT of one table, which is called `alias` in it; `aliases` are what its projections are called."""

    select: exp.Expr
    alias: str
    columns: Mapping[str, Column]
    aliases: Mapping[str, exp.Expr]

    def vouched(self) -> Vouched:
        group, having = self.select.args.get("group"), self.select.args.get("having")
        if having is None or (group is not None and any(v for k, v in group.args.items() if k != "expressions")):
            return Vouched()
        keys = [self._at(key) for key in (group.expressions if group is not None else ())]
        if not all(map(self._is_key, keys)) or not self._is_total(self.select.args.get("where")):
            return Vouched()
        order = self.select.args.get("order")
        shown = [
            *self.select.expressions,
            having.this,
            *(self._at(e.this) for e in (order.expressions if order else ())),
        ]
        seen = [self._shown(each, keys) for each in shown]
        summed = {name for each in seen if each is not None for name in each.summed if self.columns[name].nullable}
        if None in seen:
            return Vouched()
        counted, distinct = self._counted(having.this)
        rows = min(counted.get(name, 0) for name in (None, *summed))
        return Vouched(rows, () if summed else tuple(sorted(distinct.items())))

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
        n = whole_number(node)
        if n is not None:
            return projections[n - 1].unalias() if 0 < n <= len(projections) else node
        return self._meant(node)

    def _meant(self, node: exp.Expr) -> exp.Expr:
        """What an alias stands for; a column of the table comes before an alias."""
        if isinstance(node, exp.Column) and not node.args.get("table") and self._column(node) is None:
            return self.aliases.get(stored(node.this), node)
        return node

    def _is_key(self, node: exp.Expr) -> bool:
        """Whether groups may be made by `node`: a column, or a part of a moment, which can fail on no row."""
        if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
            unit = node.args.get("unit")
            if not isinstance(unit, exp.Var | exp.Literal) or unit.name.upper() not in _TRUNCATED_TO:
                return False
        elif not isinstance(node, _PARTS_OF_TIMES):
            return self._column(node) is not None
        column = self._column(node.this)
        return column is not None and parse_type(column.type).family in _TIMES

    def _operand(self, node: exp.Expr) -> Operand | None:
        """What a column, a key or a constant is compared as."""
        if isinstance(node, _PARTS_OF_TIMES):
            return _PART
        column = self._column(node.this if isinstance(node, exp.TimestampTrunc | exp.DateTrunc) else node)
        return constant(node) if column is None else of_type(column.type)

    def _shown(self, node: exp.Expr, keys: Sequence[exp.Expr], *, is_meant: bool = False) -> _Shown | None:
        """What is shown; None if it is anything but keys and aggregates, or may fail on a value of a group.

        An alias of an alias is not looked into: `is_meant` says that one has been.
        """
        meant = node.unalias() if is_meant else self._meant(node.unalias())
        is_meant, node = is_meant or meant is not node.unalias(), meant
        column = self._column(node)
        is_key = node in keys or (column is not None and column in map(self._column, keys))
        if is_key or isinstance(node, exp.Literal | exp.Null | exp.Boolean):
            return _Shown(self._operand(node))
        if isinstance(node, exp.Count):
            return _Shown(_COUNT) if self._counts(node) else None
        if isinstance(node, _SUMMARIES):
            return self._summary(node)
        if isinstance(node, (*_COMPARES, exp.Round, exp.Paren, exp.And, exp.Coalesce, exp.Neg)):
            inner = [self._shown(each, keys, is_meant=is_meant) for each in node.iter_expressions()]
            seen = [each for each in inner if each is not None]
            operand = _made_of(node, [each.operand for each in seen]) if len(seen) == len(inner) else None
            names = tuple(name for each in seen for name in each.summed)
            return None if operand is None else _Shown(operand, names)
        return None

    def _summary(self, node: exp.Expr) -> _Shown | None:
        """An aggregate of a column of numbers; of another column it would have to be converted."""
        column = self._column(node.this)
        operand = None if column is None else of_type(column.type)
        if column is None or operand is None or not operand.is_number:
            return None
        scale = max(operand.scale, _AVG_SCALE) if isinstance(node, exp.Avg) else operand.scale
        return _Shown(replace(operand, whole=_DIGITS - scale, scale=scale), (column.name,))

    def _counts(self, node: exp.Expr) -> Iterable[str | None] | None:
        """What a COUNT counts: the names of columns, or None for rows; nothing if it counts anything else."""
        counted = node.this.expressions if isinstance(node.this, exp.Distinct) else [node.this]
        if node.expressions or len(counted) != 1:
            return None
        if isinstance(counted[0], exp.Star) and not any(counted[0].args.values()):
            return [None]
        column = self._column(counted[0])
        return None if column is None else [column.name, None]

    def _counted(self, condition: exp.Expr) -> tuple[dict[str | None, int], dict[str, int]]:
        """How many values of each column, and rows (None), a group has at least that meets `condition`.

        Then how many different values.
        """
        least: dict[str | None, int] = {}
        distinct: dict[str, int] = {}
        for each in conjuncts(condition):
            kind, one, other = type(each), each.this, each.args.get("expression")
            if isinstance(one, exp.Literal):
                kind, one, other = _TURNED.get(kind, exp.Expr), other, one
            more, number = _AT_LEAST.get(kind), whole_number(other)
            count = self._meant(one) if isinstance(one, exp.Expr) else None
            if more is None or number is None or not isinstance(count, exp.Count):
                continue
            for name in self._counts(count) or ():
                least[name] = max(least.get(name, 0), number + more)
                if name is not None and isinstance(count.this, exp.Distinct):
                    distinct[name] = max(distinct.get(name, 0), number + more)
        return least, distinct

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
        operands = [
            constant(side) if self._column(side) is None else self._operand(side) for side in node.iter_expressions()
        ]
        is_text = all(each is not None and each.kind == Family.TEXT for each in operands)
        return are_comparable(operands) and (is_text or not isinstance(node, exp.Like))


def _made_of(node: exp.Expr, operands: Sequence[Operand | None]) -> Operand | None:
    """What a comparison, a rounding and the like is compared as; None where a value could make it fail."""
    first, *others = operands
    if isinstance(node, _COMPARES):
        return Operand(BOOLEAN) if are_comparable(operands) else None
    if isinstance(node, exp.And):
        return Operand(BOOLEAN) if all(each is not None and each.kind == BOOLEAN for each in operands) else None
    if isinstance(node, exp.Paren):
        return first
    if first is None or not first.is_number:
        return None
    if isinstance(node, exp.Round):
        decimals = node.args.get("decimals")
        places = whole_number(decimals.this if isinstance(decimals, exp.Neg) else decimals)
        is_plain = decimals is None or (places is not None and places <= _DIGITS)
        return replace(first, whole=first.whole + 1) if is_plain and not node.args.get("truncate") else None
    if isinstance(node, exp.Coalesce):
        are_constants = all(each is not None and each.is_constant for each in others)
        return first if are_constants and are_comparable(operands) else None
    return first
