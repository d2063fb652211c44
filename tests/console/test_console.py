"""The console as a browser meets it, over HTTP, with the sandbox's issuer, from the sign-in to the change."""

import re

import httpx2
import psycopg
import pytest

from tests.console.browsing import Browser, Page, asked_for
from tests.support.clients import Gate, answer, refusal
from tests.support.databases import driver_dsn
from tests.wire.test_revocation import lifted, revoked

XSS = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'--><b>bold</b>"


async def state_of(gate: Gate, hold_id: str, person: str = "stella") -> str:
    """Where a request is, as its requester's agent is told: its state, or the code of the refusal."""
    async with gate.client(person) as client:
        result = await client.call_tool("check_request", {"hold_id": hold_id})
    return str(refusal(result)["code"] if result.is_error else answer(result)["status"])


def change(gate: Gate, sql: str, *values: object) -> int:
    with psycopg.connect(driver_dsn(gate.settings.database_url.get_secret_value()), autocommit=True) as connection:
        return connection.execute(sql, values).rowcount


async def test_an_approver_signs_in_reads_and_approves_and_the_agent_may_run_it(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9201)
    async with Browser(gate) as browser:
        inbox = await browser.sign_in("sofia")
        assert f"/holds/{hold_id}" in inbox.answer.text
        page = await browser.get(f"/holds/{hold_id}")
        for told in ("stella", "demo-agent", "1 row deleted", "DELETE", "CRM.PUBLIC.TICKETS", "time travel", hold_id):
            assert told in page.text, told
        decided = await browser.decide(hold_id, "approve")
        assert decided.answer.status_code == 303
        after = await browser.get(f"/holds/{hold_id}")
        assert "You approved this" in after.text
        assert "decide" not in after.forms
        assert f"/holds/{hold_id}" not in (await browser.get()).answer.text
    assert await state_of(gate, hold_id) == "executed"


async def test_a_denial_reaches_the_agent_with_its_reason(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9202)
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        assert (await browser.decide(hold_id, "deny", "Not this ticket")).answer.status_code == 303
        assert "denied" in (await browser.get(f"/holds/{hold_id}")).text
    assert await state_of(gate, hold_id) == "denied"


@pytest.mark.parametrize("reason", ["", "  ", "ab", "x" * 1_001])
async def test_a_decision_needs_a_reason(gate: Gate, reason: str) -> None:
    hold_id = await asked_for(gate, 9203)
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        page = await browser.decide(hold_id, "approve", reason)
    assert page.answer.status_code == 400
    assert "console_reason_missing" in page.text
    assert await state_of(gate, hold_id) == "open"


@pytest.mark.parametrize("forged", [{"csrf": "wrong"}, {"csrf": ""}, {"csrf": "\u00e9"}])
async def test_a_form_without_the_sessions_token_decides_nothing(gate: Gate, forged: dict[str, str]) -> None:
    hold_id = await asked_for(gate, 9204)
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        page = await browser.decide(hold_id, "approve", **forged)
    assert (page.answer.status_code, page.code) == (403, "console_forged")
    assert await state_of(gate, hold_id) == "open"


