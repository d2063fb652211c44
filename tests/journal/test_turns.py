"""Whose turn it is with the journal: only those can take it whom it is for, and one of them at a time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import psycopg
import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from audit import sequencer as sequencer_module
from audit.journal import Journal, open_journal
from audit.note import Signer
from audit.reconciling import reconcile
from audit.sealing import Sealer
from audit.sequencer import Sequencer
from server.activation import ActivationStore
from server.database import database_url as url_of
from server.database import with_connection
from server.migrating import alembic_config, migrate
from server.sandbox.database_logins import make_logins
from tests.journal.proving import ORIGIN, Proven, whys
from tests.support.databases import driver_dsn

LOCKS = [
    "select from journal.head for key share",
    "select from journal.turn where name = 'publisher' for key share",
    "select from journal.turn where name = 'reconciler' for key share",
    "lock table journal.entry in share update exclusive mode",
    "lock table journal.turn, journal.head in row share mode",
    "lock table gate.policy_activation in share update exclusive mode",
    "lock table gate.schema_version in share update exclusive mode",
]
QUEUES = [
    "create rule r as on insert to {table} do also nothing",
    "create trigger t before insert on {table} for each row execute function suppress_redundant_updates_trigger()",
    "create temporary table part partition of {table} for values from (minvalue) to (maxvalue)",
    "create temporary table child () inherits ({table})",
    "create temporary table referring (n int references {table})",
    "alter table {table} add column more int",
    "drop trigger append_only on {table}",
    "truncate {table}",
    "lock table {table} in access exclusive mode",
    "comment on table {table} is 'a'",
    "create statistics more on {column}, ctid from {table}",
    "create index on {table} ({column})",
    "create policy p on {table}",
    "cluster {table}",
    "reindex table {table}",
    "security label on table {table} is 'a'",
    "GRANT SELECT ON {table} TO public",
]
"""Commands that lock a table, some of them before they look whether they may."""

OF_BEFORE = [
    *[f"hashtextextended('journal.{name}', 0)" for name in ("sequencer", "publisher", "reconciler", "ensure_month")],
    "8317708120325583977",
    "1936617335",
]
"""Keys of the advisory locks that the gate took once."""


@pytest.fixture
def others(database_url: str) -> Iterator[dict[str, str]]:
    """Logins that are not the gate's, by whose they are."""
    name = f"{url_of(database_url).database}_stranger"
    logins = make_logins(database_url)
    with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
        connection.execute(f"create role {name} login password 'x'".encode())
        yield {
            "a stranger": url_of(database_url).set(username=name, password="x").render_as_string(hide_password=False),
            "an auditor": logins["SNOWGATE_AUDITOR_DATABASE_URL"],
            "retention": logins["SNOWGATE_RETENTION_DATABASE_URL"],
        }
        connection.execute(f"drop role {name}".encode())


@contextmanager
def holding(url: str, *statements: str) -> Iterator[None]:
    """A session that has done this, and does not end its transaction."""
    with psycopg.connect(driver_dsn(url)) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        yield
        connection.rollback()


def test_nobody_else_can_take_a_turn(others: dict[str, str]) -> None:
    for url in others.values():
        with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
            for lock in LOCKS:
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    connection.execute(lock.encode())


@pytest.mark.parametrize(
    ("who", "table", "column"),
    [
        ("a stranger", "pg_catalog.pg_class", "relname"),
        ("an auditor", "pg_catalog.pg_class", "relname"),
        ("an auditor", "journal.entry", "n"),
        ("retention", "gate.schema_version", "version_num"),
    ],
)
def test_nobody_else_waits_for_a_lock_behind_which_others_would_wait(
    who: str, table: str, column: str, others: dict[str, str]
) -> None:
    """All are refused at once although a reader, and a writer's plan, are in their way."""
    plans = [f"prepare reads as select 1 from {table}", f"prepare writes as delete from {table}"]
    with (
        holding(others[who], *plans),
        psycopg.connect(driver_dsn(others[who]), autocommit=True, options="-c lock_timeout=300ms") as connection,
    ):
        connection.execute("create temporary view own as select 1 as n")  # so that a schema is its own
        connection.execute("drop view own")
        for command in QUEUES:
            waited = False
            try:
                connection.execute(command.format(table=table, column=column).encode())
            except psycopg.errors.LockNotAvailable:
                waited = True
            except psycopg.Error:
                pass
            assert not waited, command


