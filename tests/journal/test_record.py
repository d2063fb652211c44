"""Whatever becomes of a call, its record says so, durably."""

# ruff: noqa: PT012  # what a record does when it is left by an exception needs a block to raise from

import asyncio  # noqa: TID251 - its tasks are cancelled by others than cancel scopes

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.canonical import NotCanonical
from audit.journal import Durable, Journal, Receipt, open_journal
from audit.note import Signer
from audit.reading import check_chain, entries, unseal
from audit.sealing import Sealer
from tests.support.watching import eventually


class Refusal(Exception):
    code = "not_permitted"
    hint = "ask for something else"

    def __init__(self, facts: object) -> None:
        super().__init__()
        self.facts = facts


class LibraryError(Exception):
    code = "e3q8"


async def stages(engine: AsyncEngine, call_id: str) -> list[str]:
    return [entry.stage for entry in await entries(engine, call_id=call_id)]


async def test_an_answered_call_has_two_entries(journal: Journal, engine: AsyncEngine) -> None:
    async with journal.record("call-1") as record:
        record.note(tool="run_query", decision="permit", sql="SELECT ?", literals=["jane@example.com", 7])
        await record.commit("decided")
        record.note(rows=3, tool="run_query")
    decided, answered = await entries(engine, call_id="call-1")
    assert (decided.stage, answered.stage) == ("decided", "answered")
    assert decided.facts["decision"] == "permit"
    assert answered.facts["rows"] == 3
    assert set(answered.facts) == {"rows", "duration_ms"}
    check_chain(await entries(engine))


async def test_the_decision_is_durable_when_commit_returns(journal: Journal, engine: AsyncEngine) -> None:
    async with journal.record("call-1") as record:
        receipt = await record.commit("decided")
        (decided,) = await entries(engine, call_id="call-1")
        assert (decided.stream, decided.n) == (receipt.stream, receipt.n)


async def test_an_entry_that_is_under_way_is_durable_when_who_waits_for_it_goes_on(
    journal: Journal, engine: AsyncEngine
) -> None:
    async with journal.record("call-1") as record:
        record.note(decision="permit")
        decided = record.begin("decided")
        record.note(decision="permit", hold_id="h")
        receipt = await decided()
        (entry,) = await entries(engine, call_id="call-1")
        assert isinstance(receipt, Receipt)
        assert (entry.stage, entry.stream, entry.n) == ("decided", receipt.stream, receipt.n)
        assert await decided() == receipt, "who asks again is told the same"
    assert [set(entry.facts) for entry in await entries(engine, call_id="call-1")] == [
        {"decision"},
        {"hold_id", "duration_ms"},
    ]


async def test_a_call_that_ends_while_its_decision_is_under_way_has_both_entries(
    journal: Journal, engine: AsyncEngine
) -> None:
    with pytest.raises(Refusal):
        async with journal.record("call-1") as record:
            record.begin("decided")
            raise Refusal({})
    assert await stages(engine, "call-1") == ["decided", "refused"]
    check_chain(await entries(engine))


async def test_however_often_a_call_is_cancelled_while_its_decision_is_under_way_it_has_its_outcome(
    journal: Journal, engine: AsyncEngine
) -> None:
    """Also by who cancels tasks and not scopes, which no shield withstands."""

    async def call() -> None:
        async with journal.record("call-1") as record:
            record.note(decision="permit")
            await record.begin("decided")()

    async with engine.connect() as other:
        await other.execute(text("lock table journal.entry in exclusive mode"))
        asked = asyncio.ensure_future(call())
        for _ in range(3):
            await anyio.wait_all_tasks_blocked()
            asked.cancel()
        await other.rollback()
    with pytest.raises(asyncio.CancelledError):
        await asked

    async def has_both() -> bool:
        return await stages(engine, "call-1") == ["decided", "cancelled"]

    await eventually(has_both)
    check_chain(await entries(engine))


async def test_the_outcome_is_durable_when_the_record_is_left(journal: Journal, engine: AsyncEngine) -> None:
    async with journal.record("call-1"):
        pass
    assert await stages(engine, "call-1") == ["answered"]


async def test_a_refusal_is_journaled_with_its_code_and_its_facts(
    journal: Journal, engine: AsyncEngine, sealer: Sealer
) -> None:
    told = {"driver_errno": 2003, "driver_message": "jane@example.com", "odd": {"not": "a fact"}}
    with pytest.raises(Refusal):
        async with journal.record("call-1") as record:
            record.note(tool="run_query")
            raise Refusal(told)
    (entry,) = await entries(engine, call_id="call-1")
    assert entry.stage == "refused"
    assert entry.facts["code"] == "not_permitted"
    assert entry.facts["tool"] == "run_query"
    assert entry.facts["driver_errno"] == 2003
    assert unseal(entry, sealer)["driver_message"] == "jane@example.com"
    assert "odd" not in entry.facts


