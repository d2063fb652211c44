"""The journal for auditors, in the console: a search, a call or a session played back, and whether the proof holds.

It reads by the auditors' login and is there only where one is set; each look is an entry itself, with what was looked
for: in clear where it is a call's id, else as a keyed hash, since people type names. Who belongs to none of the
auditors' groups finds no such page, and whoever signed in too long ago is sent to the issuer first.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.checkpoint import open_checkpoint
from audit.fields import Fact
from audit.journal import Journal
from audit.note import BadNote, PublicKey
from audit.proofs import EntryProof, prove
from audit.reading import Tampered, believed
from audit.sealing import Sealer
from policy.principal import Principal
from server.console.refusals import ConsoleNoPage
from server.timeline import CUT, ENTRIES_MAX, Moment, calls_of_session, timeline
from server.timeline import sought as told_of

PAGE_ENTRIES = 50

_PLACE = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/([0-9]{1,18})")
_FIRST = (UUID(int=0), -1)

log = logging.getLogger(__name__)

_FOUND = text("""
    select * from journal.entry
    where (cast(:call as text) is null or call_id = :call) and (cast(:subject as text) is null or subject = :subject)
    and (cast(:stage as text) is null or stage = :stage)
    and at <= :before and (at, stream, n) < (:before, cast(:stream as uuid), cast(:n as bigint))
    order by at desc, stream desc, n desc limit :limit
""")
_HEAD = text("select note from journal.checkpoint order by id desc limit 1")
_STATE = text("""
    select (select size from journal.head) as woven, (select count(*) from journal.stream) as streams,
           (select max(at) from journal.entry) as newest
""")
_VERIFIED = text("select * from journal.entry where stage = 'journal.verified' order by at desc limit 1")


class Seen(Protocol):
    """Who is signed in; see `server.console.app`."""

    @property
    def who(self) -> Principal:
        """The person, as their issuer vouches for them."""
        ...

    @property
    def age_s(self) -> float:
        """How long ago the issuer vouched."""
        ...


Show: TypeAlias = Callable[..., Response]
Handler: TypeAlias = Callable[[Request, Any], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class JournalPages:
    """The pages; `database` is by the auditors' login, `groups` are theirs."""

    database: AsyncEngine
    sealer: Sealer
    log_key: PublicKey | None
    journal: Journal
    groups: frozenset[str]
    proof_s: float
    """How long the issuer's word on who belongs to them counts."""

    def is_for(self, who: Principal) -> bool:
        """Whether this person is an auditor."""
        return bool(self.groups & who.groups)

    async def search(self, request: Request, visitor: Seen, show: Show) -> Response:
        """Entries by call, person or stage, newest first; public facts alone."""
        asked = {name: request.query_params.get(name) or None for name in ("call", "subject", "stage")}
        before, (stream, n) = _time(request.query_params.get("before")), _place(request.query_params.get("place"))
        await self._journal(visitor, "journal.searched", asked["call"], subject=asked["subject"], stage=asked["stage"])
        page = {"before": before, "stream": stream, "n": n, "limit": PAGE_ENTRIES + 1}
        async with self.database.connect() as connection:
            rows = (await connection.execute(_FOUND, {**asked, **page})).all()
        entries, troubles = [], []
        for row in rows[:PAGE_ENTRIES]:
            try:
                entries.append(believed(row))
            except Tampered as trouble:
                troubles.append(trouble.message)
        last = rows[PAGE_ENTRIES - 1] if len(rows) > PAGE_ENTRIES else None
        older = None if last is None else {"before": last.at.isoformat(), "place": f"{last.stream}/{last.n}"}
        return show("journal", visitor, entries=entries, troubles=troubles, asked=asked, older=older)

    async def play(self, request: Request, visitor: Seen, show: Show) -> Response:
        """A call, or all calls of a sign-in, as a timeline; each entry with its proof."""
        call, session = request.query_params.get("call"), request.query_params.get("session")
        if not call and not session:
            raise ConsoleNoPage("say which call, or which session")
        await self._journal(visitor, "journal.read", call, session=session)
        if self.log_key is None:
            raise ConsoleNoPage("this gate has no key of the log to prove entries with")
        calls = [call] if call else await calls_of_session(self.database, session or "")
        try:
            moments = await timeline(self.database, self.sealer, self.log_key, calls)
            trouble = CUT if len(moments) == ENTRIES_MAX else ""
        except Tampered as tampered:
            moments, trouble = [], tampered.message
        shown = [_moment(moment) for moment in moments]
        return show("play", visitor, what=call or session, moments=shown, trouble=trouble)

    async def integrity(self, request: Request, visitor: Seen, show: Show) -> Response:
        """The newest signed head, how far it reaches, and what the last verification found."""
        await self._journal(visitor, "journal.read", None, outcome="integrity")
        async with self.database.connect() as connection:
            note = (await connection.execute(_HEAD)).scalar_one_or_none()
            state = (await connection.execute(_STATE)).one()
            row = (await connection.execute(_VERIFIED)).one_or_none()
        told: dict[str, Any] = {"woven": state.woven, "streams": state.streams, "newest": _iso(state.newest)}
        head = None if note is None else {**told, "note": note, **self._signed(note)}
        return show("integrity", visitor, head=head, state=told, verified=await self._verified(row))

    def _signed(self, note: str) -> dict[str, Any]:
        """What the log has signed; of a note that it has not, nothing is told."""
        if self.log_key is None:
            return {"signed": False}
        try:
            head, time_s = open_checkpoint(note, self.log_key)
        except BadNote:
            return {"signed": False}
        return {"signed": True, "size": head.size, "signed_at": _iso(datetime.fromtimestamp(time_s, UTC))}

    async def _verified(self, row: Row[Any] | None) -> dict[str, Any] | None:
        """What the last verification found, and what proves that it took place."""
        if row is None or self.log_key is None:
            return None
        try:
            entry = believed(row)
        except Tampered as trouble:
            return {"why_not": trouble.message}
        proof = (await prove(self.database, self.log_key, [entry]))[entry.place]
        why_not = "" if isinstance(proof, EntryProof) else proof.why
        return {**entry.facts, "at": _iso(entry.at), "why_not": why_not}

    async def _journal(
        self, visitor: Seen, looked: str, call: str | None, outcome: str = "entries", **sought: str | None
    ) -> None:
        """Say who looks for what, before they see it."""
        who = visitor.who
        known: dict[str, Fact] = {"via": "console", "subject": who.subject, "issuer": who.issuer, "outcome": outcome}
        await self.journal.append("", looked, known | told_of(call, **sought))


