"""Sessions are kept for the same principal, role and policy alone, within limits, and ended at the first doubt."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

import anyio
import pytest
from joserfc import jwt

from server.pool import Kind, PoolLimits, SessionPool, open_pool
from server.refusals import Busy, Revoked, SnowflakeUnavailable
from tests.support.stub_snowflake import BROKER, GATE_KEY, StubSnowflake, failure
from tests.support.watching import eventually

ADA = Kind("iss", "ada", "READER", "WH", "p1")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def pool(stub: StubSnowflake, clock: Clock) -> AsyncGenerator[SessionPool]:
    limits = PoolLimits(ttl_s=100, idle_s=10, wait_s=0.3, per_principal_max=2, total_max=3)
    with anyio.fail_after(30):
        async with open_pool(stub.account, BROKER, limits) as opened:
            opened.clock = clock
            yield opened


async def test_a_warm_call_pays_no_login(pool: SessionPool, stub: StubSnowflake) -> None:
    for _ in range(5):
        pool.give_back(await pool.borrow(ADA))
    assert len(stub.logins) == 1


@pytest.mark.parametrize("other", [{"subject": "emil"}, {"role": "WRITER"}, {"policy": "p2"}, {"issuer": "iss2"}])
async def test_a_session_serves_nobody_else(pool: SessionPool, stub: StubSnowflake, other: dict[str, str]) -> None:
    first = await pool.borrow(ADA)
    pool.give_back(first)
    second = await pool.borrow(replace(ADA, **other))
    assert second.session is not first.session
    assert len(stub.logins) == 2
    pool.give_back(second)


async def test_each_login_has_a_token_for_one_user_and_one_role_and_a_minute(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    pool.give_back(await pool.borrow(ADA))
    claims = jwt.decode(stub.logins[0]["TOKEN"], GATE_KEY, algorithms=["RS256"]).claims
    assert (claims["sub"], claims["scp"], claims["aud"]) == ("ada", ["session:role:READER"], "https://snow")
    assert claims["exp"] - claims["iat"] == 60


async def test_an_idle_or_old_session_is_not_used_again(pool: SessionPool, stub: StubSnowflake, clock: Clock) -> None:
    pool.give_back(await pool.borrow(ADA))
    clock.now += 11
    kept = await pool.borrow(ADA)
    clock.now += 101
    pool.give_back(kept)
    pool.give_back(await pool.borrow(ADA))
    assert len(stub.logins) == 3


async def test_a_broken_session_is_not_used_again(pool: SessionPool, stub: StubSnowflake) -> None:
    broken = await pool.borrow(ADA)
    broken.session.is_usable = False
    pool.give_back(broken)
    fresh = await pool.borrow(ADA)
    assert fresh.session is not broken.session
    pool.give_back(fresh)


async def test_past_a_principals_limit_a_caller_waits_and_is_then_refused(pool: SessionPool) -> None:
    held = [await pool.borrow(ADA), await pool.borrow(ADA)]
    with pytest.raises(Busy):
        await pool.borrow(ADA)
    for one in held:
        pool.give_back(one)
    pool.give_back(await pool.borrow(ADA))


async def test_a_waiting_caller_gets_the_session_that_comes_back(pool: SessionPool) -> None:
    held = [await pool.borrow(ADA), await pool.borrow(ADA)]
    got: list[object] = []

    async def wait() -> None:
        pooled = await pool.borrow(ADA)
        got.append(pooled.session)
        pool.give_back(pooled)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        pool.give_back(held[0])
    assert got == [held[0].session]
    pool.give_back(held[1])


async def test_when_all_are_taken_an_idle_session_of_another_makes_way(pool: SessionPool, stub: StubSnowflake) -> None:
    kinds = [replace(ADA, subject=name) for name in ("a", "b", "c")]
    for kind in kinds:
        pool.give_back(await pool.borrow(kind))
    pool.give_back(await pool.borrow(replace(ADA, subject="d")))
    assert (len(stub.logins), pool.counts()["idle"]) == (4, 3)


async def test_a_refused_login_frees_its_place(pool: SessionPool, stub: StubSnowflake) -> None:
    stub.login_answer = failure(390144, "JWT token is invalid.", "28000")
    for _ in range(4):
        with pytest.raises(SnowflakeUnavailable):
            await pool.borrow(ADA)
    stub.login_answer = None
    pool.give_back(await pool.borrow(ADA))


async def test_a_closed_pool_leaves_no_session_behind(stub: StubSnowflake) -> None:
    async with open_pool(stub.account, BROKER, PoolLimits()) as pool:
        pooled = await pool.borrow(ADA)
        pool.give_back(pooled)
    assert not pooled.session.is_usable


async def test_revocation_ends_the_sessions_of_one_owner_and_of_nobody_else(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    emil = replace(ADA, subject="emil")
    for kind in (ADA, emil):
        pool.give_back(await pool.borrow(kind))
    assert await pool.revoke(owner=ADA.owner) == 1
    assert stub.ended == 1
    pool.give_back(await pool.borrow(emil))
    assert len(stub.logins) == 2
    pool.give_back(await pool.borrow(ADA))
    assert len(stub.logins) == 3


async def test_revocation_of_one_session_leaves_the_others(pool: SessionPool, stub: StubSnowflake) -> None:
    held = [await pool.borrow(ADA), await pool.borrow(ADA)]
    for one in held:
        pool.give_back(one)
    assert await pool.revoke(session_id=held[0].session.session_id) == 1
    assert [each.session.is_usable for each in held] == [False, True]


async def test_revocation_of_all_spares_the_session_that_reads_the_catalog(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    for kind in (ADA, replace(ADA, issuer="", subject="CATALOG")):
        pool.give_back(await pool.borrow(kind))
    assert await pool.revoke() == 1


async def test_a_session_that_is_opened_while_its_owner_is_revoked_reaches_nobody(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    stub.login_gate.clear()
    refused: list[str] = []

    async def ask() -> None:
        try:
            await pool.borrow(ADA)
        except Revoked as refusal:
            refused.append(refusal.code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await eventually(lambda: len(stub.logins) == 1)
        assert await pool.revoke(owner=ADA.owner) == 1
        stub.login_gate.set()
    assert refused == ["revoked"]
    await eventually(lambda: stub.ended == 1)


async def test_sessions_are_bounded_and_the_longest_idle_makes_way(stub: StubSnowflake, clock: Clock) -> None:
    async with open_pool(stub.account, BROKER, PoolLimits(total_max=2)) as pool:
        pool.clock = clock
        kinds = [replace(ADA, subject=name) for name in ("a", "b", "c")]
        for kind in kinds:
            clock.now += 1
            pool.give_back(await pool.borrow(kind))
        await eventually(lambda: stub.ended == 1)
        pool.give_back(await pool.borrow(kinds[1]))
        pool.give_back(await pool.borrow(kinds[2]))
        assert len(stub.logins) == 3


async def test_who_comes_in_turn_finds_a_warm_session_again_while_there_is_room(stub: StubSnowflake) -> None:
    async with open_pool(stub.account, BROKER, PoolLimits(total_max=100)) as pool:
        for _ in range(2):
            for number in range(100):
                pool.give_back(await pool.borrow(replace(ADA, subject=f"p{number}")))
        assert pool.logins == 100


async def test_sixty_four_principals_hold_sixty_four_sessions_and_each_gets_its_own_again(
    stub: StubSnowflake,
) -> None:
    kinds = [replace(ADA, subject=f"p{n}") for n in range(64)]
    got: dict[str, set[int]] = {kind.subject: set() for kind in kinds}
    async with open_pool(stub.account, BROKER, PoolLimits(wait_s=60)) as pool:

        async def work(kind: Kind) -> None:
            for _ in range(3):
                pooled = await pool.borrow(kind)
                got[kind.subject].add(pooled.session.session_id)
                await anyio.lowlevel.checkpoint()
                pool.give_back(pooled)

        async with anyio.create_task_group() as tasks:
            for kind in kinds:
                tasks.start_soon(work, kind)
        assert pool.logins == len(stub.logins) == 64
    assert all(len(ids) == 1 for ids in got.values())
    assert len(set.union(*got.values())) == 64
    assert stub.ended == 64
