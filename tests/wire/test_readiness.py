"""Health and readiness tell the truth: to whoever asks, without a token, at no cost."""

import signal
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import anyio
import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from policy.principal import Principal, Subject
from server.clocks import Clock
from server.engine_room import EngineRoom
from server.identity import UnsafeLocalPrincipal
from server.readiness import Readiness, readiness_of
from server.refusals import CatalogUnavailable
from tests.support.clients import Gate
from tests.support.gates import serving
from tests.support.watching import eventually


async def ask(port: int, path: str, **headers: str) -> tuple[int, str]:
    async with httpx2.AsyncClient(timeout=10) as http:
        response = await http.get(f"http://127.0.0.1:{port}{path}", headers=headers)
    return response.status_code, response.text


async def test_a_gate_that_can_answer_says_so_to_whoever_asks_under_any_name(gate: Gate) -> None:
    port = gate.sandbox.state.ports.gate

    async def is_ready() -> bool:
        return await ask(port, "/readyz", Host="10.1.2.3:8765") == (200, "ready")

    await eventually(is_ready)
    assert await ask(port, "/healthz", Host="10.1.2.3:8765") == (200, "ok")


async def test_a_gate_whose_issuer_is_gone_lives_and_is_not_ready(gate: Gate, free_tcp_port: int) -> None:
    with anyio.fail_after(90):
        async with serving(gate.sandbox, port=free_tcp_port, SNOWGATE_ISSUER="http://127.0.0.1:9"):
            assert await ask(free_tcp_port, "/healthz") == (200, "ok")

            async def says_what() -> bool:
                return await ask(free_tcp_port, "/readyz") == (503, "not ready: keys")

            await eventually(says_what, within_s=30)


async def test_a_stop_ends_readiness_before_it_ends_service(gate: Gate, free_tcp_port: int) -> None:
    with anyio.fail_after(90):
        async with serving(gate.sandbox, port=free_tcp_port, SNOWGATE_DRAIN_S="60") as process:

            async def is_ready() -> bool:
                return (await ask(free_tcp_port, "/readyz"))[0] == 200

            await eventually(is_ready, within_s=30)
            process.send_signal(signal.SIGTERM)

            async def is_draining() -> bool:
                return await ask(free_tcp_port, "/readyz") == (503, "not ready: draining")

            await eventually(is_draining)
            assert await ask(free_tcp_port, "/healthz") == (200, "ok")
            assert (await ask(free_tcp_port, "/mcp"))[0] == 401  # still served
            process.send_signal(signal.SIGTERM)  # who does not want to wait says so twice
            assert await process.wait() == 0


@dataclass
class PlayedRooms(EngineRoom):
    is_fresh: bool = True

    def __init__(self) -> None:
        self.is_fresh = True

    def judge(self) -> None:  # type: ignore[override]
        if not self.is_fresh:
            raise CatalogUnavailable("old")


@pytest.fixture
async def engine(database_url: str) -> AsyncGenerator[AsyncEngine]:
    made = create_async_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    yield made
    await made.dispose()


async def looked(database: AsyncEngine, rooms: EngineRoom) -> Readiness:
    local = UnsafeLocalPrincipal(Principal(Subject("ada"), "agent", "local", groups=frozenset()))
    readiness = readiness_of(database, rooms, local, Clock(database, None, 30.0))  # type: ignore[arg-type]
    for name in readiness.checks:
        await readiness.look(name)
    return readiness


async def test_what_was_never_found_is_missing(engine: AsyncEngine) -> None:
    local = UnsafeLocalPrincipal(Principal(Subject("ada"), "agent", "local", groups=frozenset()))
    clock = Clock(engine, None, 30.0)  # type: ignore[arg-type]
    assert readiness_of(engine, PlayedRooms(), local, clock).missing() == ["journal", "clock", "catalog"]


async def test_a_database_that_takes_no_entries_is_a_missing_journal(engine: AsyncEngine) -> None:
    rooms = PlayedRooms()
    assert (await looked(engine, rooms)).missing() == []
    read_only = create_async_engine(engine.url, connect_args={"options": "-c default_transaction_read_only=on"})
    assert (await looked(read_only, rooms)).missing() == ["journal"]
    await read_only.dispose()
    nowhere = create_async_engine(engine.url.set(host="127.0.0.1", port=9, query={}))
    assert (await looked(nowhere, rooms)).missing() == ["journal", "clock"]


async def test_a_catalog_that_grew_too_old_is_missing_until_it_is_fresh_again(engine: AsyncEngine) -> None:
    rooms = PlayedRooms()
    readiness = await looked(engine, rooms)
    rooms.is_fresh = False
    await readiness.look("catalog")
    assert readiness.missing() == ["catalog"]
    rooms.is_fresh = True
    await readiness.look("catalog")
    assert readiness.missing() == []


async def test_who_drains_is_not_ready_whatever_is_there(engine: AsyncEngine) -> None:
    readiness = await looked(engine, PlayedRooms())
    readiness.drain()
    assert readiness.missing() == ["draining"]
