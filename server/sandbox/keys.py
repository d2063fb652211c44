"""SHOW PRIMARY KEYS and SHOW IMPORTED KEYS, from the sandbox's list of tables.

Columns as in Snowflake, "SHOW PRIMARY KEYS" and "SHOW IMPORTED KEYS".
"""

from collections.abc import Iterator
from typing import Any

from server.sandbox.replies import Column, table
from server.sandbox.statements import ShowKeys
from server.sandbox.tables import TABLES, Table

CREATED_ON = "1970-01-01 00:00:00.000 +0000"
_PRIMARY = "created_on database_name schema_name table_name column_name key_sequence constraint_name rely comment"
_IMPORTED = (
    "created_on pk_database_name pk_schema_name pk_table_name pk_column_name fk_database_name fk_schema_name "
    "fk_table_name fk_column_name key_sequence update_rule delete_rule fk_name pk_name deferrability rely comment"
)


def show(asked: ShowKeys, databases: frozenset[str], query_id: str) -> dict[str, Any]:
    """Return the reply, with the keys of the databases that a role may use."""
    names, rows_of = (_PRIMARY, _primary) if asked.kind == "PRIMARY" else (_IMPORTED, _imported)
    shown = [each for each in TABLES if each.database in databases and _is_in(each, asked.scope)]
    columns = [Column(name, "fixed" if name == "key_sequence" else "text") for name in names.split()]
    return table(query_id, columns, [row for each in shown for row in rows_of(each)])


def _is_in(candidate: Table, scope: tuple[str, ...]) -> bool:
    return (candidate.database, candidate.schema, candidate.name)[: len(scope)] == scope


def _primary(each: Table) -> Iterator[list[Any]]:
    for place, column in enumerate(each.primary_key, start=1):
        where = [each.database, each.schema, each.name, column]
        yield [CREATED_ON, *where, place, _primary_name(each.name), "false", None]


def _imported(each: Table) -> Iterator[list[Any]]:
    for key in each.foreign_keys:
        for place, (column, referenced) in enumerate(zip(key.columns, key.referenced, strict=True), start=1):
            parent = [each.database, each.schema, key.table, referenced]
            child = [each.database, each.schema, each.name, column]
            names = [f"FK_{each.name}_{'_'.join(key.columns)}", _primary_name(key.table)]
            rules = ["NO ACTION", "NO ACTION"]
            yield [CREATED_ON, *parent, *child, place, *rules, *names, "NOT DEFERRABLE", "false", None]


def _primary_name(table_name: str) -> str:
    return f"PK_{table_name}"
