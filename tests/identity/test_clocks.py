"""A gate whose clock and its database's are too far apart lets nobody in, says so, and goes on when they agree."""

import logging
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal, open_journal
from audit.note import new_signer
from audit.reading import entries
from audit.sealing import Sealer
from audit.sequencer import Sequencer
from server.admission import Admission
from server.clocks import Clock, compared
from server.database import DatabaseUnavailable, open_engine
from server.refusals import ClockApart
from tests.identity.issuer import Clock as Played

APART_S = 30.0


@pytest.fixture
async def journal(engine: AsyncEngine) -> AsyncGenerator[Journal]:
    async with open_journal(engine, Sealer(bytes(32), "k"), new_signer("test/writer")) as journal:
        yield journal


def off_by(engine: AsyncEngine, journal: Journal, off_s: float) -> Clock:
    """A gate whose clock is so far off, on a machine where no time passes but by hand."""
    wall = datetime.now(UTC).timestamp() + off_s
    return Clock(engine, journal, APART_S, wall=lambda: wall, steady=Played())


@pytest.mark.parametrize("off_s", [0, 25, -25])
async def test_clocks_that_agree_let_people_in(engine: AsyncEngine, journal: Journal, off_s: float) -> None:
    clock = off_by(engine, journal, off_s)
    assert await clock.look()
    clock.check()


@pytest.mark.parametrize("off_s", [35, -35, 86_400, -86_400])
async def test_clocks_that_are_apart_let_nobody_in(
    engine: AsyncEngine, journal: Journal, off_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    clock = off_by(engine, journal, off_s)
    assert not await clock.look()
    assert not await clock.look()
    with pytest.raises(ClockApart) as caught:
        clock.check()
    assert (caught.value.code, caught.value.retryable) == ("clock_apart", True)
    assert [record.levelno for record in caplog.records if record.name == "server.clocks"] == [logging.ERROR]
    (told,) = [entry for entry in await entries(engine, last=10) if entry.stage == "clock.apart"]
    assert abs(int(str(told.facts["clock_ahead_ms"])) - 1_000 * off_s) < 3_000


async def test_nobody_is_asked_who_they_are_by_a_clock_that_is_apart(engine: AsyncEngine, journal: Journal) -> None:
    """What else the first step would do is not reached, for it is not there."""
    admission = Admission(None, None, None, None, off_by(engine, journal, 3_600))  # type: ignore[arg-type]
    assert not await admission.clock.look()
    with pytest.raises(ClockApart):
        await admission(None)  # type: ignore[arg-type]


async def test_a_clock_that_was_never_compared_lets_nobody_in(engine: AsyncEngine, journal: Journal) -> None:
    with pytest.raises(ClockApart):
        off_by(engine, journal, 0).check()


async def test_a_clock_that_jumps_between_two_looks_lets_nobody_in_at_once(
    engine: AsyncEngine, journal: Journal
) -> None:
    wall, steady = Played(datetime.now(UTC).timestamp()), Played()
    clock = Clock(engine, journal, APART_S, wall=wall, steady=steady)
    assert await clock.look()
    for each in (wall, steady):
        each.now += 3_600  # an hour passes
    clock.check()
    wall.now -= 3_600
    with pytest.raises(ClockApart):
        clock.check()
    wall.now += 3_600
    clock.check()


async def test_a_clock_that_is_set_right_lets_people_in_again(engine: AsyncEngine, journal: Journal) -> None:
    wall = Played(datetime.now(UTC).timestamp() + 3_600)
    clock = Clock(engine, journal, APART_S, wall=wall, steady=Played())
    assert not await clock.look()
    wall.now -= 3_600
    assert await clock.look()
    clock.check()
    stages = [entry.stage for entry in await entries(engine, last=10) if entry.stage.startswith("clock.")]
    assert sorted(stages) == ["clock.agrees", "clock.apart"]


async def test_a_gate_does_not_start_without_knowing_the_time_of_its_database(journal: Journal) -> None:
    async with open_engine("postgresql://nobody@127.0.0.1:9/nowhere") as nowhere:
        with pytest.raises(DatabaseUnavailable):
            await compared(nowhere, journal, APART_S)


@pytest.mark.parametrize(("off_s", "is_signed"), [(25, True), (-25, True), (35, False), (-35, False)])
async def test_a_clock_that_is_apart_signs_no_head(
    engine: AsyncEngine, off_s: float, is_signed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC) + timedelta(seconds=off_s)
    sequencer = Sequencer(engine, "test/journal", new_signer("test/journal"), clock=lambda: now)
    assert (await sequencer.publish() is not None) is is_signed
    assert ("CRITICAL" in {record.levelname for record in caplog.records}) is not is_signed
