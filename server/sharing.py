"""Shares out connections among sibling processes: a new one goes to the process that has the fewest open.

An agent keeps its connection for hours, so where it goes decides for hours which processor answers it. The kernel's own
way, a hash of addresses (SO_REUSEPORT, socket(7)), often gives one of two processes twice what the other gets. Here all
wait at one listener, and whoever has more open than another leaves it the next.
"""

import asyncio  # noqa: TID251 - a connection is a protocol of asyncio's to uvicorn
import logging
import mmap
import select
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio

from server.config import SettingsError
from server.http11 import BoundedHttp
from server.seat import Seat

BACKLOG = 2048
LOOK_S = 0.002
"""How often it is asked whether a calmer sibling took what it was left."""
LOOKS_MAX = 125
"""How often at most: in these 250 ms a process that is merely busy comes round to it."""
EXHAUSTED_S = 1.0
"""How long nothing is taken after there was no room for one more."""
ABSENT = 2**64 - 1
"""What a sibling has open who takes none: more than anyone."""
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

    def __init__(self, path: Path) -> None:
        """Raises OSError: nobody made one at `path`."""
        with path.open("r+b") as file:
            self._cells = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")

    @classmethod
    def make(cls, path: Path, count: int) -> "Board":
        """A new one at `path` for `count` siblings, all of them absent."""
        path.write_bytes(b"\xff" * CELL_BYTES * count)
        return cls(path)

    def tell(self, number: int, opened: int) -> None:
        """Sibling `number` has so many open, or is `ABSENT`."""
        self._cells[number] = opened

    def told(self) -> Mapping[int, int]:
        """What each has open."""
        return dict(enumerate(self._cells))


class SharedHttp(BoundedHttp):
    """A connection whose siblings' processes know that it is open."""

    def __init__(self, sharing: "Sharing", **options: Any) -> None:
        super().__init__(**options)
        self._sharing = sharing

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It is open."""
        self._sharing.count(1)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._sharing.count(-1)
        super().connection_lost(exc)


class Sharing:
    """The part of one of the siblings: takes what comes to their listener, and leaves to others what is theirs."""

    def __init__(self, seat: Seat) -> None:
        """Raises OSError: what the supervisor of this seat made is not there."""
        self.opened = 0
        self._listener = socket.socket(fileno=seat.listener)
        self._listener.set_inheritable(False)
        self._waiting = select.poll()
        self._waiting.register(self._listener, select.POLLIN)
        self._board = Board(seat.board)
        self._number = seat.number
        self._is_taking = False
        self._in_vain: Mapping[int, int] = {}

    def count(self, more: int) -> None:
        """So many more are open."""
        self.opened += more
        self._board.tell(self._number, self.opened if self._is_taking else ABSENT)

    async def take(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Take connections until cancelled, a new `protocol` for each."""
        loop = asyncio.get_running_loop()
        self._listener.listen(BACKLOG)
        self._is_taking = True
        self.count(0)
        try:
            while True:
                await anyio.wait_readable(self._listener)
                await self._leave_to_calmer()
                if (connection := await self._accepted()) is not None:
                    with anyio.CancelScope(shield=True):  # so that it is closed with the others, and told why
                        await loop.connect_accepted_socket(protocol, connection)
        finally:
            self._is_taking = False
            self.count(0)
            self._listener.close()

    async def _leave_to_calmer(self) -> None:
        """Wait while a sibling may take what is there.

        One that was waited for in vain is not waited for again before it has told something.
        """
        for _ in range(LOOKS_MAX):
            if not self._calmer() or not self._waiting.poll(0):
                return
            await anyio.sleep(LOOK_S)
        self._in_vain = {**self._in_vain, **self._calmer()}

    def _calmer(self) -> Mapping[int, int]:
        return {
            number: opened
            for number, opened in self._board.told().items()
            if opened < self.opened and self._in_vain.get(number) != opened
        }

    async def _accepted(self) -> socket.socket | None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):  # it was a sibling's, or is gone
            return None
        except OSError as exhausted:
            log.error("no connection can be taken: %s", exhausted.strerror)
            await anyio.sleep(EXHAUSTED_S)
            return None
        connection.setblocking(False)
        return connection