async def test_whatever_others_hold_the_gate_goes_on(
    database_url: str, others: dict[str, str], engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    """Advisory locks of any number, and open transactions that read all that they may."""
    reads = [
        "select count(*) from journal.entry",
        "lock table journal.entry, journal.head, journal.turn in access share mode",
    ]
    with ExitStack() as stack, anyio.fail_after(30):
        stack.enter_context(holding(others["a stranger"], *[f"select pg_advisory_lock({key})" for key in OF_BEFORE]))
        stack.enter_context(holding(others["an auditor"], *reads))
        await migrate(database_url)
        next_month = (datetime.now(UTC).replace(day=1) + timedelta(days=32)).replace(day=1)
        async with open_journal(engine, sealer, signer, clock=lambda: next_month) as journal:
            await journal.append("call-dead", "decided", {"decision": "permit"})
            proven = Proven(engine, journal, signer)
            assert await proven.sequencer.weave() > 0
            assert await proven.sequencer.publish() is not None
            assert await reconcile(engine, journal, dead_s=-1) == 1
        assert await ActivationStore(engine).add("shadow", None, why="a test", by="ada") == 1


async def test_sequencers_do_nothing_while_another_has_its_turn(
    database_url: str, engine: AsyncEngine, journal: Journal, signer: Signer
) -> None:
    proven = Proven(engine, journal, signer)
    await journal.append("call-dead", "decided", {"decision": "permit"})
    with holding(database_url, "select from journal.head for update"), anyio.fail_after(10):
        assert await proven.sequencer.weave() == 0
    with holding(database_url, "select from journal.turn where name = 'publisher' for update"), anyio.fail_after(10):
        assert await proven.sequencer.publish() is None
    with holding(database_url, "select from journal.turn where name = 'reconciler' for update"), anyio.fail_after(10):
        assert await reconcile(engine, journal, dead_s=-1) == 0
    assert await reconcile(engine, journal, dead_s=-1) == 1
    await proven.weave()
    assert whys(await proven.verify()) == []


async def test_many_sequencers_at_once_weave_each_entry_once(
    engine: AsyncEngine, journal: Journal, signer: Signer
) -> None:
    proven = Proven(engine, journal, signer)
    sequencers = [Sequencer(engine, ORIGIN, proven.log, heartbeat_s=0) for _ in range(4)]

    async def step(sequencer: Sequencer) -> None:
        for _ in range(20):
            await sequencer.weave()
            await sequencer.publish()

    async with anyio.create_task_group() as tasks:
        for sequencer in sequencers:
            tasks.start_soon(step, sequencer)
        for number in range(200):
            tasks.start_soon(proven.call, f"call-{number}")
    await proven.weave()
    report = await proven.verify()
    assert whys(report) == []
    assert report["leaves"] == report["entries"] == 401


async def test_a_sequencer_of_the_version_before_weaves_nothing_twice(
    engine: AsyncEngine, journal: Journal, signer: Signer
) -> None:
    """While replicas are replaced: it has read what is new before another wove it, and locks the head only then."""
    proven = Proven(engine, journal, signer)
    await proven.call("call-1")
    async with engine.begin() as older:
        (row, *_) = (await older.execute(sequencer_module._NEWS, {"limit": 1})).all()
        assert await proven.sequencer.weave() == 3
        size = (await older.execute(text("select size from journal.head for update"))).scalar_one()
        run = {"first": size, "stream": row.stream, "n": row.next_n, "count": 1}
        with pytest.raises(IntegrityError):
            await older.execute(sequencer_module._RUN, run)
        await older.rollback()
    await proven.weave()
    assert whys(await proven.verify()) == []


async def test_a_database_of_the_version_before_gets_the_rows_to_lock(
    database_url: str, engine: AsyncEngine, journal: Journal, signer: Signer
) -> None:
    before = ["set role journal_owner", "drop table journal.turn", "drop index journal.run_of_stream", "reset role"]
    with psycopg.connect(driver_dsn(database_url)) as connection:
        for statement in [*before, "update gate.schema_version set version_num = '0014'"]:
            connection.execute(statement.encode())

    def one_step(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0015")

    await with_connection(database_url, one_step)
    proven = Proven(engine, journal, signer)
    await proven.call("call-1")
    await proven.weave()
    report = await proven.verify()
    assert (whys(report), report["leaves"]) == ([], 3)


def test_the_gate_asks_for_no_lock_that_any_login_could_hold() -> None:
    """The steps of the schema from before did; what they made was replaced since."""
    house = Path(__file__).parents[2]
    sources = [path for part in ("audit", "server") for path in (house / part).rglob("*.py")]
    asking = {
        path.name for path in sources if "pg_advisory" in path.read_text() or "pg_try_advisory" in path.read_text()
    }
    assert asking == {"journal_sql.py"}


def test_no_function_of_the_database_asks_for_one_either(database_url: str) -> None:
    with psycopg.connect(driver_dsn(database_url)) as connection:
        asked = """select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                   where n.nspname in ('journal', 'gate') and p.prosrc ~ 'advisory'"""
        assert connection.execute(asked).fetchall() == []
