"""The command by which a write is taken back with time travel.

Source: https://docs.snowflake.com/en/user-guide/data-time-travel
"""

import re

from policy.names import TableName, quote

_QUERY_ID = re.compile(r"[0-9A-Za-z-]{1,64}\Z")


def undo_command(target: TableName, query_id: str) -> str | None:
    """SQL that puts the table back to what it was before the statement; changes made after it are lost too.

    None for what is no query id of Snowflake's.
    """
    if not _QUERY_ID.match(query_id):
        return None
    table = ".".join(map(quote, (target.database, target.schema, target.name)))
    return f"CREATE OR REPLACE TABLE {table} CLONE {table} BEFORE (STATEMENT => '{query_id}')"
