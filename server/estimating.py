"""How much a statement would read, asked before it is decided on, where a rule of the policy asks for it.

EXPLAIN compiles a statement and runs nothing, and neither it nor SHOW TABLES needs a warehouse; both are asked as the
caller, in the role that the statement would run in. What is explained is what would run, with masks and row filters in.
The journal holds what is asked about before it is.

What a plan reads is known where scans of ordinary tables are all that reads in it. Anything else that reads (files of
an external table, rows of a hybrid one, an earlier result, an operator that nobody here has heard of) makes the whole
estimate unknown, which never permits. Sources: Snowflake, "EXPLAIN", "SHOW TABLES", "GET_QUERY_OPERATOR_STATS".
"""

import json
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio

from audit.journal import Journal
from policy.circumstances import Estimate
from policy.decision import RunSql
from policy.names import TableName, quote
from policy.principal import Principal
from policy.statement import SqlStatement, Verb
from server.leases import OVERTIME_S, SessionLease
from server.pool import Kind, SessionPool
from server.raw import RawRows
from server.refusals import StatementFailed, StatementTimedOut
from server.warehouse import Order
from tools.contract import Scalar

TIMEOUT_S = 10
"""The most that one question may take in Snowflake."""

TABLES_MAX = 20
"""Tables scanned of which the rows are asked for; of a statement that scans more they are not known."""

_BOUNDED_BY_SCANS = frozenset({Verb.READ, Verb.UPDATE, Verb.DELETE})
"""What else a write does is not bounded by what it scans: an INSERT can make rows out of nothing, or of a join."""

_UNKNOWN = (StatementFailed, StatementTimedOut, TimeoutError, LookupError, TypeError, ValueError)

_SCAN = "TableScan"
_AGAIN = "WithReference"
"""Reads once more what a WITH has read."""

_NAMES_OBJECTS = frozenset({_AGAIN, "WithClause", "Update", "Delete"})
"""What names an object and reads none itself."""

_MAKES_ROWS = "Generator"
_READS = frozenset({"ExternalScan", "InternalObject", "ExternalFunction"})
"""What reads and need not say how much."""

Ask: TypeAlias = Callable[[str], Awaitable[RawRows]]
Plan: TypeAlias = Mapping[str, Any]


class _Unknowable(LookupError):
    """A plan that reads what cannot be counted."""


@dataclass(frozen=True, slots=True)
class Estimating:
    """Asks with sessions of the pool."""

    pool: SessionPool
    journal: Journal
    timeout_s: int = TIMEOUT_S

    async def __call__(
        self,
        call_id: str,
        principal: Principal,
        statement: SqlStatement,
        action: RunSql,
        parameters: tuple[Scalar, ...],
        tables: Mapping[str, TableName],
        *,
        policy: str,
        wants_rows: bool,
    ) -> Estimate:
        """What running `action` would read; what Snowflake does not say is unknown. `tables` are the known, by name.

        Raises:
            Busy, SnowflakeUnavailable, Revoked: there is no session to ask with.
            JournalUnavailable: it could not be written down, so nothing was asked.
        """
        facts = {
            "subject": principal.subject,
            "actor": principal.actor,
            "session": principal.session,
            "sql": statement.skeleton,
            "role": action.role,
        }
        await self.journal.append(call_id, "estimating", facts)
        kind = Kind(principal.issuer, principal.subject, action.role, action.warehouse, policy)
        tag = json.dumps({"snowgate_estimate": call_id}, separators=(",", ":"))
        async with SessionLease(self.pool, kind, "", call_id) as lease:  # it only compiles

            async def ask(sql: str, binds: tuple[Scalar, ...] = ()) -> RawRows:
                with anyio.fail_after(self.timeout_s + OVERTIME_S):
                    return await lease.run(Order(sql, binds, 1_000, self.timeout_s, tag))

            try:
                plan = json.loads((await ask(f"EXPLAIN USING JSON {action.sql}", parameters)).rows[0][0])
                is_bounded = statement.verb in _BOUNDED_BY_SCANS
                return await estimate_of(plan, ask, tables, wants_rows=wants_rows and is_bounded)
            except _UNKNOWN:
                return Estimate()


async def estimate_of(plan: Plan, ask: Ask, tables: Mapping[str, TableName], *, wants_rows: bool) -> Estimate:
    """What `plan` reads; `ask` asks for the rows of tables. Raises one of `_UNKNOWN` where nothing can be told."""
    volume = int(plan["GlobalStats"]["bytesAssigned"])
    scans = _scans(plan)
    rows = None
    if wants_rows:
        try:
            rows = await _rows(ask, plan, scans, tables)
        except _Unknowable:
            raise
        except _UNKNOWN:
            rows = None
    if rows is None:
        # What has no partitions is empty, or of a kind that has none and whose bytes are not counted either.
        for name in _names([scan for scan in scans if not int(scan["partitionsTotal"])], tables):
            await _rows_of(ask, name)
    return Estimate(rows, volume)


async def _rows(ask: Ask, plan: Plan, scans: Iterable[Plan], tables: Mapping[str, TableName]) -> int | None:
    """Rows in the micro-partitions that are left to scan, taken to be spread evenly over those of their table."""
    names = _names(scans, tables)
    kinds = [operation["operation"] for step in plan["Operations"] for operation in step]
    if len(names) > TABLES_MAX or _MAKES_ROWS in kinds:
        return None
    rows = {str(name): await _rows_of(ask, name) for name in names}
    total = 0
    for scan in scans:
        assigned, all_of_it = int(scan["partitionsAssigned"]), int(scan["partitionsTotal"])
        for name in scan["objects"]:
            there = rows[str(tables[name])]
            total += math.ceil(there * assigned / all_of_it) if all_of_it else there
    return total * max(1, kinds.count(_AGAIN))


def _names(scans: Iterable[Plan], tables: Mapping[str, TableName]) -> list[TableName]:
    return sorted({tables[name] for scan in scans for name in scan["objects"]})


async def _rows_of(ask: Ask, name: TableName) -> int:
    """How many rows an ordinary table has."""
    pattern = name.name.replace("\\", "\\\\").replace("'", "''")
    place = f"{quote(name.database)}.{quote(name.schema)}"
    listed = await ask(f"SHOW TABLES LIKE '{pattern}' IN SCHEMA {place}")
    columns = [column.name.lower() for column in listed.columns]
    [found] = [row for row in listed.rows if row[columns.index("name")] == name.name]
    if any(found[columns.index(kind)] != "N" for kind in ("is_external", "is_hybrid")):
        raise _Unknowable
    return int(found[columns.index("rows")])


def _scans(plan: Plan) -> list[Plan]:
    """The operations that read a table. Raises _Unknowable if anything else reads, or may."""
    operations = [operation for step in plan["Operations"] for operation in step]
    scans = [operation for operation in operations if operation["operation"] == _SCAN]
    others = [operation for operation in operations if operation["operation"] != _SCAN]
    counted = sum(int(scan["partitionsAssigned"]) for scan in scans)
    if (
        any(map(_may_read, others))
        or not all(scan["objects"] for scan in scans)
        or int(plan["GlobalStats"]["partitionsAssigned"]) > counted
    ):
        raise _Unknowable
    return scans


def _may_read(operation: Plan) -> bool:
    kind = str(operation["operation"])
    if (
        kind in _READS
        or kind.endswith("Scan")
        or operation.get("partitionsTotal")
        or operation.get("partitionsAssigned")
    ):
        return True
    return bool(operation.get("objects")) and kind not in _NAMES_OBJECTS
