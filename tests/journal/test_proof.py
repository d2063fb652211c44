"""The tree over all entries: it grows by whoever sequences, its heads are signed, and the verifier believes it."""

import math
from datetime import UTC, datetime, timedelta

import anyio
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.checkpoint import open_checkpoint
from audit.journal import Journal
from audit.merkle import consistency_path, inclusion_path, is_consistent, is_included
from audit.note import Signer
from audit.sequencer import AHEAD_S_MAX, SHUT_OUT_S, RolledBack, Sequencer
from audit.tile_store import load_tiles
from audit.tiles import needed
from tests.journal.proving import ORIGIN, Proven, as_superuser, whys
from tests.support.databases import driver_dsn


@pytest.fixture
def proven(engine: AsyncEngine, journal: Journal, signer: Signer) -> Proven:
    return Proven(engine, journal, signer)


async def calls(proven: Proven, first: int, count: int) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(first, first + count):
            tasks.start_soon(proven.call, f"call-{number}")


async def test_what_was_never_touched_verifies(proven: Proven) -> None:
    for step in range(3):
        await calls(proven, step * 20, 20)
        await proven.weave()
    await calls(proven, 60, 3)  # these are under no head yet
    report = await proven.verify()
    assert whys(report) == []
    assert report["warnings"] == []
    assert (report["leaves"], report["entries"]) == (121, 127)


async def test_verification_goes_on_where_it_ended(proven: Proven) -> None:
    await calls(proven, 0, 150)
    await proven.weave()
    first = await proven.verify()
    await calls(proven, 150, 150)
    await proven.weave()
    second = await proven.verify(state=first["state"])
    assert whys(second) == []
    assert (first["entries"], second["entries"], second["leaves"]) == (301, 300, 601)


async def test_any_leaf_is_proven_from_the_tiles_that_hold_the_proof(proven: Proven) -> None:
    await calls(proven, 0, 300)
    await proven.weave()
    async with proven.engine.connect() as connection:
        size = (await connection.execute(text("select size from journal.head"))).scalar_one()
        rows = (await connection.execute(text("select n, digest from journal.entry order by n"))).all()
        root = (await connection.execute(text("select root from journal.checkpoint"))).scalar_one()
        for n in (0, 1, 255, 256, 599, 600):
            path = inclusion_path(n, size)
            proof = (await load_tiles(connection, size, needed(path))).hashes(path)
            assert is_included(rows[n].digest, n, size, proof, root)
            assert not is_included(rows[n - 1].digest, n, size, proof, root)
        for old in (1, 255, 256, 257, 512, 600):
            before = (await load_tiles(connection, old, needed([(0, old)]))).root()
            path = consistency_path(old, size)
            proof = (await load_tiles(connection, size, needed(path))).hashes(path)
            assert is_consistent(old, size, before, root, proof)


async def test_an_idle_log_proves_its_silence(proven: Proven) -> None:
    await proven.weave()
    note = await proven.sequencer.publish()
    assert note is not None
    checkpoint, time_s = open_checkpoint(note, proven.log.public)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 1)
    assert time_s > 0
    assert whys(await proven.verify()) == []


async def test_a_sequencer_that_misses_the_head_that_it_signed_signs_no_more(proven: Proven, database_url: str) -> None:
    await proven.weave()
    await calls(proven, 0, 1)
    await proven.weave()
    as_superuser(database_url, ["delete from journal.checkpoint where id = 2"])
    assert "row is not there" in whys(await proven.verify())[0]
    with pytest.raises(RolledBack):
        await proven.sequencer.publish()


async def test_a_head_that_is_kept_under_another_note_is_missed_as_well(proven: Proven, database_url: str) -> None:
    await proven.weave()
    as_superuser(database_url, ["delete from journal.checkpoint where id = 1"])
    later = datetime.now(UTC) + timedelta(seconds=5)
    await Sequencer(proven.engine, ORIGIN, proven.log, clock=lambda: later).publish()
    with pytest.raises(RolledBack):
        await proven.sequencer.publish()
    state = (await proven.verify(anchored=False))["state"]
    assert whys(await proven.verify(state=state)) == []  # what was verified before is not asked for again
    assert "row is not there" in whys(await proven.verify())[0]


async def test_two_sequencers_at_once_weave_one_tree(proven: Proven) -> None:
    other = Sequencer(proven.engine, ORIGIN, proven.log, heartbeat_s=0)

    async def sequence(sequencer: Sequencer) -> None:
        for _ in range(15):
            await sequencer.weave()
            await sequencer.publish()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(calls, proven, 0, 200)
            tasks.start_soon(sequence, proven.sequencer)
            tasks.start_soon(sequence, other)
    await proven.weave()
    report = await proven.verify()
    assert whys(report) == []
    assert report["leaves"] == 401


def sequencer_at(proven: Proven, moment: datetime) -> Sequencer:
    """One whose clock says so, and the database's with it: they are not far apart."""
    return Sequencer(proven.engine, ORIGIN, proven.log, apart_s=math.inf, clock=lambda: moment)


async def test_a_clock_that_is_wrong_dates_no_head_before_another(proven: Proven) -> None:
    for number, off in enumerate((0, 86_400, -86_400, 0)):
        await calls(proven, number, 1)
        await proven.weave()
        wrong = datetime.now(UTC) + timedelta(seconds=off)
        await calls(proven, 100 + number, 1)
        sequencer = sequencer_at(proven, wrong)
        await sequencer.weave()
        assert await sequencer.publish() is not None
    assert whys(await proven.verify()) == []


async def test_a_head_is_dated_by_what_was_signed_and_by_no_column(proven: Proven, database_url: str) -> None:
    await proven.weave()
    for at in ("2036-01-01", "infinity"):
        as_superuser(database_url, [f"update journal.checkpoint set at = '{at}'"])
        note = await proven.sequencer.publish()
        assert note is not None
        _, time_s = open_checkpoint(note, proven.log.public)
        assert abs(time_s - datetime.now(UTC).timestamp()) < 60


async def test_after_a_head_that_is_dated_far_ahead_none_is_signed(
    proven: Proven, caplog: pytest.LogCaptureFixture
) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=AHEAD_S_MAX + 3_600)
    assert await sequencer_at(proven, ahead).publish() is not None
    await calls(proven, 0, 1)
    assert await proven.sequencer.weave() > 0
    for _ in range(3):
        assert await proven.sequencer.publish() is None
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    nearer = ahead - timedelta(seconds=AHEAD_S_MAX - 60)
    note = await sequencer_at(proven, nearer).publish()
    assert note is not None
    assert open_checkpoint(note, proven.log.public)[1] == int(ahead.timestamp())


async def test_whoever_is_kept_from_signing_for_long_says_so(
    proven: Proven, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    began = datetime.now(UTC)
    sequencer = sequencer_at(proven, began)
    with psycopg.connect(driver_dsn(database_url)) as other:
        other.execute("select from journal.turn where name = 'publisher' for update")
        for passed_s, said in ((0, 0), (SHUT_OUT_S - 1, 0), (SHUT_OUT_S, 1), (SHUT_OUT_S + 1, 1), (3 * SHUT_OUT_S, 2)):
            sequencer.clock = lambda at=began + timedelta(seconds=passed_s): at  # type: ignore[misc]
            assert await sequencer.publish() is None
            assert [record.levelname for record in caplog.records] == ["WARNING"] * said
    assert await sequencer.publish() is not None
