"""Auditors find the journal in the console, and nobody else does; that they look is in it."""

from audit.reading import entries
from server.database import open_engine
from tests.console.browsing import Browser
from tests.journal.test_commands import CANARY, read
from tests.support.clients import Gate


async def test_an_auditor_searches_plays_back_and_sees_whether_it_holds(gate: Gate) -> None:
    call_id = await read(gate)
    async with Browser(gate) as browser:
        await browser.sign_in("arthur")
        found = await browser.get("/journal?subject=ada")
        assert found.answer.status_code == 200
        assert call_id in found.text
        assert CANARY not in found.text
        played = await browser.get(f"/journal/play?call={call_id}")
        assert {"decided", "answered"} <= set(played.text.split())
        assert CANARY in played.text  # what was asked, opened with the key of the person
        assert "script" not in played.tags
        state = await browser.get("/journal/integrity")
        assert "is signed by the key of this log" in state.text
        assert (await browser.get("/journal?stage=no-such")).text.count("Nothing is like that") == 1
        assert (await browser.get("/journal?before=yesterday")).code == "console_no_page"
    async with open_engine(gate.settings.auditor_url) as engine:
        last = await entries(engine, last=30)
    looked = [
        (e.stage, e.facts.get("outcome")) for e in last if e.facts.get("via") == "console" and e.subject == "arthur"
    ]
    assert {("journal.searched", "entries"), ("journal.read", call_id), ("journal.read", "integrity")} <= set(looked)


async def test_who_is_no_auditor_finds_no_journal(gate: Gate) -> None:
    async with Browser(gate) as browser:
        assert (await browser.get("/journal")).answer.status_code == 303
        await browser.sign_in("emil")
        for page in ("/journal", "/journal/integrity", "/journal/play?call=x"):
            assert (await browser.get(page)).code == "console_no_page"
        assert "/journal" not in (await browser.get("/")).answer.text
