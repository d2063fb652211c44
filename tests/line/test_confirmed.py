"""A confirmation by the caller's own user counts once the journal has it, about what can still be compared."""

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal, open_journal
from audit.note import new_signer
from audit.sealing import Sealer
from audit.unavailable import JournalUnavailable
from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.principal import Principal
from policy.questions import NO_QUESTIONS, Questions
from policy.statement import SqlStatement
from server.hold_refusals import EffectDrifted, HoldStale
from server.line import Beforehand
from server.rebuilding import differences
from server.refusals import Declined, Held, Refusal
from tests.holds.test_telling import answers
from tests.line.played import CATALOG, POLICY, PlayedHouse
from tests.support.watching import eventually
from tools.request_write import RequestWrite

WRITE = "DELETE FROM orders WHERE id = 1"
TRUNCATES = POLICY.replace(
    "rules:\n",
    'rules:\n  - {id: empties, effect: hold, who: {groups: [analysts]}, verbs: [truncate], tables: ["DB.S.ORDERS"]}\n',
).replace("approvals:\n", "approvals:\n  - {id: by-name, by: confirmation, verbs: [truncate], destructive: true}\n")


class Uncounting(Engine):
    """An engine that has nothing to count rows with, for reasons that vary."""

    found = NO_QUESTIONS

    def questions(self, principal: Principal, statement: SqlStatement, text: str) -> Questions:
        return self.found


class CountingNothing(Uncounting):
    """One that finds nothing to count where something was counted for people."""

    found = Questions((), {}, None)


@pytest.fixture
async def journal(engine: AsyncEngine) -> AsyncGenerator[Journal]:
    sealer, signer = Sealer(b"k" * 32, "test"), new_signer("test/writer")
    async with open_journal(engine, sealer, signer, deadline_s=0.3, retry_s=0.05) as opened:
        yield opened


@pytest.mark.parametrize("sql", [WRITE, "SELECT id FROM audited", "SELECT id FROM orders"])
async def test_before_its_decision_is_durable_nothing_is_measured_or_run_and_nobody_is_asked(
    journal: Journal, engine: AsyncEngine, sql: str
) -> None:
    house = PlayedHouse(journal, engine)
    async with engine.connect() as other:
        await other.execute(text("lock table journal.entry in exclusive mode"))
        with pytest.raises(JournalUnavailable):
            await house.walk(sql, tool=RequestWrite() if sql == WRITE else None)
    assert (house.measured, house.asked, house.ran) == (0, [], [])
    async with engine.connect() as connection:
        assert (await connection.execute(text("select state from gate.hold"))).scalars().all() == []


class Interrupted(PlayedHouse):
    """A house whose journal is held up while its user answers."""

    async def _confirm(self, hold_id: str, question: str, first: Beforehand | None = None) -> bool:
        self.held_up = await self.database.connect()
        await self.held_up.execute(text("lock table journal.entry in exclusive mode"))
        return await super()._confirm(hold_id, question, first)


@pytest.mark.parametrize("answer", [True, False])
async def test_an_answer_that_the_journal_does_not_take_changes_nothing(
    journal: Journal, engine: AsyncEngine, answer: bool
) -> None:
    house = Interrupted(journal, engine, confirms=answer)
    with pytest.raises(JournalUnavailable):
        await house.walk(WRITE, tool=RequestWrite())
    async with engine.connect() as connection:
        assert (await connection.execute(text("select state from gate.hold"))).scalars().all() == ["open"]
    await house.held_up.close()
    assert house.ran == []
    await eventually(lambda: answers(journal))
    later = PlayedHouse(journal, engine, confirms=None)
    with pytest.raises(Held):
        await later.walk(WRITE, tool=RequestWrite())
    assert later.ran == []


@pytest.mark.parametrize(
    ("kind", "refusal", "questions"), [(Uncounting, HoldStale, 0), (CountingNothing, EffectDrifted, 1)]
)
async def test_a_change_whose_rows_cannot_be_counted_again_is_not_made(
    played: PlayedHouse, kind: type[Engine], refusal: type[Refusal], questions: int
) -> None:
    played.engine = kind(load(TRUNCATES), from_document(CATALOG))
    with pytest.raises(refusal):
        await played.walk("TRUNCATE TABLE orders", tool=RequestWrite())
    assert len(played.asked) == questions
    assert played.ran == []


async def test_a_no_that_counted_is_known_when_the_hold_is_reopened(played: PlayedHouse) -> None:
    played.confirms = False
    with pytest.raises(Declined):
        await played.walk(WRITE, tool=RequestWrite())
    assert (await played.stages())[-3:] == ["hold.decided", "hold.counted", "refused"]
    assert await found(played) == []
    for state in ("approved", "open", "executed"):
        await move(played, state)
        assert await found(played) == [("hold", "denied", state)]


async def test_what_a_user_confirmed_is_told_to_have_counted_and_is_no_vote(played: PlayedHouse) -> None:
    await played.walk(WRITE, tool=RequestWrite())
    stages = await played.stages()
    assert stages[stages.index("hold.decided") + 1] == "hold.counted"
    assert await found(played) == []


@pytest.mark.parametrize("state", ["approved", "executing"])
async def test_what_nobody_approved_may_not_run(played: PlayedHouse, state: str) -> None:
    played.confirms = None
    with pytest.raises(Held):
        await played.walk(WRITE, tool=RequestWrite())
    assert await found(played) == []
    await move(played, state)
    assert await found(played) == [("hold", "undecided", state)]


async def move(played: PlayedHouse, state: str) -> None:
    """What somebody can do who may write to the table."""
    async with played.database.begin() as connection:
        await connection.execute(text("update gate.hold set state = :state"), {"state": state})


async def found(played: PlayedHouse) -> list[tuple[str, str, str]]:
    return [(each.what, each.journal, each.table) for each in await differences(played.database)]
