"""The page of people who can approve."""

from tests.console.browsing import Browser, asked_for
from tests.support.clients import Gate


async def test_approvers_see_who_can_approve_and_others_do_not(gate: Gate) -> None:
    hold_id = await asked_for(gate, 9242)
    async with Browser(gate) as browser:
        await browser.sign_in("sofia")
        await browser.decide(hold_id, "deny", "Not this one")
        page = await browser.get("/approvers")
        for told in ("stewards-approve", "1 of stewards", "sofia", "small-changes", "unless it is destructive"):
            assert told in page.text, told
        assert 'href="/console/approvers"' in (await browser.get(f"/holds/{hold_id}")).answer.text
    async with Browser(gate) as browser:
        await browser.sign_in("ada")
        assert (await browser.get("/approvers")).code == "not_approver"
