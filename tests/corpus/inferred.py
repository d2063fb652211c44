"""A catalog in which a statement could be true: every table that it names has every column that it names."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.names import fold

DEFAULTS = ("D", "S")
POLICY = """
version: 1
defaults: {database: D, schema: S}
roles: [{id: all, who: {anyone: true}, read_role: RO, warehouse: W}]
public: ["*.*.*.*"]
rules: [{id: read, effect: permit, who: {anyone: true}, verbs: [read], tables: ["*.*.*"]}]
"""


def engine_for(sql: str) -> Engine:
    """An engine over the tables and columns that `sql` names, all of them public; over none if it does not parse."""
    try:
        root = sqlglot.parse_one(sql, read="snowflake")
    except SqlglotError:
        return Engine(load(POLICY), from_document({}))
    columns = {_stored(node.this) for node in root.find_all(exp.Column) if isinstance(node.this, exp.Identifier)}
    columns |= {_stored(name) for join in root.find_all(exp.Join) for name in join.args.get("using") or ()}
    document: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for table in root.find_all(exp.Table):
        parts = _parts(table)
        if parts is not None:
            database, schema, name = (*DEFAULTS[: 3 - len(parts)], *parts)
            inside = document.setdefault(database, {}).setdefault(schema, {})
            inside[name] = {column: "VARIANT" for column in (*sorted(columns), "ANY_COLUMN") if column}
    return Engine(load(POLICY), from_document(document))


def _stored(identifier: exp.Expr) -> str:
    return fold(identifier.name, quoted=bool(identifier.args.get("quoted")))


def _parts(table: exp.Table) -> list[str] | None:
    if isinstance(table.this, exp.DynamicIdentifier):
        parts = [part.upper() for part in str(table.this.this.name).split(".")]
    elif isinstance(table.this, exp.Identifier):
        written = (table.args.get("catalog"), table.args.get("db"), table.this)
        parts = [_stored(part) for part in written if isinstance(part, exp.Identifier)]
    else:
        return None
    return parts if all(parts) and 0 < len(parts) <= 3 else None
