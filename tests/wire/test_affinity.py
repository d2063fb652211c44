"""A process of the gate keeps to one processor, with all its threads, and leaves one that others need."""

import os
from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path
from threading import Event, Thread

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import affinity
from server.affinity import GAIN_MIN, OTHERS_MAX, OWN_MIN, Reading, better, chosen, gather, read, stay
from server.seat import Seat
from tests.support.clients import Gate
from tests.support.watching import eventually
from tests.wire.test_workers import crew

USABLE = os.sched_getaffinity(0)
several_processors = pytest.mark.skipif(len(USABLE) < 2, reason="one processor leaves no choice")

parts = st.integers(0, 100).map(lambda hundredths: hundredths / 100)


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Let the tests that follow run anywhere again."""
    yield
    gather(USABLE)


def of_process(pid: int = os.getpid()) -> set[int]:
    """Where a process, or a thread, may run; this process, if none is named."""
    return os.sched_getaffinity(pid)


def threads_of(pid: int) -> list[set[int]]:
    """Where each thread of a process may run."""
    return [of_process(int(thread.name)) for thread in Path(f"/proc/{pid}/task").iterdir()]


def readings(busy: Collection[float], own: float) -> tuple[Reading, Reading]:
    """Two, ten seconds apart: processor `n` was busy for the part `busy[n]` of that, and this process for `own`."""
    before = Reading(100.0, dict.fromkeys(range(len(busy)), 7.0), 3.0)
    return before, Reading(110.0, {n: 7.0 + 10 * part for n, part in enumerate(busy)}, 3.0 + 10 * own)


@given(busy=st.lists(parts, min_size=2, max_size=8), own=parts)
def test_a_processor_that_others_leave_alone_is_kept_however_busy_we_are(busy: list[float], own: float) -> None:
    busy[0] = min(1.0, own + 0.8 * OTHERS_MAX)
    assert better(0, *readings(busy, own)) == 0


@given(busy=st.lists(parts, min_size=2, max_size=8), own=parts)
def test_one_that_is_gone_to_is_calmer_than_what_is_left_by_what_a_move_costs(busy: list[float], own: float) -> None:
    there = better(0, *readings(busy, own))
    if there != 0:
        assert busy[there] == pytest.approx(min(busy))
        assert busy[there] + GAIN_MIN <= busy[0] - own + 1e-6


@given(others=st.sampled_from([0.3, 0.5, 0.7]), own=st.sampled_from([OWN_MIN, 0.3]))
def test_one_that_others_need_is_left_for_one_where_nothing_runs(others: float, own: float) -> None:
    assert better(0, *readings([others + own, 0.0], own)) == 1


@given(busy=st.lists(parts, min_size=2, max_size=8), own=st.sampled_from([0.0, 0.1, 0.2]))
def test_a_process_that_rests_stays_whoever_comes(busy: list[float], own: float) -> None:
    assert better(0, *readings(busy, own)) == 0


def test_two_that_met_on_one_processor_part_once_one_of_them_has_looked() -> None:
    assert better(0, *readings([1.0, 0.0], own=0.5)) == 1  # who looks first leaves
    assert better(0, *readings([0.5, 0.5], own=0.5)) == 0  # and the other has it to itself


@several_processors
def test_workers_of_one_gate_begin_apart_from_each_other(tmp_path: Path) -> None:
    seats = [Seat(number, len(USABLE), tmp_path) for number in range(len(USABLE))]
    assert {chosen(USABLE, seat) for seat in seats} == USABLE


def test_a_process_alone_begins_where_it_is() -> None:
    gather({min(USABLE)})
    assert chosen(USABLE, None) == min(USABLE)


def test_the_machine_tells_how_busy_each_usable_processor_has_been() -> None:
    seen = read(USABLE)
    assert seen.busy_s.keys() == USABLE
    assert all(busy_s > 0 for busy_s in seen.busy_s.values())


@several_processors
def test_threads_that_were_there_and_threads_to_come_run_where_the_process_does() -> None:
    done, where = Event(), []
    before = Thread(target=done.wait, daemon=True)
    before.start()
    gather({max(USABLE)})
    after = Thread(target=lambda: where.append(os.sched_getaffinity(0)))
    after.start()
    after.join(10)
    assert where == [{max(USABLE)}]
    assert before.native_id is not None
    assert os.sched_getaffinity(before.native_id) == {max(USABLE)}
    done.set()
    before.join(10)


@several_processors
async def test_a_processor_that_others_use_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, other = sorted(USABLE)[:2]
    times = count(100)

    def crowded(usable: Collection[int]) -> Reading:
        at_s = float(next(times))
        return Reading(at_s, {first: at_s * 0.9, other: 0.0}, at_s * 0.3)

    monkeypatch.setattr(affinity, "LOOK_S", 0.01)
    monkeypatch.setattr(affinity, "read", crowded)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stay, "auto", Seat(0, 2, tmp_path))
        await eventually(lambda: of_process() == {other})
        tasks.cancel_scope.cancel()


@several_processors
async def test_an_operator_who_says_where_it_runs_is_not_overruled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(affinity, "LOOK_S", 0.01)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stay, "auto", Seat(0, 2, tmp_path))
            await eventually(lambda: of_process() == {min(USABLE)})
            gather(USABLE)
    assert of_process() == USABLE


@several_processors
async def test_where_the_machine_does_not_tell_the_process_is_left_where_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(affinity, "STATISTICS", tmp_path / "none")
    with anyio.fail_after(10):
        await stay("auto", None)
    assert of_process() == USABLE


@pytest.mark.parametrize("wish", ["auto", "none"])
@several_processors
async def test_each_worker_keeps_to_a_processor_of_its_own_if_that_is_wished(gate: Gate, wish: str) -> None:
    async with crew(gate, SNOWGATE_CPU_AFFINITY=wish) as several:
        await eventually(lambda: len(several.workers()) == 2)
        expected = [{processor} for processor in sorted(USABLE)[:2]] if wish == "auto" else [USABLE, USABLE]
        await eventually(lambda: [*map(of_process, several.workers())] == expected, within_s=60)
        threads = threads_of(several.workers()[0])
    assert threads == [expected[0]] * len(threads)
    assert len(threads) > 1
