"""The values of the facts that conditions ask for: of one statement, its caller and the call."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from policy.catalog import Table
from policy.circumstances import Circumstances
from policy.exposure import Exposures
from policy.functions import FunctionClass, class_of
from policy.names import TableName, display
from policy.principal import Principal
from policy.statement import SqlStatement

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
    columns: dict[str, set[str]] = {name: set() for name in classifications}
    clear: dict[str, set[str]] = {name: set() for name in classifications}
    named: set[TableName] = set()
    classified: set[TableName] = set()
    classified_names: set[tuple[TableName, str]] = set()
    for table, names in tables_met(statement, tables, views):
        named.add(table.name)
        for column in exposures.of(table).columns:
            if column.classes and (names is None or column.name in names):
                full = f"{table.name}.{display(column.name)}"
                classified.add(table.name)
                classified_names.add((table.name, column.name))
                for name in column.classes:
                    columns[name].add(full)
                    if column.mask is None:
                        clear[name].add(full)
    functions: dict[str, list[str]] = {kind.value: [] for kind in FunctionClass}
    for name in sorted(statement.functions):
        functions[class_of(name).value].append(name)
    grouped = {table for table, name in structure.grouped if (table, name) in classified_names}
    facts: dict[str, Any] = {
        "verb": statement.verb.value,
        "verbs": sorted({statement.verb.value, *statement.tree.shape.branches}),
        "tables": sorted(map(str, named)),
        "target": "" if statement.target is None else str(statement.target),
        "columns": {name: sorted(full) for name, full in columns.items()},
        "clear": {name: sorted(full) for name, full in clear.items()},
        "classified_tables": sorted(map(str, classified)),
        "functions": functions,
        "has_where": structure.has_where,
        "where_is_trivial": structure.where_is_trivial,
        "unrestricted": sorted(map(str, structure.unrestricted | grouped)),
        "has_limit": structure.has_limit,
        "selects_star": structure.selects_star,
        "joins": structure.joins,
        "cross_joins": structure.cross_joins,
    }
    if structure.limit is not None:
        facts["limit"] = structure.limit
    return facts


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
    statement: SqlStatement, tables: Mapping[TableName, Table], views: Views, depth: int = 0
) -> Iterator[tuple[Table, frozenset[str] | None]]:
    """Every table that a statement reads or writes, through views too, with the names that may be columns of it."""
    names = statement.tree.shape.names
    for place in statement.tree.places:
        table = tables.get(place.table)
        if table is None:
            continue
        yield table, names
        body = views(table) if depth < VIEWS_DEPTH_MAX else None
        if body is not None:
            yield from tables_met(body, tables, views, depth + 1)
