"""Who begins when: with many at once, what is under way goes before those who have just arrived."""

import anyio
import httpx2
import pytest
from anyio.lowlevel import checkpoint
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from audit.journal import Journal
from policy.principal import Principal, Subject
from server import turns
from server.dpop import Possession, ProofStore
from server.gatekeeper import Challenge, Gatekeeper
from server.identity import UnsafeLocalPrincipal
from server.turns import Turns


async def in_order(door: Turns, arriving: int) -> list[str]:
    """What happens when so many arrive together, while one call has three steps to go."""
    happened: list[str] = []

    async def under_way() -> None:
        for number in range(3):
            happened.append(f"step {number}")
            await checkpoint()

    async def arrive(number: int) -> None:
        await door.take()
        happened.append(f"begin {number}")

    async with anyio.create_task_group() as tasks:
        for number in range(arriving):
            tasks.start_soon(arrive, number)
        tasks.start_soon(under_way)
    return happened


async def test_what_is_under_way_goes_before_those_who_arrive() -> None:
    happened = await in_order(Turns(), arriving=8)
    assert happened.index("step 2") < happened.index("begin 3")


async def test_those_who_arrive_begin_in_the_order_in_which_they_came() -> None:
    happened = await in_order(Turns(), arriving=8)
    assert [each for each in happened if each.startswith("begin")] == [f"begin {number}" for number in range(8)]


async def test_one_begins_for_each_turn_of_the_loop() -> None:
    door, turn, begun = Turns(), 0, []

    async def arrive() -> None:
        await door.take()
        begun.append(turn)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(arrive)
        while len(begun) < 8:
            turn += 1
            await checkpoint()
    assert begun == list(range(begun[0], begun[0] + 8))


async def test_nobody_waits_for_long_however_busy_the_loop_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_S_MAX", 0.0)
    door, begun = Turns(), []

    async def arrive(number: int) -> None:
        await door.take()
        begun.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(arrive, number)
        for _ in range(4):  # and not the nine or more that eight in a row take
            await checkpoint()
        assert sorted(begun) == list(range(8))


async def test_who_gives_up_while_waiting_keeps_nobody_else_waiting() -> None:
    door, begun = Turns(), []

    async def arrive(number: int) -> None:
        await door.take()
        begun.append(number)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(arrive, 0)
        async with anyio.create_task_group() as leaving:
            leaving.start_soon(arrive, 1)
            tasks.start_soon(arrive, 2)
            await checkpoint()
            leaving.cancel_scope.cancel()
        with anyio.fail_after(5):
            while 2 not in begun:
                await checkpoint()
    assert begun == [0, 2]


@pytest.mark.parametrize(("path", "status", "expected"), [("/mcp", 401, ["turn"]), ("/healthz", 200, ["inside"])])
async def test_who_has_to_be_proven_takes_a_turn_and_a_probe_never_waits(
    path: str, status: int, expected: list[str], journal: Journal, engine: AsyncEngine
) -> None:
    happened: list[str] = []

    class Noted(Turns):
        async def take(self) -> None:
            happened.append("turn")

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        happened.append("inside")
        await PlainTextResponse("ok")(scope, receive, send)

    door = Gatekeeper(
        app=inside,
        verifier=UnsafeLocalPrincipal(Principal(Subject("ada"), "claude", "iss")),
        journal=journal,
        possession=Possession("https://gate.example/mcp", ProofStore(engine)),
        challenge=Challenge("https://gate.example/metadata", {}),
        open_paths=frozenset({"/healthz"}),
        turns=Noted(),
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(door), base_url="https://gate.example") as http:
        assert (await http.get(path)).status_code == status
    assert happened == expected
