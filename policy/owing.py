"""What an answer owes beside masks, filters and limits: to be counted in budgets, and to leave at a certain time.

Both depend on which tables a statement asks about, views looked through, and on which kinds of columns it meets there;
and on nothing that is only known once it has run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from policy.catalog import Table
from policy.decision import CountAnswer, Obligation, PadAnswer
from policy.exposure import Exposures
from policy.facts import Views, tables_met
from policy.names import TableName
from policy.rulebook import Budget, Concern, Padding
from policy.statement import SqlStatement, Verb

Met: TypeAlias = tuple[TableName, frozenset[str]]
"""A table that a statement meets, and the classifications of the columns that it meets there."""


class Owing:
    """What one audience owes for its answers: the budgets and paddings that mean it."""

    def __init__(
        self,
        budgets: Sequence[Budget],
        paddings: Sequence[Padding],
        tables: Mapping[TableName, Table],
        exposures: Exposures,
        views: Views,
    ) -> None:
        self._budgets = budgets
        self._paddings = paddings
        self._tables = tables
        self._exposures = exposures
        self._views = views

    def of(self, statement: SqlStatement) -> frozenset[Obligation]:
        """What is owed for an answer to `statement`, or for how many rows it changed."""
        if not self._budgets and not self._paddings:
            return frozenset()
        met = list(self._asked_about(statement))
        counted = {
            CountAnswer(each.id, statement.tree.shape.answers, each.answers_per_day, each.is_shared)
            for each in self._budgets
            if _is_about(each.concern, met)
        }
        return frozenset(counted | {PadAnswer(each.to_ms) for each in self._paddings if _is_about(each.concern, met)})

    def on(self, table: Table) -> tuple[str, ...]:
        """In words, the budgets that a statement which reads all of `table` draws on."""
        if not self._budgets:
            return ()
        body = self._views(table)
        beneath = () if body is None else tables_met(body.tree, self._tables, self._views)
        met = list(self._with_classes([(table, None), *beneath]))
        return tuple(told(each) for each in self._budgets if _is_about(each.concern, met))

    def _asked_about(self, statement: SqlStatement) -> Iterator[Met]:
        """Tables that something is learnt of; an INSERT tells nothing of its target."""
        tree = statement.tree
        if statement.verb is Verb.INSERT:
            tree = replace(tree, places=tuple(place for place in tree.places if not place.is_target))
        return self._with_classes(tables_met(tree, self._tables, self._views))

    def _with_classes(self, met: Iterable[tuple[Table, frozenset[str] | None]]) -> Iterator[Met]:
        for table, names in met:
            columns = [each for each in self._exposures.of(table).columns if names is None or each.name in names]
            yield table.name, frozenset(name for each in columns for name in each.classes)


def told(budget: Budget) -> str:
    """A budget in words, for whoever draws on it."""
    return f"{budget.id}: {budget.answers_per_day} answers a day{', shared' if budget.is_shared else ''}"


def _is_about(concern: Concern, met: Iterable[Met]) -> bool:
    return any(concern.is_about(name, classes) for name, classes in met)
