"""The table refuses to be changed, and readers notice when it was changed all the same."""

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal, JournalUnavailable, open_journal
from audit.note import Signer
from audit.reading import Tampered, check_chain, entries
from audit.sealing import Sealer
from tests.support.databases import driver_dsn


@pytest.mark.parametrize(
    "statement",
    [
        "update journal.entry set stage = 'answered'",
        "update journal.entry set stage = 'answered' where false",
        "delete from journal.entry",
        "delete from journal.entry where false",
        "truncate journal.entry",
        "insert into journal.entry select * from journal.entry on conflict (month, stream, n) do update set n = 0",
        "merge into journal.entry e using (select 1) s on true when matched then delete",
    ],
)
async def test_a_change_is_refused_even_to_a_superuser(journal: Journal, database_url: str, statement: str) -> None:
    await journal.append("call-1", "answered", {})
    with psycopg.connect(driver_dsn(database_url)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def tamper(url: str, statement: str) -> None:
    """What a superuser can do who means it."""
    with psycopg.connect(driver_dsn(url)) as connection:
        connection.execute("set session_replication_role = replica")
        assert connection.execute(statement.encode()).rowcount > 0


@pytest.mark.parametrize(
    "change",
    [
        "stage = 'cancelled'",
        "call_id = 'call-9'",
        "at = at + interval '1 microsecond'",
        "n = n + 100",
        "stream = gen_random_uuid()",
        "digest = sha256(body)",
        "body = overlay(body placing 'x' from 40)",
        "body = convert_to(replace(convert_from(body, 'utf8'), 'permit', 'forbid'), 'utf8')",
        "body = body || ' '::bytea, digest = sha256('\\x00'::bytea || body || ' '::bytea)",
    ],
)
async def test_a_changed_entry_is_not_believed(
    journal: Journal, engine: AsyncEngine, database_url: str, change: str
) -> None:
    await journal.append("call-1", "decided", {"decision": "permit"})
    assert await entries(engine, call_id="call-1")
    tamper(database_url, f"update journal.entry set {change} where call_id = 'call-1'")
    with pytest.raises(Tampered) as caught:
        await entries(engine)
    assert caught.value.code == "journal_tampered"


async def test_a_rewritten_removed_or_moved_entry_breaks_the_chain(
    journal: Journal, engine: AsyncEngine, database_url: str
) -> None:
    for number in range(5):
        await journal.append(f"call-{number}", "decided", {"decision": "permit"})
    whole = await entries(engine)
    check_chain(whole)
    check_chain(whole[2:])
    rewritten = "convert_to(replace(convert_from(body, 'utf8'), 'permit', 'forbid'), 'utf8')"
    tamper(
        database_url,
        f"update journal.entry set body = {rewritten}, digest = sha256('\\x00'::bytea || {rewritten}) where n = 3",
    )
    for broken in (
        await entries(engine),
        whole[:2] + whole[3:],
        [whole[1], whole[0]],
        [*whole[:2], whole[3], whole[2]],
    ):
        with pytest.raises(Tampered):
            check_chain(broken)


@pytest.mark.parametrize("appends", [1, 5])
async def test_a_database_that_swallows_entries_is_not_believed(
    engine: AsyncEngine, database_url: str, sealer: Sealer, signer: Signer, appends: int
) -> None:
    async with open_journal(engine, sealer, signer) as journal:
        with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
            connection.execute("create function swallow() returns trigger language plpgsql as 'begin return null; end'")
            connection.execute("set role journal_owner")
            connection.execute(
                "create trigger swallow before insert on journal.entry for each row execute function swallow()"
            )
        for _ in range(appends):
            with pytest.raises(JournalUnavailable) as caught:
                await journal.append("call-1", "decided", {})
            assert caught.value.code == "journal_unavailable"


async def test_a_stranger_in_our_place_is_not_believed(
    engine: AsyncEngine, database_url: str, sealer: Sealer, signer: Signer
) -> None:
    async with open_journal(engine, sealer, signer) as journal:
        with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
            connection.execute(
                "insert into journal.entry select month, stream, 1, at, stage, call_id, subject, digest, body, "
                "signature from journal.entry"
            )
        for _ in range(2):
            with pytest.raises(JournalUnavailable):
                await journal.append("call-1", "decided", {})
