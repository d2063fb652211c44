"""SHOW WAREHOUSES, as far as somebody looks at it. Source: Snowflake, "SHOW WAREHOUSES"."""

from collections.abc import Collection
from typing import Any

from server.sandbox.replies import Column, table

SHOWN = {
    "state": "SUSPENDED", "type": "STANDARD", "size": "X-Small", "auto_suspend": "60", "auto_resume": "true",
    "resource_monitor": "SNOWGATE",
}  # fmt: skip
"""As the SQL that sets Snowflake up leaves it."""


def show(names: Collection[str], query_id: str) -> dict[str, Any]:
    """Return the reply about the warehouses of these names."""
    columns = [Column("name"), *(Column(name) for name in SHOWN)]
    return table(query_id, columns, [[name, *SHOWN.values()] for name in sorted(names)])
