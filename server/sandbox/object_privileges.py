"""Privileges on tables and views, one by one: who may do what to which, and SHOW GRANTS TO ROLE.

Sources: Snowflake, "Access control privileges", "SHOW GRANTS".
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from server.sandbox.account import ACCOUNT_NAME, WAREHOUSE, Role
from server.sandbox.replies import Column, SnowflakeError, no_privilege, not_found, table
from server.sandbox.tables import CRM_VIEWS, TABLES

CREATED_ON = "1970-01-01 00:00:00.000 +0000"
_COLUMNS = ("CREATED_ON", "PRIVILEGE", "GRANTED_ON", "NAME", "GRANTED_TO", "GRANTEE_NAME", "GRANT_OPTION", "GRANTED_BY")


def has(patterns: frozenset[str], name: str) -> bool:
    """Whether `DATABASE.SCHEMA.NAME` is among `patterns`."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def check(role: Role, name: str, *, is_changed: bool) -> None:
    """Return if `role` may read, or change, the table or view of that name.

    Raises SnowflakeError: 002003 where it has no privilege at all, so that it cannot know of it; 003001 where it has
    another one.
    """
    if role.changes_tables or has(role.changes if is_changed else role.reads | role.changes, name):
        return
    if has(role.reads | role.changes | role.sees, name):
        raise no_privilege(f"table '{name}' with role '{role.name}'")
    raise not_found(f"Object '{name}'")


def show(role: Role | None, asking: Role, query_id: str) -> dict[str, Any]:
    """Return the reply of SHOW GRANTS TO ROLE, which shows a role its own privileges; raises 002003 for another's."""
    if role is None or role.name != asking.name:
        raise SnowflakeError("002003", "02000", "Role does not exist or not authorized.")
    rows = [[CREATED_ON, *each, "ROLE", role.name, "false", "SECURITYADMIN"] for each in _privileges(role)]
    return table(query_id, [Column(name.lower()) for name in _COLUMNS], rows)


def _privileges(role: Role) -> Iterator[tuple[str, str, str]]:
    """Privilege, kind of object and name."""
    yield "USAGE", "WAREHOUSE", WAREHOUSE
    if role.operates_warehouse:
        yield "OPERATE", "WAREHOUSE", WAREHOUSE
    if role.manages_users:
        yield "CREATE USER", "ACCOUNT", ACCOUNT_NAME
    schemas = {(each.database, each.schema) for each in TABLES if each.database in role.databases}
    for database in sorted({database for database, _ in schemas}):
        yield "USAGE", "DATABASE", database
    for database, schema in sorted(schemas):
        yield "USAGE", "SCHEMA", f"{database}.{schema}"
        if role.changes_tables:
            yield "CREATE TABLE", "SCHEMA", f"{database}.{schema}"
    for table_ in TABLES:
        yield from _on(role, "TABLE", f"{table_.database}.{table_.schema}.{table_.name}")
    for view in CRM_VIEWS:
        yield from _on(role, "VIEW", f"{view.database}.{view.schema}.{view.name}")


def _on(role: Role, kind: str, name: str) -> Iterator[tuple[str, str, str]]:
    changing = ("INSERT", "UPDATE", "DELETE") if kind == "TABLE" else ()
    by_pattern = ((role.reads, ("SELECT",)), (role.sees, ("REFERENCES",)), (role.changes, changing))
    for patterns, privileges in by_pattern:
        if has(patterns, name):
            for privilege in privileges:
                yield privilege, kind, name
