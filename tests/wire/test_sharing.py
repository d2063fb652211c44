"""Several processes take connections at one address, each as many as its siblings."""

import os
import resource
import signal
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream
from hypothesis import given, settings
from hypothesis import strategies as st

from server import sharing
from server.config import SettingsError
from server.sandbox.children import listens
from server.seat import Seat
from server.sharing import ABSENT, Board, Counted, Sharing, shared_listener
from tests.support.clients import Gate, answer
from tests.support.watching import eventually
from tests.wire.test_lifetime import raw_call
from tests.wire.test_workers import ASK, Crew, crew

HOST = "127.0.0.1"
HERE = Path("/nowhere")
LOOKS_MAX = 50
ESTABLISHED = "01"
"""As /proc/net/tcp has it."""


@dataclass
class Sibling:
    sharing: Sharing
    taking: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    is_broken: bool = False
    is_ready: bool = True

    @classmethod
    def at(cls, seat: Seat) -> "Sibling":
        own = cls(Sharing(seat, lambda: own.is_ready))
        return own

    async def take(self) -> None:
        self.sharing.listen()
        try:
            with self.taking:
                await self.sharing.take(self.door)
        finally:
            self.sharing.close()

    def door(self) -> Counted:
        if self.is_broken:
            raise MemoryError
        return Counted(self.sharing)


@dataclass
class Siblings:
    port: int
    board: Board
    all: list[Sibling]
    clients: list[SocketStream] = field(default_factory=list)

    async def connect(self) -> None:
        """One more, which somebody has taken when it returns."""
        self.clients.append(await anyio.connect_tcp(HOST, self.port))
        await self.settled()

    async def close(self, number: int) -> None:
        """One fewer, and everybody knows it."""
        await self.clients.pop(number).aclose()
        await self.settled()

    async def settled(self) -> None:
        """All that is connected is taken, and nothing else is open."""
        await eventually(lambda: sum(self.opened) == len(self.clients))

    @property
    def opened(self) -> list[int]:
        return [sibling.sharing.opened for sibling in self.all]


@asynccontextmanager
async def siblings(count: int, *, of_which_take: int | None = None) -> AsyncGenerator[Siblings]:
    """So many at one listener, of which the last ones only say that they would take something."""
    taking = count if of_which_take is None else of_which_take
    board = Board.make(count)
    with shared_listener(HOST, 0) as listener:
        all_ = [
            Sibling.at(Seat(number, count, os.dup(listener.fileno()), board.descriptor, HERE))
            for number in range(taking)
        ]
        these = Siblings(listener.getsockname()[1], board, all_)
        async with anyio.create_task_group() as tasks:
            for sibling in these.all:
                tasks.start_soon(sibling.take)
            await eventually(lambda: list(board.told().values())[:taking] == [0] * taking)
            for number in range(taking, count):
                board.tell(number, 0)
            try:
                yield these
            finally:
                for client in these.clients:
                    await client.aclose()
                these.clients.clear()
                await these.settled()
                tasks.cancel_scope.cancel()
        os.close(board.descriptor)


@settings(max_examples=20)
@given(count=st.integers(1, 4), steps=st.lists(st.integers(0, 5), max_size=40))
def test_what_opens_goes_to_whoever_has_fewest(count: int, steps: list[int]) -> None:
    async def lived() -> None:
        async with siblings(count) as these:
            for step in steps:
                if step < 4 or not these.clients:
                    fewest = min(these.opened)
                    before = these.opened
                    await these.connect()
                    assert [was for was, now in zip(before, these.opened, strict=True) if now > was] == [fewest]
                else:
                    await these.close(step % len(these.clients))

    anyio.run(lived)


async def test_many_that_connect_at_once_are_spread_evenly() -> None:
    async with siblings(4) as these:

        async def connect() -> None:
            these.clients.append(await anyio.connect_tcp(HOST, these.port))

        async with anyio.create_task_group() as tasks:
            for _ in range(64):
                tasks.start_soon(connect)
        await these.settled()
        assert these.opened == [16] * 4


async def test_whoever_has_left_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "LOOKS_MAX", 10**9)  # whoever waits does so for good
    async with siblings(3, of_which_take=1) as these:
        these.board.tell(1, ABSENT)
        these.board.tell(2, ABSENT)
        for _ in range(4):
            await these.connect()


async def test_one_that_stops_is_left_nothing_and_keeps_what_it_has() -> None:
    async with siblings(2) as these:
        for _ in range(6):
            await these.connect()
        these.all[0].taking.cancel()
        await eventually(lambda: these.board.told()[0] == ABSENT)
        for _ in range(3):
            await these.connect()
        assert these.opened == [3, 6]
        while these.clients:
            await these.close(0)
        assert these.board.told() == {0: ABSENT, 1: 0}  # it says nothing more of itself


async def test_one_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    told = Board.told

    def counted(board: Board) -> Mapping[int, int]:
        nonlocal asked
        asked += 1
        return told(board)

    async def asked_for(connections: int) -> int:
        before = asked
        for _ in range(connections):
            await these.connect()
        return asked - before

    monkeypatch.setattr(sharing, "LOOKS_MAX", LOOKS_MAX)
    monkeypatch.setattr(Board, "told", counted)
    async with siblings(3, of_which_take=1) as these:
        await these.connect()
        assert await asked_for(1) > LOOKS_MAX
        assert await asked_for(10) < LOOKS_MAX
        for opened in (2, 0):  # it lives, and hangs again
            these.board.tell(2, opened)
            assert await asked_for(1) > LOOKS_MAX
            assert await asked_for(10) < LOOKS_MAX


