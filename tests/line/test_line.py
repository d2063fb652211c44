"""What must be true of every call, whichever tool it names."""

from dataclasses import replace
from typing import Any

import anyio
import pytest
from sqlalchemy import text

from audit.reading import check_chain, entries
from audit.unavailable import JournalUnavailable
from policy.refusal import PolicyRefusal
from server.line import Cleared, walk
from server.raw import Raw
from server.refusals import Declined, Held, Refusal, Unauthenticated
from tests.line.played import PlayedHouse
from tools.contract import BadArguments
from tools.describe_schema import DescribeSchema
from tools.request_write import RequestWrite

READ = "SELECT id, email FROM orders"
WRITE = "DELETE FROM orders WHERE id = 1"


async def test_a_permitted_read_is_limited_and_says_what_was_masked(played: PlayedHouse) -> None:
    answer = await played.walk(READ)
    assert answer["row_count"] == 3
    assert answer["truncated"] is True
    assert "EMAIL" in answer["notes"][0]


async def test_nothing_runs_before_the_decision_is_durable(played: PlayedHouse) -> None:
    await played.walk(READ)
    assert played.stages_when_run == ["decided"]


async def test_what_runs_is_the_judged_statement_and_never_the_callers_text(played: PlayedHouse) -> None:
    await played.walk("select /* hi */ ID, email from Orders -- bye")
    [ran] = played.ran
    assert "hi" not in ran
    assert "bye" not in ran
    assert '"DB"."S"."ORDERS"' in ran


async def test_every_entry_holds_the_digest_of_the_one_before(played: PlayedHouse) -> None:
    await played.walk(READ)
    found = await entries(played.database, last=50)
    assert [entry.stage for entry in found] == ["stream.open", "decided", "answered"]
    check_chain(found)


@pytest.mark.parametrize(
    ("sql", "bearer", "refusal", "stages"),
    [
        (READ, "bad", Unauthenticated, ["refused"]),
        ("selekt 1", "good", PolicyRefusal, ["refused"]),
        ("SELECT 1; SELECT 2", "good", PolicyRefusal, ["refused"]),
        ("SELECT id FROM salaries", "good", PolicyRefusal, ["decided", "refused"]),
        ("SELECT id FROM nowhere", "good", PolicyRefusal, ["decided", "refused"]),
        ("DELETE FROM orders", "good", PolicyRefusal, ["refused"]),
    ],
)
async def test_a_refused_call_runs_nothing_and_is_journaled(
    sql: str, bearer: str, refusal: type[Exception], stages: list[str], played: PlayedHouse
) -> None:
    with pytest.raises(refusal):
        await played.walk(sql, bearer=bearer)
    assert played.ran == []
    assert await played.stages() == stages


async def test_unknown_arguments_are_refused_and_journaled(played: PlayedHouse) -> None:
    with pytest.raises(BadArguments):
        await played.walk(READ, dry_run=True)
    assert await played.stages() == ["refused"]


async def test_a_held_read_runs_after_a_yes(played: PlayedHouse) -> None:
    await played.walk("SELECT id FROM audited")
    assert len(played.ran) == 1
    [question] = played.asked
    assert "AUDITED" in question


@pytest.mark.parametrize(
    ("answer", "refusal", "told"),
    [(False, Declined, ["hold.shown", "hold.decided", "hold.counted"]), (None, Held, [])],
)
async def test_without_a_yes_nothing_runs_and_what_nobody_could_be_asked_was_not_shown(
    answer: bool | None, refusal: type[Refusal], told: list[str], played: PlayedHouse
) -> None:
    played.confirms = answer
    with pytest.raises(refusal):
        await played.walk(WRITE, tool=RequestWrite())
    assert played.ran == []
    assert await played.stages() == ["decided", "hold.requested", *told, "refused"]


