"""What goes wrong with a database that holds a journal, done for real: disks fill, backups tear, standbys wait."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import anyio
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import server.sandbox.postgres
from audit.journal import JournalUnavailable, open_journal
from audit.note import Signer, new_signer
from audit.reading import check_chain, entries
from audit.sealing import Sealer
from audit.sequencer import Sequencer
from audit.store import EntryRow, JournalBroken, Store
from audit.stream import Stream, month_of
from audit.ticket import Ticket
from server.database import open_engine
from server.migrating import migrate
from server.sandbox.binaries import find_binaries
from server.sandbox.postgres import EmbeddedPostgres
from tests.journal.proving import ORIGIN, Proven, as_superuser, whys
from tests.support.clusters import StandbyMissing, pgbouncer, standby
from tests.support.databases import driver_dsn, reachable_directory

CALLERS = 8


@pytest.fixture
def home() -> Iterator[Path]:
    with reachable_directory() as home:
        yield home


async def load(proven: Proven, calls: int, first: int = 0) -> tuple[int, int]:
    """Calls by several callers at once: how many were answered, and how many refused."""
    answered, refused = 0, 0
    numbers = iter(range(first, first + calls))

    async def caller() -> None:
        nonlocal answered, refused
        for number in numbers:
            try:
                await proven.call(f"call-{number}")
                answered += 1
            except JournalUnavailable:
                refused += 1
                await anyio.sleep(0.02)

    async with anyio.create_task_group() as tasks:
        for _ in range(CALLERS):
            tasks.start_soon(caller)
    return answered, refused


async def whole(url: str, sealer: Sealer, signer: Signer, calls: int = 120, log: Signer | None = None) -> None:
    """A journal on the database at `url` takes calls, is woven and verifies."""
    await migrate(url)
    async with open_engine(url) as engine, open_journal(engine, sealer, signer) as journal:
        proven = Proven(engine, journal, signer, log or new_signer(ORIGIN))
        assert await load(proven, calls) == (calls, 0)
        await proven.weave()
        report = await proven.verify()
    assert whys(report) == []
    assert (report["leaves"], report["open_calls"]) == (2 * calls + 1, 0)


@pytest.mark.parametrize("major", [15, 16, 17, 18])
def test_it_works_on_postgresql(
    major: int, home: Path, sealer: Sealer, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = [each for each in find_binaries() if each.major == major]
    if not fitting:
        pytest.skip(f"no postgresql {major} is installed here")
    monkeypatch.setattr(server.sandbox.postgres, "find_binaries", lambda: fitting)
    with EmbeddedPostgres(home) as postgres:
        anyio.run(whole, postgres.dsn(), sealer, signer)
        with psycopg.connect(driver_dsn(postgres.dsn())) as connection:
            assert connection.info.server_version // 10_000 == major


def test_it_works_through_pgbouncer_in_transaction_mode(home: Path, sealer: Sealer, signer: Signer) -> None:
    with EmbeddedPostgres(home) as postgres:
        anyio.run(migrate, postgres.dsn())
        try:
            with pgbouncer(home, postgres.dsn()) as url:
                anyio.run(whole, url, sealer, signer)
        except StandbyMissing as missing:
            pytest.skip(str(missing))


def test_it_works_with_a_synchronous_standby_and_refuses_without_it(home: Path, sealer: Sealer, signer: Signer) -> None:
    log = new_signer(ORIGIN)

    async def without(url: str) -> None:
        async with (
            open_engine(url) as engine,
            open_journal(engine, sealer, signer, deadline_s=0.5, retry_s=0.1) as journal,
        ):
            proven = Proven(engine, journal, signer, log)
            await proven.call("call-before")
            with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
                connection.execute("alter system set synchronous_standby_names = 'nobody'")
                connection.execute("select pg_reload_conf()")
                with anyio.fail_after(10):
                    while (await load(proven, 1))[1] == 0:  # until the backend has read its new configuration
                        pass
                connection.execute("alter system set synchronous_standby_names = '*'")
                connection.execute("select pg_reload_conf()")
            with anyio.fail_after(20):
                while (await load(proven, 1, 10))[0] == 0:
                    pass
            await proven.weave()
            assert whys(await proven.verify()) == []

    try:
        with standby(home, apply_delay_ms=5) as url:
            anyio.run(whole, url, sealer, signer, 60, log)
            anyio.run(without, url)
    except StandbyMissing as missing:
        pytest.skip(str(missing))


def test_on_a_full_disk_calls_are_refused_and_nothing_acknowledged_is_lost(
    sealer: Sealer, signer: Signer, tmp_path: Path
) -> None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk can only be mounted by root")
    disk = Path("/tmp") / f"snowgate-disk-{os.getpid()}"
    disk.mkdir(mode=0o711)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=711", "tmpfs", disk], check=False).returncode:
        disk.rmdir()
        pytest.skip("no file system may be mounted here")

    async def drill(postgres: EmbeddedPostgres) -> None:
        await migrate(postgres.dsn())
        ballast = disk / "ballast"
        async with (
            open_engine(postgres.dsn()) as engine,
            open_journal(engine, sealer, signer, deadline_s=1, retry_s=0.1) as journal,
        ):
            proven = Proven(engine, journal, signer)
            before = await load(proven, 50)
            left = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            ballast.write_bytes(b"\0" * (left - 300_000))
            refused, first = 0, 1_000
            with anyio.fail_after(60):
                while not refused:  # what PostgreSQL still has room for, it takes
                    _, refused = await load(proven, 400, first)
                    first += 400
            ballast.unlink()
            with anyio.fail_after(30):
                while (await load(proven, 1, first))[0] == 0:
                    first += 1
                    await anyio.sleep(0.2)
            assert before == (50, 0)
            await proven.weave()
            report = await proven.verify()
            stored = [entry for entry in await entries(engine, last=100_000) if entry.stream == journal.stream]
        assert whys(report) == []
        check_chain(sorted(stored, key=lambda entry: entry.n))

    try:
        with EmbeddedPostgres(disk / "home") as postgres:
            anyio.run(drill, postgres)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        disk.rmdir()


TORN = {
    "a partition of entries is missing": ("drop table journal.{partition}",),
    "a partition is half there": ("delete from journal.entry where n > 20",),
    "the tiles are of yesterday": ("delete from journal.tile where level = 0",),
    "the streams are not restored": ("truncate journal.stream",),
    "an older head is not restored": ("delete from journal.checkpoint where id = 1",),
    "what was woven is not restored": ("truncate journal.run", "truncate journal.cursor"),
}


@pytest.mark.parametrize("torn", TORN)
async def test_a_torn_backup_or_a_partial_restore_shows(
    torn: str, database_url: str, sealer: Sealer, signer: Signer
) -> None:
    async with open_engine(database_url) as engine:
        async with open_journal(engine, sealer, signer) as journal:
            proven = Proven(engine, journal, signer)
            for batch in range(2):
                await load(proven, 20, 20 * batch)
                await proven.weave()
        assert whys(await proven.verify()) == []
        with psycopg.connect(driver_dsn(database_url)) as connection:
            found = connection.execute("select relname from pg_class where relname like 'entry\\_2%' and relkind = 'r'")
            (partition,) = found.fetchone() or ("",)
        statements = [statement.format(partition=partition) for statement in TORN[torn]]
        as_superuser(database_url, ["set role journal_owner", *statements] if "drop" in statements[0] else statements)
        assert whys(await proven.verify()) != []


async def test_entries_that_are_fuzzed_are_found_or_are_as_they_were(
    database_url: str, sealer: Sealer, signer: Signer
) -> None:
    """Bytes of bodies at random: none is believed, and none makes the verifier do anything but say so."""
    dice = random.Random(7)  # noqa: S311  # a drill, and the same each time
    async with open_engine(database_url) as engine:
        async with open_journal(engine, sealer, signer) as journal:
            proven = Proven(engine, journal, signer)
            await load(proven, 10)
            await proven.weave()
        for _ in range(12):
            n, position, byte = dice.randrange(20), dice.randrange(150), dice.randrange(256)
            with psycopg.connect(driver_dsn(database_url)) as connection:
                connection.execute("set session_replication_role = replica")
                row = connection.execute("select body from journal.entry where n = %s", (n,)).fetchone()
                body = bytearray(row[0] if row else b"")
                was, body[position] = body[position], byte
                connection.execute("update journal.entry set body = %s where n = %s", (bytes(body), n))
            assert (whys(await proven.verify()) == []) == (was == byte)
            body[position] = was
            with psycopg.connect(driver_dsn(database_url)) as connection:
                connection.execute("set session_replication_role = replica")
                connection.execute("update journal.entry set body = %s where n = %s", (bytes(body), n))
        assert whys(await proven.verify()) == []


async def opened(engine: AsyncEngine, stream: Stream, now: datetime) -> tuple[Store, list[EntryRow]]:
    """A store that holds `stream` and its first entry, which is returned, too."""
    store = Store(engine)
    await store.register(stream.row())
    rows = [stream.number(Ticket("", "stream.open", stream.opening()), now)]
    rows[-1] = stream.sign(rows)
    await store.add(rows)
    return store, rows


@pytest.mark.parametrize("count", [1, 3, 13])
async def test_a_batch_that_nobody_signed_is_not_written(
    database_url: str, sealer: Sealer, signer: Signer, count: int
) -> None:
    async with open_engine(database_url) as engine:
        now = datetime.now(UTC)
        stream = Stream(month_of(now), sealer, signer)
        store, _ = await opened(engine, stream, now)
        unsigned = [stream.number(Ticket(f"call-{n}", "refused", {}), now) for n in range(count)]
        with pytest.raises(JournalBroken) if count < 13 else nullcontext():  # so many are never begun
            store.begin(unsigned)
        with pytest.raises(JournalBroken):
            await store.add(unsigned)
        await store.disconnect()
        assert [entry.n for entry in await entries(engine, last=100)] == [0]


async def test_what_is_delivered_twice_is_stored_once(database_url: str, sealer: Sealer, signer: Signer) -> None:
    """A batch whose commit was not heard of is looked for before it is written: the key (stream, n) counts once."""
    async with open_engine(database_url) as engine:
        now = datetime.now(UTC)
        stream = Stream(month_of(now), sealer, signer)
        store, rows = await opened(engine, stream, now)
        await store.settle(rows)
        await store.add(rows)
        more = [stream.number(Ticket(f"call-{n}", "refused", {}), now) for n in range(3)]
        more[-1] = stream.sign(more)
        await store.settle(more)
        await store.settle(more)
        await store.disconnect()
        found = await entries(engine, last=100)
        assert [entry.n for entry in found] == [0, 1, 2, 3]
        sequencer = Sequencer(engine, ORIGIN, signer)
        assert await sequencer.weave() == 4
        assert await sequencer.weave() == 0