async def test_one_that_is_not_ready_takes_what_nobody_else_does() -> None:
    async with siblings(2) as these:
        these.all[0].is_ready = False
        for _ in range(4):
            await these.connect()
        assert these.opened == [0, 4]
        these.all[1].is_ready = False
        for _ in range(4):
            await these.connect()
        these.all[0].is_ready = True
        for _ in range(4):
            await these.connect()
        assert these.opened[0] >= 4


async def test_a_connection_that_cannot_begin_is_closed_and_takes_nothing_with_it() -> None:
    async with siblings(1) as these:
        await these.connect()
        these.all[0].is_broken = True
        async with await anyio.connect_tcp(HOST, these.port) as refused:
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await refused.receive()
        these.all[0].is_broken = False
        await these.connect()
        assert these.board.told() == {0: 2}


async def test_nothing_connects_before_somebody_takes() -> None:
    with shared_listener(HOST, 0) as listener, pytest.raises(OSError, match="connect"):
        await anyio.connect_tcp(HOST, listener.getsockname()[1])


async def test_an_address_that_is_taken_is_said() -> None:
    with shared_listener(HOST, 0) as listener:
        listener.listen()
        with pytest.raises(SettingsError):
            shared_listener(HOST, listener.getsockname()[1])


async def test_of_two_that_were_bound_at_once_the_second_to_listen_says_that_it_cannot() -> None:
    board = Board.make(1)
    with shared_listener(HOST, 0) as first, shared_listener(HOST, first.getsockname()[1]) as second:
        seats = [Seat(0, 1, os.dup(each.fileno()), board.descriptor, HERE) for each in (first, second)]
        gates = [Sharing(seat) for seat in seats]
        gates[0].listen()
        with pytest.raises(SettingsError):
            gates[1].listen()
        for gate in gates:
            gate.close()
    os.close(board.descriptor)


@asynccontextmanager
async def without_room(
    client: socket.socket, these: Siblings, caplog: pytest.LogCaptureFixture
) -> AsyncGenerator[None]:
    """While inside, there is no descriptor for `client`, which has connected, and that was said."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    client.setblocking(False)
    resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, before[1]))  # the lowest that was free
    try:
        client.connect_ex((HOST, these.port))
        await eventually(lambda: any(each.name == sharing.log.name for each in caplog.records))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_without_room_for_one_more_it_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sharing, "EXHAUSTED_S", 0.01)
    async with siblings(1) as these:
        await these.connect()
        with socket.socket() as client:
            async with without_room(client, these, caplog):
                assert (these.opened, these.board.told()) == ([1], {0: ABSENT})
            await eventually(lambda: these.opened == [2])
        await these.settled()


async def test_without_room_it_is_not_waited_for_whatever_it_closes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sharing, "EXHAUSTED_S", 60.0)
    async with siblings(1) as these:
        await these.connect()
        with socket.socket() as client:
            async with without_room(client, these, caplog):
                pass
        await these.close(0)
        assert these.board.told() == {0: ABSENT}


def connected(pid: int, port: int) -> int:
    """How many connections to `port` the process has."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED}
    return sum(each.readlink().name in sockets for each in Path(f"/proc/{pid}/fd").iterdir())


def board_of(worker: int) -> Board:
    seat = Seat.parse(Path(f"/proc/{worker}/cmdline").read_bytes().split(b"\0")[-2].decode())
    return Board(os.open(f"/proc/{worker}/fd/{seat.board}", os.O_RDWR))


@asynccontextmanager
async def two_workers(gate: Gate) -> AsyncGenerator[tuple[Crew, list[int], Board]]:
    """A gate of two workers, both of which take connections."""
    async with crew(gate, SNOWGATE_SHUTDOWN_GRACE_S="30") as several:
        await eventually(lambda: len(several.workers()) == 2)
        workers = several.workers()
        board = board_of(workers[0])
        port = several.gate.sandbox.state.ports.gate
        await eventually(lambda: listens(port) and ABSENT not in board.told().values(), within_s=30)
        yield several, workers, board


async def test_workers_have_as_many_connections_as_each_other_and_one_that_hangs_keeps_nobody_waiting(
    gate: Gate,
) -> None:
    async with two_workers(gate) as (several, workers, board):
        port = several.gate.sandbox.state.ports.gate
        async with AsyncExitStack() as clients:
            for _ in range(8):
                await clients.enter_async_context(await anyio.connect_tcp(HOST, port))
            await eventually(lambda: [connected(pid, port) for pid in workers] == [4, 4])
        await eventually(lambda: board.told() == {0: 0, 1: 0})
        os.kill(workers[1], signal.SIGSTOP)
        for _ in range(4):
            async with several.gate.client() as client:
                assert answer(await client.call_tool("run_query", ASK))["rows"] == [[5]]
        os.kill(workers[1], signal.SIGKILL)
        await eventually(lambda: board.told()[1] == ABSENT)  # before another is up in its place


async def test_nothing_connects_while_workers_only_finish_what_they_have(gate: Gate) -> None:
    await gate.sandbox.lookalike.delay_next("lingers", 60)
    sql = "SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> 'lingers'"
    with anyio.fail_after(60):
        async with two_workers(gate) as (several, _, _):
            port = several.gate.sandbox.state.ports.gate
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(raw_call, several.gate, port, sql, [])
                await eventually(lambda: bool(gate.ran("lingers")))
                several.supervisor.send_signal(signal.SIGTERM)
                await eventually(lambda: not listens(port))  # a third of the time that the call has to finish
                several.supervisor.kill()
                await several.supervisor.wait()
