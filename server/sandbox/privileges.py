"""What a role may run in the look-alike: Snowflake's GRANTs in miniature, and the ways out of DuckDB closed.

Judged on the syntax tree that fakesnow has parsed anyway, by allow-list: a kind of statement that is not named here is
refused. fakesnow and DuckDB would otherwise open files, attach databases and show their own insides to anybody.
"""

import re
from collections.abc import Iterator
from typing import Any, Protocol

from server.sandbox import object_privileges
from server.sandbox.account import Role
from server.sandbox.replies import SnowflakeError, no_privilege, not_found, unsupported

QUERIES = frozenset({"select", "subquery", "union", "except", "intersect", "values", "describe", "show"})
SESSION_STATEMENTS = frozenset({"use", "set", "transaction", "commit", "rollback"})
ROW_CHANGES = frozenset({"insert", "multitableinserts", "update", "delete", "merge"})
TABLE_CHANGES = frozenset({"create", "drop", "alter", "comment", "truncatetable"})
KINDS_OF_OBJECT = frozenset({"TABLE", "VIEW", "SCHEMA", "COLUMN", "SEQUENCE"})
INFORMATION_SCHEMA = frozenset({"TABLES", "COLUMNS", "VIEWS", "SCHEMATA", "DATABASES", "LOAD_HISTORY"})
_HIDDEN_SCHEMAS = re.compile(r"MAIN|PG_CATALOG|_FS_.*", re.IGNORECASE)
_HIDDEN_TABLES = re.compile(r"(duckdb|pragma|sqlite|pg|_fs|sandbox)_.*", re.IGNORECASE)
_HIDDEN_FUNCTIONS = re.compile(
    r"(duckdb|pragma|read|write|sniff|parquet|pg|_fs|which|force|seq|json_execute|sql_auto)_.*"
    r"|glob|getenv|query|query_table|current_setting|set_config|getvariable|checkpoint|summary|test_.*",
    re.IGNORECASE,
)


class Node(Protocol):
    """The little of a sqlglot expression that is needed here."""

    key: str
    args: dict[str, Any]

    @property
    def name(self) -> str:
        """The identifier or function name that the node carries, or nothing."""

    def walk(self) -> Iterator["Node"]:
        """Yield the node and all below it."""


def check(statement: Node, role: Role, database: str | None, schema: str | None) -> None:
    """Return if `role` may run `statement` with this current database and schema.

    Raises SnowflakeError: 003001 (no privilege), 002003 (object missing or hidden), 002140 (unknown function), 000002
    (a statement that the look-alike does not know).
    """
    _check_kind(statement, role)
    named_here = {node.args["alias"].name.upper() for node in statement.walk() if node.key == "cte"}
    for node in statement.walk():
        if node.key == "table" and statement.key != "use":
            _check_table(node, statement, role, database, schema, named_here)
        elif node.key in ("readcsv", "readparquet", "dynamicidentifier"):
            raise unsupported(node.key.upper())
        elif node.key == "anonymous" and _HIDDEN_FUNCTIONS.fullmatch(node.name):
            raise SnowflakeError("002140", "42601", f"SQL compilation error:\nUnknown function {node.name.upper()}")


def _check_kind(statement: Node, role: Role) -> None:
    key = statement.key
    if key in QUERIES or key in SESSION_STATEMENTS:
        if key == "use" and str(statement.args.get("kind")).upper() == "ROLE":
            raise unsupported("USE ROLE")  # the session's, and answered before it comes here
        return
    if key not in ROW_CHANGES | TABLE_CHANGES:
        if not (role.changes or role.changes_tables):
            raise no_privilege(f"this account with role '{role.name}'")
        raise unsupported(key.upper())
    if key in ROW_CHANGES and role.changes:
        return
    kind = str(statement.args.get("kind") or "TABLE").upper()
    if key in TABLE_CHANGES and role.changes_tables:
        if kind not in KINDS_OF_OBJECT:
            raise unsupported(f"{key.upper()} {kind}")
        return
    raise no_privilege(f"{kind.lower() if key in TABLE_CHANGES else 'table'} with role '{role.name}'")


def _check_table(
    node: Node, statement: Node, role: Role, database: str | None, schema: str | None, named_here: set[str]
) -> None:
    if statement.key == "show":
        _check_scope(node, statement, role)
        return
    kind = str(statement.args.get("kind") or "").upper()
    if kind == "SCHEMA" and node.args.get("this") is None:
        # CREATE SCHEMA a.b: sqlglot keeps the names one place to the left
        where, within, name = node.args.get("catalog"), node.args.get("db"), ""
        _check_database(where.name if where else database, role, within.name if within else "schema")
        return
    this = node.args["this"]
    if this.key != "identifier":
        raise unsupported(f"FROM {this.key.upper()}")
    catalog, db, name = node.args.get("catalog"), node.args.get("db"), this.name
    if catalog is None and db is None and name.upper() in named_here:
        return
    within = db.name if db else schema or ""
    _check_database(catalog.name if catalog else database, role, name)
    is_information_schema = within.upper() == "INFORMATION_SCHEMA"
    if is_information_schema and name.upper() not in INFORMATION_SCHEMA:
        raise not_found(f"Object 'INFORMATION_SCHEMA.{name}'")
    if _HIDDEN_SCHEMAS.fullmatch(within) or _HIDDEN_TABLES.fullmatch(name):
        raise not_found(f"Object '{name}'")
    named = ".".join(part.upper() for part in (catalog.name if catalog else database or "", within, name))
    if not is_information_schema and statement.key not in TABLE_CHANGES:
        object_privileges.check(role, named, is_changed=statement.key in ROW_CHANGES and _is_target(node, statement))


def _is_target(node: Node, statement: Node) -> bool:
    """Whether `node` is the table that a statement changes."""
    target = statement.args.get("this")
    if target is not None and target.key == "schema":  # INSERT INTO t (a, b)
        target = target.args.get("this")
    return node is target


def _check_database(database: str | None, role: Role, name: str) -> None:
    # No database at all is fakesnow's to refuse, with Snowflake's own code.
    if database is not None and database.upper() not in role.databases:
        raise not_found(f"Object '{database}.{name}'")


def _check_scope(node: Node, statement: Node, role: Role) -> None:
    scope_kind = str(statement.args.get("scope_kind") or "").upper()
    database = node.args.get("db") if scope_kind == "SCHEMA" else node.args.get("catalog")
    if scope_kind == "DATABASE":
        database = node.args["this"]
    if database is not None:
        _check_database(database.name, role, node.name)
