"""EXPLAIN USING JSON, made of DuckDB's own plan: which tables are scanned, and how much of them there is.

A table has a micro-partition for each `ROWS_A_PARTITION` rows, and nothing is pruned. Source: Snowflake, "EXPLAIN".
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from server.sandbox.replies import Column, table

ASKED = re.compile(r"\s*EXPLAIN\s+USING\s+JSON\s+(?=\w|\()", re.IGNORECASE)
"""What stands before the statement that is asked about."""

ROWS_A_PARTITION = 10_000
BYTES_A_ROW = 64

SIZES = "select database_name || '.' || schema_name || '.' || table_name, estimated_size from duckdb_tables()"


def reply(query_id: str, plan: str, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return Snowflake's reply for DuckDB's `plan` (JSON), given the rows of each table."""
    scanned = list(_scanned(json.loads(plan)))
    operations: list[dict[str, Any]] = [{"id": 0, "operation": "Result"}]
    for number, name in enumerate(scanned, start=1):
        rows = sizes.get(name, 0)
        partitions = -(-rows // ROWS_A_PARTITION)
        sized = {
            "partitionsAssigned": partitions,
            "partitionsTotal": partitions,
            "bytesAssigned": rows * BYTES_A_ROW,
        }
        place = {"id": number, "parentOperators": [0], "operation": "TableScan", "objects": [name]}
        operations.append({**place, **sized})
    totals = {
        name: sum(each.get(name, 0) for each in operations)
        for name in ("partitionsTotal", "partitionsAssigned", "bytesAssigned")
    }
    text = json.dumps({"GlobalStats": totals, "Operations": [operations]})
    return table(query_id, [Column("content")], [[text]])


def _scanned(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _scanned(each)
        return
    name = node.get("extra_info", {}).get("Table")
    if name is not None and "SCAN" in node.get("name", ""):
        yield name
    yield from _scanned(node.get("children", []))
