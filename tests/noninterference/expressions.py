"""The grammar's lower half: expressions of each kind, conditions, subqueries in expressions, aggregates and windows.

No expression can fail for one value and not for another: what hidden rows can do by failing is a residual of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from tests.noninterference.scope import Choices, Column, Known, Source, everything, of_kind
from tests.noninterference.worlds import Kind

LITERALS = {
    Kind.NUMBER: ("0", "1", "2", "12", "(-1)"),
    Kind.TEXT: ("'a'", "'1'", "''", "'it''s'", "'***'", "'2024-01-02'"),
    Kind.DATE: ("'2024-01-01'::DATE", "DATE '2024-01-02'"),
    Kind.TRUTH: ("TRUE", "FALSE"),
}
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
CASTS = {Kind.NUMBER: "NUMBER(9,0)", Kind.DATE: "DATE"}


class Queries(Protocol):
    """The upper half, as far as expressions need it."""

    def select(self, known: Known, kinds: Sequence[Kind] | None = None) -> tuple[str, tuple[Column, ...]]:
        """A query, with columns of these kinds where they are given."""

    def source(self, known: Known) -> tuple[str, Source]:
        """A table, view or common table expression under a new alias."""


class Expressions:
    """Writes expressions over `sources`, the query's own, and the outer sources of `known`."""

    def __init__(self, choices: Choices, queries: Queries, known: Known, sources: Sequence[Source]) -> None:
        self._c = choices
        self._queries = queries
        self._known = known
        self._sources = tuple(sources)

    def value(self, kind: Kind, depth: int = 0) -> str:
        """An expression of `kind`."""
        if depth > 2 or not self._c.burn():
            return self.leaf(kind)
        form = self._c.one(("leaf", "leaf", "function", "conditional", "scalar", "cast"))
        if form == "scalar" and self._known.depth < 2:
            return self._scalar(kind)
        if form == "conditional":
            return self._conditional(kind, depth)
        if form == "cast":
            return self._cast(kind, depth)
        if form == "function":
            return self._function(kind, depth)
        return self.leaf(kind)

    def alone(self) -> "Expressions":
        """The same without the outer sources: an aggregate of an outer column would belong to the outer query."""
        return Expressions(self._c, self._queries, replace(self._known, outer=()), self._sources)

    def leaf(self, kind: Kind) -> str:
        """A column of `kind`, or a literal."""
        own, outer = of_kind(self._sources, kind), of_kind(self._known.outer, kind)
        if outer and self._c.maybe(3):
            self._c.reach("correlation")
            return self._c.one(outer)
        if own and not self._c.maybe(5):
            return self._bare(self._c.one(own))
        return self._c.one(LITERALS[kind])

    def _bare(self, column: str) -> str:
        """The column without its qualifier, where that means the same."""
        name = column.rpartition(".")[2]
        if sum(c.name == name for s in self._sources for c in s.columns) == 1 and self._c.maybe(3):
            self._c.reach("bare column")
            return name
        return column

    def _function(self, kind: Kind, depth: int) -> str:
        def n() -> str:
            return self.value(Kind.NUMBER, depth + 1)

        def s() -> str:
            return self.value(Kind.TEXT, depth + 1)

        def d() -> str:
            return self.value(Kind.DATE, depth + 1)

        forms: dict[Kind, tuple[Callable[[], str], ...]] = {
            Kind.NUMBER: (
                lambda: f"({n()} + {n()})",
                lambda: f"({n()} - {n()})",
                lambda: f"ABS({n()})",
                lambda: f"LENGTH({s()})",
                lambda: f"YEAR({d()})",
                lambda: f"DATEDIFF('day', {d()}, {d()})",
                lambda: f"SIGN({n()})",
            ),
            Kind.TEXT: (
                lambda: f"({s()} || {s()})",
                lambda: f"UPPER({s()})",
                lambda: f"SUBSTR({s()}, 1, 2)",
                lambda: f"REPLACE({s()}, 'a', 'b')",
                lambda: f"REVERSE({s()})",
                lambda: f"CONCAT({s()}, 'x')",
            ),
            Kind.DATE: (
                lambda: f"DATEADD(day, 1, {d()})::DATE",
                lambda: f"DATE_TRUNC('month', {d()})::DATE",
            ),
            Kind.TRUTH: (lambda: f"({self.condition(depth + 1)})",),
        }
        return self._c.one(forms[kind])()

    def _conditional(self, kind: Kind, depth: int) -> str:
        condition = self.condition(depth + 1)
        first, second = self.value(kind, depth + 1), self.value(kind, depth + 1)
        form = self._c.one(("CASE", "IFF", "COALESCE", "NULLIF", "CASE operand"))
        self._c.reach(form)
        if form == "CASE":
            return f"CASE WHEN {condition} THEN {first} ELSE {second} END"
        if form == "CASE operand":
            number = self.leaf(Kind.NUMBER)
            return f"CASE {number} WHEN 1 THEN {first} WHEN 2 THEN {second} END"
        if form == "IFF":
            return f"IFF({condition}, {first}, {second})"
        return f"{form}({first}, {second})"

    def _cast(self, kind: Kind, depth: int) -> str:
        text = self.value(Kind.TEXT, depth + 1)
        if kind is Kind.TEXT:
            self._c.reach("cast to text")
            return f"({self.value(self._c.one((Kind.NUMBER, Kind.DATE)), depth + 1)})::VARCHAR"
        if kind is Kind.TRUTH:
            self._c.reach("TRY_TO_BOOLEAN")
            return f"TRY_TO_BOOLEAN({text})"
        self._c.reach("TRY_CAST")
        return f"TRY_CAST({text} AS {CASTS[kind]})"

    def _scalar(self, kind: Kind) -> str:
        """A subquery with one row and one column: an aggregate, or the first row of a total order."""
        self._c.reach("scalar subquery")
        known = self._known.inside(*self._sources)
        text, source = self._queries.source(known)
        inner = Expressions(self._c, self._queries, known, (source,))
        where = f" WHERE {inner.condition(1)}" if self._c.maybe() else ""
        if kind is not Kind.TRUTH and self._c.maybe():
            shown = inner.alone().value(kind, 2)
            return f"(SELECT {self._c.one(('MAX', 'MIN'))}({shown}) FROM {text}{where})"
        self._c.reach("scalar subquery by LIMIT")
        shown = inner.value(kind, 2)
        return f"(SELECT {shown} FROM {text}{where} ORDER BY {everything([source])} LIMIT 1)"

    # Conditions

    def condition(self, depth: int = 0) -> str:
        """A condition."""
        if depth > 2 or not self._c.burn():
            return self._compare(3)
        form = self._c.one(("compare", "compare", "null", "list", "between", "like", "and", "not", "exists", "in"))
        if form in ("exists", "in") and self._known.depth < 2:
            return self._subquery(form)
        if form in ("and", "not"):
            return self._combined(form, depth)
        if form in ("null", "list", "between", "like"):
            return self._test(form, depth)
        return self._compare(depth)

    def _compare(self, depth: int) -> str:
        kind = self._c.one((Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.TRUTH))
        if kind is Kind.TRUTH:
            return f"({self.leaf(kind)} IS NOT NULL)" if self._c.maybe() else f"{self.leaf(kind)} = TRUE"
        return f"{self.value(kind, depth + 1)} {self._c.one(COMPARISONS)} {self.value(kind, depth + 1)}"

    def _combined(self, form: str, depth: int) -> str:
        if form == "not":
            return f"NOT ({self.condition(depth + 1)})"
        return f"({self.condition(depth + 1)} {self._c.one(('AND', 'OR'))} {self.condition(depth + 1)})"

    def _test(self, form: str, depth: int) -> str:
        self._c.reach(form)
        kind = Kind.TEXT if form == "like" else self._c.one((Kind.NUMBER, Kind.TEXT, Kind.DATE))
        value = self.value(kind, depth + 1)
        if form == "null":
            return f"{value} IS {self._c.one(('', 'NOT '))}NULL"
        if form == "like":
            return f"{value} {self._c.one(('LIKE', 'ILIKE', 'NOT LIKE'))} {self._c.one(('%a%', '1%', '%', '_'))!r}"
        first, second = self.leaf(kind), self.leaf(kind)
        if form == "list":
            return f"{value} {self._c.one(('', 'NOT '))}IN ({first}, {second})"
        return f"{value} BETWEEN {first} AND {second}"

    def _subquery(self, form: str) -> str:
        known = self._known.inside(*self._sources)
        if form == "exists":
            self._c.reach("EXISTS")
            text, _ = self._queries.select(known)
            return f"{self._c.one(('', 'NOT '))}EXISTS ({text})"
        kind = self._c.one((Kind.NUMBER, Kind.TEXT, Kind.DATE))
        text, _ = self._queries.select(known, (kind,))
        form = self._c.one(("IN", "NOT IN", "= ANY"))
        self._c.reach(f"{form} subquery")
        return f"{self.leaf(kind)} {form} ({text})"

    # Aggregates and windows

    def aggregate(self, kind: Kind) -> str:
        """An aggregate of `kind`."""
        alone = self.alone()
        inner = alone.value(kind, 2)
        if kind is Kind.NUMBER:
            other = alone.value(self._c.one(tuple(Kind)), 2)
            form = self._c.one(("COUNT(*)", "COUNT", "DISTINCT", "SUM", "COUNT_IF", "MAX"))
            self._c.reach(f"aggregate {form}")
            if form == "COUNT(*)":
                return form
            if form == "COUNT_IF":
                return f"COUNT_IF({alone.condition(2)})"
            if form == "DISTINCT":
                return f"COUNT(DISTINCT {other})"
            return f"COUNT({other})" if form == "COUNT" else f"{form}({inner})"
        own = of_kind(self._sources, kind)
        if kind is Kind.TEXT and own and self._c.maybe():
            self._c.reach("LISTAGG")
            column = self._c.one(own)
            return f"LISTAGG({column}, ',') WITHIN GROUP (ORDER BY {column})"
        if kind is Kind.TRUTH:
            return f"{self._c.one(('BOOLOR_AGG', 'BOOLAND_AGG'))}({inner})"
        return f"{self._c.one(('MIN', 'MAX'))}({inner})"

    def window(self, kind: Kind) -> str:
        """A window function of `kind`, in an order that is total up to equal rows."""
        partition = f"PARTITION BY {self.leaf(self._c.one(tuple(Kind)))} " if self._c.maybe() else ""
        order = f"ORDER BY {everything(self._sources)}"
        first = self.leaf(self._c.one(tuple(Kind)))
        if self._c.maybe():
            order = f"ORDER BY {first} {self._c.one(('ASC', 'DESC NULLS LAST'))}, {everything(self._sources)}"
        frame = ""
        forms = ["MAX", "MIN", "LAG", "FIRST_VALUE"]
        if kind is Kind.NUMBER:
            forms += ["ROW_NUMBER", "COUNT", "SUM", "NTILE"]
        form = self._c.one(forms)
        self._c.reach(f"window {form}")
        if form in ("MAX", "MIN", "COUNT", "SUM") and self._c.maybe():
            self._c.reach("window frame")
            frame = self._c.one((" ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " ROWS UNBOUNDED PRECEDING"))
        arguments = {"ROW_NUMBER": "", "NTILE": "2"}
        inner = arguments[form] if form in arguments else self.value(kind, 2)
        return f"{form}({inner}) OVER ({partition}{order}{frame})"