async def test_a_yes_is_used_once(played: PlayedHouse) -> None:
    for _ in range(2):
        await played.walk(WRITE, tool=RequestWrite())
    first, second = played.asked
    assert first != second  # the second write asks anew, under another hold


FORGED = "fine\n\nHold hold_other\u202e\x1b[2J\x00"


async def test_what_an_agent_writes_cannot_forge_a_line_of_the_question_or_hide_in_it(played: PlayedHouse) -> None:
    sql = "INSERT INTO orders (id, email) SELECT 1, ? WHERE 'a\u00adb' <> 'ab'"
    await played.walk(sql, tool=RequestWrite(), parameters=[FORGED], reason=FORGED)
    [question] = played.asked
    said = [line for line in question.splitlines() if line]
    assert [line.split(" ")[0] for line in said[2:]] == [
        "Values:", "Effect:", "Changes:", "Undo:", "Risk:", "Its", "Expires:", "Hold",
    ]  # fmt: skip
    assert question.replace("\n", "").isprintable()


async def test_describing_touches_no_snowflake(played: PlayedHouse) -> None:
    call = played.call(READ)
    answer = await walk(replace(call, tool=DescribeSchema(), arguments={}), played.house)
    assert [table["name"] for table in answer["tables"]] == ["DB.S.AUDITED", "DB.S.ORDERS"]
    assert played.ran == []


async def test_a_journal_that_is_down_before_the_decision_lets_nothing_run(played: PlayedHouse) -> None:
    async with played.database.begin() as connection:
        await connection.execute(text("SET LOCAL ROLE journal_owner"))
        await connection.execute(text("ALTER TABLE journal.entry RENAME TO gone"))
    with pytest.raises(JournalUnavailable):
        await played.walk(READ)
    assert played.ran == []


async def test_a_journal_that_goes_down_before_the_outcome_lets_nothing_out(played: PlayedHouse) -> None:
    async def and_then_it_goes(cleared: Cleared) -> Raw:
        async with played.database.begin() as connection:
            await connection.execute(text("SET LOCAL ROLE journal_owner"))
            await connection.execute(text("ALTER TABLE journal.entry RENAME TO gone"))
        played.execute = None
        async with played.house.lease(cleared) as lease:
            return await lease.execute(cleared, None)

    played.execute = and_then_it_goes
    with pytest.raises(JournalUnavailable):
        await played.walk(READ)


async def test_a_crash_is_journaled_and_its_lease_comes_back(played: PlayedHouse) -> None:
    async def crash(_: Cleared) -> Raw:
        raise RuntimeError("secret@example.com is not a number")

    played.execute = crash
    with pytest.raises(RuntimeError):
        await played.walk(READ)
    assert played.open_leases == 0
    assert await played.stages() == ["decided", "failed"]


async def test_a_cancelled_call_is_journaled_and_its_lease_comes_back(played: PlayedHouse) -> None:
    began = anyio.Event()

    async def wait(_: Cleared) -> Raw:
        began.set()
        await anyio.sleep_forever()
        raise AssertionError

    played.execute = wait
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(played.walk, READ)
            await began.wait()
            tasks.cancel_scope.cancel()
    assert played.open_leases == 0
    assert await played.stages() == ["decided", "cancelled"]


async def test_neither_literals_nor_reasons_nor_parameters_are_stored_in_clear(played: PlayedHouse) -> None:
    sql = "SELECT id FROM orders WHERE email = 'canary-literal' AND id = ? AND email <> ?"
    arguments: dict[str, Any] = {"parameters": [424242424242, "canary-parameter"], "purpose": "canary-reason"}
    call = played.call(sql)
    await walk(replace(call, arguments={**call.arguments, **arguments}), played.house)
    async with played.database.connect() as connection:
        bodies = (await connection.execute(text("SELECT body FROM journal.entry"))).scalars().all()
    stored = b"".join(bytes(body) for body in bodies)
    assert b"canary" not in stored
    assert b"424242424242" not in stored
