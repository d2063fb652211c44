"""What a statement sees of its session, and what its result's columns are called: as Snowflake has both.

fakesnow answers the context functions with DuckDB's idea of them, and names an expression's column in DuckDB's way.
Sources: Snowflake, "Context functions"; a column without an alias is called by its expression in upper case.
"""

import re
from typing import Any

from fakesnow.dialect import parse_one

from server.sandbox.account import ACCOUNT_NAME
from server.sandbox.sessions import Session

_NAMED = frozenset({"alias", "column", "star", "dot"})


def answers(session: Session, database: str | None, schema: str | None) -> dict[str, str | None]:
    """Return what the context functions answer in this session, by the keys of their nodes in sqlglot's tree."""
    login = session.login
    return {
        "currentuser": login.user.name,
        "currentrole": login.role.name,
        "currentsession": str(session.session_id),
        "currentwarehouse": session.warehouse or None,
        "currentaccount": ACCOUNT_NAME,
        "currentaccountname": ACCOUNT_NAME,
        "currentdatabase": database,
        "currentschema": schema,
        "currentsecondaryroles": '{"roles":"","value":"NONE"}',
    }


def answered(node: Any, known: dict[str, str | None]) -> Any:
    """Return the node, or a literal in its place if it is a context function."""
    if node.key not in known:
        return node
    value = known[node.key]
    literal = "NULL" if value is None else "'" + value.replace("'", "''") + "'"
    return parse_one(f"SELECT {literal}").expressions[0]


def name_columns(statement: Any) -> None:
    """Give the unnamed expressions of a query's result the names that Snowflake would."""
    if statement.key != "select":
        return
    for place, projection in enumerate(statement.expressions):
        if projection.key in _NAMED or projection.is_star:
            continue
        name = re.sub(r"\s*([(),])\s*", r"\1", projection.sql("snowflake", comments=False)).upper()
        alias = parse_one('SELECT 1 AS "x"').expressions[0]
        alias.args["alias"].set("this", name)
        alias.set("this", projection.copy())
        statement.expressions[place].replace(alias)
