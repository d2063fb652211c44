"""Auditors find the journal in the console, and nobody else does; that they look is in it."""

import html
import re
import secrets
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import uuid4

import anyio
import psycopg

from audit.entry import JournalEntry, digest
from audit.journal import open_journal
from audit.reading import entries
from audit.searching import find_value
from server.console.journal import PAGE_ENTRIES
from server.database import open_engine
from server.journal_keys import sealer_of, signer_of
from tests.console.browsing import Browser
from tests.console.test_console import change
from tests.journal.test_commands import CANARY, read
from tests.support.clients import Gate
from tests.support.databases import driver_dsn


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


async def test_a_verification_that_no_gate_wrote_is_shown_as_not_proven(gate: Gate) -> None:
    entry = JournalEntry(uuid4(), 0, "", datetime.now(UTC), "journal.verified", "", {"size": 98_765, "findings": 0})
    row = (entry.at.date().replace(day=1), entry.stream, entry.at, digest(entry.body()), entry.body())
    with psycopg.connect(driver_dsn(gate.settings.admin_url), autocommit=True) as connection:
        connection.execute("insert into journal.entry (month, stream, n, at, stage, call_id, subject, digest, body) "
                           "values (%s, %s, 0, %s, 'journal.verified', '', '', %s, %s)", row)  # fmt: skip
        try:
            async with Browser(gate) as browser:
                await browser.sign_in("arthur")
                said = (await browser.get("/journal/integrity")).text
        finally:
            connection.execute("set session_replication_role = replica")
            connection.execute("delete from journal.entry where stream = %s", [entry.stream])
    assert "98765 entries, 0 findings" in said
    assert "That is not proven" in said


async def test_what_was_looked_for_is_in_the_journal_and_names_nobody(gate: Gate) -> None:
    sought = "Zbigniew O'Canary"
    async with Browser(gate) as browser:
        await browser.sign_in("arthur")
        query = {"subject": sought, "call": f"call_{sought}", "stage": "decided"}
        assert "Nothing is like that" in (await browser.get("/journal", params=query)).text
        await browser.get("/journal/play", params={"session": sought})
    sealer = sealer_of(gate.settings)
    async with open_engine(gate.settings.auditor_url) as engine:
        last = await entries(engine, last=10)
        for field, value in (("sought_subject", sought), ("sought_call", query["call"]), ("sought_stage", "decided")):
            [found] = await find_value(engine, sealer, field, value)
            assert (found["stage"], found["subject"]) == ("journal.searched", "arthur")
        [played] = await find_value(engine, sealer, "sought_session", sought)
        assert (played["stage"], played["subject"]) == ("journal.read", "arthur")
    assert not any("Canary" in str(entry.facts) for entry in last)


async def test_entries_of_one_moment_are_on_one_page_or_the_next(gate: Gate) -> None:
    """A batch is dated at once, so a page can end in the middle of a moment."""
    subject = f"crowd-{secrets.token_hex(4)}"
    at = datetime.now(UTC)
    async with open_engine(gate.settings.admin_url) as engine:
        sealer, signer = sealer_of(gate.settings), signer_of(gate.settings)
        async with (
            open_journal(engine, sealer, signer, clock=lambda: at) as journal,
            anyio.create_task_group() as tasks,
        ):
            for number in range(2 * PAGE_ENTRIES + 10):
                call = f"call_{number:016d}"
                tasks.start_soon(journal.append, call, "lease.opened", {"subject": subject})
    seen: list[str] = []
    async with Browser(gate) as browser:
        await browser.sign_in("arthur")
        page = await browser.get("/journal", params={"subject": subject})
        while True:
            seen += re.findall(r">(call_[0-9]{16})<", page.answer.text)
            older = re.search(r'href="[^"]*(/journal\?before=[^"]*)"', page.answer.text)
            if older is None:
                break
            page = await browser.get(html.unescape(older[1]))
        assert (await browser.get("/journal?place=x/1")).code == "console_no_page"
        assert (await browser.get(f"/journal?place={'-' * 36}/1")).code == "console_no_page"
    assert sorted(seen) == [f"call_{number:016d}" for number in range(2 * PAGE_ENTRIES + 10)]


async def test_the_issuers_word_on_auditors_is_asked_for_anew(gate: Gate) -> None:
    async with Browser(gate) as browser:
        await browser.sign_in("arthur")
        assert (await browser.get("/journal")).answer.status_code == 200
        change(gate, "update gate.console_session set opened_at = opened_at - interval '16 minutes' "
                     "where subject = 'arthur'")  # fmt: skip
        for path in ("/journal", "/journal?subject=ada", "/journal/integrity", "/journal/play?call=call_x"):
            sent = await browser.get(path)
            assert sent.answer.status_code == 303
            assert sent.answer.headers["location"] == f"/console/sign-in/start?next={quote(path)}"
        assert "Journal" in (await browser.sign_in("arthur", "/journal?subject=ada")).text
        assert (await browser.get("/journal?subject=ada")).answer.status_code == 200


async def test_who_is_no_auditor_finds_no_journal(gate: Gate) -> None:
    async with Browser(gate) as browser:
        assert (await browser.get("/journal")).answer.status_code == 303
        await browser.sign_in("emil")
        for page in ("/journal", "/journal/integrity", "/journal/play?call=x"):
            assert (await browser.get(page)).code == "console_no_page"
        assert "/journal" not in (await browser.get("/")).answer.text