@pytest.mark.parametrize("header", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_a_form_from_another_site_decides_nothing_even_with_the_token(gate: Gate, header: dict[str, str]) -> None:
    hold_id = await asked_for(gate, 9204)
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        form = (await browser.get(f"/holds/{hold_id}")).forms["decide"]
        sent = {**form, "verdict": "approve", "reason": "I have read it"}
        page = await browser.post(f"/holds/{hold_id}/decide", sent, headers=header)
    assert (page.answer.status_code, page.code) == (403, "console_forged")
    assert await state_of(gate, hold_id) == "open"


async def test_another_sessions_token_is_not_this_ones(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9204)
    async with Browser(gate) as theirs, Browser(gate) as browser:
        await theirs.sign_in("ada")
        await browser.sign_in("sofia")
        stolen = (await theirs.get()).forms["sign-out"]["csrf"]
        page = await browser.decide(hold_id, "approve", csrf=stolen)
    assert page.code == "console_forged"


async def test_what_has_expired_cannot_be_approved(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9205)
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        form = (await browser.get(f"/holds/{hold_id}")).forms["decide"]
        assert change(gate, "update gate.hold set expires_at = now() where id = %s", hold_id) == 1
        page = await browser.post(
            f"/holds/{hold_id}/decide", {**form, "verdict": "approve", "reason": "I have read it"}
        )
        assert (page.answer.status_code, page.code) == (409, "hold_spent")
        assert "expired" in (await browser.get(f"/holds/{hold_id}")).text
    assert await state_of(gate, hold_id) == "hold_spent"


async def test_nobody_decides_on_their_own_request_though_they_may_take_it_back(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9206)
    async with Browser(gate) as browser:
        assert f"/holds/{hold_id}" not in (await browser.sign_in("stella")).answer.text
        assert f"/holds/{hold_id}" in (await browser.get("/requests")).answer.text
        page = await browser.get(f"/holds/{hold_id}")
        assert "decide" not in page.forms
        own = {**page.forms["withdraw"], "shown": "", "verdict": "approve", "reason": "I want it"}
        refused = await browser.post(f"/holds/{hold_id}/decide", own)
        assert (refused.answer.status_code, refused.code) == (403, "own_request")
        assert await state_of(gate, hold_id) == "open"
        back = await browser.post(f"/holds/{hold_id}/withdraw", {**page.forms["withdraw"], "reason": "Wrong ticket"})
        assert back.answer.status_code == 303
    assert await state_of(gate, hold_id) == "hold_spent"


async def test_others_cannot_take_a_request_back_nor_see_it(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9207)
    async with Browser(gate) as browser:
        await browser.sign_in("ada")
        csrf = (await browser.get()).forms["sign-out"]["csrf"]
        form = {"csrf": csrf, "reason": "Because", "verdict": "approve", "shown": ""}
        pages = [
            await browser.get(f"/holds/{hold_id}"),
            await browser.get("/holds/hold_doesnotexist"),
            await browser.post(f"/holds/{hold_id}/decide", form),
            await browser.post(f"/holds/{hold_id}/withdraw", form),
        ]
    assert [(page.answer.status_code, page.code) for page in pages] == [(404, "hold_not_found")] * 4
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        page = await browser.post(
            f"/holds/{hold_id}/withdraw", {**(await browser.get()).forms["sign-out"], "reason": "Because"}
        )
        assert page.code == "hold_not_found"
    assert await state_of(gate, hold_id) == "open"


async def test_what_the_approver_was_not_shown_is_not_approved(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9208)
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        page = await browser.decide(hold_id, "approve", shown="0" * 64)
    assert (page.answer.status_code, page.code) == (409, "hold_stale")
    assert await state_of(gate, hold_id) == "open"


async def test_one_person_has_one_word(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9209)
    async with Browser(gate) as browser, Browser(gate) as other:
        await browser.sign_in("sofia")
        await other.sign_in("sofia")
        form = (await other.get(f"/holds/{hold_id}")).forms["decide"]
        await browser.decide(hold_id, "deny")
        page = await other.post(f"/holds/{hold_id}/decide", {**form, "verdict": "approve", "reason": "I have read it"})
    assert page.answer.status_code == 409
    assert await state_of(gate, hold_id) == "denied"


async def test_text_that_others_wrote_is_shown_and_never_obeyed(gate: Gate) -> None:
    sql = f"DELETE FROM crm.public.tickets /* {XSS.replace('*/', '')} */ WHERE subject = '{XSS.replace(chr(39), '')}'"
    hold_id = await asked_for(gate, 0, sql=sql, reason=f"{XSS} \u202ereversed")
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        page = await browser.get(f"/holds/{hold_id}")
        assert not page.tags & {"script", "img", "b", "iframe", "object", "style"}
        assert "<script>alert(1)</script>" in page.text
        assert "\u202e" not in page.answer.text
        assert "\\u{202e}" in page.text
        await browser.decide(hold_id, "deny", XSS)
        after = await browser.get(f"/holds/{hold_id}")
        assert not after.tags & {"script", "img", "b"}
        assert "<b>bold</b>" in after.text
        odd = await browser.get("/holds/%3Cscript%3E")
        assert "script" not in odd.tags


async def headers_of(gate: Gate) -> list[httpx2.Response]:
    async with Browser(gate) as browser:
        pages = [await browser.get("/sign-in"), await browser.get("/"), await browser.get("/nowhere")]
        pages += [
            await browser.get("/sign-in/start"),
            await browser.get("/signed-in"),
            await browser.get("/console.css"),
        ]
        await browser.sign_in("sofia")
        pages += [await browser.get("/"), await browser.get("/requests"), await browser.get("/holds/x")]
    return [page.answer for page in pages]


async def test_every_answer_forbids_scripts_frames_and_strangers(gate: Gate) -> None:
    for got in await headers_of(gate):
        policy = dict(part.strip().partition(" ")[::2] for part in got.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["style-src"] == policy["form-action"] == "'self'"
        assert "script-src" not in policy
        assert got.headers["x-frame-options"] == "DENY"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "console.css" in str(got.url) or got.headers["cache-control"] == "no-store"


async def test_no_page_needs_a_script_or_anything_from_elsewhere(gate: Gate) -> None:
    for got in await headers_of(gate):
        assert "script" not in Page(got).tags
        assert re.findall(r'(?:src|href|action)="(?!/console/|#main)[^"]*"', got.text) == []


async def test_a_session_is_a_new_random_id_that_scripts_cannot_read_and_only_its_hash_is_kept(gate: Gate) -> None:
    async with Browser(gate) as browser:
        fixed = "A" * 43
        browser.http.cookies.set("snowgate", fixed, domain="127.0.0.1", path="/")
        back = await browser.http.get(await browser.come_back(await browser.leave(), "sofia"))
        [cookie] = [each for each in back.headers.get_list("set-cookie") if each.startswith("snowgate=")]
        assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
        session_id = cookie.partition("=")[2].partition(";")[0]
        assert len(session_id) == 43
        assert session_id != fixed
    async with Browser(gate) as browser:
        browser.http.cookies.set("snowgate", fixed, domain="127.0.0.1", path="/")
        assert (await browser.get()).answer.status_code == 303
    dump = "select count(*) from gate.console_session where body like %s or encode(id, 'escape') like %s"
    with psycopg.connect(driver_dsn(gate.settings.database_url.get_secret_value())) as connection:
        assert connection.execute(dump, (f"%{session_id}%",) * 2).fetchone() == (0,)


async def test_signing_in_again_ends_the_session_before_and_signing_out_ends_it_everywhere(gate: Gate) -> None:
    async with Browser(gate) as browser, Browser(gate) as thief:
        await browser.sign_in("sofia")
        thief.http.cookies.update(browser.http.cookies)
        assert (await thief.get()).answer.status_code == 200
        await browser.sign_in("sofia")
        assert (await thief.get()).answer.status_code == 303
        thief.http.cookies.update(browser.http.cookies)
        form = (await browser.get()).forms["sign-out"]
        assert (await thief.post("/sign-out", {"csrf": "x"})).code == "console_forged"
        assert (await browser.post("/sign-out", form)).answer.status_code == 303
        assert (await thief.get()).answer.status_code == 303
        assert (await thief.post("/sign-out", form)).code == "console_signed_out"


@pytest.mark.parametrize("since", ["seen_at", "opened_at"])
async def test_a_session_ends_when_nobody_uses_it_and_after_its_lifetime(gate: Gate, since: str) -> None:
    async with Browser(gate) as browser:
        await browser.sign_in("emil")
        assert (await browser.get()).answer.status_code == 200
        change(gate, f"update gate.console_session set {since} = now() - interval '1 day' where subject = 'emil'")
        assert (await browser.get()).answer.status_code == 303


async def test_a_decision_needs_a_fresh_word_of_the_issuer(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9210)
    older = "update gate.console_session set opened_at = opened_at - interval '16 minutes' where subject = 'sofia'"
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        form = (await browser.get(f"/holds/{hold_id}")).forms["decide"]
        change(gate, older)
        sent = {**form, "verdict": "approve", "reason": "I have read it"}
        page = await browser.post(f"/holds/{hold_id}/decide", sent)
        assert (page.answer.status_code, page.code) == (403, "console_proof_old")
        renewed = await browser.get(f"/holds/{hold_id}")
        assert "/sign-in/start" in renewed.answer.headers["location"]
    assert await state_of(gate, hold_id) == "open"


async def test_the_way_back_from_the_issuer_is_open_to_the_browser_that_left_alone(gate: Gate) -> None:
    async with Browser(gate) as browser, Browser(gate) as victim:
        location = await browser.come_back(await browser.leave(), "sofia")
        forced = await victim.http.get(location)  # login CSRF: another's code in a browser that did not leave
        assert (forced.status_code, Page(forced).code) == (400, "console_sign_in_failed")
        await victim.leave()
        forced = await victim.http.get(location)
        assert (forced.status_code, Page(forced).code) == (400, "console_sign_in_failed")
        for spoilt in (
            re.sub(r"state=[^&]*", "state=x", location),
            re.sub(r"iss=[^&]*", "iss=https://evil.example", location),
            re.sub(r"code=[^&]*", "error=access_denied", location),
            location + "&code=again",
        ):
            assert Page(await browser.http.get(spoilt)).code == "console_sign_in_failed", spoilt
        carried = dict(browser.http.cookies)
        assert (await browser.http.get(location)).status_code == 303
        again = await browser.http.get(location, headers={"cookie": f"snowgate-sign-in={carried['snowgate-sign-in']}"})
        assert Page(again).code == "console_sign_in_failed"  # a code is good once


@pytest.mark.parametrize(
    "to", ["https://evil.example", "//evil.example", "/\\evil.example", "/console/../mcp", "/sign-out"]
)
async def test_signing_in_leads_to_no_other_place(gate: Gate, to: str) -> None:
    async with Browser(gate) as browser:
        back = await browser.http.get(await browser.come_back(await browser.leave(to), "sofia"))
    assert back.headers["location"] == "/console/"


async def test_strangers_reach_the_sign_in_and_nothing_else(gate: Gate) -> None:
    async with Browser(gate) as browser:
        for path in ("/", "/requests", "/holds/hold_x"):
            page = await browser.get(path)
            assert page.answer.status_code == 303
            assert page.answer.headers["location"].startswith("/console/sign-in?next=")
        refused = await browser.post("/holds/hold_x/decide", {"verdict": "approve"})
        assert (refused.answer.status_code, refused.code) == (401, "console_signed_out")
        root = browser.console.removesuffix("/console")
        for outside in ("/console-other", "/consolex/", "/console%2f..%2fmcp", "/console/..%2fmcp", "/mcp"):
            got = await browser.http.post(root + outside, json={})
            assert got.status_code in (401, 404, 405), outside


async def test_an_approver_who_lost_the_group_decides_nothing(gate: Gate) -> None:
    from server.console.sessions import SessionStore
    from server.database import open_engine
    from server.journal_keys import sealer_of

    hold_id = await asked_for(gate, 9211)
    async with Browser(gate) as browser, open_engine(gate.settings.database_url.get_secret_value()) as engine:
        await browser.sign_in("sofia")
        form = (await browser.get(f"/holds/{hold_id}")).forms["decide"]
        store = SessionStore(engine, sealer_of(gate.settings), 60, 60)
        issuer = gate.sandbox.state.issuer_url
        demoted = await store.open({"sub": "sofia", "iss": issuer, "groups": ["analysts"]}, issuer, "sofia")
        browser.http.cookies.set("snowgate", demoted, domain="127.0.0.1", path="/")
        session = await store.find(demoted)
        assert session is not None
        sent = {**form, "csrf": session.csrf, "verdict": "approve", "reason": "I have read it"}
        page = await browser.post(f"/holds/{hold_id}/decide", sent)
        assert (page.answer.status_code, page.code) == (404, "hold_not_found")
    assert await state_of(gate, hold_id) == "open"


async def test_whom_an_operator_has_revoked_is_turned_away_at_the_next_request(gate: Gate) -> None:
    async with Browser(gate) as browser:
        await browser.sign_in("arthur")
        assert (await browser.get()).answer.status_code == 200
        revocation = await revoked(gate, "--principal", "arthur")
        try:
            page = await browser.get()
            assert (page.answer.status_code, page.code) == (403, "revoked")
            back = await browser.http.get(await browser.come_back(await browser.leave(), "arthur"))
            assert (back.status_code, Page(back).code) == (403, "revoked")
        finally:
            await lifted(gate, revocation)


async def test_a_sign_in_and_a_refusal_are_in_the_journal(gate: Gate) -> None:
    from audit.reading import entries, unseal
    from server.database import open_engine
    from server.journal_keys import sealer_of

    async with Browser(gate) as browser:
        await browser.sign_in("emil")
        await browser.get("/holds/hold_doesnotexist")
    auditor = gate.settings.auditor_url
    async with open_engine(auditor) as engine:
        sealer = sealer_of(gate.settings)
        last = await entries(engine, last=20, sealer=sealer)
    facts = [(entry.stage, dict(unseal(entry, sealer))) for entry in last]
    ours = [(stage, said.get("subject"), said.get("code")) for stage, said in facts if said.get("via") == "console"]
    assert ("console.signed_in", "emil", None) in ours
    assert ("refused", "emil", "hold_not_found") in ours


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"x=" + b"y" * 40_000, "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"csrf=a&csrf=b", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=1&" * 50 + b"b=2", "application/x-www-form-urlencoded"),
    ],
)
async def test_what_is_no_form_of_ours_is_refused_with_a_code(gate: Gate, body: bytes, kind: str) -> None:
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        got = await browser.http.post(
            f"{browser.console}/holds/hold_x/decide", content=body, headers={"content-type": kind}
        )
    assert (got.status_code, Page(got).code) == (400, "console_bad_form")
