"""Submitted or run at once, the same comes of a statement; and a network that breaks makes it run no more often."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import anyio
import pytest

from audit.journal import open_journal
from audit.note import new_signer
from audit.sealing import Sealer
from server.database import open_engine
from server.leases import SessionLease
from server.pool import Kind, PoolLimits, SessionPool, open_pool
from server.refusals import Refusal, StatementTimedOut
from server.sandbox import account
from server.sandbox.run import Sandbox
from server.sandbox.state import LOOPBACK
from server.warehouse import Account, Order
from tests.support.cutting import Cutting, cutting
from tests.support.sandbox import minter

READER = Kind("iss", "ada", "ANALYST_RO", account.WAREHOUSE, "p1")
WRITER = Kind("iss", "stella", "STEWARD_RW", account.WAREHOUSE, "p1")
TABLE = "crm.public.both_ways"


@dataclass
class Ways:
    """The two pools over one look-alike; what is submitted goes over a network that can be cut."""

    sandbox: Sandbox
    at_once: SessionPool
    submitted: SessionPool
    network: Cutting

    async def both(self, order: Order, kind: Kind = READER) -> tuple[Any, Any]:
        return await self.outcome(self.at_once, order, kind), await self.outcome(self.submitted, order, kind)

    async def outcome(self, pool: SessionPool, order: Order, kind: Kind = READER) -> Any:
        """Everything that can be told of a statement, apart from its id."""
        try:
            async with SessionLease(pool, kind, "CRM", "call_1") as lease:
                raw = await lease.run(order)
        except Refusal as refusal:
            told = {name: refusal.facts.get(name) for name in ("driver_errno", "driver_sqlstate")}
            return type(refusal), refusal.message, refusal.hint, told
        assert raw.query_id in {record.query_id for record in self.sandbox.lookalike.queries()}
        return list(raw.columns), [list(row) for row in raw.rows], raw.truncated, raw.rows_affected, dict(raw.changed)

    def ran(self, mark: str) -> list[str | None]:
        """How each statement ended that contains a text."""
        return [each.error_code or each.status for each in self.sandbox.lookalike.queries() if mark in each.sql]


@pytest.fixture
async def ways(sandbox: Sandbox, database_url: str) -> AsyncGenerator[Ways]:
    port = sandbox.state.ports.snowflake
    there, keys = Account(account.ACCOUNT_NAME, LOOPBACK, port, "http"), (Sealer(b"k" * 32, "t"), new_signer("t/w"))
    with anyio.fail_after(90):
        async with (
            open_engine(database_url) as database,
            open_journal(database, *keys) as journal,
            cutting(port) as network,
            open_pool(there, minter(sandbox.state), PoolLimits()) as at_once,
            open_pool(
                replace(there, port=network.port), minter(sandbox.state), PoolLimits(), journal=journal
            ) as submitted,
        ):
            yield Ways(sandbox, at_once, submitted, network)


def order(sql: str, *binds: Any, rows_max: int = 100, **facts: Any) -> Order:
    return Order(sql, binds, rows_max, 30, '{"snowgate_call":"call_1"}', **facts)


def write(sql: str, *binds: Any, **facts: Any) -> Order:
    return order(sql, *binds, rows_max=0, is_write=True, **facts)


READS = {
    "rows": order("SELECT * FROM tpch.public.region ORDER BY 1"),
    "no rows": order("SELECT * FROM tpch.public.region WHERE r_regionkey < 0"),
    "fewer rows than there are": order("SELECT n_name FROM tpch.public.nation ORDER BY 1", rows_max=7),
    "many rows": order("SELECT * FROM tpch.public.lineitem ORDER BY l_orderkey, l_linenumber", rows_max=20_000),
    "binds": order("SELECT ?, ?, ?, ?, ?", 1, "it's", True, None, Decimal("1.50")),
    "types": order(
        "SELECT 1::NUMBER(9,2), 'x', DATE '2026-01-31', TIMESTAMP '2026-01-31 10:00:00.123', NULL, 1.5::FLOAT"
    ),
    "no such table": order("SELECT * FROM tpch.public.nowhere"),
    "no sense": order("SELECT FROM WHERE"),
    "no number": order("SELECT n_name::NUMBER FROM tpch.public.nation"),
    "a bind too few": order("SELECT ?"),
    "no privilege": order("INSERT INTO tpch.public.region VALUES (9, 'x', 'y')"),
}


@pytest.mark.parametrize("asked", READS.values(), ids=READS.keys())
async def test_a_read_gives_the_same(ways: Ways, asked: Order) -> None:
    at_once, submitted = await ways.both(asked)
    assert at_once == submitted


async def test_a_statement_that_runs_into_its_limit_is_refused_the_same(ways: Ways) -> None:
    outcomes = []
    for pool in (ways.at_once, ways.submitted):
        await ways.sandbox.lookalike.delay_next("'into its limit'", 60)
        asked = replace(order("SELECT 'into its limit'"), statement_timeout_s=1)
        outcomes.append(await ways.outcome(pool, asked))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] is StatementTimedOut
    assert ways.ran("'into its limit'") == ["000630", "000630"]


CHANGES = [
    write(f"CREATE OR REPLACE TABLE {TABLE} (id NUMBER, name VARCHAR)", is_autocommitted=True),
    write(f"INSERT INTO {TABLE} VALUES (1, ?), (2, ?), (3, 'c')", "a", "b"),
    write(f"UPDATE {TABLE} SET name = ? WHERE id < 3", "x"),
    write(f"UPDATE {TABLE} SET name = 'y' WHERE id < 3", rows_allowed={"update": range(2, 3)}),
    write(f"UPDATE {TABLE} SET name = 'drifted'", rows_allowed={"update": range(2, 3)}),
    write(f"DELETE FROM {TABLE} WHERE id = 9"),
    write(f"DELETE FROM {TABLE} WHERE id = 3", rows_allowed={"delete": range(1, 2)}),
    write(
        f"MERGE INTO {TABLE} AS t USING (SELECT 1 AS id UNION ALL SELECT 7) AS s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET name = 'm' WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, 'n')"
    ),
    write(f"UPDATE {TABLE} SET id = name"),
    write(f"INSERT INTO {TABLE} VALUES ('no number', 'x')"),
    order(f"SELECT * FROM {TABLE} ORDER BY id"),
    write(f"ALTER TABLE {TABLE} ADD COLUMN more NUMBER", is_autocommitted=True),
    write("ALTER TABLE crm.public.nowhere ADD COLUMN more NUMBER", is_autocommitted=True),
    write(f"DROP TABLE {TABLE}", is_autocommitted=True),
]


async def test_changes_do_the_same_are_counted_the_same_and_are_refused_the_same(ways: Ways) -> None:
    at_once = [await ways.outcome(ways.at_once, each, WRITER) for each in CHANGES]
    submitted = [await ways.outcome(ways.submitted, each, WRITER) for each in CHANGES]
    assert at_once == submitted
    assert [outcome[-1] for outcome in at_once[1:4]] == [{"insert": 3}, {"update": 2}, {"update": 2}]


TRIES = 6
"""How often the driver asks for one thing by itself."""


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize(("cuts", "logins"), [(1, 1), (TRIES, 2)])
async def test_a_result_that_the_network_lost_is_fetched_and_nothing_runs_twice(
    ways: Ways, arrives: bool, cuts: int, logins: int
) -> None:
    mark = f"'cut {cuts} {arrives}'"
    ways.network.word, ways.network.cuts, ways.network.arrives = b"/result", cuts, arrives
    _, rows, *_ = await ways.outcome(ways.submitted, order(f"SELECT {mark}"))
    assert rows == [[mark.strip("'")]]
    assert (ways.network.cuts, ways.submitted.logins) == (0, logins)
    assert ways.ran(mark) == ["SUCCESS"]


async def test_a_submission_whose_answer_the_network_lost_is_one_statement(ways: Ways) -> None:
    ways.network.word, ways.network.cuts, ways.network.arrives = b"query-request", 1, True
    _, rows, *_ = await ways.outcome(ways.submitted, order("SELECT 'sent again'"))
    assert rows == [["sent again"]]
    assert ways.ran("'sent again'") == ["SUCCESS"]


async def test_a_change_whose_result_the_network_lost_is_not_made(ways: Ways) -> None:
    sql = "UPDATE crm.public.customers SET lifetime_value = 77 WHERE customer_id = 1077"
    ways.network.word, ways.network.cuts = b"/result", TRIES
    refused, *_ = await ways.outcome(ways.submitted, write(sql), WRITER)
    assert refused.code == "snowflake_unavailable"
    count = order("SELECT COUNT(*) FROM crm.public.customers WHERE lifetime_value = 77 AND customer_id = 1077")
    assert (await ways.outcome(ways.at_once, count, WRITER))[1] == [[0]]
    assert len(ways.ran(sql)) == 1
