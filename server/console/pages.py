"""What a page is made of: templates that escape, text in which nothing hides, and headers that let nothing else in.

Every value that a template shows goes through `server.visible` and is escaped after that; only templates are markup.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.console.sql_text import words
from server.visible import visible

_HERE = Path(__file__).parent
STYLE = (_HERE / "templates" / "console.css").read_bytes()

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}
HSTS = "max-age=31536000"


@dataclass(frozen=True, slots=True)
class Guarded:
    """Puts the headers on every answer of the console, also on those that nobody thought of."""

    app: ASGIApp
    is_https: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("cache-control", "no-store")
                if self.is_https:
                    headers["strict-transport-security"] = HSTS
            await send(message)

        await self.app(scope, receive, guarded)


@dataclass(frozen=True, slots=True)
class Pages:
    """Renders the templates; `base` is the path that the console is at."""

    base: str
    _templates: Environment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        templates.filters.update(sql=_sql, tojson_text=_json, ago=_ago, when=_when, left=_left)
        templates.globals["base"] = self.base
        object.__setattr__(self, "_templates", templates)

    def page(self, name: str, shown: Mapping[str, Any], status: int = 200) -> Response:
        """The page of that name."""
        return HTMLResponse(self._templates.get_template(f"{name}.html").render(shown), status)


def _shown(value: Any) -> Any:
    """What a template is about to show: nothing in it hides or turns text around."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _sql(sql: str, asked: str | None = None) -> Markup:
    """SQL with its words told apart; what is not in `asked` is marked."""
    pieces = []
    for word in words(sql, asked):
        text = escape(visible(word.text, keep="\n\t"))
        span = Markup('<span class="{}">{}</span>').format(word.kind, text) if word.kind not in _PLAIN else text
        pieces.append(Markup("<mark>{}</mark>").format(span) if word.is_new else span)
    return Markup("").join(pieces)


_PLAIN = frozenset({"space", "sign", "name"})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _when(text: str) -> Markup:
    """A time (ISO 8601) as a person reads it, in UTC."""
    at = _time(text).astimezone(UTC)
    return Markup('<time datetime="{}">{:%d %b %Y, %H:%M} UTC</time>').format(at.isoformat(), at)


def _ago(text: str) -> str:
    return f"{_span((datetime.now(UTC) - _time(text)).total_seconds())} ago"


def _left(text: str) -> str:
    seconds = (_time(text) - datetime.now(UTC)).total_seconds()
    return f"{_span(seconds)} left" if seconds > 0 else "no time left"


def _span(seconds: float) -> str:
    minutes = max(0, int(seconds // 60))
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    hours = minutes // 60
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
