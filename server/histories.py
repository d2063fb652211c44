"""What the sessions of callers have done so far, where rules of the policy ask for it; kept by all replicas together.

A session is one sign-in at an issuer. Where the issuer gives sign-ins no name, it is all that the person did through
the agent today and yesterday (UTC), so that another token of the same sign-in is no new beginning. What a statement
adds is written before it runs, and only if nothing was added since what its decision was made of: so of two statements
at once the second is decided knowing of the first. Time is the database's.
"""

import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policy.circumstances import Footprint, History
from policy.lru import Lru
from policy.principal import Principal
from server.database import answering
from server.refusals import HistoryUnavailable

NAMES_MAX = 500
"""Tables and classifications of a session that are kept; of a session with more the history is not known any more."""

KEPT_S = 7 * 86_400
"""How long after its last statement the history of a session is kept."""

WINDOW_S = 86_400
"""Of a session without a name, what was done in this window and in the one before counts."""

SWEEP_EVERY_S = 3_600.0
SESSIONS_REMEMBERED = 10_000

log = logging.getLogger(__name__)

_READ = text("""
    with named as (
        select case when :sign_in <> '' then array['sid:' || :sign_in, :once]
               else array['who:' || :who || '@' || day, 'who:' || :who || '@' || day - 1, :once] end as names
        from (select floor(extract(epoch from now()) / :window)::bigint as day) today
    )
    select names[1] as now, h.session, statements, refusals, rows, tables, classifications, version
    from named left join gate.session_history h on h.issuer = :issuer and h.session = any(names)
""")
_ADD = text("""
    insert into gate.session_history as h
        (issuer, session, statements, refusals, rows, tables, classifications, version)
    values (:issuer, :session, :statements, :refusals, 0, :tables, :classifications, 1)
    on conflict (issuer, session) do update set
        statements = h.statements + excluded.statements, refusals = h.refusals + excluded.refusals,
        tables = array(select distinct unnest(h.tables || excluded.tables) limit :names),
        classifications = array(select distinct unnest(h.classifications || excluded.classifications) limit :names),
        version = h.version + 1, seen_at = now()
    where h.version = :version
    returning version
""")
_RETURNED = text("""
    update gate.session_history set rows = rows + :rows, version = version + 1, seen_at = now()
    where issuer = :issuer and session = :session
""")
_FORGET = text("delete from gate.session_history where seen_at < now() - make_interval(secs => :kept)")


@dataclass(frozen=True, slots=True)
class Seen:
    """A history as it was at `version`; None is one that nobody knows, for it has too many names.

    `session` is what it goes on under.
    """

    history: History | None
    session: str
    version: int = 0


@dataclass
class Histories:
    """Reads what sessions have done, and adds to it."""

    engine: AsyncEngine
    _kept: Lru[tuple[str, str], str] = field(default_factory=lambda: Lru(SESSIONS_REMEMBERED))

    async def of(self, principal: Principal) -> Seen:
        """What the session of `principal` has done.

        Raises:
            HistoryUnavailable: the database does not say.
        """
        # Earlier versions kept the same session, or token, under `once`: such rows are read until they are forgotten.
        names = {"sign_in": principal.sign_in, "who": _who(principal), "once": principal.session}
        asked = {"issuer": principal.issuer, **names, "window": WINDOW_S}
        async with self._answering() as connection:
            found = (await connection.execute(_READ, asked)).all()
        rows, session = [row for row in found if row.session is not None], str(found[0].now)
        version = next((row.version for row in rows if row.session == session), 0)
        if any(max(len(row.tables), len(row.classifications)) >= NAMES_MAX for row in rows):
            return Seen(None, session, version)
        return Seen(_merged(rows), session, version)

    async def add(self, principal: Principal, seen: Seen, footprint: Footprint | None) -> bool:
        """Add a statement (None: one that was denied) to what was `seen`; false if something was added meanwhile.

        Raises:
            HistoryUnavailable: it is not known to be written.
        """
        added = footprint or Footprint(frozenset(), frozenset())
        row = {
            "issuer": principal.issuer,
            "session": seen.session,
            "statements": int(footprint is not None),
            "refusals": int(footprint is None),
            "tables": sorted(added.tables)[:NAMES_MAX],
            "classifications": sorted(added.classifications)[:NAMES_MAX],
            "names": NAMES_MAX,
            "version": seen.version,
        }
        async with self._answering() as connection:
            is_added = (await connection.execute(_ADD, row)).first() is not None
        self._kept.put((principal.issuer, _who(principal) + principal.sign_in), seen.session)
        return is_added

    async def returned(self, principal: Principal, rows: int) -> None:
        """Add rows that are about to be returned, if a history of the session is kept.

        Raises:
            HistoryUnavailable: it is not known to be written.
        """
        session = self._kept.get((principal.issuer, _who(principal) + principal.sign_in))
        if rows and session:
            async with self._answering() as connection:
                await connection.execute(_RETURNED, {"issuer": principal.issuer, "session": session, "rows": rows})

    async def keep(self) -> None:
        """Forget sessions that have ended long ago; without end."""
        while True:
            try:
                async with self._answering() as connection:
                    await connection.execute(_FORGET, {"kept": KEPT_S})
            except HistoryUnavailable:
                log.warning("histories of old sessions could not be forgotten")
            await anyio.sleep(SWEEP_EVERY_S)

    def _answering(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return answering(self.engine, lambda: HistoryUnavailable("nobody can say right now what this session has done"))


@asynccontextmanager
async def remembered(histories: Histories) -> AsyncGenerator[None]:
    """Histories that forget old sessions while inside."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(histories.keep)
        yield
        tasks.cancel_scope.cancel()


def _who(principal: Principal) -> str:
    """The person and the agent, as one name."""
    return hashlib.sha256(f"{len(principal.subject)} {principal.subject} {principal.actor}".encode()).hexdigest()[:32]


def _merged(rows: list[Any]) -> History:
    return History(
        sum(row.statements for row in rows),
        sum(row.refusals for row in rows),
        sum(row.rows for row in rows),
        frozenset[str]().union(*(row.tables for row in rows)),
        frozenset[str]().union(*(row.classifications for row in rows)),
    )
