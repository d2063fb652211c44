"""What a write would do, as questions: reads, derived from its own tree, that count and show the rows that it touches.

A derived read is text again and goes the whole way that a caller's text goes: it is parsed, guarded, resolved,
protected and printed like any other. So a fault here can make an effect unknown or wrong, and can show nothing that is
hidden.
A write whose effect no read can tell has no questions.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp

from policy.binds import BIND_PREFIX
from policy.catalog import Table
from policy.dialect import print_sql, tokenized
from policy.names import TableName
from policy.refusal import PolicyRefusal
from policy.resolve import Defaults, stored
from policy.statement import SqlStatement, Verb
from policy.syntax import parse_one
from policy.understand import understand

SAMPLE_ROWS_MAX = 5
SAMPLE_COLUMNS_MAX = 12


@dataclass(frozen=True, slots=True)
class Probe:
    """A read with the values of the write that it takes, as indices from 0, in order."""

    statement: SqlStatement
    binds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counting:
    """A probe with one row, of which each column counts the rows that the write would `verbs[n]`."""

    probe: Probe
    verbs: tuple[Verb, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a sample: `side` is key, before or after.

    It is made of the target's columns `names`, a star standing for all of them, and of other tables too where
    `is_foreign`.
    """

    label: str
    side: str
    names: frozenset[str]
    is_foreign: bool


@dataclass(frozen=True, slots=True)
class Sampling:
    """A probe that shows some of the rows that the write would touch."""

    probe: Probe
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Probes:
    """How to measure one write. `countings` is None where it cannot be counted; `known` rows are in its text."""

    countings: tuple[Counting, ...] | None
    known: Mapping[Verb, int]
    sampling: Sampling | None


UNMEASURABLE = Probes(None, {}, None)

_Understand: TypeAlias = Callable[[str], SqlStatement]
_Rows: TypeAlias = Callable[[exp.Select], exp.Select]


def probes_of(
    text: str,
    statement: SqlStatement,
    tables: Mapping[TableName, Table],
    defaults: Defaults,
    opened: frozenset[str],
    *,
    observing: bool = False,
) -> Probes:
    """The probes of the write that `text` is and that was understood as `statement`. Raises nothing.

    `observing` asks for the structure of the probes too, for conditions of rules to be told.
    """

    def judge(sql: str) -> SqlStatement:
        return understand(sql, tables, defaults, opened, observing=observing)

    target = tables.get(statement.target) if statement.target is not None else None
    if target is None:
        return UNMEASURABLE
    try:
        deriving = _Deriving(parse_one(text).root, target, judge, reads_target=target.name in statement.reads)
        return deriving.probes(statement.verb)
    except Exception:
        # Whatever the parser or printer trips over: what cannot be measured needs the higher tier of approval.
        return UNMEASURABLE


class _Underivable(Exception):
    """No read tells what this write does."""


