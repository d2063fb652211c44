"""Which sources of one SELECT its conditions tie together, and how many stand there untied: cross joins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from policy.resolve import stored
from policy.triviality import conjuncts, disjuncts

_TIES = (exp.EQ, exp.NullSafeEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.Like, exp.ILike, exp.In)


@dataclass(frozen=True, slots=True)
class Source:
    """One source: its alias, its columns as far as they are known, its node, and whether it has one row at most."""

    alias: str | None
    columns: frozenset[str] | None
    node: exp.Expr
    is_one_row: bool


def unlinked(select: exp.Expr, sources: Sequence[Source]) -> int:
    """How many sources no condition ties to the others; a source of one row needs no tie, and multiplies nothing."""
    group = list(range(len(sources)))

    def merge(tied: Iterable[int]) -> None:
        joined = {group[n] for n in tied}
        if len(joined) > 1:
            first = min(joined)
            group[:] = [first if each in joined else each for each in group]

    for condition in _conditions(select):
        for part in conjuncts(condition):
            merge(_tied(part, sources))
    for n, source in enumerate(sources):
        if isinstance(source.node, exp.Lateral | exp.TableFromRows | exp.Unnest) or source.node.find(exp.Lateral):
            merge({n, *_asked(source.node, sources)})
    for join in _joins(select):
        if join.args.get("using") or join.args.get("method") in ("NATURAL", "ASOF"):
            merge(range(1 + _index(join.this, sources)))
    alone = {group[n] for n, source in enumerate(sources) if not source.is_one_row}
    return max(len(alone) - 1, 0)


def _joins(select: exp.Expr) -> list[exp.Expr]:
    """The joins of a SELECT, those inside its sources' brackets too."""
    found: list[exp.Expr] = []
    from_ = select.args.get("from_")
    stack = [select, *([from_.this] if from_ is not None else [])]
    while stack:
        node = stack.pop()
        joins = node.args.get("joins") or []
        found += joins
        stack += [join.this for join in joins]
        if isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query):
            stack.append(node.this)
    return found


def _conditions(select: exp.Expr) -> list[exp.Expr]:
    where = select.args.get("where")
    conditions = [where.this] if where is not None else []
    for join in _joins(select):
        conditions += [each for slot in ("on", "match_condition") if (each := join.args.get(slot)) is not None]
    return conditions


def _tied(condition: exp.Expr, sources: Sequence[Source]) -> set[int]:
    """The sources that one condition ties together; of alternatives, those that each of them ties."""
    arms = disjuncts(condition)
    if len(arms) == 1:
        is_tie = isinstance(condition, _TIES)
        return _asked(condition, sources) if is_tie or isinstance(condition, exp.Func) else set()
    common: set[int] | None = None
    for arm in arms:
        here: set[int] = set()
        for part in conjuncts(arm):
            tied = _tied(part, sources)
            here |= tied if len(tied) > 1 else set()
        common = here if common is None else common & here
    return common or set()


def _asked(condition: exp.Expr, sources: Sequence[Source]) -> set[int]:
    """The sources whose columns stand in `condition`; a bare name that several may have stands for the first."""
    asked: set[int] = set()
    for column in condition.find_all(exp.Column):
        table = column.args.get("table")
        if not isinstance(column.this, exp.Identifier):
            continue
        if table is not None:
            asked.update(n for n, source in enumerate(sources) if source.alias == stored(table))
            continue
        name = stored(column.this)
        owners = [n for n, source in enumerate(sources) if source.columns is not None and name in source.columns]
        unknown = [n for n, source in enumerate(sources) if source.columns is None]
        asked.update(owners[:1] or unknown)
    return asked


def _index(node: exp.Expr, sources: Sequence[Source]) -> int:
    return next((n for n, source in enumerate(sources) if source.node is node), len(sources) - 1)
