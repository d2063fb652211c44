"""Blocking work runs in threads that are handed it at once, kept while they are needed, and ended with their pool."""

import asyncio  # noqa: TID251 - its tasks are cancelled by others than cancel scopes
import sys
import threading
from collections.abc import Generator
from contextlib import closing
from contextvars import ContextVar

import anyio
import pytest

from server.threads import Threads
from tests.support.watching import eventually

NAME: ContextVar[str] = ContextVar("name")


@pytest.fixture
def threads() -> Generator[Threads]:
    with closing(Threads(2)) as opened:
        yield opened


def ours() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "snowgate worker"}


class Gate:
    """Work that begins, and ends when it is let go."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.is_open = threading.Event()
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        self.has_begun.set()
        assert self.is_open.wait(20)
        return "passed"


async def begun(gate: Gate) -> None:
    await eventually(gate.has_begun.is_set)


async def test_work_brings_back_what_it_returns_or_raises(threads: Threads) -> None:
    assert await threads.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
    with pytest.raises(RuntimeError):
        await threads.run(lambda: next(iter(())))
    assert await threads.run(threading.current_thread) is not threading.current_thread()


async def test_what_goes_wrong_meanwhile_is_told_when_the_work_has_ended(threads: Threads) -> None:
    gate = Gate()

    async def meanwhile() -> None:
        await begun(gate)
        gate.is_open.set()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await threads.run(gate, abandon=True, meanwhile=meanwhile)
    assert (gate.times, len(threads._idle)) == (1, 1)


async def test_a_caller_whom_others_cancel_again_and_again_is_let_go_when_the_work_has_ended(threads: Threads) -> None:
    """As an event loop does on its way out; a cancel scope asks once."""
    gate = Gate()
    caller = asyncio.ensure_future(threads.run(gate, abandon=True, meanwhile=anyio.sleep_forever))
    await begun(gate)
    for _ in range(3):
        caller.cancel()
        await anyio.wait_all_tasks_blocked()
        assert not caller.done()
    gate.is_open.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert len(threads._idle) == 1


async def test_work_knows_what_its_caller_knows_and_tells_nobody_else(threads: Threads) -> None:
    NAME.set("ada")
    assert await threads.run(NAME.get) == "ada"
    await threads.run(lambda: NAME.set("emil"))
    assert NAME.get() == "ada"
    assert await threads.run(NAME.get) == "ada"


async def test_one_after_another_needs_one_thread(threads: Threads) -> None:
    used = {await threads.run(threading.current_thread) for _ in range(20)}
    assert len(used) == 1


async def test_a_caller_who_may_not_leave_waits_for_the_end_though_cancelled(threads: Threads) -> None:
    gate, came = Gate(), []
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                came.append(await threads.run(gate))

            tasks.start_soon(call)
            await begun(gate)
            tasks.cancel_scope.cancel()
            gate.is_open.set()
    assert came == ["passed"]


async def test_a_caller_who_may_leave_does_so_at_once_and_the_thread_stays_busy(threads: Threads) -> None:
    gate = Gate()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: threads.run(gate, abandon=True))
            await begun(gate)
            tasks.cancel_scope.cancel()
        other = await threads.run(threading.current_thread)
        gate.is_open.set()
        again = {await threads.run(threading.current_thread) for _ in range(3)}
    assert other in again


@pytest.mark.parametrize("abandon", [True, False])
async def test_what_a_cancelled_caller_asks_for_is_never_begun(threads: Threads, abandon: bool) -> None:
    gate = Gate()
    gate.is_open.set()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await threads.run(gate, abandon=abandon)
    assert await threads.run(lambda: gate.times) == 0


async def test_what_no_thread_has_taken_up_is_never_begun_when_its_caller_leaves(threads: Threads) -> None:
    gate = Gate()
    gate.is_open.set()
    await threads.run(lambda: None)  # a thread waits for work
    switched_after_s = sys.getswitchinterval()
    sys.setswitchinterval(10)  # it gets no turn before the loop waits
    try:
        async with anyio.create_task_group() as tasks:

            async def leave() -> None:
                tasks.cancel_scope.cancel()

            tasks.start_soon(lambda: threads.run(gate, abandon=True))
            tasks.start_soon(leave)
    finally:
        sys.setswitchinterval(switched_after_s)
    assert await threads.run(lambda: gate.times) == 0


async def test_work_past_the_bound_waits_and_is_never_begun_if_its_caller_leaves(threads: Threads) -> None:
    first, second, third = Gate(), Gate(), Gate()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(threads.run, first)
            tasks.start_soon(threads.run, second)
            await begun(first)
            await begun(second)
            with anyio.move_on_after(0.05):
                await threads.run(third, abandon=True)
            first.is_open.set()
            second.is_open.set()
        await threads.run(lambda: None)
    assert third.times == 0


async def test_threads_that_nobody_has_needed_for_a_while_end(threads: Threads) -> None:
    before, gates = ours(), (Gate(), Gate())
    async with anyio.create_task_group() as tasks:
        for gate in gates:
            tasks.start_soon(threads.run, gate)
            await begun(gate)
            gate.is_open.set()
    started = ours() - before
    assert len(started) == 2
    threads.trim()
    await threads.run(lambda: None)
    threads.trim()
    await eventually(lambda: len(ours() & started) == 1)
    assert await threads.run(threading.current_thread) in started


async def test_closed_threads_end_a_busy_one_with_its_work_and_run_nothing_more(threads: Threads) -> None:
    before, gate = ours(), Gate()
    await threads.run(lambda: None)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: threads.run(gate, abandon=True))
            await begun(gate)
            tasks.cancel_scope.cancel()
    threads.close()
    assert len(ours() - before) == 1
    gate.is_open.set()
    await eventually(lambda: not ours() - before)
    with pytest.raises(RuntimeError):
        await threads.run(lambda: None)


def test_a_thread_whose_loop_is_gone_ends(threads: Threads) -> None:
    before, gate = ours(), Gate()

    async def leave() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: threads.run(gate, abandon=True))
            await begun(gate)
            tasks.cancel_scope.cancel()

    anyio.run(leave)
    [left] = ours() - before
    gate.is_open.set()
    left.join(20)
    assert not left.is_alive()
