"""The grammar's upper half: queries with joins, common table expressions, set operations, groups, windows and order."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from tests.noninterference.expressions import Expressions
from tests.noninterference.scope import DEPTH_MAX, Choices, Column, Known, Source, named
from tests.noninterference.worlds import KEY, VIEW, Kind, World

KINDS = tuple(Kind)
SET_OPERATIONS = ("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "MINUS")
_LITERAL_STARTS = ("'", "(", "0", "1", "2", "DATE ", "TRUE", "FALSE")
CONSTRUCTS_MIN = 70
"""How many different constructs a full run must have reached."""


class Grammar:
    """Writes queries over the tables of a world."""

    def __init__(self, choices: Choices) -> None:
        self._c = choices

    def statement(self, known: Known) -> str:
        """A whole statement, in an order or without one."""
        if self._c.maybe(12):
            return self._pivot(known)
        text, columns = self.query(known)
        if self._c.maybe(4):
            text = self._ordered(text, columns)
        return text

    def query(self, known: Known, kinds: Sequence[Kind] | None = None) -> tuple[str, tuple[Column, ...]]:
        """A query with its columns: a SELECT, a set operation, or either below common table expressions."""
        form = self._c.one(("select", "select", "with", "set", "recursive"))
        if known.depth >= DEPTH_MAX or not self._c.burn():
            form = "select"
        if form == "with":
            return self._with(known, kinds)
        if form == "set":
            return self._set_operation(known, kinds)
        if form == "recursive" and kinds is None and known.depth == 0:
            return self._recursive(known)
        return self.select(known, kinds)

    # Common table expressions and set operations

    def _with(self, known: Known, kinds: Sequence[Kind] | None) -> tuple[str, tuple[Column, ...]]:
        self._c.reach("WITH")
        bodies: list[str] = []
        inside = known
        for is_first in (True, False)[: self._c.number(1, 2)]:
            name = self._expression_name(inside, is_first=is_first)
            text, columns = self.query(replace(inside, reserved=inside.reserved | {name}, depth=inside.depth + 1))
            bodies.append(f"{name} AS ({text})")
            inside = replace(inside, expressions={**inside.expressions, name: columns})
        text, columns = self.query(replace(inside, depth=inside.depth + 1), kinds)
        if text.startswith("WITH"):
            self._c.reach("WITH in WITH")
            text, columns = f"SELECT * FROM ({text}) w", columns
        return f"WITH {', '.join(bodies)} {text}", columns

    def _expression_name(self, known: Known, *, is_first: bool) -> str:
        """A new name, or that of a table, which the expression then hides.

        Only the first of a WITH may: the gate takes a later one to hide the table from the bodies before it, too.
        """
        names = [name for name in known.tables if name not in known.reserved and name not in known.expressions]
        if names and is_first and self._c.maybe(3):
            self._c.reach("CTE that hides a table")
            return self._c.one(names)
        return self._c.name("C")

    def _recursive(self, known: Known) -> tuple[str, tuple[Column, ...]]:
        self._c.reach("WITH RECURSIVE")
        name = self._c.name("R")
        known = replace(known, reserved=known.reserved | {name})
        text, source = self.source(known)
        anchor = Expressions(self._c, self, known, (source,))
        step, joined = "x + 1", ""
        if self._c.maybe():
            self._c.reach("recursion that joins a table")
            other, second = self.source(known)
            joined = f" JOIN {other} ON {second.alias}.{KEY} = {name}.x"
            step = f"COALESCE({second.alias}.{KEY}, 0) + 1"
        columns = (Column("X", Kind.NUMBER), Column("DEPTH", Kind.NUMBER))
        body = (
            f"SELECT {anchor.leaf(Kind.NUMBER)} AS x, 0 AS depth FROM {text} UNION ALL "
            f"SELECT {step}, depth + 1 FROM {name}{joined} WHERE depth < 2"
        )
        return f"WITH RECURSIVE {name} AS ({body}) SELECT x, depth FROM {name}", columns

    def _set_operation(self, known: Known, kinds: Sequence[Kind] | None) -> tuple[str, tuple[Column, ...]]:
        operation = self._c.one(SET_OPERATIONS)
        self._c.reach(operation)
        below = replace(known, depth=known.depth + 1)
        first, columns = self.select(below, kinds, is_plain=True)
        second, _ = self.select(below, tuple(column.kind for column in columns), is_plain=True)
        return f"{first} {operation} {second}", columns

    # SELECT

    def select(
        self, known: Known, kinds: Sequence[Kind] | None = None, *, is_plain: bool = False
    ) -> tuple[str, tuple[Column, ...]]:
        """A SELECT; a plain one has nothing behind it that a set operation would take for its own."""
        from_, sources = self._from(known)
        inner = Expressions(self._c, self, known, sources)
        where = f" WHERE {inner.condition()}" if self._c.maybe() else ""
        form = self._c.one(("plain", "grouped", "windowed", "distinct", "star"))
        if form == "grouped":
            return self._grouped(inner, f"{from_}{where}", kinds)
        if form == "windowed":
            return self._windowed(inner, f"{from_}{where}", kinds)
        if form == "star" and kinds is None and (star := self._star(sources)) is not None:
            text, columns = star
        else:
            text, columns = self._projections(inner, kinds)
        if form == "distinct":
            self._c.reach("DISTINCT")
            text = f"DISTINCT {text}"
        text = f"SELECT {text} FROM {from_}{where}"
        if not is_plain and self._c.maybe(5):
            text = self._ordered(text, columns)
        return text, columns

    def _projections(self, inner: Expressions, kinds: Sequence[Kind] | None) -> tuple[str, tuple[Column, ...]]:
        wanted = kinds or [self._c.one(KINDS) for _ in range(self._c.number(1, 3))]
        shown, columns = [], []
        for kind in wanted:
            name = self._c.name("X")
            shown.append(f"{inner.value(kind)} AS {name}")
            columns.append(Column(name, kind))
        if kinds is None and "(SELECT" not in shown[0] and self._c.maybe(6):
            self._c.reach("lateral alias")
            name = self._c.name("X")
            shown.append(f"{columns[0].name} AS {name}")
            columns.append(Column(name, columns[0].kind))
        return ", ".join(shown), tuple(columns)

    def _star(self, sources: Sequence[Source]) -> tuple[str, tuple[Column, ...]] | None:
        """A star over sources that have no name in common; None where they have."""
        columns = tuple(column for source in sources for column in source.columns)
        names = [column.name for column in columns]
        if len(set(names)) < len(names):
            first = sources[0]
            self._c.reach("star of one source")
            return f"{first.alias}.*", first.columns
        self._c.reach("star")
        if len(columns) > 1 and self._c.maybe(3):
            self._c.reach("star EXCLUDE")
            out = self._c.one(columns)
            return f"* EXCLUDE ({out.name})", tuple(column for column in columns if column is not out)
        return "*", columns

    def _grouped(self, inner: Expressions, from_: str, kinds: Sequence[Kind] | None) -> tuple[str, tuple[Column, ...]]:
        drawn = [self._c.one(KINDS) for _ in range(self._c.number(0, 2))] if kinds is None else []
        keys = {key: kind for kind in drawn if not (key := inner.leaf(kind)).startswith(_LITERAL_STARTS)}
        kept = list(keys)
        wanted = kinds or [self._c.one(KINDS) for _ in range(self._c.number(1, 2))]
        names = [self._c.name("X") for _ in range(len(kept) + len(wanted))]
        shown = [*kept, *(inner.aggregate(kind) for kind in wanted)]
        columns = tuple(map(Column, names, [*keys.values(), *wanted]))
        text = f"SELECT {', '.join(f'{s} AS {n}' for s, n in zip(shown, names, strict=True))} FROM {from_}"
        if kept:
            text += self._group_by(kept)
        if self._c.maybe(3):
            self._c.reach("HAVING")
            text += f" HAVING {inner.aggregate(Kind.NUMBER)} > {self._c.one(('0', '1', '2'))}"
        return text, columns

    def _group_by(self, keys: Sequence[str]) -> str:
        form = self._c.one(("GROUP BY", "GROUP BY position", "GROUP BY ALL", "ROLLUP", "GROUPING SETS", "CUBE"))
        self._c.reach(form)
        listed = ", ".join(keys)
        return {
            "GROUP BY": f" GROUP BY {listed}",
            "GROUP BY position": f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}",
            "GROUP BY ALL": " GROUP BY ALL",
            "ROLLUP": f" GROUP BY ROLLUP ({listed})",
            "CUBE": f" GROUP BY CUBE ({listed})",
            "GROUPING SETS": f" GROUP BY GROUPING SETS (({listed}), ())",
        }[form]

    def _windowed(self, inner: Expressions, from_: str, kinds: Sequence[Kind] | None) -> tuple[str, tuple[Column, ...]]:
        wanted = kinds or [self._c.one(KINDS) for _ in range(self._c.number(1, 2))]
        names = [self._c.name("X") for _ in wanted]
        shown = ", ".join(f"{inner.window(kind)} AS {n}" for kind, n in zip(wanted, names, strict=True))
        qualify = ""
        if self._c.maybe():
            self._c.reach("QUALIFY")
            qualify = f" QUALIFY {inner.window(Kind.NUMBER)} {self._c.one(('<= 1', '> 1', '= 2'))}"
        return f"SELECT {shown} FROM {from_}{qualify}", tuple(map(Column, names, wanted))

    def _ordered(self, text: str, columns: Sequence[Column]) -> str:
        """The query in a total order of its own columns, and some rows of it."""
        self._c.reach("ORDER BY")
        ways = [self._c.one((" ASC", " DESC", " NULLS FIRST", " DESC NULLS LAST")) for _ in columns]
        order = ", ".join(f"{column.name}{way}" for column, way in zip(columns, ways, strict=True))
        text = f"SELECT * FROM ({text}) o ORDER BY {order}"
        if self._c.maybe():
            self._c.reach("LIMIT")
            text += f" LIMIT {self._c.number(0, 3)}"
            if self._c.maybe():
                self._c.reach("OFFSET")
                text += " OFFSET 1"
        return text

    def _pivot(self, known: Known) -> str:
        self._c.reach("PIVOT")
        text, source = self.source(known)
        value = self._c.one(source.columns)
        return (
            f"SELECT * FROM (SELECT {source.alias}.{KEY}, {source.alias}.{value.name} AS v FROM {text}) "
            f"PIVOT({self._c.one(('MAX', 'MIN', 'COUNT'))}(v) FOR {KEY} IN (0, 1, 2)) AS p"
        )

    # FROM

    def source(self, known: Known) -> tuple[str, Source]:
        """A table, view or common table expression that has the key, under a new alias."""
        candidates = {**known.tables, **known.expressions}
        keyed = [name for name, columns in candidates.items() if any(column.name == KEY for column in columns)]
        name = self._c.one(keyed) if keyed else self._c.one(sorted(known.tables))
        alias = self._c.name("a")
        is_table = name in known.tables and name not in known.expressions
        if not is_table and not (keyed and name in known.expressions):
            is_table = True
        columns = known.tables[name] if is_table else known.expressions[name]
        return f"{self._spelled(name, known) if is_table else name} {alias}", Source(alias, columns)

    def _spelled(self, name: str, known: Known) -> str:
        """One of the ways to name a table; only a path where a common table expression is called the same."""
        if name == VIEW:
            self._c.reach("view")
        ways = [f"D.S.{name}", f'"D"."S"."{name}"', f"s.{name.lower()}"]
        if name not in known.reserved and name not in known.expressions:
            ways = [name, name.lower(), f'"{name}"', *ways]
        if not known.reserved:  # the body of a common table expression may not name tables by text
            ways.append(f"IDENTIFIER('d.s.{name.lower()}')")
        way = self._c.one(ways)
        if way.startswith("IDENTIFIER"):
            self._c.reach("IDENTIFIER")
        return way

    def _any_source(self, known: Known) -> tuple[str, Source]:
        """A named source, or a derived table."""
        if known.depth >= 2 or not self._c.maybe(3):
            return self.source(known)
        if known.expressions and self._c.maybe():
            self._c.reach("CTE used")
            name = self._c.one(sorted(known.expressions))
            alias = self._c.name("a")
            return f"{name} {alias}", Source(alias, known.expressions[name])
        self._c.reach("derived table")
        text, columns = self.query(replace(known, depth=known.depth + 1))
        alias = self._c.name("q")
        if self._c.maybe(4):
            self._c.reach("derived table with renamed columns")
            columns = tuple(Column(self._c.name("Y"), column.kind) for column in columns)
            return f"({text}) AS {alias}({', '.join(c.name for c in columns)})", Source(alias, columns)
        return f"({text}) {alias}", Source(alias, columns)

    def _from(self, known: Known) -> tuple[str, tuple[Source, ...]]:
        text, source = self._any_source(known)
        sources = [source]
        if self._c.maybe(6):
            self._c.reach("NATURAL JOIN")
            second, other = self._any_source(known)
            if {c.name for c in other.columns} & {c.name for c in source.columns}:
                return f"{text} NATURAL JOIN {second}", (source, other)
        while len(sources) < 3 and self._c.maybe(3):
            joined, other = self._joined(known, sources)
            text += joined
            sources.append(other)
        return text, tuple(sources)

    def _joined(self, known: Known, sources: Sequence[Source]) -> tuple[str, Source]:
        form = self._c.one(
            ("JOIN", "LEFT JOIN", "USING", "CROSS JOIN", ",", "FULL OUTER JOIN", "RIGHT JOIN", "LATERAL")
        )
        if form == "LATERAL" and known.depth < 2:
            return self._lateral(known, sources)
        text, source = self._any_source(known)
        if form == "USING" and len(sources) == 1 and all(_has_key(s) for s in (*sources, source)):
            self._c.reach("USING")
            return f" {self._c.one(('JOIN', 'LEFT JOIN'))} {text} USING ({KEY})", source
        if form in ("CROSS JOIN", ",", "USING", "LATERAL"):
            self._c.reach("CROSS JOIN")
            return f" CROSS JOIN {text}", source
        self._c.reach(form)
        left, right = sources[-1].columns, source.columns
        pairs = [(a, b) for a in left for b in right if a.kind is b.kind]
        condition = "TRUE"
        if pairs:
            a, b = self._c.one(pairs)
            condition = f"{sources[-1].alias}.{a.name} {self._c.one(('=', '=', '<'))} {source.alias}.{b.name}"
        if form == "FULL OUTER JOIN":
            condition = condition.replace("<", "=")
        return f" {form} {text} ON {condition}", source

    def _lateral(self, known: Known, sources: Sequence[Source]) -> tuple[str, Source]:
        self._c.reach("LATERAL")
        text, columns = self.select(known.inside(*sources), is_plain=True)
        alias = self._c.name("l")
        return f" CROSS JOIN LATERAL ({text}) {alias}", Source(alias, columns)


def _has_key(source: Source) -> bool:
    return any(column.name == KEY for column in source.columns)


@st.composite
def statements(draw: st.DrawFn, world: World) -> tuple[str, frozenset[str]]:
    """A statement over a world's tables, and the constructs that it has."""
    choices = Choices(draw)
    tables = {table.name: named(table.columns) for table in world.tables}
    if world.view is not None:
        tables[VIEW] = tables[world.tables[0].name]
    return Grammar(choices).statement(Known(tables)), frozenset(choices.reached)
