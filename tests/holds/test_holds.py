"""A hold is opened once for one effect, decided by people, and run at most once, whoever races for it."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import anyio
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from policy.approving import Verdict
from policy.principal import Principal, Subject
from server.database import open_engine
from server.hold_record import Claim, Requester, State
from server.hold_refusals import AlreadyDecided, HoldNotFound
from server.hold_tables import hold_table, vote_table
from server.holds import HOLDS_LISTED_MAX, HoldStore
from server.refusals import HoldSpent, HoldsUnavailable
from tests.holds.stores import ONE, OTHER, entry, opened, said, store

BY_TWO = entry(("owners", 2))


@pytest.fixture
async def engine(database_url: str) -> AsyncGenerator[AsyncEngine]:
    async with open_engine(database_url, connections_max=10) as opened_engine:
        yield opened_engine


@pytest.fixture
def holds(engine: AsyncEngine) -> HoldStore:
    return store(engine)


async def at_once(work: Callable[[int], Awaitable[object]], times: int = 10) -> tuple[list[object], list[Exception]]:
    """What came of doing `work` many times at once: results and refusals."""
    results: list[object] = []
    refusals: list[Exception] = []

    async def one(n: int) -> None:
        try:
            results.append(await work(n))
        except (HoldSpent, AlreadyDecided) as refusal:
            refusals.append(refusal)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for n in range(times):
                tasks.start_soon(one, n)
    return results, refusals


async def make_time_pass(engine: AsyncEngine, what: str) -> None:
    """Let what `what` sets lie in the past, as if the time had gone by."""
    async with engine.begin() as connection:
        await connection.execute(text(f"update gate.hold set {what}"))


async def test_the_same_effect_meets_the_same_open_hold(holds: HoldStore) -> None:
    first, again, other = await opened(holds), await opened(holds), await opened(holds, OTHER)
    assert first == again
    assert other.id != first.id
    assert other.bound != first.bound


async def test_two_who_open_at_once_meet_the_same_hold(holds: HoldStore) -> None:
    found, _ = await at_once(lambda _: opened(holds), 8)
    assert len({hold.id for hold in found}) == 1  # type: ignore[attr-defined]


async def test_a_confirmed_hold_is_claimed_exactly_once_by_ten_who_race(holds: HoldStore) -> None:
    hold = await opened(holds)
    won, lost = await at_once(lambda _: holds.claim(hold, confirmed=True, within_s=60))
    assert (len(won), len(lost)) == (1, 9)


async def test_an_approved_hold_is_claimed_exactly_once_by_ten_who_race(holds: HoldStore) -> None:
    hold = await opened(holds, by=entry(("owners", 1)))
    await holds.vote(hold, said("ben", "owners"), entry(("owners", 1)))
    won, lost = await at_once(lambda _: holds.claim(hold, confirmed=False, within_s=60))
    assert (len(won), len(lost)) == (1, 9)


async def test_nothing_is_claimed_before_the_quorum_is_complete(holds: HoldStore) -> None:
    hold = await opened(holds, by=BY_TWO)
    with pytest.raises(HoldSpent):
        await holds.claim(hold, confirmed=False, within_s=60)
    assert (await holds.vote(hold, said("ben", "owners"), BY_TWO)).state == "open"
    with pytest.raises(HoldSpent):
        await holds.claim(hold, confirmed=False, within_s=60)
    assert (await holds.vote(hold, said("cleo", "owners"), BY_TWO)).state == "approved"
    await holds.claim(hold, confirmed=False, within_s=60)


async def test_one_persons_answer_counts_once_though_it_comes_ten_times_at_once(holds: HoldStore) -> None:
    hold = await opened(holds, by=BY_TWO)
    counted, refused = await at_once(lambda _: holds.vote(hold, said("ben", "owners"), BY_TWO))
    assert len(counted) == 1
    assert {type(refusal) for refusal in refused} == {AlreadyDecided}
    assert (await holds.find(hold.id)).state is State.OPEN


async def test_approvers_who_race_settle_it_once_and_a_deny_among_them_wins(holds: HoldStore) -> None:
    by = entry(("owners", 3))
    hold = await opened(holds, by=by)
    verdicts = [Verdict.DENY, *[Verdict.APPROVE] * 5]
    await at_once(lambda n: holds.vote(hold, said(f"p{n}", "owners", verdict=verdicts[n]), by), 6)
    found = await holds.find(hold.id)
    denied = any(vote.verdict is Verdict.DENY for vote in found.votes)
    assert found.state is (State.DENIED if denied else State.APPROVED)


async def test_what_was_decided_cannot_be_decided_again(holds: HoldStore) -> None:
    by = entry(("owners", 1))
    hold = await opened(holds, by=by)
    await holds.vote(hold, said("ben", "owners", verdict=Verdict.DENY), by)
    with pytest.raises(HoldSpent):
        await holds.vote(hold, said("cleo", "owners"), by)
    with pytest.raises(HoldSpent):
        await holds.claim(hold, confirmed=True, within_s=60)


@pytest.mark.parametrize("approved_first", [False, True])
async def test_an_expired_hold_releases_nothing_and_makes_way_for_a_new_one(
    approved_first: bool, holds: HoldStore, engine: AsyncEngine
) -> None:
    by = entry(("owners", 1))
    hold = await opened(holds, by=by)
    if approved_first:
        await holds.vote(hold, said("ben", "owners"), by)
    await make_time_pass(engine, "expires_at = now() - interval '1 second'")
    with pytest.raises(HoldSpent):
        await holds.vote(hold, said("cleo", "owners"), by)
    with pytest.raises(HoldSpent):
        await holds.claim(hold, confirmed=True, within_s=60)
    assert (await holds.find(hold.id)).state is State.EXPIRED
    assert (await opened(holds, by=by)).id != hold.id


async def test_each_expired_hold_is_said_to_be_so_once_among_all_replicas(
    holds: HoldStore, engine: AsyncEngine
) -> None:
    for n in range(5):
        await opened(holds, bytes([n]) * 32)
    await make_time_pass(engine, "expires_at = now() - interval '1 second'")
    found, _ = await at_once(lambda _: store(engine).expire_due(), 4)
    ids = [hold.id for part in found for hold in part]  # type: ignore[attr-defined]
    assert len(ids) == len(set(ids)) == 5


async def test_escalation_happens_once_and_lets_others_stand_in(holds: HoldStore, engine: AsyncEngine) -> None:
    by = entry(("owners", 1), escalate_after_s=10, escalate_to=("heads",))
    hold = await opened(holds, by=by)
    assert await holds.escalate_due() == []
    await make_time_pass(engine, "escalate_at = now() - interval '1 second'")
    assert [each.id for each in await holds.escalate_due()] == [hold.id]
    assert await holds.escalate_due() == []
    assert (await holds.vote(hold, said("hera", "heads"), by)).state == "approved"


async def test_a_claim_that_was_given_back_can_be_taken_once_more(holds: HoldStore) -> None:
    hold = await opened(holds)
    claim = await holds.claim(hold, confirmed=True, within_s=60)
    assert not await holds.release(hold.id, Claim("another"))
    assert await holds.release(hold.id, claim)
    again = await holds.claim(hold, confirmed=False, within_s=60)
    assert not await holds.begin(hold.id, claim, 1, "tag")
    assert await holds.begin(hold.id, again, 2, "tag")
    assert not await holds.release(hold.id, again, begun=False)  # what has begun may have come to something


async def test_a_claim_is_taken_over_only_when_its_time_is_over_and_then_cannot_begin(
    holds: HoldStore, engine: AsyncEngine
) -> None:
    claim = await holds.claim(await opened(holds), confirmed=True, within_s=60)
    [hold] = await holds.asked_by("iss", "ada")
    assert await holds.take_over(hold) is None
    await make_time_pass(engine, "claim_until = now() - interval '1 second'")
    taken, _ = await at_once(lambda _: holds.take_over(hold))
    [other] = [each for each in taken if each is not None]
    assert not await holds.begin(hold.id, claim, 1, "tag")
    assert not await holds.settle(hold.id, claim, State.EXECUTED, {})
    assert await holds.settle(hold.id, Claim(str(other)), State.EXECUTED, {})


async def test_what_runs_can_be_neither_withdrawn_nor_expired(holds: HoldStore, engine: AsyncEngine) -> None:
    hold = await opened(holds)
    await holds.claim(hold, confirmed=True, within_s=60)
    assert not await holds.close(hold, State.WITHDRAWN)
    await make_time_pass(engine, "expires_at = now() - interval '1 second'")
    assert await holds.expire_due() == []
    assert (await holds.find(hold.id)).state is State.EXECUTING


async def test_nothing_readable_of_a_statement_lies_in_the_database_and_nothing_at_all_once_it_is_settled(
    holds: HoldStore, engine: AsyncEngine
) -> None:
    by = entry(("owners", 2))
    hold = await opened(holds, by=by)
    await holds.vote(hold, said("ben", "owners"), by)
    async with engine.connect() as connection:
        rows = [*(await connection.execute(select(hold_table))), *(await connection.execute(select(vote_table)))]
    assert "secret" not in str(rows)
    assert "looked" not in str(rows)
    assert (await holds.find(hold.id)).asked is not None
    assert await holds.close(hold, State.WITHDRAWN)
    assert (await holds.find(hold.id)).asked is None


async def test_approvers_find_what_waits_for_their_groups_and_never_their_own(holds: HoldStore) -> None:
    by = entry(("owners", 1))
    theirs = await opened(holds, by=by)
    await opened(holds, OTHER, by, Requester("iss", "ben", "agent"))

    async def listed(who: str, *groups: str) -> list[str]:
        principal = Principal(Subject(who), "console", "iss", groups=frozenset(groups))
        return [hold.id for hold in await holds.waiting_for(principal)]

    assert await listed("ben", "owners", "staff") == [theirs.id]
    assert len(await listed("cleo", "owners")) == 2
    assert await listed("cleo", "staff") == []
    assert await listed("cleo") == []


async def test_pages_of_what_waits_are_complete_and_in_order(holds: HoldStore) -> None:
    by = entry(("owners", 1))
    count = HOLDS_LISTED_MAX + 3
    made = [(await opened(holds, n.to_bytes(32, "big"), by)).id for n in range(count)]
    cleo = Principal(Subject("cleo"), "console", "iss", groups=frozenset({"owners"}))
    first = await holds.waiting_for(cleo)
    second = await holds.waiting_for(cleo, after=first[-1])
    assert [hold.id for hold in (*first, *second)] == made
    mine = await holds.asked_by("iss", "ada")
    assert [hold.id for hold in mine] == made[::-1][:HOLDS_LISTED_MAX]


async def test_holds_go_on_opening_when_the_database_has_prepared_the_statements(holds: HoldStore) -> None:
    for _ in range(12):
        assert await holds.close(await opened(holds), State.DENIED)


async def test_a_body_that_was_moved_to_another_hold_does_not_open(holds: HoldStore, engine: AsyncEngine) -> None:
    from audit.sealing import Unsealable

    one, other = await opened(holds), await opened(holds, OTHER)
    async with engine.begin() as connection:
        swap = text("update gate.hold set body = (select body from gate.hold where id = :a) where id = :b")
        await connection.execute(swap, {"a": one.id, "b": other.id})
    with pytest.raises(Unsealable):
        await holds.find(other.id)


async def test_a_hold_that_there_is_not_is_not_found(holds: HoldStore) -> None:
    with pytest.raises(HoldNotFound):
        await holds.find("hold_nothing")


async def test_without_its_table_nothing_is_held_or_released(holds: HoldStore, engine: AsyncEngine) -> None:
    hold = await opened(holds)
    async with engine.begin() as connection:
        await connection.execute(text("drop table gate.hold cascade"))
    with pytest.raises(HoldsUnavailable):
        await opened(holds, ONE)
    with pytest.raises(HoldsUnavailable):
        await holds.claim(hold, confirmed=True, within_s=60)
