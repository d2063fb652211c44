"""What becomes of a hold is in the journal before it is so, and its message is there exactly when it is so."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.journal import Journal, JournalUnavailable, open_journal
from audit.note import new_signer
from policy.approving import ApprovalEntry, Verdict
from policy.names import TableName
from policy.principal import Principal, Subject
from server.desk import HoldDesk
from server.hold_keeper import HoldKeeper
from server.hold_record import HoldRecord, State
from server.hold_telling import Telling
from server.holds import DUE_AT_ONCE
from server.judging import Judge
from server.outbox import Outbox, Webhook
from server.rebuilding import differences
from server.refusals import HoldSpent, HoldsUnavailable
from server.undo_points import UndoPoints
from tests.holds.crowd import APPROVER, ENGINE
from tests.holds.stores import ADA, ONE, asked, store
from tests.support.watching import eventually

ADA_HERSELF = Principal(Subject(ADA.subject), ADA.actor, ADA.issuer)
[BY_OWNERS] = ENGINE.policy.approving.entries


@pytest.fixture
async def journal(engine: AsyncEngine) -> AsyncGenerator[Journal]:
    async with open_journal(engine, store(engine).sealer, new_signer("t"), deadline_s=0.3, retry_s=0.05) as opened:
        yield opened


@pytest.fixture
async def outbox(engine: AsyncEngine) -> AsyncGenerator[Outbox]:
    async with httpx2.AsyncClient() as http:
        yield Outbox(engine, Webhook("http://127.0.0.1:9/", b"k" * 32), http)


@pytest.fixture
def desk(engine: AsyncEngine, journal: Journal, outbox: Outbox) -> HoldDesk:
    async def as_it_is(hold: HoldRecord) -> HoldRecord:
        return hold

    async def no_catalog() -> None:
        return None

    return HoldDesk(store(engine), journal, lambda: Judge(ENGINE), outbox, UndoPoints(engine), as_it_is, no_catalog)


async def opened(desk: HoldDesk, digest: bytes = ONE) -> HoldRecord:
    known = ENGINE.catalog.digest_of(TableName("D", "S", "T"))
    return await desk.holds.open(
        digest,
        replace(asked(), objects=(("D", "S", "T", known),)),
        BY_OWNERS,
        requester=ADA,
        call_id="call_1",
        tool="request_write",
        policy=ENGINE.provenance.policy,
        summary={"verb": "delete", "objects": ["D.S.T"], "risk": "medium", "rows_measured": 1},
        also=Telling(desk.journal, desk.tell).of("call_1", "hold.requested", {}, "requested", BY_OWNERS),
    )


async def decide(desk: HoldDesk, hold: HoldRecord, verdict: Verdict = Verdict.APPROVE) -> None:
    view = await desk.show(APPROVER, hold.id, via="console")
    await decide_on(desk, hold, verdict, view.shown)


async def decide_on(desk: HoldDesk, hold: HoldRecord, verdict: Verdict, shown: str) -> None:
    await desk.decide(APPROVER, hold.id, verdict, "I have read it", shown=shown, via="console")


async def rows(engine: AsyncEngine, asked_for: str) -> list[Any]:
    async with engine.connect() as connection:
        return list((await connection.execute(text(asked_for))).scalars())


async def messages(engine: AsyncEngine) -> list[str]:
    return await rows(engine, "select event from gate.outbox order by id")


async def stages(engine: AsyncEngine) -> list[str]:
    return await rows(engine, "select stage from journal.entry where stage like 'hold.%' order by n")


async def change(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


@asynccontextmanager
async def journal_held_up(engine: AsyncEngine, journal: Journal) -> AsyncGenerator[None]:
    """While inside, no entry is committed; what was numbered has come when it is left."""
    async with engine.begin() as connection:
        await connection.execute(text("lock table journal.entry in exclusive mode"))
        yield
    await eventually(lambda: answers(journal))


async def answers(journal: Journal) -> bool:
    with contextlib.suppress(JournalUnavailable):
        await journal.append("", "journal.read", {})
        return True
    return False


@asynccontextmanager
async def failing_commits(engine: AsyncEngine, table: str) -> AsyncGenerator[None]:
    """While inside, whatever touches `table` fails as late as it can: at its COMMIT."""
    await change(
        engine,
        "create function gate.fails() returns trigger language plpgsql as $$ begin raise 'no'; end $$",
        f"create constraint trigger fails after insert or update on {table} deferrable initially deferred "
        "for each row execute function gate.fails()",
    )
    yield
    await change(engine, f"drop trigger fails on {table}", "drop function gate.fails()")


@pytest.mark.parametrize("verdict", Verdict)
async def test_a_decision_that_the_journal_does_not_take_does_not_count(
    verdict: Verdict, desk: HoldDesk, engine: AsyncEngine
) -> None:
    hold = await opened(desk)
    shown = (await desk.show(APPROVER, hold.id, via="console")).shown
    async with journal_held_up(engine, desk.journal):
        with pytest.raises(JournalUnavailable):
            await decide_on(desk, hold, verdict, shown)
        found = await desk.holds.find(hold.id)
        assert (found.state, found.votes) == (State.OPEN, ())
        assert await messages(engine) == ["requested"]
    await decide(desk, hold, verdict)
    assert (await desk.holds.find(hold.id)).state is (State.APPROVED if verdict is Verdict.APPROVE else State.DENIED)
    assert await messages(engine) == ["requested", "approved" if verdict is Verdict.APPROVE else "denied"]
    assert await differences(engine) == []


@pytest.mark.parametrize("verdict", Verdict)
async def test_the_journal_has_a_decision_before_it_counts_and_says_when_it_does(
    verdict: Verdict, desk: HoldDesk, engine: AsyncEngine
) -> None:
    hold = await opened(desk)
    async with failing_commits(engine, "gate.hold_vote"):
        with pytest.raises(HoldsUnavailable):
            await decide(desk, hold, verdict)
        assert (await stages(engine))[-1] == "hold.decided"
        assert (await desk.holds.find(hold.id)).state is State.OPEN
        assert await messages(engine) == ["requested"]
        assert await differences(engine) == []  # a word that was not counted
    await decide(desk, hold, Verdict.APPROVE)
    assert (await stages(engine))[-2:] == ["hold.decided", "hold.counted"]
    assert await differences(engine) == []


async def test_a_vote_that_was_counted_and_is_gone_is_a_difference(desk: HoldDesk, engine: AsyncEngine) -> None:
    hold = await opened(desk)
    await decide(desk, hold, Verdict.DENY)
    await change(engine, "delete from gate.hold_vote", "update gate.hold set state = 'approved'")
    assert {(each.what, each.journal, each.table) for each in await differences(engine)} == {
        ("vote", "deny", ""),
        ("hold", "denied", "approved"),
    }


async def test_a_vote_and_an_end_that_nobody_journaled_are_differences(desk: HoldDesk, engine: AsyncEngine) -> None:
    hold, other = await opened(desk), await opened(desk, b"3" * 32)
    await desk.show(APPROVER, hold.id, via="console")
    await change(
        engine,
        "insert into gate.hold_vote (hold_id, issuer, subject, actor, groups, verdict, break_glass, reason, via, at) "
        f"values ('{hold.id}', 'iss', 'olga', 'a', '{{owners}}', 'approve', false, '', 'sql', now())",
        f"update gate.hold set state = 'denied' where id = '{other.id}'",
    )
    assert {(each.what, each.journal, each.table) for each in await differences(engine)} == {
        ("vote", "", "approve"),
        ("hold", "alive", "denied"),
    }


async def test_a_hold_whose_request_the_journal_does_not_take_is_not_opened(
    desk: HoldDesk, engine: AsyncEngine
) -> None:
    async with journal_held_up(engine, desk.journal):
        with pytest.raises(JournalUnavailable):
            await opened(desk)
    assert await desk.holds.alive(ONE) is None
    assert await messages(engine) == []
    assert await stages(engine) == ["hold.requested"]
    assert await differences(engine) == []


async def test_a_request_that_was_shown_and_is_gone_is_a_difference(desk: HoldDesk, engine: AsyncEngine) -> None:
    hold = await opened(desk)
    await desk.show(APPROVER, hold.id, via="console")
    await change(engine, "delete from gate.hold")
    assert [(each.what, each.table) for each in await differences(engine)] == [("hold", "")]


async def test_a_withdrawal_that_the_journal_does_not_take_withdraws_nothing(
    desk: HoldDesk, engine: AsyncEngine
) -> None:
    hold = await opened(desk)
    async with journal_held_up(engine, desk.journal):
        with pytest.raises(JournalUnavailable):
            await desk.withdraw(ADA_HERSELF, hold.id, "not any more")
    assert (await desk.holds.find(hold.id)).state is State.OPEN
    await desk.withdraw(ADA_HERSELF, hold.id, "not any more")
    assert await messages(engine) == ["requested", "withdrawn"]


async def test_whoever_finds_that_a_time_is_over_leaves_it_to_be_told(
    desk: HoldDesk, engine: AsyncEngine, outbox: Outbox
) -> None:
    holds = [await opened(desk, n.to_bytes(32)) for n in range(DUE_AT_ONCE + 2)]
    await change(engine, "update gate.hold set expires_at = now() - interval '1 second'")
    assert (await desk.holds.find(holds[0].id)).state is State.EXPIRED
    assert await desk.holds.alive((0).to_bytes(32)) is None
    with pytest.raises(HoldSpent):
        await desk.withdraw(ADA_HERSELF, holds[0].id, "late")
    keeper = HoldKeeper(desk.holds, desk.journal, outbox, desk.judge)
    async with journal_held_up(engine, desk.journal):
        with pytest.raises(JournalUnavailable):
            await keeper.keep()
        assert set(await rows(engine, "select state from gate.hold")) == {"open"}
    await keeper.keep()
    assert (await stages(engine)).count("hold.expired") in (len(holds), len(holds) + 1)
    assert (await messages(engine)).count("expired") == len(holds)
    assert await differences(engine) == []


async def test_a_no_that_was_the_last_word_is_known_though_nothing_says_that_it_counted(
    desk: HoldDesk, engine: AsyncEngine
) -> None:
    hold = await opened(desk)
    said = {"verdict": "deny", "via": "elicitation", "subject": "ada"}
    await desk.holds.close(hold, State.DENIED, Telling(desk.journal, desk.tell).of("call_1", "hold.decided", said))
    assert await differences(engine) == []
    await change(engine, "update gate.hold set state = 'approved'")
    assert [(each.what, each.journal, each.table) for each in await differences(engine)] == [
        ("hold", "denied", "approved")
    ]


@pytest.mark.parametrize("fault", ["select 1 / 0", ""])
async def test_a_hold_that_cannot_be_told_of_has_no_other_told_twice(
    fault: str, desk: HoldDesk, engine: AsyncEngine
) -> None:
    holds = [await opened(desk, bytes([n]) * 32) for n in range(4)]
    await change(engine, "update gate.hold set expires_at = now() - interval '1 second'")

    async def tell(connection: AsyncConnection, event: str, hold: HoldRecord, entry: ApprovalEntry) -> None:
        if hold.id == holds[1].id and fault:
            await connection.execute(text(fault))
        if hold.id == holds[1].id:
            raise KeyError(event)

    also = Telling(desk.journal, tell).of(None, "hold.expired", {}, "expired", BY_OWNERS)
    ended = [{hold.id for hold in await desk.holds.expire_due(also)} for _ in range(3)]
    assert ended == [{holds[n].id for n in (0, 2, 3)}, set(), set()]
    assert (await stages(engine)).count("hold.expired") == 3
    assert len(await desk.holds.expire_due()) == 1


async def test_nothing_ends_the_keeping_of_holds(desk: HoldDesk, engine: AsyncEngine) -> None:
    class Faulty(Outbox):
        async def send_due(self) -> int:
            raise ZeroDivisionError

    async def is_expired(hold: HoldRecord) -> bool:
        return await rows(engine, f"select state from gate.hold where id = '{hold.id}'") == ["expired"]

    async with httpx2.AsyncClient() as http, anyio.create_task_group() as tasks:
        keeper = HoldKeeper(desk.holds, desk.journal, Faulty(engine, None, http), desk.judge, every_s=0.01)
        tasks.start_soon(keeper.keep_forever)
        for digest in (ONE, b"2" * 32):
            hold = await opened(desk, digest)
            await change(engine, "update gate.hold set expires_at = now() - interval '1 second' where state = 'open'")
            await eventually(lambda hold=hold: is_expired(hold))  # type: ignore[misc]
        tasks.cancel_scope.cancel()
