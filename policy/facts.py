"""The values of the facts that conditions ask for: of one statement, its caller and the call."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from policy.catalog import Column, Table
from policy.circumstances import Circumstances
from policy.exposure import Appearance, Exposures
from policy.functions import FunctionClass, class_of
from policy.names import TableName, display
from policy.principal import Principal
from policy.statement import AddColumn, Create, PutBack, SqlStatement, Undrop
from policy.tree import Tree, Vouched

VIEWS_DEPTH_MAX = 16

Views = Callable[[Table], SqlStatement | None]
"""A view's understood text, or None where it cannot be looked into."""


def facts_of_statement(
    statement: SqlStatement,
    tables: Mapping[TableName, Table],
    exposures: Exposures,
    views: Views,
    classifications: Iterable[str],
) -> dict[str, Any]:
    """What a statement is to one audience; equal statements of an audience have equal facts."""
    structure = statement.tree.structure
    if structure is None:
        return {}
    named = {table.name for table, _ in tables_met(statement.tree, tables, views)}
    if statement.target is not None:
        named.add(statement.target)
    met = [each for each in _columns_met(statement, tables, exposures, views) if each[1].classes]
    columns: dict[str, set[str]] = {name: set() for name in classifications}
    clear: dict[str, set[str]] = {name: set() for name in classifications}
    for table, column in met:
        for name in column.classes:
            for by_class in (columns,) if column.mask is not None else (columns, clear):
                by_class[name].add(f"{table}.{display(column.name)}")
    functions: dict[str, list[str]] = {kind.value: [] for kind in FunctionClass}
    for name in sorted(statement.functions):
        functions[class_of(name).value].append(name)
    classified = {(table, column.name) for table, column in met}
    grouped = {table for table, name in structure.grouped if (table, name) in classified}
    groups = _groups_met(statement, tables, views)
    facts: dict[str, Any] = {
        "verb": statement.verb.value,
        "verbs": sorted({statement.verb.value, *statement.tree.shape.branches}),
        "tables": sorted(map(str, named)),
        "target": "" if statement.target is None else str(statement.target),
        "columns": {name: sorted(full) for name, full in columns.items()},
        "clear": {name: sorted(full) for name, full in clear.items()},
        "classified_tables": sorted({str(table) for table, _ in classified}),
        "functions": functions,
        "has_where": structure.has_where,
        "where_is_trivial": structure.where_is_trivial,
        "unrestricted": sorted(map(str, structure.unrestricted | grouped)),
        "has_limit": structure.has_limit,
        "selects_star": structure.selects_star,
        "joins": structure.joins,
        "cross_joins": structure.cross_joins,
        "smallest_groups": {str(name): vouched.rows for name, vouched in groups.items()},
        "distinct_in_groups": {
            f"{name}.{display(column)}": count for name, vouched in groups.items() for column, count in vouched.distinct
        },
    }
    if structure.limit is not None:
        facts["limit"] = structure.limit
    if isinstance(statement.change, Undrop | PutBack):
        for name in ("columns", "clear", "classified_tables"):
            del facts[name]  # which columns the table had then, nobody can tell before it is back
    return facts


def _groups_met(
    statement: SqlStatement, tables: Mapping[TableName, Table], views: Views, depth: int = 0
) -> dict[TableName, Vouched]:
    """The smallest group of each table's rows that anything which leaves it is of, in views too."""
    structure = statement.tree.structure
    found: dict[TableName, Vouched] = {} if structure is None else dict(structure.groups)
    for place in statement.tree.places:
        found.setdefault(place.table, Vouched())
        table = tables.get(place.table)
        body = views(table) if table is not None and depth < VIEWS_DEPTH_MAX else None
        for name, vouched in _groups_met(body, tables, views, depth + 1).items() if body is not None else ():
            found[name] = vouched.and_of(found.get(name, vouched))
    return found


def _columns_met(
    statement: SqlStatement, tables: Mapping[TableName, Table], exposures: Exposures, views: Views
) -> Iterator[tuple[TableName, Appearance]]:
    """Every column that a statement meets, in tables and views, and in a table that it makes or adds to."""
    for table, names in tables_met(statement.tree, tables, views):
        for column in exposures.of(table).columns:
            if names is None or column.name in names:
                yield table.name, column
    made = None if statement.target is None else _made(statement, statement.target, tables.get(statement.target))
    if made is not None:
        for column in exposures.expose(made).columns:
            yield made.name, column


def _made(statement: SqlStatement, target: TableName, table: Table | None) -> Table | None:
    """The columns that a change makes, as a table. They inherit tags that were set above them, which each other has."""
    match statement.change:
        case Create(columns):
            made = tuple(Column(name, type_, nullable) for name, type_, nullable in columns)
            return Table(target, made, are_tags_known=False)
        case AddColumn(name, type_):
            others = [] if table is None else [frozenset(column.tags) for column in table.columns]
            inherited = tuple(sorted(others[0].intersection(*others))) if others else ()
            is_known = table is not None and table.are_tags_known and bool(others)
            return Table(target, (Column(name, type_, tags=inherited),), are_tags_known=is_known)
        case _:
            return None


def facts_of_call(principal: Principal, circumstances: Circumstances, rows_max: int) -> dict[str, Any]:
    """What a call is beside its statement; what is not known is left out."""
    claims = {k: list(v) if isinstance(v, tuple) else v for k, v in principal.claims.items()}
    history = circumstances.history
    facts: dict[str, Any] = {
        "principal.subject": principal.subject,
        "principal.actor": principal.actor,
        "principal.issuer": principal.issuer,
        "principal.groups": sorted(principal.groups),
        "principal.claims": claims,
        "rows_max": rows_max,
        "purpose": circumstances.purpose,
        "time": circumstances.time,
        "estimate.rows": circumstances.estimate.rows,
        "estimate.bytes": circumstances.estimate.bytes,
    }
    if history is not None:
        facts |= {
            "session.statements": history.statements,
            "session.refusals": history.refusals,
            "session.rows": history.rows,
            "session.tables": sorted(history.tables),
            "session.classifications": sorted(history.classifications),
        }
    return {name: value for name, value in facts.items() if value is not None}


def tables_met(
    tree: Tree, tables: Mapping[TableName, Table], views: Views, depth: int = 0
) -> Iterator[tuple[Table, frozenset[str] | None]]:
    """Every table that a statement reads or writes, through views too, with the names that may be columns of it."""
    shape = tree.shape
    for place in tree.places:
        table = tables.get(place.table)
        if table is None:
            continue
        yield table, None if place.is_target and shape.is_whole else shape.names
        body = views(table) if depth < VIEWS_DEPTH_MAX else None
        if body is not None:
            yield from tables_met(body.tree, tables, views, depth + 1)