def guarded(pages: JournalPages, page: Callable[[Request, Any, Show], Awaitable[Response]], show: Show) -> Handler:
    """A page that only auditors find."""

    async def handle(request: Request, visitor: Any) -> Response:
        if not pages.is_for(visitor.who):
            raise ConsoleNoPage("there is no such page for you")
        if visitor.age_s > pages.proof_s:  # a group may have been taken away since
            asked = request.url.path[request.url.path.rindex("/journal") :]
            where = f"{asked}?{request.url.query}" if request.url.query else asked
            return RedirectResponse(f"{request.url.path.removesuffix(asked)}/sign-in/start?next={quote(where)}", 303)
        try:
            return await page(request, visitor, show)
        except (SQLAlchemyError, OSError) as error:
            log.warning("the journal could not be read (%s)", type(error).__name__)
            raise ConsoleNoPage("the journal cannot be read now") from None

    return handle


def _moment(moment: Moment) -> dict[str, Any]:
    proof = moment.proof
    return {
        "entry": moment.entry,
        "at": _iso(moment.at),
        "facts": [(name, str(value)) for name, value in moment.facts.items() if value not in (None, "", [])],
        "sealed": moment.is_sealed,
        "proof": f"leaf {proof.leaf} of {proof.size}" if isinstance(proof, EntryProof) else proof.why,
        "proven": isinstance(proof, EntryProof),
        "alarming": not isinstance(proof, EntryProof) and proof.is_alarming,
    }


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat()


def _place(told: str | None) -> tuple[UUID, int]:
    """The stream and the number of the entry at which a page ended."""
    if not told:
        return _FIRST
    match = _PLACE.fullmatch(told)
    if match is None:
        raise ConsoleNoPage("that is no place of an entry")
    return UUID(match[1]), int(match[2])


def _time(told: str | None) -> datetime:
    try:
        at = datetime.fromisoformat(told) if told else datetime.max.replace(tzinfo=UTC)
    except ValueError:
        raise ConsoleNoPage("that is no time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
