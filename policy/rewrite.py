"""The text that stands for a table: a derived table with exactly what the audience may see of it.

Each reference to a protected table becomes `(SELECT <each column, masked or clear> FROM <table> WHERE <row filters>)`.
Nothing outside the brackets can name a raw column, so no expression, filter, join, order or error can meet one. The
columns are the catalog's, one by one: a column that was added since stays hidden. Views are written out the same way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from policy.catalog import Table, TableKind
from policy.decision import FilterRows, MaskColumn, Obligation
from policy.exposure import SOURCE_ALIAS, Appearance, Exposures
from policy.filters import filter_sql
from policy.lru import Lru
from policy.masks import describe
from policy.names import TableName, quote
from policy.statement import SqlStatement

VIEWS_DEPTH_MAX = 16
TEXT_CHARACTERS_MAX = 1_000_000
"""Snowflake takes no longer statement (https://docs.snowflake.com/en/user-guide/query-size-limits)."""

TABLES_REMEMBERED = 64
REMEMBERED_CHARACTERS_MAX = 4_000
"""What a writer keeps: a text for each table and set of columns that may matter, and none that is longer."""


class Unwritable(Exception):
    """A table, or one that it reads, cannot be written safely for this audience."""


@dataclass(frozen=True, slots=True)
class Written:
    """The SQL of one source, what it owes, and the base tables and views that it reads."""

    sql: str
    obligations: frozenset[Obligation]
    touched: frozenset[TableName]
    is_filtered: bool
    is_masked: bool


class Writer:
    """Writes tables for one audience over one catalog. `views` gives a view's understood text, or None."""

    def __init__(
        self,
        tables: Mapping[TableName, Table],
        exposures: Exposures,
        conditions: Mapping[str, exp.Expr],
        opened: frozenset[str],
        views: Callable[[Table], SqlStatement | None],
    ) -> None:
        self._tables = tables
        self._exposures = exposures
        self._conditions = conditions
        self._opened = opened
        self._views = views
        self._filters: dict[TableName, tuple[str, ...]] = {}
        self._written: Lru[tuple[TableName, frozenset[str] | None], Written] = Lru(TABLES_REMEMBERED)

    def table(self, name: TableName) -> Table | None:
        """The catalog's table of that name."""
        return self._tables.get(name)

    def is_view(self, name: TableName) -> bool:
        """Whether `name` is a view of the catalog."""
        table = self._tables.get(name)
        return table is not None and table.kind is TableKind.VIEW

    def source(
        self,
        name: TableName,
        names: frozenset[str] | None,
        clauses: tuple[str, str] = ("", ""),
        above: tuple[TableName, ...] = (),
    ) -> Written:
        """The text for a reference to `name` in a statement that mentions only `names` (None: that may use any column).

        `clauses` are what follows the name, before and behind its alias: AT or BEFORE, and SAMPLE. Raises Unwritable.
        """
        past, sample = clauses
        table = self._tables.get(name)
        if table is None or name in above or len(above) >= VIEWS_DEPTH_MAX:
            raise Unwritable
        if table.kind is TableKind.VIEW:
            if past or not _is_of_rows(sample):
                raise Unwritable
            return self._view(table, names, sample, above)
        # Also where nothing is masked: a column that was added since the catalog was read must stay hidden.
        if not past and not sample:
            return self._plain(table, names)
        columns = _needed(self._exposures.of(table).columns, names)
        return self._derived(table, columns, _aliased(f"{name.quoted}{_spaced(past)}", sample), ())

    def _plain(self, table: Table, names: frozenset[str] | None) -> Written:
        """The text for a table without clauses, remembered: it depends on nothing but which of its columns may matter.

        Everything else that goes into it is this writer's: the catalog, and what one audience meets of each table.
        """
        exposure = self._exposures.of(table)
        asked = (table.name, None if names is None else names & exposure.names)
        known = self._written.get(asked)
        if known is None:
            columns = _needed(exposure.columns, names)
            known = self._derived(table, columns, _aliased(table.name.quoted, ""), ())
            if len(known.sql) <= REMEMBERED_CHARACTERS_MAX:
                self._written.put(asked, known)
        return known

    def _view(self, table: Table, names: frozenset[str] | None, sample: str, above: tuple[TableName, ...]) -> Written:
        exposure = self._exposures.of(table)
        body = self._views(table)
        if body is None or not table.is_its_text:
            if not exposure.is_named_public or exposure.filters:
                raise Unwritable
            return self._derived(table, exposure.columns, _aliased(table.name.quoted, sample), ())
        inside = (*above, table.name)
        places, shown = body.tree.places, body.tree.shape.names
        parts = tuple(self.source(p.table, shown, (p.past, p.sample), inside) for p in places)
        if any(p.is_filtered and place.is_sampled for p, place in zip(parts, places, strict=True)):
            raise Unwritable
        text = body.tree.written(tuple(part.sql for part in parts))
        outputs = body.tree.columns.outputs
        stored = tuple(column.name for column in table.columns)
        if outputs is None or len(outputs) != len(stored):
            raise Unwritable
        renamed = "" if outputs == stored else f"({', '.join(map(quote, stored))})"
        source = _aliased(f"({text})", sample, renamed)
        return self._derived(table, _needed(exposure.columns, names), source, parts)

    def _derived(
        self, table: Table, columns: tuple[Appearance, ...], source: str, parts: tuple[Written, ...]
    ) -> Written:
        filters = self._exposures.of(table).filters
        masked = [(column, column.mask) for column in columns if column.mask is not None]
        owed: set[Obligation] = {MaskColumn(table.name, column.name, describe(mask)) for column, mask in masked}
        owed |= {FilterRows(table.name, each.id) for each in filters}
        conditions = self._conditions_on(table) if filters else ()
        # An engine may evaluate what stands outside before it filters. So a row that the filter hides has no values,
        # and no error can tell one; where Snowflake itself hides the row, it never gets that far.
        kept = " AND ".join(c for c, each in zip(conditions, filters, strict=True) if not each.is_native)
        shown = ", ".join(column.sql(kept) for column in columns)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        text = f"(SELECT {shown} FROM {source}{where})"  # noqa: S608 - made of quoted catalog names and judged conditions
        if len(text) > TEXT_CHARACTERS_MAX:
            raise Unwritable
        return Written(
            text,
            frozenset(owed).union(*(part.obligations for part in parts)),
            frozenset({table.name}).union(*(part.touched for part in parts)),
            is_filtered=bool(filters) or any(part.is_filtered for part in parts),
            is_masked=bool(masked) or any(part.is_masked for part in parts),
        )

    def _conditions_on(self, table: Table) -> tuple[str, ...]:
        known = self._filters.get(table.name)
        if known is None:
            written: list[str] = []
            for each in self._exposures.of(table).filters:
                sql = filter_sql(self._conditions[each.id], table, self._opened)
                if sql is None:
                    raise Unwritable
                written.append(sql)
            known = self._filters[table.name] = tuple(written)
        return known


def _needed(columns: tuple[Appearance, ...], names: frozenset[str] | None) -> tuple[Appearance, ...]:
    """The columns that a statement mentioning only `names` can use; at least one, so that there is a table."""
    if names is None:
        return columns
    needed = tuple(column for column in columns if column.name in names)
    return needed or tuple(sorted(columns, key=lambda column: column.mask is not None)[:1])


def _aliased(source: str, sample: str, renamed: str = "") -> str:
    return f"{source} AS {quote(SOURCE_ALIAS)}{renamed}{_spaced(sample)}"


def _spaced(clause: str) -> str:
    return f" {clause}" if clause else ""


def _is_of_rows(sample: str) -> bool:
    """Whether a sample may be taken of a query as well as of a table: row by row, and not by a seed."""
    return not any(word in sample for word in ("SEED", "SYSTEM", "BLOCK"))