class _Deriving:
    def __init__(self, root: exp.Expr, target: Table, judge: _Understand, *, reads_target: bool) -> None:
        self._root = root
        self._table = target
        self._judge = judge
        self._reads_target = reads_target
        self._all_names = frozenset(column.name for column in target.columns)

    def probes(self, verb: Verb) -> Probes:
        match verb:
            case Verb.INSERT:
                return self._insert()
            case Verb.UPDATE | Verb.DELETE:
                return self._change(verb)
            case _:
                return self._merge()

    def _insert(self) -> Probes:
        source = self._root.args["expression"]
        if isinstance(source, exp.Values):
            return Probes((), {Verb.INSERT: len(source.expressions)}, None)
        rows = exp.Subquery(this=source, alias=exp.TableAlias(this=exp.to_identifier("Q")))
        counting = Counting(self._probe(_select(exp.Count(this=exp.Star())).from_(rows.copy())), (Verb.INSERT,))
        into = self._root.this
        columns = [each.name for each in into.expressions] if isinstance(into, exp.Schema) else []
        labels = columns or [column.name for column in self._table.columns]
        # What is inserted is not followed, so where the target is read, each cell may be of any column of it.
        names = self._all_names if self._reads_target else frozenset[str]()
        cells = tuple(Cell(label, "after", names, is_foreign=True) for label in labels)
        shown = exp.Select(expressions=[exp.Star()]).from_(rows).limit(SAMPLE_ROWS_MAX)
        return Probes((counting,), {}, self._sampling(shown, cells))

    def _change(self, verb: Verb) -> Probes:
        counted = self._touched(_select(exp.Count(this=exp.Star())))
        counting = Counting(self._probe(counted), (verb,))
        return Probes((counting,), {}, self._before_and_after(verb))

    def _touched(self, select: exp.Select) -> exp.Select:
        """`select` from the rows of the target that an UPDATE or DELETE touches."""
        root = self._root
        where = root.args.get("where")
        others = [root.args["from_"].this] if root.args.get("from_") else root.args.get("using") or []
        select = select.from_(_target(root))
        if root.args.get("with_"):
            select.set("with_", root.args["with_"].copy())
        if not others:
            return select if where is None else select.where(where.this.copy())
        (other,) = others  # further ones are joined to it
        matching = _select(exp.Literal.number(1)).from_(other.copy())
        if where is not None:
            matching = matching.where(where.this.copy())
        return select.where(exp.Exists(this=matching))

    def _before_and_after(self, verb: Verb) -> Sampling | None:
        root = self._root
        alone = not root.args.get("from_") and not root.args.get("using") and not root.args.get("with_")
        shown: list[tuple[exp.Expr, Cell]] = []
        if verb is Verb.DELETE or not alone:
            shown = [self._old(name, "before") for name in self._columns()]
        else:
            shown = [self._old(name, "key") for name in self._table.primary_key]
            for assignment in root.expressions[:SAMPLE_COLUMNS_MAX]:
                name, value = stored(assignment.this.this), assignment.expression
                shown += [self._old(name, "before"), self._new(name, value)]
        return self._sample(self._touched, shown)

    def _merge(self) -> Probes:
        root = self._root
        whens = root.args["whens"].expressions
        source, on = root.args["using"], root.args["on"]
        countings: list[Counting] = []
        for is_matched in (True, False):
            branches = [when for when in whens if bool(when.args.get("matched")) is is_matched]
            if not branches:
                continue
            first = exp.Case(
                ifs=[
                    exp.If(this=(when.args.get("condition") or exp.true()).copy(), true=exp.Literal.number(n))
                    for n, when in enumerate(branches)
                ]
            )
            chosen = exp.Select(expressions=[exp.alias_(first, "K")]).from_(source.copy())
            if is_matched:
                chosen = chosen.join(_target(root), on=on.copy(), copy=False)
            else:
                matching = _select(exp.Literal.number(1)).from_(_target(root)).where(on.copy())
                chosen = chosen.where(exp.Not(this=exp.Exists(this=matching)))
            if root.args.get("with_"):
                chosen.set("with_", root.args["with_"].copy())
            counts = [
                exp.alias_(exp.CountIf(this=exp.EQ(this=exp.column("K"), expression=exp.Literal.number(n))), f"C{n}")
                for n in range(len(branches))
            ]
            inner = exp.Subquery(this=chosen, alias=exp.TableAlias(this=exp.to_identifier("B")))
            asked = exp.Select(expressions=counts).from_(inner)
            countings.append(Counting(self._probe(asked), tuple(_does(when) for when in branches)))
        return Probes(tuple(countings), {}, self._matched(source, on))

    def _matched(self, source: exp.Expr, on: exp.Expr) -> Sampling | None:
        def rows(select: exp.Select) -> exp.Select:
            matching = _select(exp.Literal.number(1)).from_(source.copy()).where(on.copy())
            return select.from_(_target(self._root)).where(exp.Exists(this=matching))

        return self._sample(rows, [self._old(name, "before") for name in self._columns()])

    def _columns(self) -> Sequence[str]:
        """The target's columns, its key first, as many as are shown."""
        key = self._table.primary_key
        others = [column.name for column in self._table.columns if column.name not in key]
        return [*key, *others][:SAMPLE_COLUMNS_MAX]

    def _old(self, name: str, side: str) -> tuple[exp.Expr, Cell]:
        target = _target(self._root)
        alias = target.args.get("alias")
        called = (alias.this if alias is not None else target.this).copy()
        column = exp.Column(this=exp.to_identifier(name, quoted=True), table=called)
        return column, Cell(name, side, frozenset({name}), is_foreign=False)

    def _new(self, name: str, value: exp.Expr) -> tuple[exp.Expr, Cell]:
        names = frozenset(stored(each.this) for each in value.find_all(exp.Column) if not each.is_star)
        if any(_picks_columns(star) for star in value.find_all(exp.Star)):
            names |= self._all_names
        is_foreign = value.find(exp.Query) is not None or value.find(exp.Subquery) is not None
        return value.copy(), Cell(name, "after", names, is_foreign)

    def _sample(self, rows: _Rows, shown: Sequence[tuple[exp.Expr, Cell]]) -> Sampling | None:
        expressions = [exp.alias_(value, f"C{n}") for n, (value, _) in enumerate(shown)]
        select = rows(exp.Select(expressions=expressions)).limit(SAMPLE_ROWS_MAX)
        return self._sampling(select, tuple(cell for _, cell in shown))

    def _sampling(self, select: exp.Select, cells: tuple[Cell, ...]) -> Sampling | None:
        """A sample helps a person and nothing depends on it, so one that cannot be derived is left out."""
        try:
            return Sampling(self._probe(select), cells)
        except PolicyRefusal:
            return None

    def _probe(self, select: exp.Select) -> Probe:
        """`select` as text, judged as any text is; its numbered placeholders become `?` again."""
        text = print_sql(select)
        tokens = tokenized(text)
        pieces: list[str] = []
        binds: list[int] = []
        end = 0
        for before, token in itertools.pairwise(tokens):
            if token.text.startswith(BIND_PREFIX) and text[before.start : token.end + 1] == f":{token.text}":
                binds.append(int(token.text.removeprefix(BIND_PREFIX)) - 1)
                pieces += (text[end : before.start], "?")
                end = token.end + 1
        statement = self._judge("".join((*pieces, text[end:])))
        if statement.verb is not Verb.READ or statement.binds != len(binds):
            raise _Underivable
        if statement.tree.columns.unknown is not None:
            raise _Underivable
        return Probe(statement, tuple(binds))


def _select(value: exp.Expr) -> exp.Select:
    return exp.Select(expressions=[exp.alias_(value, "N")])


def _picks_columns(star: exp.Expr) -> bool:
    """Whether a star stands for columns; the one of COUNT(*) stands for rows."""
    return not isinstance(star.parent, exp.Count) or any(star.args.values())


def _target(root: exp.Expr) -> exp.Expr:
    """The table that a write changes, as the caller wrote it."""
    table: exp.Expr = root.this
    return table.copy()


def _does(when: exp.Expr) -> Verb:
    then = when.args.get("then")
    return Verb.INSERT if isinstance(then, exp.Insert) else Verb.UPDATE if isinstance(then, exp.Update) else Verb.DELETE
