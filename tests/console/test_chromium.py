"""The console in Debian's Chromium: by keyboard alone, at desk and phone width, in light and dark, with pictures kept.

The pictures go to `$SNOWGATE_PICTURES`, else to a directory of the run's.
"""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.console.browsing import asked_for
from tests.console.test_console import change
from tests.support.clients import Gate

playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    directory = Path(os.environ.get("SNOWGATE_PICTURES") or tmp_path)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@asynccontextmanager
async def chromium(gate: Gate, **options: Any) -> AsyncGenerator[Any]:
    """A page in a fresh browser without JavaScript, and nothing refused by the content security policy."""
    async with playwright.async_playwright() as started:
        browser = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(java_script_enabled=False, **options)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        yield page
        await browser.close()
    assert [each for each in complaints if "Content Security Policy" in each] == []


async def sign_in(gate: Gate, page: Any, person: str, path: str = "/") -> None:
    await page.goto(gate.sandbox.state.console_url + path)
    await page.get_by_role("link", name="Sign in with your organisation").click()
    await page.locator(f'button[value="{person}"]').click()
    await page.wait_for_url("**/console/**")


async def wider_than_the_screen(page: Any) -> bool:
    """Whether a page has to be moved sideways to be read."""
    width = await page.locator("html").bounding_box()
    main = await page.locator("main").bounding_box()
    return bool(main["width"] > width["width"])


async def test_an_approver_reads_and_approves_by_keyboard_without_a_script(gate: Gate, pictures: Path) -> None:
    hold_id = await asked_for(gate, 9221, reason="Ticket 9221 was opened twice; the customer asked us to remove one")
    async with chromium(gate, viewport=DESK) as page:
        await page.goto(f"{gate.sandbox.state.console_url}/holds/{hold_id}")
        await page.screenshot(path=pictures / "1-sign-in.png")
        await sign_in(gate, page, "sofia")
        await page.screenshot(path=pictures / "2-inbox.png", full_page=True)
        await page.goto(f"{gate.sandbox.state.console_url}/holds/{hold_id}")
        await page.screenshot(path=pictures / "3-hold.png", full_page=True)
        await page.get_by_label("Why do you decide so?").focus()
        await page.keyboard.type("The customer confirmed it in writing")
        await page.keyboard.press("Tab")
        await page.screenshot(path=pictures / "4-deciding.png", full_page=True)
        await page.keyboard.press("Enter")
        await page.get_by_text("You approved this").wait_for()
        await page.screenshot(path=pictures / "5-approved.png", full_page=True)


async def test_a_phone_in_the_dark_shows_everything_without_moving_sideways(gate: Gate, pictures: Path) -> None:
    old = "SELECT ticket_id FROM crm.public.tickets WHERE opened_at < '2020-01-01'  -- nobody needs them"
    sql = f"DELETE FROM crm.public.tickets WHERE ticket_id = 9222 OR ticket_id IN ({old}\n)"
    hold_id = await asked_for(gate, 9222, sql=sql)
    async with chromium(gate, viewport=PHONE, color_scheme="dark", is_mobile=True, device_scale_factor=2) as page:
        await sign_in(gate, page, "sofia")
        await page.screenshot(path=pictures / "6-phone-inbox.png", full_page=True)
        assert not await wider_than_the_screen(page)
        await page.goto(f"{gate.sandbox.state.console_url}/holds/{hold_id}")
        assert not await wider_than_the_screen(page)
        await page.screenshot(path=pictures / "7-phone-hold.png", full_page=True)
        await page.get_by_label("Why do you decide so?").fill("Not this one")
        await page.get_by_role("button", name="Deny").click()
        await page.get_by_text("You denied this").wait_for()
        await page.screenshot(path=pictures / "8-phone-denied.png", full_page=True)


async def test_what_expires_while_it_is_read_is_not_approved_and_the_page_says_so(gate: Gate, pictures: Path) -> None:
    hold_id = await asked_for(gate, 9223)
    async with chromium(gate, viewport=DESK) as page:
        await sign_in(gate, page, "sofia", f"/holds/{hold_id}")
        await page.goto(f"{gate.sandbox.state.console_url}/holds/{hold_id}")
        await page.get_by_label("Why do you decide so?").fill("It looks right")
        change(gate, "update gate.hold set expires_at = now() where id = %s", hold_id)
        await page.get_by_role("button", name="Approve exactly this").click()
        await page.get_by_text("hold_spent").wait_for()
        await page.screenshot(path=pictures / "9-expired.png", full_page=True)


async def test_an_approver_reads_who_can_approve_and_what_a_table_loses(gate: Gate, pictures: Path) -> None:
    hold_id = await asked_for(gate, 0, sql="DROP TABLE crm.public.orders", reason="We moved to the new order system")
    async with chromium(gate, viewport=DESK) as page:
        await sign_in(gate, page, "sofia", f"/holds/{hold_id}")
        await page.goto(f"{gate.sandbox.state.console_url}/holds/{hold_id}")
        await page.get_by_text("CRM.PUBLIC.CUSTOMER_REVENUE").first.wait_for()
        await page.screenshot(path=pictures / "10-table.png", full_page=True)
        await page.get_by_role("link", name="Approvers", exact=True).click()
        await page.get_by_role("heading", name="People who can approve").wait_for()
        await page.screenshot(path=pictures / "11-approvers.png", full_page=True)
