"""A process of the gate keeps to one processor, with all its threads, and leaves one that others need."""

import math
import os
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path
from threading import Event, Thread

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import affinity
from server.affinity import ALIKE, GAIN_MIN, OTHERS_MAX, WANTED_MIN, Reading, better, chosen, gather, read, stay
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


def readings(busy: Collection[float], own: float, waited: float = 0.0) -> tuple[Reading, Reading]:
    """Two, ten seconds apart: processor `n` was busy for the part `busy[n]` of that; this process ran, and waited."""
    before = Reading(100.0, dict.fromkeys(range(len(busy)), 7.0), 3.0, 1.0)
    after = {n: 7.0 + 10 * part for n, part in enumerate(busy)}
    return before, Reading(110.0, after, 3.0 + 10 * own, 1.0 + 10 * waited)


@given(busy=st.lists(parts, min_size=2, max_size=8), own=parts)
def test_a_processor_that_others_leave_alone_is_kept_however_busy_we_are(busy: list[float], own: float) -> None:
    busy[0] = min(1.0, own + 0.8 * OTHERS_MAX)
    assert better(0, *readings(busy, own)) == 0


@given(busy=st.lists(parts, min_size=2, max_size=8), own=parts)
def test_one_that_is_gone_to_is_calmer_than_what_is_left_by_what_a_move_costs(busy: list[float], own: float) -> None:
    there = better(0, *readings(busy, own))
    if there != 0:
        assert busy[there] <= min(busy) + ALIKE
        assert busy[there] + GAIN_MIN <= busy[0] - own + 1e-6


@given(others=st.sampled_from([0.3, 0.5, 0.7]), own=st.sampled_from([WANTED_MIN, 0.3]))
def test_one_that_others_need_is_left_for_one_where_nothing_runs(others: float, own: float) -> None:
    assert better(0, *readings([others + own, 0.0], own)) == 1


@given(busy=st.lists(parts, min_size=2, max_size=8), own=st.sampled_from([0.0, 0.1, 0.2]))
def test_a_process_that_rests_stays_whoever_comes(busy: list[float], own: float) -> None:
    assert better(0, *readings(busy, own)) == 0


@given(crowd=st.integers(2, 40))
def test_one_of_however_many_on_one_processor_knows_that_it_is_crowded(crowd: int) -> None:
    assert better(0, *readings([1.0, 0.0], own=1 / crowd, waited=0.5)) == 1


def test_not_all_who_leave_go_to_the_same() -> None:
    assert len({better(0, *readings([1.0, 0.0, 0.01, 0.02], own=0.5)) for _ in range(200)}) == 3


def test_two_that_met_on_one_processor_part_once_one_of_them_has_looked() -> None:
    assert better(0, *readings([1.0, 0.0], own=0.5)) == 1  # who looks first leaves
    assert better(0, *readings([0.5, 0.5], own=0.5)) == 0  # and the other has it to itself


@given(processors=st.sets(st.integers(0, 200), min_size=1, max_size=64), count=st.integers(1, 64), gate=st.integers(0))
def test_workers_of_one_gate_begin_apart_from_each_other(processors: set[int], count: int, gate: int) -> None:
    begun = Counter(chosen(processors, Seat(number, count, -1, -1, Path(f"/tmp/{gate}"))) for number in range(count))
    assert begun.keys() <= processors
    assert max(begun.values()) <= math.ceil(count / len(processors))


def test_gates_of_one_machine_do_not_all_begin_at_its_first_processor() -> None:
    assert len({chosen(range(64), Seat(0, 2, -1, -1, Path(f"/tmp/snowgate-{gate}"))) for gate in range(20)}) > 10


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
    seat = Seat(0, 2, -1, -1, tmp_path)
    first = chosen(USABLE, seat)
    other = next(iter(USABLE - {first}))
    times = count(100)

    def crowded(usable: Collection[int]) -> Reading:
        at_s = float(next(times))
        return Reading(at_s, {first: at_s * 0.9, other: 0.0}, at_s * 0.3, 0.0)

    monkeypatch.setattr(affinity, "LOOK_S", 0.01)
    monkeypatch.setattr(affinity, "read", crowded)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stay, "auto", seat)
        await eventually(lambda: of_process() == {other})
        tasks.cancel_scope.cancel()


@several_processors
async def test_one_that_is_calm_again_a_moment_later_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seat = Seat(0, 2, -1, -1, tmp_path)
    first = chosen(USABLE, seat)
    looks = count()
    looked = 0

    def crowded_at_first(usable: Collection[int]) -> Reading:
        """Between the first look and the second others use it, and not between the second and the third, and so on."""
        nonlocal looked
        looked = next(looks)
        used_s = 0.9 * ((looked + 1) // 2)
        return Reading(float(looked), {each: used_s if each == first else 0.0 for each in USABLE}, 0.0, float(looked))

    monkeypatch.setattr(affinity, "LOOK_S", 0.01)
    monkeypatch.setattr(affinity, "AGAIN_S", 0.01)
    monkeypatch.setattr(affinity, "read", crowded_at_first)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stay, "auto", seat)
        await eventually(lambda: looked > 6)
        assert of_process() == {first}
        tasks.cancel_scope.cancel()


@several_processors
async def test_an_operator_who_says_where_it_runs_is_not_overruled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(affinity, "LOOK_S", 0.01)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stay, "auto", Seat(0, 2, -1, -1, tmp_path))
            await eventually(lambda: len(of_process()) == 1)
            os.sched_setaffinity(os.getpid(), USABLE)  # as taskset does: of the first thread alone
    assert all(each == USABLE for each in threads_of(os.getpid()))


@several_processors
async def test_where_the_machine_does_not_tell_the_process_is_left_where_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(affinity, "STATISTICS", tmp_path / "none")
    with anyio.fail_after(10):
        await stay("auto", None)
    assert of_process() == USABLE


@several_processors
async def test_nobody_is_served_the_worse_where_a_look_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(usable: Collection[int]) -> Reading:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(affinity, "read", no_thread)
    with anyio.fail_after(10):
        await stay("auto", None)
    assert of_process() == USABLE


@pytest.mark.parametrize("wish", ["auto", "none"])
@several_processors
async def test_each_worker_keeps_to_a_processor_of_its_own_if_that_is_wished(gate: Gate, wish: str) -> None:
    async with crew(gate, SNOWGATE_CPU_AFFINITY=wish) as several:
        await eventually(lambda: len(several.workers()) == 2)
        size = 1 if wish == "auto" else len(USABLE)

        def kept() -> list[set[frozenset[int]]]:
            """The processors of each worker's threads: one set of them, if all keep to the same."""
            return [set(map(frozenset, threads_of(worker))) for worker in several.workers()]

        def as_wished() -> bool:
            one, other = kept()
            are_together = all(len(each) == 1 and len(*each) == size for each in (one, other))
            return are_together and (one != other) is (wish == "auto")

        # Where others keep a processor busy both workers may be on the calmer one for a while.
        await eventually(as_wished, within_s=60)
        assert all(len(threads_of(worker)) > 1 for worker in several.workers())
