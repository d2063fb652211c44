"""What EXPLAIN says is counted where it is known to be all that a statement reads; else nothing is known."""

from collections.abc import Mapping
from typing import Any

import pytest

from policy.circumstances import Estimate
from policy.names import TableName
from server.estimating import estimate_of
from server.raw import RawRows
from tools.contract import ResultColumn

T, SMALL = TableName("D", "S", "T"), TableName("D", "S", "SMALL")
TABLES = {str(name): name for name in (T, SMALL)}
SHOWN = {"T": 1_000, "SMALL": 10}


def scan(name: str = "D.S.T", assigned: int = 10, total: int = 10, **more: Any) -> dict[str, Any]:
    sized = {"partitionsAssigned": assigned, "partitionsTotal": total, "bytesAssigned": assigned * 100}
    return {"operation": "TableScan", "objects": [name], **sized, **more}


def other(operation: str, **more: Any) -> dict[str, Any]:
    return {"operation": operation, **more}


async def estimated(
    *operations: dict[str, Any], wants_rows: bool = True, kind: Mapping[str, str] | None = None, assigned: int = 0
) -> Estimate | None:
    """The estimate of a plan; None where nothing can be told. `assigned` are further partitions of nobody."""
    names = ("partitionsTotal", "partitionsAssigned", "bytesAssigned")
    stats = {name: sum(each.get(name) or 0 for each in operations) for name in names}
    stats["partitionsAssigned"] += assigned

    async def ask(sql: str) -> RawRows:
        name = sql.split("'")[1]
        row = {"name": name, "rows": SHOWN[name], "is_external": "N", "is_hybrid": "N", **(kind or {})}
        return RawRows([ResultColumn(c, "T", True) for c in row], [tuple(row.values())], False, "q")

    plan = {"GlobalStats": stats, "Operations": [[other("Result"), *operations]]}
    try:
        return await estimate_of(plan, ask, TABLES, wants_rows=wants_rows)
    except (LookupError, TypeError):
        return None


@pytest.mark.parametrize(
    ("operations", "rows"),
    [
        ([scan()], 1_000),
        ([scan(assigned=1)], 100),
        ([scan(), scan("D.S.SMALL")], 1_010),
        ([other("Filter"), other("InnerJoin"), other("JoinFilter"), other("Aggregate"), scan()], 1_000),
        ([other("Update", objects=["D.S.T"]), scan()], 1_000),
        ([other("WithClause", objects=["X"]), other("WithReference", objects=["X"]), scan()], 1_000),
        ([other("WithReference"), other("WithReference"), other("WithReference"), scan()], 3_000),
        ([scan("D.S.SMALL", 0, 0)], 10),
        ([other("Generator"), scan()], None),
    ],
)
async def test_rows_are_those_of_every_scan_each_time_that_it_is_read(
    operations: list[dict[str, Any]], rows: int | None
) -> None:
    volume = sum(each.get("bytesAssigned", 0) for each in operations)
    assert await estimated(*operations) == Estimate(rows, volume)
    assert await estimated(*operations, wants_rows=False) == Estimate(None, volume)


@pytest.mark.parametrize("wants_rows", [True, False])
@pytest.mark.parametrize(
    "operation",
    [
        other("ExternalScan"),
        other("ExternalScan", objects=["D.S.FILES"], partitionsTotal=5, partitionsAssigned=5, bytesAssigned=1),
        other("InternalObject"),
        other("ExternalFunction"),
        other("IndexScan"),
        other("NeverHeardOf", partitionsTotal=1, partitionsAssigned=0),
        other("NeverHeardOf", partitionsAssigned=1),
        other("NeverHeardOf", objects=["D.S.T"]),
        other("WithReference", partitionsTotal=3),
        scan(objects=[]),
        scan(objects=None),
        scan(partitionsTotal=None),
        scan(partitionsAssigned=None),
    ],
)
async def test_what_else_reads_makes_the_whole_estimate_unknown(operation: dict[str, Any], wants_rows: bool) -> None:
    assert await estimated(scan(), operation, wants_rows=wants_rows) is None
    assert await estimated(scan(), other("NeverHeardOf")) is not None


@pytest.mark.parametrize("kind", [{"is_hybrid": "Y"}, {"is_external": "Y"}, {"is_hybrid": None}])
async def test_a_table_that_is_not_in_partitions_is_not_estimated(kind: dict[str, str]) -> None:
    assert await estimated(scan(), kind=kind) is None
    for wants_rows in (True, False):
        assert await estimated(scan(assigned=0, total=0), wants_rows=wants_rows, kind=kind) is None


async def test_partitions_that_no_operation_owns_make_the_estimate_unknown() -> None:
    assert await estimated(scan(), assigned=1) is None
    assert await estimated(scan(), assigned=1, wants_rows=False) is None


async def test_a_table_that_nobody_knows_has_bytes_but_no_rows() -> None:
    assert await estimated(scan("D.S.ELSEWHERE")) == Estimate(None, 1_000)
    assert await estimated(scan("D.S.ELSEWHERE", 0, 0)) is None
