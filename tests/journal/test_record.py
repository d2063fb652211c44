from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal
from audit.reading import check_chain, entries


class Refusal(Exception):
    code = "not_permitted"
    message = "no"
    hint = "ask for something else"
    retryable = False


async def test_an_answered_call_has_two_entries(journal: Journal, engine: AsyncEngine) -> None:
    async with journal.record("call-1") as record:
        record.note(tool="run_query", decision="permit", sql="SELECT ?", literals=["jane@example.com", 7])
        await record.commit("decided")
        record.note(rows=3)
    decided, answered = await entries(engine, call_id="call-1")
    assert (decided.stage, answered.stage) == ("decided", "answered")
    assert decided.facts["decision"] == "permit"
    assert answered.facts["rows"] == 3
    assert "decision" not in answered.facts
    check_chain(await entries(engine))
