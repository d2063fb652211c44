"""The console's addresses: each shows what `server.desk` says to the person who is signed in, or passes on their word.

Nothing here decides who may see or do what. Without a session every address but the sign-in leads there; a form that is
not the session's own changes nothing; whoever an operator has revoked is turned away at each request.
"""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from audit.fields import Fact
from audit.journal import Journal
from audit.unavailable import JournalUnavailable
from policy.approving import Verdict, groups_of
from policy.principal import Principal
from server.clocks import Clock
from server.console.forms import read_form, reason_of
from server.console.journal import JournalPages, guarded
from server.console.pages import STYLE, Guarded, Pages
from server.console.refusals import (
    ConsoleBadForm,
    ConsoleNoPage,
    ConsoleProofOld,
    ConsoleReasonMissing,
    ConsoleSignedOut,
    ConsoleSignInFailed,
    status_of,
)
from server.console.sessions import ConsoleSession, SessionStore
from server.console.sign_in import AWAY_S_MAX, SignIn
from server.desk import HoldDesk, View
from server.refusals import Internal, Refusal, Unauthenticated
from server.revocations import Revocations

_NEXT = re.compile(
    r"/|/requests|/approvers|/journal|/journal/integrity|/holds/[A-Za-z0-9_-]{1,64}"
    r"|/journal(/play)?\?[A-Za-z0-9_.:=&%+-]{1,1000}"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in."""

    session: ConsoleSession
    who: Principal

    @property
    def age_s(self) -> float:
        """How long ago the issuer vouched for them, in seconds."""
        return self.session.age_s


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
VisitorHandler: TypeAlias = Callable[[Request, Visitor], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Console:
    """The console at `url`, for people whom its issuer signs in.

    A decision needs what the issuer said at most `proof_s` seconds ago: it may have taken a group away since.
    """

    url: str
    desk: HoldDesk
    journal: Journal
    revocations: Revocations
    clock: Clock
    sessions: SessionStore
    sign_in: SignIn
    proof_s: float
    auditing: JournalPages | None = None
    _pages: Pages = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pages", Pages(self.path))

    @property
    def path(self) -> str:
        """The path that it is at."""
        return urlsplit(self.url).path.rstrip("/")

    def app(self) -> ASGIApp:
        """The ASGI application, for requests below `path`."""
        get, post = ["GET"], ["POST"]
        hold = "/holds/{hold_id:str}"
        app = Starlette(
            routes=[
                Route("/", self._signed_in(self._inbox), methods=get),
                Route("/requests", self._signed_in(self._requests), methods=get),
                Route("/approvers", self._signed_in(self._approvers), methods=get),
                Route(hold, self._signed_in(self._hold), methods=get),
                Route(f"{hold}/decide", self._signed_in(self._decide), methods=post),
                Route(f"{hold}/withdraw", self._signed_in(self._withdraw), methods=post),
                *self._journal_routes(),
                Route("/sign-in", self._open(self._door), methods=get),
                Route("/sign-in/start", self._open(self._leave), methods=get),
                Route("/signed-in", self._open(self._come_back), methods=get),
                Route("/sign-out", self._signed_in(self._sign_out), methods=post),
                Route("/console.css", _style, methods=get),
            ],
            exception_handlers={HTTPException: self._no_page},
        )
        app.router.redirect_slashes = False  # it would lead to whatever host a request names
        return Guarded(app, self._is_https)

    # ---- pages

    async def _inbox(self, request: Request, visitor: Visitor) -> Response:
        views, cursor = await self.desk.waiting(visitor.who, request.query_params.get("after"))
        return self._page("inbox", visitor, views=views, cursor=cursor)

    async def _requests(self, request: Request, visitor: Visitor) -> Response:
        views, cursor = await self.desk.mine(visitor.who, request.query_params.get("after"))
        return self._page("requests", visitor, views=views, cursor=cursor)

    async def _approvers(self, request: Request, visitor: Visitor) -> Response:
        return self._page("approvers", visitor, approving=await self.desk.approvers(visitor.who))

    async def _hold(self, request: Request, visitor: Visitor) -> Response:
        hold_id = request.path_params["hold_id"]
        if visitor.age_s > self.proof_s / 2:  # so that there is time to read before the proof is too old
            return RedirectResponse(f"{self.path}/sign-in/start?next={quote(f'/holds/{hold_id}')}", 303)
        return self._hold_page(visitor, await self.desk.show(visitor.who, hold_id, via="console"))

    async def _decide(self, request: Request, visitor: Visitor) -> Response:
        hold_id = request.path_params["hold_id"]
        form = await read_form(request, visitor.session, self._origin)
        if visitor.age_s > self.proof_s:
            raise ConsoleProofOld("it is too long ago that you signed in")
        if form.get("verdict") not in ("approve", "deny"):
            raise ConsoleBadForm("the form does not say what was decided")
        try:
            reason = reason_of(form)
        except ConsoleReasonMissing as missing:
            view = await self.desk.show(visitor.who, hold_id, via="console")
            return self._hold_page(visitor, view, missing)
        await self.desk.decide(
            visitor.who,
            hold_id,
            Verdict(form["verdict"]),
            reason,
            shown=form.get("shown", ""),
            via="console",
            is_break_glass=form.get("break_glass") == "yes",
        )
        return self._to(f"/holds/{hold_id}")

    async def _withdraw(self, request: Request, visitor: Visitor) -> Response:
        hold_id = request.path_params["hold_id"]
        form = await read_form(request, visitor.session, self._origin)
        try:
            reason = reason_of(form)
        except ConsoleReasonMissing as missing:
            view = await self.desk.show(visitor.who, hold_id, via="console")
            return self._hold_page(visitor, view, missing)
        await self.desk.withdraw(visitor.who, hold_id, reason, is_in_person=True)
        return self._to(f"/holds/{hold_id}")

    def _journal_routes(self) -> list[Route]:
        pages = self.auditing
        if pages is None:
            return []
        found = {"/journal": pages.search, "/journal/play": pages.play, "/journal/integrity": pages.integrity}
        return [Route(at, self._signed_in(guarded(pages, page, self._page))) for at, page in found.items()]

    # ---- sign-in and sign-out

    async def _door(self, request: Request) -> Response:
        """The only page for strangers: it says what this is, and leads to the issuer."""
        shown = {"next": _safe(request.query_params.get("next")), "issuer": self.sign_in.issuer, "who": None}
        return self._pages.page("sign_in", shown)

    async def _leave(self, request: Request) -> Response:
        url, carried = await self.sign_in.leave(_safe(request.query_params.get("next")))
        answer = RedirectResponse(url, 303)
        self._set(answer, self._away_cookie, carried, max_age=AWAY_S_MAX)
        return answer

    async def _come_back(self, request: Request) -> Response:
        query = dict(request.query_params.multi_items())
        if len(query) != len(request.query_params.multi_items()):
            raise ConsoleSignInFailed("the issuer's answer says something twice")
        back = await self.sign_in.come_back(query, request.cookies.get(self._away_cookie, ""))
        self.clock.check()
        who = self.sign_in.principal(back.claims, "console")
        await self.revocations.check(who)
        await self._journal("console.signed_in", who)
        await self.sessions.close(request.cookies.get(self._cookie, ""))
        session_id = await self.sessions.open(back.claims, who.issuer, who.subject)
        answer = self._to(back.next_path)
        self._set(answer, self._cookie, session_id)
        self._unset(answer, self._away_cookie)
        return answer

    async def _sign_out(self, request: Request, visitor: Visitor) -> Response:
        await read_form(request, visitor.session, self._origin)
        await self.sessions.close(visitor.session.id)
        await self._journal("console.signed_out", visitor.who)
        answer = self._to("/sign-in")
        self._unset(answer, self._cookie)
        return answer

    # ---- around every page

    def _signed_in(self, handler: VisitorHandler) -> Handler:
        async def handle(request: Request) -> Response:
            visitor = await self._visitor(request)
            if visitor is not None:
                try:
                    return await handler(request, visitor)
                except (Refusal, JournalUnavailable) as refusal:
                    return await self._refused(refusal, visitor)
            if request.method in ("GET", "HEAD"):
                target = _safe(request.url.path.removeprefix(self.path) or "/")
                return RedirectResponse(f"{self.path}/sign-in?next={quote(target)}", 303)
            raise ConsoleSignedOut("you are not signed in")

        return self._open(handle)

    def _open(self, handler: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except (Refusal, JournalUnavailable) as refusal:
                return await self._refused(refusal, None)
            except Exception:
                log.exception("a page of the console failed")
                return await self._refused(Internal("a fault of ours"), None)

        return handle

    async def _visitor(self, request: Request) -> Visitor | None:
        session = await self.sessions.find(request.cookies.get(self._cookie, ""))
        if session is None:
            return None
        self.clock.check()
        who = self.sign_in.principal(session.claims, session.name)
        await self.revocations.check(who)
        return Visitor(session, who)

    async def _refused(self, refusal: Refusal | JournalUnavailable, visitor: Visitor | None) -> Response:
        who = None if visitor is None else visitor.who
        if isinstance(refusal, Refusal):
            fault: dict[str, Fact] = {"fault": refusal.fault.value} if isinstance(refusal, Unauthenticated) else {}
            try:
                await self._journal("refused", who, code=refusal.code, **fault)
            except JournalUnavailable as unavailable:
                refusal = unavailable
        status = status_of(refusal.code, is_retryable=refusal.retryable)
        csrf = "" if visitor is None else visitor.session.csrf
        return self._pages.page("error", {"refusal": refusal, "who": who, "csrf": csrf, "here": ""}, status)

    async def _no_page(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        shown = {"refusal": ConsoleNoPage("there is no such page"), "who": None, "csrf": "", "here": ""}
        return self._pages.page("error", shown, status)

    async def _journal(self, stage: str, who: Principal | None, **facts: Fact) -> None:
        proven: dict[str, Fact] = (
            {}
            if who is None
            else {"subject": who.subject, "issuer": who.issuer, "actor": who.actor, "groups": sorted(who.groups)}
        )
        await self.journal.append("call_" + secrets.token_urlsafe(12), stage, {"via": "console", **proven, **facts})

    # ---- small things

    def _page(self, name: str, visitor: Visitor, **shown: Any) -> Response:
        is_auditor = self.auditing is not None and self.auditing.is_for(visitor.who)
        common = {"who": visitor.who, "csrf": visitor.session.csrf, "here": name, "is_auditor": is_auditor}
        return self._pages.page(name, common | shown)

    def _hold_page(self, visitor: Visitor, view: View, missing: Refusal | None = None) -> Response:
        who, requester = visitor.who, view.hold.requester
        shown = {
            "who": who,
            "csrf": visitor.session.csrf,
            "here": "",
            "view": view,
            "hold": view.content,
            "missing": missing,
            "is_approver": bool(groups_of(view.entry) & who.groups),
            "is_own": (requester.issuer, requester.subject) == (who.issuer, who.subject),
            "said": next((v for v in view.hold.votes if (v.issuer, v.subject) == (who.issuer, who.subject)), None),
            "may_break_glass": bool(view.entry.break_glass & who.groups),
        }
        return self._pages.page("hold", shown, 200 if missing is None else 400)

    def _to(self, path: str) -> RedirectResponse:
        return RedirectResponse(self.path + path, 303)

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def _is_https(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def _cookie(self) -> str:
        return "__Host-snowgate" if self._is_https else "snowgate"

    @property
    def _away_cookie(self) -> str:
        return self._cookie + "-sign-in"

    def _set(self, answer: Response, name: str, value: str, max_age: int | None = None) -> None:
        answer.set_cookie(name, value, max_age=max_age, path="/", secure=self._is_https, httponly=True, samesite="lax")

    def _unset(self, answer: Response, name: str) -> None:
        answer.delete_cookie(name, path="/", secure=self._is_https, httponly=True, samesite="lax")


async def _style(_: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers={"cache-control": "public, max-age=300"})


def _safe(path: str | None) -> str:
    """Where to go on to: an address of the console, whatever was asked for."""
    return path if path is not None and _NEXT.fullmatch(path) else "/"