@pytest.mark.parametrize("error", [ZeroDivisionError("jane@example.com"), LibraryError("jane@example.com")])
async def test_a_crash_is_journaled_in_full_but_not_in_clear(
    journal: Journal, engine: AsyncEngine, sealer: Sealer, error: Exception
) -> None:
    with pytest.raises(type(error)):
        async with journal.record("call-1"):
            raise error
    (entry,) = await entries(engine, call_id="call-1")
    assert entry.stage == "failed"
    assert "jane" not in str(entry.facts)
    assert "jane@example.com" in str(unseal(entry, sealer)["crash"])


async def test_a_cancelled_call_has_its_outcome(journal: Journal, engine: AsyncEngine) -> None:
    with anyio.CancelScope() as scope:
        async with journal.record("call-1") as record:
            await record.commit("decided")
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert await stages(engine, "call-1") == ["decided", "cancelled"]


async def test_nothing_is_lost_when_cancelled_at_any_step(journal: Journal, engine: AsyncEngine) -> None:
    """Cancel after 0, 1, 2... turns of the loop, so that each await of a call is hit once."""

    async def call(call_id: str) -> None:
        async with journal.record(call_id) as record:
            record.note(decision="permit")
            await record.commit("decided")

    for turns in range(25):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, f"call-{turns}")
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        seen = await stages(engine, f"call-{turns}")
        # Cancelled before it took its first step, it is no call yet.
        assert seen in (["decided", "cancelled"], ["decided", "answered"], ["cancelled"]) or (turns == 0 and not seen)
    check_chain(await entries(engine, last=1000))


async def test_closing_the_journal_commits_what_a_cancelled_server_leaves(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    with anyio.CancelScope() as scope:
        async with open_journal(engine, sealer, signer) as journal, anyio.create_task_group() as tasks:

            async def call(number: int) -> None:
                async with journal.record(f"call-{number}") as record:
                    await record.commit("decided")
                    if number == 19:
                        scope.cancel()
                    await anyio.sleep_forever()

            for number in range(20):
                tasks.start_soon(call, number)
    everything = await entries(engine, last=1000)
    assert [entry.stage for entry in everything].count("cancelled") == 20
    assert everything[-1].stage == "stream.close"
    check_chain(everything)


async def test_a_value_that_is_no_fact_is_refused_and_the_outcome_still_written(
    journal: Journal, engine: AsyncEngine
) -> None:
    with pytest.raises(NotCanonical):
        async with journal.record("call-1") as record:
            record.note(tool="run_query", rows=1.5)
    (entry,) = await entries(engine, call_id="call-1")
    assert entry.stage == "refused"
    assert entry.facts["code"] == "journal_not_canonical"
    assert "tool" not in entry.facts


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 2_000_000, "\N{PILE OF POO}" * 50_000])
async def test_text_that_does_not_fit_still_makes_an_entry(journal: Journal, engine: AsyncEngine, text: str) -> None:
    async with journal.record("call-1") as record:
        record.note(subject=text, reason=text, literals=[text, *range(2000)])
    (entry,) = await entries(engine, call_id="call-1")
    assert entry.stage == "answered"
    assert len(entry.body()) <= 65_535


async def test_an_answer_may_be_waited_for_by_another_and_is_as_durable(journal: Journal, engine: AsyncEngine) -> None:
    waits: list[Durable] = []
    async with journal.record("call-1") as record:
        await record.commit("decided")
        record.hand_over(waits.append)
    (durable,) = waits
    receipt = await durable()
    assert isinstance(receipt, Receipt)
    *_, answered = await entries(engine, call_id="call-1")
    assert (answered.stage, answered.stream, answered.n) == ("answered", receipt.stream, receipt.n)
    assert await durable() == receipt, "who asks again is told the same"


async def test_what_is_no_answer_is_waited_for_where_it_ends(journal: Journal, engine: AsyncEngine) -> None:
    waits: list[Durable] = []
    with pytest.raises(Refusal):
        async with journal.record("call-1") as record:
            record.hand_over(waits.append)
            raise Refusal({})
    assert await stages(engine, "call-1") == ["refused"]
    assert waits == []


async def test_an_answer_that_nobody_waits_for_is_journaled_all_the_same(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    async with open_journal(engine, sealer, signer) as journal, journal.record("call-1") as record:
        record.hand_over(lambda durable: None)
    assert await stages(engine, "call-1") == ["answered"]
