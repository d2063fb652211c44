"""How much a statement would read, asked before it is decided on, where a rule of the policy asks for it.

EXPLAIN compiles a statement and runs nothing, and neither it nor SHOW TABLES needs a warehouse; both are asked as the
caller, in the role that the statement would run in. What is explained is what would run, with masks and row filters in.
The journal holds what is asked about before it is. Sources: Snowflake, "EXPLAIN", "SHOW TABLES".
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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
        lease = SessionLease(self.pool, await self.pool.borrow(kind), "")  # it only compiles
        tag = json.dumps({"snowgate_estimate": call_id}, separators=(",", ":"))

        async def ask(sql: str, binds: tuple[Scalar, ...] = ()) -> RawRows:
            with anyio.fail_after(self.timeout_s + OVERTIME_S):
                return await lease.run(Order(sql, binds, 1_000, self.timeout_s, tag))

        try:
            plan = json.loads((await ask(f"EXPLAIN USING JSON {action.sql}", parameters)).rows[0][0])
            volume = int(plan["GlobalStats"]["bytesAssigned"])
            if not wants_rows or statement.verb not in _BOUNDED_BY_SCANS:
                return Estimate(bytes=volume)
            try:
                return Estimate(await _rows(ask, plan, tables), volume)
            except _UNKNOWN:
                return Estimate(bytes=volume)
        except _UNKNOWN:
            return Estimate()
        finally:
            lease.give_back()


async def _rows(ask: Any, plan: Mapping[str, Any], tables: Mapping[str, TableName]) -> int | None:
    """Rows in the micro-partitions that are left to scan, taken to be spread evenly over those of their table."""
    scans = list(_scans(plan))
    names = {tables[name] for scan in scans for name in scan["objects"]}
    if len(names) > TABLES_MAX:
        return None
    rows = {str(name): await _rows_of(ask, name) for name in sorted(names)}
    total = 0
    for scan in scans:
        assigned, all_of_it = int(scan["partitionsAssigned"]), int(scan["partitionsTotal"])
        for name in scan["objects"]:
            there = rows[str(tables[name])]
            total += math.ceil(there * assigned / all_of_it) if all_of_it else there
    return total


async def _rows_of(ask: Any, name: TableName) -> int:
    pattern = name.name.replace("\\", "\\\\").replace("'", "''")
    place = f"{quote(name.database)}.{quote(name.schema)}"
    listed: RawRows = await ask(f"SHOW TABLES LIKE '{pattern}' IN SCHEMA {place}")
    columns = [column.name.lower() for column in listed.columns]
    [found] = [row for row in listed.rows if row[columns.index("name")] == name.name]
    return int(found[columns.index("rows")])


def _scans(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The operations that read a table."""
    for step in plan["Operations"]:
        yield from (operation for operation in step if operation.get("operation") == "TableScan")
