"""What is out in Snowflake is written down before it is used, and what a dead process left is taken away by another."""

from collections.abc import AsyncGenerator

import anyio
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal, JournalUnavailable, open_journal
from audit.note import new_signer
from audit.reading import entries
from audit.sealing import Sealer
from server.janitor import Janitor
from server.ledger import LeaseRecord, PostgresLedger, lease_table
from server.pool import Kind, PoolLimits, SessionPool, open_pool
from tests.support.stub_snowflake import BROKER, StubSnowflake, failure

ADA = Kind("iss", "ada", "READER", "WH", "p1")
OWN = Kind("", "CATALOG", "CATALOG_RO", "WH", "")
SEALER = Sealer(b"k" * 32, "test")
SIGNER = new_signer("test/writer")


@pytest.fixture
async def journal(engine: AsyncEngine) -> AsyncGenerator[Journal]:
    async with open_journal(engine, SEALER, SIGNER) as opened:
        yield opened


@pytest.fixture
def ledger(engine: AsyncEngine, journal: Journal) -> PostgresLedger:
    return PostgresLedger(engine, journal)


@pytest.fixture
async def pool(stub: StubSnowflake, ledger: PostgresLedger) -> AsyncGenerator[SessionPool]:
    with anyio.fail_after(40):
        async with open_pool(stub.account, BROKER, PoolLimits(), ledger) as opened:
            yield opened


async def rows(engine: AsyncEngine) -> list[tuple[str, str | None, str]]:
    async with engine.connect() as connection:
        found = await connection.execute(
            select(lease_table.c.subject, lease_table.c.session_id, lease_table.c.state).order_by(lease_table.c.subject)
        )
        return [tuple(row) for row in found]


async def falls_silent(engine: AsyncEngine, subject: str) -> None:
    """As if the process that holds this subject's sessions had died a while ago."""
    async with engine.begin() as connection:
        silent = func.now() - text("interval '10 minutes'")
        await connection.execute(update(lease_table).where(lease_table.c.subject == subject).values(seen_at=silent))


async def test_a_session_is_written_down_before_it_is_used_and_struck_out_when_it_has_ended(
    pool: SessionPool, stub: StubSnowflake, engine: AsyncEngine
) -> None:
    pooled = await pool.borrow(ADA)
    assert await rows(engine) == [("ada", "1001", "live")]
    pool.give_back(pooled)
    await pool.revoke(owner=ADA.owner)
    assert await rows(engine) == []
    told = [(entry.stage, entry.facts.get("session_id")) for entry in await entries(engine, last=10)]
    assert told == [("stream.open", None), ("lease.opened", "1001"), ("lease.ended", None)]


async def test_a_session_that_cannot_be_written_down_is_ended_unused(
    pool: SessionPool, stub: StubSnowflake, engine: AsyncEngine
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("alter table gate.lease rename to lease_away"))
    with pytest.raises(JournalUnavailable):
        await pool.borrow(ADA)
    assert (len(stub.logins), stub.ended, stub.statements) == (1, 1, [])
    async with engine.begin() as connection:
        await connection.execute(text("alter table gate.lease_away rename to lease"))


async def test_the_janitor_ends_the_session_of_a_process_that_fell_silent_and_no_other(
    pool: SessionPool, stub: StubSnowflake, ledger: PostgresLedger, engine: AsyncEngine
) -> None:
    kept = await pool.borrow(ADA)
    await ledger.opened(LeaseRecord("dead", "external_oauth", "iss", "emil", "READER", "WH", None), 77)
    ledger.abandoned("dead")
    await falls_silent(engine, "emil")
    janitor = Janitor(ledger, pool, OWN)
    assert await janitor.clean() == 1
    aborted = [r["bindings"]["1"]["value"] for r in stub.requests if "SYSTEM$ABORT_SESSION" in r["sqlText"]]
    assert aborted == ["77"]
    assert kept.session.is_usable
    assert await janitor.clean() == 0
    pool.give_back(kept)


async def test_what_the_janitor_cannot_take_away_it_takes_away_later(
    pool: SessionPool, stub: StubSnowflake, ledger: PostgresLedger, engine: AsyncEngine
) -> None:
    await ledger.opened(LeaseRecord("dead", "external_oauth", "iss", "emil", "READER", "WH", None), 77)
    ledger.abandoned("dead")
    await falls_silent(engine, "emil")
    janitor = Janitor(ledger, pool, OWN)
    stub.login_answer = failure(390144, "JWT token is invalid.", "28000")
    assert await janitor.clean() == 0
    assert await rows(engine) == [("emil", "77", "orphan")]
    stub.login_answer = None
    assert await janitor.clean() == 1
    assert ("emil", "77", "orphan") not in await rows(engine)


async def test_a_process_that_says_it_lives_keeps_its_sessions(
    pool: SessionPool, stub: StubSnowflake, ledger: PostgresLedger, engine: AsyncEngine
) -> None:
    kept = await pool.borrow(ADA)
    await falls_silent(engine, "ada")
    await ledger.beat()
    assert await Janitor(ledger, pool, OWN).clean() == 0
    pool.give_back(kept)
