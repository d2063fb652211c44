"""The database's schema comes up whole, once, and says whether it is up."""

import anyio
import psycopg
import pytest
from alembic.script import ScriptDirectory

from audit.schema import metadata
from server.database import BadDatabaseUrl, DatabaseNotUtf8, DatabaseUnavailable, at_head, newest_step, open_engine
from server.migrating import alembic_config, migrate
from tests.support.databases import Databases, driver_dsn


@pytest.fixture
def empty_url(databases: Databases) -> str:
    url = databases.postgres.dsn("empty")
    with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
        for guard in ("journal_guard_drop", "journal_guard_ddl"):
            connection.execute(f"drop event trigger if exists {guard}")
        connection.execute("drop schema if exists journal cascade")
        connection.execute("drop schema if exists gate cascade")
    return url


async def test_a_database_is_at_head_after_migrating_and_not_before(empty_url: str) -> None:
    assert not await at_head(empty_url)
    await migrate(empty_url)
    assert await at_head(empty_url)
    await migrate(empty_url)
    assert await at_head(empty_url)


def test_the_newest_step_by_name_is_the_head_that_alembic_finds() -> None:
    assert [newest_step()] == ScriptDirectory.from_config(alembic_config()).get_heads()


async def test_processes_that_migrate_at_once_take_turns(empty_url: str) -> None:
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(migrate, empty_url)
    assert await at_head(empty_url)


async def test_the_migrated_tables_are_those_that_the_code_knows(empty_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

    def difference(connection: Connection) -> list[object]:
        options = {"include_schemas": True, "include_name": lambda name, kind, _: kind != "schema" or name == "journal"}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    await migrate(empty_url)
    async with open_engine(empty_url) as engine, engine.connect() as connection:
        assert await connection.run_sync(difference) == []


async def test_only_one_open_hold_for_one_effect(database_url: str) -> None:
    insert = """insert into gate.hold (id, call_id, tool, issuer, subject, actor, state, asked, bound, policy, entry,
                groups, summary, body, opened_at, expires_at, escalated, outcome)
                values (%s, 'c', 't', 'i', 's', 'a', %s, sha256('x'), sha256('y'), 'p', 'e', '{}', '{}', '',
                now(), now(), false, '{}')"""
    with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
        connection.execute(insert, ("1", "executed"))
        connection.execute(insert, ("2", "open"))
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(insert, ("3", "open"))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(insert, ("4", "granted"))


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite:///x", "postgresql+asyncpg://u:hunter2@h/d", "postgresql://h:port/d"]
)
async def test_a_url_of_no_postgresql_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(BadDatabaseUrl) as caught:
        await migrate(url)
    assert caught.value.code == "bad_database_url"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg"])
async def test_every_usual_spelling_of_a_url_is_understood(database_url: str, prefix: str) -> None:
    assert await at_head(prefix + database_url.removeprefix("postgresql+psycopg"))


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_in_another_encoding_than_utf8_is_refused_and_left_as_it_was(
    databases: Databases, encoding: str
) -> None:
    with databases.fresh(f"template template0 encoding {encoding} locale 'C'") as url:
        for look in (migrate, at_head):
            with pytest.raises(DatabaseNotUtf8) as caught:
                await look(url)
            assert caught.value.code == "database_not_utf8"
        with psycopg.connect(driver_dsn(url)) as connection:
            assert connection.execute("select to_regnamespace('gate') is null").fetchone() == (True,)


async def test_a_database_that_does_not_answer_is_unavailable(databases: Databases) -> None:
    url = databases.postgres.dsn("postgres").replace("host=", "host=%2Fnowhere")
    with anyio.fail_after(10):
        with pytest.raises(DatabaseUnavailable) as caught:
            await at_head(url)
        assert caught.value.code == "database_unavailable"
        with pytest.raises(DatabaseUnavailable):
            await migrate(url)
