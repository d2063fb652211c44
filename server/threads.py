"""Worker threads for what blocks: each waits for its next work, and the event loop hands it over at once.

`anyio.to_thread` does as much for everybody, at four times the cost, and every statement pays it. As there, work runs
in a copy of its caller's context; what was begun goes on when its caller is cancelled, and what was not never begins.
"""

import asyncio  # noqa: TID251 - a thread settles a future of the loop's; whatever anyio has for it costs several times it
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeAlias, TypeVar

import anyio

T = TypeVar("T")


class Work(NamedTuple):
    """What a thread is handed. `ended` is settled with what came of it, if anybody still waits."""

    run: Callable[[], Any]
    context: Context
    ended: "asyncio.Future[Any]"


Inbox: TypeAlias = "SimpleQueue[Work | None]"
"""What one thread does next; None ends it."""


class Threads:
    """The threads of one event loop, started as they are needed. At most `waited_for_max` are waited for at once.

    Only the loop keeps count: a thread is busy until the loop has heard that its work has ended.
    """

    def __init__(self, waited_for_max: int) -> None:
        self._room = anyio.Semaphore(waited_for_max, fast_acquire=True)
        self._all: set[Inbox] = set()
        self._idle: list[Inbox] = []
        self._unneeded = 0
        self._is_closed = False

    async def run(
        self, work: Callable[[], T], *, abandon: bool = False, meanwhile: Callable[[], Awaitable[object]] | None = None
    ) -> T:
        """What `work` returns or raises.

        A caller that is cancelled leaves what was begun to itself if it may `abandon` it, and else waits for it.
        `meanwhile` is awaited while the thread works; what it raises, the caller gets, as soon as `work` has ended.

        Raises:
            RuntimeError: the threads have been told to end.
        """
        async with self._room:
            ended = self._hand(work)
            if meanwhile is not None:
                await _before(ended, meanwhile)
            if not abandon:
                with anyio.CancelScope(shield=True):
                    return await ended
            return await ended

    def trim(self) -> None:
        """End as many threads as have been idle all the time since this was last called."""
        for inbox in self._idle[: self._unneeded]:
            self._all.remove(inbox)
            inbox.put(None)
        del self._idle[: self._unneeded]
        self._unneeded = len(self._idle)

    def close(self) -> None:
        """End every thread, a busy one when its work has ended. Nothing is run any more."""
        self._is_closed = True
        for inbox in self._all:
            inbox.put(None)
        self._all.clear()
        self._idle.clear()

    def _hand(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        inbox = self._idle.pop() if self._idle else self._start(loop)
        self._unneeded = min(self._unneeded, len(self._idle))
        ended: asyncio.Future[T] = loop.create_future()
        inbox.put(Work(work, copy_context(), ended))
        return ended

    def _start(self, loop: asyncio.AbstractEventLoop) -> Inbox:
        if self._is_closed:
            raise RuntimeError("the threads have been told to end")
        inbox: Inbox = SimpleQueue()

        def tell(ended: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
            loop.call_soon_threadsafe(self._settle, inbox, ended, value, error)

        Thread(target=_serve, args=(inbox, tell), name="snowgate worker").start()
        self._all.add(inbox)
        return inbox

    def _settle(self, inbox: Inbox, ended: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
        if inbox in self._all:
            self._idle.append(inbox)
        if ended.done():
            return
        if error is None:
            ended.set_result(value)
        else:
            ended.set_exception(error)


async def _before(ended: "asyncio.Future[Any]", first: Callable[[], Awaitable[object]]) -> None:
    try:
        await first()
    except BaseException:
        with anyio.CancelScope(shield=True):
            while not ended.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([ended])  # which leaves it as it is when it is cancelled from outside
        ended.exception()  # what comes out is what went wrong first
        raise


def _serve(inbox: Inbox, tell: Callable[["asyncio.Future[Any]", Any, BaseException | None], None]) -> None:
    """One thread's life. Nothing of what it has done is held while it waits."""
    while (work := inbox.get()) is not None:
        value: Any = None
        error: BaseException | None = None
        try:
            if not work.ended.cancelled():
                value = work.context.run(work.run)
        except StopIteration as raised:  # the one exception that no future takes
            error = RuntimeError("work in a thread raised StopIteration")
            error.__cause__ = raised
        except BaseException as raised:
            error = raised
        try:
            tell(work.ended, value, error)
        except RuntimeError:
            return  # the loop is closed
        del work, value, error
