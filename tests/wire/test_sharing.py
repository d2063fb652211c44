"""Several processes take connections at one address, each as many as its siblings."""

import asyncio  # noqa: TID251 - a connection is a protocol of asyncio's
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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server import sharing
from server.config import SettingsError
from server.sandbox.children import listens
from server.seat import Seat
from server.sharing import ABSENT, Board, Sharing, shared_listener
from tests.support.clients import Gate, answer
from tests.support.watching import eventually
from tests.wire.test_lifetime import raw_call
from tests.wire.test_workers import ASK, Crew, crew

HOST = "127.0.0.1"
LOOKS_MAX = 50
ESTABLISHED = "01"
"""As /proc/net/tcp has it."""


class Door(asyncio.Protocol):
    """A connection that a sibling has taken."""

    def __init__(self, own: Sharing) -> None:
        self._own = own

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._own.count(1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._own.count(-1)


@dataclass
class Sibling:
    sharing: Sharing
    taking: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    async def take(self) -> None:
        with self.taking:
            await self.sharing.take(lambda: Door(self.sharing))


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
async def siblings(directory: Path, count: int, *, of_which_take: int | None = None) -> AsyncGenerator[Siblings]:
    """So many at one listener, of which the last ones only say that they would take something."""
    taking = count if of_which_take is None else of_which_take
    with shared_listener(HOST, 0) as listener:
        seats = [Seat(number, count, listener.fileno(), directory) for number in range(count)]
        board = Board.make(seats[0].board, count)
        all_ = [Sibling(Sharing(Seat(each.number, count, os.dup(each.listener), directory))) for each in seats[:taking]]
        these = Siblings(listener.getsockname()[1], board, all_)
        async with anyio.create_task_group() as tasks:
            for sibling in all_:
                tasks.start_soon(sibling.take)
            await eventually(lambda: list(board.told().values())[:taking] == [0] * taking)
            for number in range(taking, count):
                board.tell(number, 0)
            yield these
            for client in these.clients:
                await client.aclose()
            these.clients.clear()
            await these.settled()
            tasks.cancel_scope.cancel()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 4), steps=st.lists(st.integers(0, 5), max_size=40))
def test_what_opens_goes_to_whoever_has_fewest(tmp_path: Path, count: int, steps: list[int]) -> None:
    async def lived() -> None:
        async with siblings(tmp_path, count) as these:
            for step in steps:
                if step < 4 or not these.clients:
                    fewest = min(these.opened)
                    before = these.opened
                    await these.connect()
                    assert [was for was, now in zip(before, these.opened, strict=True) if now > was] == [fewest]
                else:
                    await these.close(step % len(these.clients))

    anyio.run(lived)


async def test_many_that_connect_at_once_are_spread_evenly(tmp_path: Path) -> None:
    async with siblings(tmp_path, 4) as these:

        async def connect() -> None:
            these.clients.append(await anyio.connect_tcp(HOST, these.port))

        async with anyio.create_task_group() as tasks:
            for _ in range(64):
                tasks.start_soon(connect)
        await these.settled()
        assert these.opened == [16] * 4


async def test_whoever_has_left_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "LOOKS_MAX", 10**9)  # whoever waits does so for good
    async with siblings(tmp_path, 3, of_which_take=1) as these:
        these.board.tell(1, ABSENT)
        these.board.tell(2, ABSENT)
        for _ in range(4):
            await these.connect()


async def test_one_that_stops_is_left_nothing_and_keeps_what_it_has(tmp_path: Path) -> None:
    async with siblings(tmp_path, 2) as these:
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


async def test_one_that_hangs_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    async with siblings(tmp_path, 3, of_which_take=1) as these:
        await these.connect()
        assert await asked_for(1) > LOOKS_MAX
        assert await asked_for(10) < LOOKS_MAX
        these.board.tell(2, 2)  # it lives
        assert await asked_for(1) > LOOKS_MAX


async def test_nothing_connects_before_somebody_takes() -> None:
    with shared_listener(HOST, 0) as listener, pytest.raises(OSError, match="connect"):
        await anyio.connect_tcp(HOST, listener.getsockname()[1])


async def test_an_address_that_is_taken_is_said() -> None:
    with shared_listener(HOST, 0) as listener:
        listener.listen()
        with pytest.raises(SettingsError):
            shared_listener(HOST, listener.getsockname()[1])


async def test_without_room_for_one_more_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sharing, "EXHAUSTED_S", 0.01)
    async with siblings(tmp_path, 1) as these:
        await these.connect()
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as client:  # its descriptor is the lowest that was free
            client.setblocking(False)
            resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, before[1]))
            try:
                client.connect_ex((HOST, these.port))
                await eventually(lambda: any(each.name == sharing.log.name for each in caplog.records))
                assert these.opened == [1]
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            await eventually(lambda: these.opened == [2])
        await these.settled()


def connected(pid: int, port: int) -> int:
    """How many connections to `port` the process has."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED}
    return sum(each.readlink().name in sockets for each in Path(f"/proc/{pid}/fd").iterdir())


def seat_of(worker: int) -> Seat:
    return Seat.parse(Path(f"/proc/{worker}/cmdline").read_bytes().split(b"\0")[-2].decode())


@asynccontextmanager
async def two_workers(gate: Gate) -> AsyncGenerator[tuple[Crew, list[int], Board]]:
    """A gate of two workers, both of which take connections."""
    async with crew(gate, SNOWGATE_SHUTDOWN_GRACE_S="30") as several:
        await eventually(lambda: len(several.workers()) == 2)
        workers = several.workers()
        board = Board(seat_of(workers[0]).board)
        await eventually(lambda: ABSENT not in board.told().values(), within_s=30)
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
