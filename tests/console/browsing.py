"""A browser without a screen: keeps cookies, follows the sign-in, reads pages and sends their forms."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.support.clients import Gate, refusal


@dataclass
class Page(HTMLParser):
    """A page as it was answered: its forms with their fields, its text, its elements."""

    answer: httpx2.Response
    forms: dict[str, dict[str, str]] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    text: str = ""
    _form: dict[str, str] | None = None

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = {name: value or "" for name, value in attrs}
        assert not [name for name in given if name.startswith("on")], given
        if tag == "form":
            self._form = self.forms.setdefault(given.get("action", "").rpartition("/")[2], {})
        elif tag == "input" and self._form is not None and given.get("type") == "hidden":
            self._form[given["name"]] = given["value"]

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def code(self) -> str:
        """The stable code on an error page."""
        return found[1] if (found := re.search(r"Code ([a-z_]+)", self.text)) else ""


class Browser:
    """One browser; `console` is the console's address."""

    def __init__(self, gate: Gate, console: str | None = None, **options: Any) -> None:
        self.console = console or gate.sandbox.state.console_url
        self.http = httpx2.AsyncClient(timeout=30, follow_redirects=False, **options)

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def get(self, path: str = "/", **options: Any) -> Page:
        return Page(await self.http.get(self.console + path, **options))

    async def post(self, path: str, form: dict[str, str], **options: Any) -> Page:
        return Page(await self.http.post(self.console + path, data=form, **options))

    async def leave(self, to: str = "/") -> Page:
        """The issuer's page, to which the console leads."""
        left = await self.http.get(f"{self.console}/sign-in/start", params={"next": to})
        assert left.status_code == 303
        return Page(await self.http.get(left.headers["location"]))

    async def come_back(self, issuers: Page, person: str) -> str:
        """Say at the issuer who one is; the address that it sends the browser back to."""
        form = next(iter(issuers.forms.values())) if issuers.forms else fields_of(issuers)
        where = str(issuers.answer.url).partition("?")[0]
        sent = await self.http.post(where, data={**form, "person": person})
        assert sent.status_code == 303
        return str(sent.headers["location"])

    async def sign_in(self, person: str, to: str = "/") -> Page:
        back = await self.http.get(await self.come_back(await self.leave(to), person))
        assert back.status_code == 303, back.text
        return await self.get(urlsplit(back.headers["location"]).path.removeprefix("/console"))

    async def decide(self, hold_id: str, verdict: str, reason: str = "I have read it", **more: str) -> Page:
        """Open a hold, and send the form that is on its page."""
        form = (await self.get(f"/holds/{hold_id}")).forms["decide"]
        return await self.post(f"/holds/{hold_id}/decide", {**form, "verdict": verdict, "reason": reason, **more})


def fields_of(page: Page) -> dict[str, str]:
    """The hidden fields of a page, wherever they are."""
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.answer.text))


async def asked_for(
    gate: Gate, ticket: int, *, person: str = "stella", sql: str | None = None, reason: str = "The customer asked"
) -> str:
    """The id of a hold that an agent opened for `person`, and that somebody else has to decide on."""
    text = sql or "DELETE FROM crm.public.tickets WHERE ticket_id = ?"
    async with gate.client(person) as client:
        call = {"sql": text, "parameters": [] if sql else [ticket], "reason": reason}
        said = refusal(await client.call_tool("request_write", call))
    assert said["code"] == "held", said
    return str(said["hold_id"])
