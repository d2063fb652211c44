"""Shares out connections among sibling processes: a new one goes to the process that has the fewest open.

An agent may keep its connection for long, so where it goes decides for long which processor answers it. The kernel's
own way, a hash of addresses (SO_REUSEPORT, socket(7)), often gives one of two processes twice what the other gets. Here
all wait at one listener, and whoever has more open than another leaves it the next.
"""

import asyncio  # noqa: TID251 - a connection is a protocol of asyncio's to uvicorn
import logging
import mmap
import os
import select
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import anyio

from server.config import SettingsError
from server.http11 import BoundedHttp
from server.seat import Seat

BACKLOG = 2048
TURNS = 20
"""For how many turns of the loop, a fraction of a millisecond, a sibling that has nothing else to do is left it."""
LOOK_S = 0.002
"""How often it is asked after that whether a sibling took what it was left."""
LOOKS_MAX = TURNS + 125
"""How often in all: in these 250 ms a process that is merely busy comes round to it."""
EXHAUSTED_S = 1.0
"""How long nothing is taken after there was no room for one more."""
ABSENT = 2**64 - 1
"""What a sibling has open that wants none: more than anyone."""
CELL_BYTES = 8

log = logging.getLogger(__name__)


def shared_listener(host: str, port: int) -> socket.socket:
    """A socket at `host` and `port` for all siblings to inherit; nothing can connect before the first of them listens.

    Raises:
        SettingsError: nothing can listen there.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with ExitStack() as unless_bound:
            listener = unless_bound.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            unless_bound.pop_all()
    except OSError:
        raise SettingsError.cannot_listen(host, port) from None
    listener.setblocking(False)
    return listener


class Board:
    """How many connections each sibling has open, in memory that all of them see; each writes its own cell alone."""

    def __init__(self, descriptor: int) -> None:
        """Raises OSError and ValueError: `descriptor` is none of a board."""
        self.descriptor = descriptor
        self._cells = memoryview(mmap.mmap(descriptor, 0)).cast("Q")

    @classmethod
    def make(cls, count: int) -> "Board":
        """A new one for `count` siblings, all of them absent. It has no name, so that nothing can take it away."""
        with tempfile.TemporaryFile() as file:
            file.write(b"\xff" * CELL_BYTES * count)
            file.flush()
            return cls(os.dup(file.fileno()))

    def tell(self, number: int, opened: int) -> None:
        """Sibling `number` has so many open, or is `ABSENT`."""
        self._cells[number] = opened

    def told(self) -> Mapping[int, int]:
        """What each has open."""
        return dict(enumerate(self._cells))


class Counted(asyncio.Protocol):
    """A connection that was counted when it was taken, and is not any more when it is closed."""

    def __init__(self, sharing: "Sharing", **options: Any) -> None:
        super().__init__(**options)
        self._sharing = sharing

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._sharing.count(-1)
        super().connection_lost(exc)


class SharedHttp(Counted, BoundedHttp):
    """HTTP on such a connection."""


class Sharing:
    """The part of one of the siblings: takes what comes to their listener, and leaves to others what is theirs.

    One that is not ready to answer wants nothing as long as another takes it.
    """

    def __init__(self, seat: Seat, is_ready: Callable[[], bool] = lambda: True) -> None:
        """Raises OSError and ValueError: what the supervisor of this seat made is not there."""
        self._listener = socket.socket(fileno=seat.listener)
        self._listener.set_inheritable(False)
        os.set_inheritable(seat.board, False)
        self._waiting = select.poll()
        self._waiting.register(self._listener, select.POLLIN)
        self._board = Board(seat.board)
        self._number = seat.number
        self._is_ready = is_ready
        self._is_taking = False
        self.opened = 0
        self._in_vain: Mapping[int, int] = {}

    def count(self, more: int) -> None:
        """So many more are open."""
        self.opened += more
        self._tell()

    def listen(self) -> None:
        """From now on others can connect.

        Raises:
            SettingsError: another program listens there.
        """
        try:
            self._listener.listen(BACKLOG)
        except OSError:
            raise SettingsError.cannot_listen(*self._listener.getsockname()[:2]) from None

    def close(self) -> None:
        """Nothing is taken here any more."""
        self._listener.close()

    async def take(self, protocol: Callable[[], Counted]) -> None:
        """Take connections until cancelled, a new `protocol` for each."""
        self._is_taking = True
        self._tell()
        try:
            async with anyio.create_task_group() as tasks:
                while True:
                    await anyio.wait_readable(self._listener)
                    self._tell()
                    await self._leave_to_calmer()
                    while (connection := await self._accepted()) is not None:
                        self.count(1)
                        tasks.start_soon(self._begin, protocol, connection)
                        if self._calmer():
                            break
        finally:
            self._is_taking = False
            self._tell()

    async def _begin(self, protocol: Callable[[], Counted], connection: socket.socket) -> None:
        """One connection's failure is its own; it fails before it begins, or else it is closed as any other."""
        try:
            with anyio.CancelScope(shield=True):  # so that it is closed with the others, and told why
                await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
        except Exception as failure:
            log.warning("a connection could not begin: %s", type(failure).__name__)
            connection.close()
            self.count(-1)

    def _tell(self) -> None:
        self._board.tell(self._number, self._own())

    def _own(self) -> int:
        return self.opened if self._is_taking and self._is_ready() else ABSENT

    async def _leave_to_calmer(self) -> None:
        """Wait while a sibling may take what is there.

        One that was waited for in vain is not waited for again before it has told something.
        """
        for look in range(LOOKS_MAX):
            if not self._calmer() or not self._waiting.poll(0):
                return
            await anyio.sleep(0 if look < TURNS else LOOK_S)
        self._in_vain = {**self._in_vain, **self._calmer()}

    def _calmer(self) -> Mapping[int, int]:
        told, own = self._board.told(), self._own()
        self._in_vain = {number: opened for number, opened in self._in_vain.items() if told[number] == opened}
        return {number: opened for number, opened in told.items() if opened < own and number not in self._in_vain}

    async def _accepted(self) -> socket.socket | None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):  # it was a sibling's, or is gone
            return None
        except OSError as exhausted:
            log.error("no connection can be taken: %s", exhausted.strerror)
            self._is_taking = False
            self._tell()
            await anyio.sleep(EXHAUSTED_S)
            self._is_taking = True
            return None
        connection.setblocking(False)
        return connection
