"""The issuer's sign-in: a page that asks which person of the sandbox is at the browser, and codes that stand for them.

A code is good once, for a minute, for who holds the PKCE verifier. Sources: RFC 6749 section 4.1, RFC 7636, RFC 9207.
"""

import html
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from server.sandbox.people import CONSOLE, PEOPLE

CODE_TTL_S = 60.0
CODES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a code stands for."""

    person: str
    nonce: str
    challenge: str
    redirect_uri: str
    until: float


@dataclass(frozen=True, slots=True)
class SigningIn:
    """The authorization endpoint of one issuer, for its one client with a browser.

    That may be at any port of this machine, as RFC 8252 section 7.3 has it: several gates may share one sandbox.
    """

    issuer: str
    redirect_uri: str
    _codes: dict[str, SignedIn] = field(default_factory=dict, repr=False)

    async def ask(self, request: Request) -> Response:
        """The page: a button for each person."""
        asked = dict(request.query_params)
        if not self._is_good(asked):
            return PlainTextResponse("this is not a request of the console's", 400)
        carried = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        people = "".join(
            f'<p><button name="person" value="{person.name}">{html.escape(person.full_name)} '
            f"<small>({person.name}: {', '.join(person.groups)})</small></button></p>"
            for person in PEOPLE.values()
        )
        return HTMLResponse(_PAGE.format(carried=carried, people=people))

    async def answer(self, request: Request) -> Response:
        """Send the browser back with a code for the person."""
        async with request.form(max_files=0, max_fields=20) as sent:
            form = {name: value for name, value in sent.items() if isinstance(value, str)}
        if not self._is_good(form) or form.get("person") not in PEOPLE:
            return PlainTextResponse("this is not a request of the console's", 400)
        now = time.monotonic()
        for code in [code for code, each in self._codes.items() if each.until < now]:
            del self._codes[code]
        if len(self._codes) >= CODES_MAX:
            return PlainTextResponse("too many are signing in", 503)
        code = secrets.token_urlsafe(24)
        self._codes[code] = SignedIn(
            form["person"], form.get("nonce", ""), form["code_challenge"], form["redirect_uri"], now + CODE_TTL_S
        )
        answer = urlencode({"code": code, "state": form.get("state", ""), "iss": self.issuer})
        return RedirectResponse(f"{form['redirect_uri']}?{answer}", 303)

    def redeem(self, form: Mapping[str, str]) -> SignedIn | None:
        """Whom a code stands for; None for one that is not good, and afterwards it is good for nobody."""
        found = self._codes.pop(form.get("code", ""), None)
        if found is None or found.until < time.monotonic() or form.get("redirect_uri") != found.redirect_uri:
            return None
        challenge = create_s256_code_challenge(form.get("code_verifier", ""))
        return found if secrets.compare_digest(challenge, found.challenge) else None

    def _is_good(self, asked: Mapping[str, str]) -> bool:
        fixed = {
            "response_type": "code",
            "client_id": CONSOLE,
            "code_challenge_method": "S256",
        }
        is_fixed = fixed.items() <= asked.items() and bool(asked.get("code_challenge"))
        return is_fixed and self._is_console(asked.get("redirect_uri", ""))

    def _is_console(self, uri: str) -> bool:
        try:
            given = urlsplit(uri)
            return (
                given.scheme in ("http", "https")
                and given.hostname in ("127.0.0.1", "localhost")
                and given.username is None
                and given.port is not None
                and (given.path, given.query, given.fragment) == (urlsplit(self.redirect_uri).path, "", "")
            )
        except ValueError:
            return False


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox sign-in</title><meta name="color-scheme" content="light dark"></head>
<body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 3rem auto; padding: 0 1rem">
<h1>Who are you?</h1><p>This is the sandbox's own issuer. There are no passwords here.</p>
<form method="post">{carried}{people}</form></body></html>
"""
