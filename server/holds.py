"""Holds as they are kept in PostgreSQL: opened for one exact effect, decided by people, run at most once.

Every change of state is one atomic UPDATE that names the state that it expects, so that replicas, replays and crashes
all meet the same answer. What has to be told of a change is told in its transaction, before the commit
(`server.hold_telling`). Time is the database's.
"""

import logging
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import anyio
from sqlalchemy import Row, Select, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.sealing import Sealer
from audit.unavailable import JournalUnavailable
from policy.approving import ApprovalEntry, Standing, Verdict, groups_of, standing
from policy.principal import Principal
from server.hold_record import (
    ALIVE,
    Asked,
    Claim,
    HoldId,
    HoldRecord,
    Requester,
    Said,
    State,
    bound_digest,
    seal,
    unseal,
)
from server.hold_refusals import AlreadyDecided, HoldNotFound
from server.hold_tables import hold_table as t
from server.hold_tables import vote_table as v
from server.hold_telling import Also, nothing_else
from server.refusals import HoldSpent, HoldsUnavailable

HOLDS_LISTED_MAX = 50
DECIDERS_LISTED_MAX = 500

DUE_AT_ONCE = 50
"""How many holds expire or escalate in one go, each in a transaction of its own."""

TRANSACTION_S_MAX = 10.0
"""How long a change may take, the journal's word on it included; cancelling its call does not cut it in two."""

_WAITS = (State.OPEN, State.APPROVED)
_OVER = t.c.state.in_(_WAITS) & (t.c.expires_at <= func.now())
_IS_OVER = _OVER.label("is_over")
"""Whether nobody has noticed yet that its time is over."""
_EXPIRED: Mapping[str, Any] = {"state": State.EXPIRED, "settled_at": func.now(), "body": ""}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HoldStore:
    """The holds of all replicas."""

    engine: AsyncEngine
    sealer: Sealer

    async def open(
        self,
        digest: bytes,
        asked: Asked,
        entry: ApprovalEntry,
        *,
        requester: Requester,
        call_id: str,
        tool: str,
        policy: str,
        summary: Mapping[str, Any],
        ago_s: float = 0.0,
        also: Also = nothing_else,
        expired: Also = nothing_else,
    ) -> HoldRecord:
        """The hold that is alive for `digest`: the one there is, else a new one, as it would have been `ago_s` ago.

        `also` is for a new one, `expired` for one whose time was over, which makes way for it.
        """
        hold_id = HoldId("hold_" + secrets.token_urlsafe(9))
        await self._next((t.c.asked == digest) & _OVER, expired, set(), **_EXPIRED)
        async with self._transaction() as connection:
            now = (await connection.execute(select(func.now()))).scalar_one() - timedelta(seconds=ago_s)
            expires_at = now + timedelta(seconds=entry.ttl_s)
            escalate_at = None if entry.escalate_after_s is None else now + timedelta(seconds=entry.escalate_after_s)
            fresh = insert(t).values(
                id=hold_id,
                call_id=call_id,
                tool=tool,
                issuer=requester.issuer,
                subject=requester.subject,
                actor=requester.actor,
                state=State.OPEN,
                asked=digest,
                bound=bound_digest(digest, entry.id, asked, expires_at),
                policy=policy,
                entry=entry.id,
                groups=sorted(groups_of(entry)),
                summary=dict(summary),
                body=seal(self.sealer, hold_id, asked),
                opened_at=now,
                expires_at=expires_at,
                escalate_at=escalate_at,
                escalated=False,
                outcome={},
            )
            # The predicate is text: as a bind value in a prepared statement it would match no index.
            alive = text("state in ('open', 'approved', 'executing')")
            await connection.execute(fresh.on_conflict_do_nothing(index_elements=["asked"], index_where=alive))
            opened = self._record((await connection.execute(_alive(digest))).one())
            if opened.id == hold_id:
                await also(connection, opened)
        return opened

    async def alive(self, digest: bytes) -> HoldRecord | None:
        """The hold that is alive for exactly what `digest` stands for, if there is one."""
        async with self._transaction() as connection:
            row = (await connection.execute(_alive(digest))).one_or_none()
        return None if row is None or row.is_over else self._record(row)

    async def find(self, hold_id: str) -> HoldRecord:
        """The hold of that id with what was said of it.

        Raises:
            HoldNotFound: there is none.
        """
        async with self._transaction() as connection:
            row = (await connection.execute(select(t, _IS_OVER).where(t.c.id == hold_id))).one_or_none()
            if row is None:
                raise HoldNotFound("there is no such hold for you")
            return self._record(row, await self._votes(connection, hold_id))

    async def waiting_for(self, approver: Principal, after: HoldRecord | None = None) -> list[HoldRecord]:
        """Open holds on which members of the approver's groups decide, not their own, oldest first; one page."""
        listed = select(t, _IS_OVER).where(
            t.c.state == State.OPEN,
            t.c.expires_at > func.now(),
            t.c.groups.overlap(sorted(approver.groups)),
            ~((t.c.issuer == approver.issuer) & (t.c.subject == approver.subject)),
        )
        return await self._page(listed.order_by(t.c.opened_at, t.c.id), after, is_rising=True)

    async def asked_by(self, issuer: str, subject: str, after: HoldRecord | None = None) -> list[HoldRecord]:
        """What a person asked for, newest first; one page."""
        listed = select(t, _IS_OVER).where(t.c.issuer == issuer, t.c.subject == subject)
        return await self._page(listed.order_by(t.c.opened_at.desc(), t.c.id.desc()), after, is_rising=False)

    async def executed(self, issuer: str, subject: str, call_id: str) -> HoldRecord | None:
        """What a person asked for that ran in the call `call_id`, or was asked for in it."""
        named = (t.c.call_id == call_id) | (t.c.outcome["call_id"].astext == call_id)
        listed = select(t, _IS_OVER).where(
            t.c.issuer == issuer, t.c.subject == subject, t.c.state == State.EXECUTED, named
        )
        async with self._transaction() as connection:
            row = (await connection.execute(listed.order_by(t.c.settled_at.desc()).limit(1))).one_or_none()
        return None if row is None else self._record(row)

    async def deciders(self, days: int) -> list[Said]:
        """Who has decided in the last `days`, each with the groups of their last decision; reasons are left out."""
        recent = select(v).where(v.c.at > func.now() - timedelta(days=days))
        last = recent.distinct(v.c.issuer, v.c.subject).order_by(v.c.issuer, v.c.subject, v.c.at.desc())
        async with self._transaction() as connection:
            rows = (await connection.execute(last.limit(DECIDERS_LISTED_MAX))).all()
        return [
            Said(row.issuer, row.subject, frozenset(row.groups), Verdict(row.verdict), actor=row.actor, at=row.at)
            for row in rows
        ]

    async def shown(self, hold_id: str, also: Also = nothing_else) -> bool:
        """Remember that the hold was shown to the person who asked; true the first time."""
        return await self._move(hold_id, {State.OPEN}, t.c.shown_at.is_(None), also, shown_at=func.now())

    async def vote(self, hold: HoldRecord, said: Said, entry: ApprovalEntry, also: Also = nothing_else) -> Standing:
        """Count one person's word on an open hold, once; the last one that was missing settles it.

        A word counts when `also` is done, and not before: with its last step, the commit.

        Raises:
            HoldSpent: the hold is no longer open.
            AlreadyDecided: this person has said something of it before.
        """
        async with self._transaction() as connection:
            lock = select(t.c.escalated).where(_still(hold, State.OPEN)).with_for_update()
            row = (await connection.execute(lock)).one_or_none()
            if row is None:
                raise HoldSpent("the hold is not open any more", hold_id=hold.id)
            fresh = insert(v).values(
                hold_id=hold.id,
                issuer=said.issuer,
                subject=said.subject,
                actor=said.actor,
                groups=sorted(said.groups),
                verdict=said.verdict,
                break_glass=said.is_break_glass,
                reason=self.sealer.encrypt(said.reason.encode(), _place(hold.id, said.subject)),
                via=said.via,
                at=func.now(),
            )
            once = fresh.on_conflict_do_nothing().returning(v.c.subject)
            if (await connection.execute(once)).one_or_none() is None:
                raise AlreadyDecided("you have decided on this hold before", hold_id=hold.id)
            votes = await self._votes(connection, hold.id)
            now = standing(entry, votes, is_escalated=row.escalated)
            if now.state != "open":
                ends = {"settled_at": func.now(), "body": ""} if now.state == "denied" else {}
                moved = update(t).where(t.c.id == hold.id).values(state=now.state, decided_at=func.now(), **ends)
                await connection.execute(moved)
            await also(connection, replace(hold, state=State(now.state), is_escalated=row.escalated))
        return now

    async def claim(self, hold: HoldRecord, *, confirmed: bool, within_s: float, also: Also = nothing_else) -> Claim:
        """Take the right to run the hold, which there is once.

        `confirmed` says that the caller's own user has just confirmed an open one; `also` tells of that. The right is
        for `within_s`; after that, somebody else may find out what became of it.

        Raises:
            HoldSpent: it was run, or has expired, or is not approved.
        """
        claim = Claim(secrets.token_urlsafe(12))
        states = {State.OPEN, State.APPROVED} if confirmed else {State.APPROVED}
        until = func.now() + timedelta(seconds=within_s)
        values: dict[str, Any] = {"claim": claim, "claim_until": until, "session_id": None}
        where = (t.c.bound == hold.bound) & (t.c.expires_at > func.now())
        if not await self._move(hold.id, states, where, also, state=State.EXECUTING, **values):
            raise HoldSpent("the approval was used before, or came too late", hold_id=hold.id)
        return claim

    async def begin(self, hold_id: str, claim: Claim, session_id: int, tag: str, **known: str) -> bool:
        """Say in which Snowflake session, under which query tag, the claim is about to run; false if it is void.

        `known` is what is known of its outcome before it runs.
        """
        values: dict[str, Any] = {"session_id": session_id, "outcome": {"tag": tag, **known}}
        return await self._move(hold_id, {State.EXECUTING}, t.c.claim == claim, **values)

    async def take_over(self, hold: HoldRecord) -> Claim | None:
        """The claim of one whose time is over, so that they cannot begin any more; None if it is not over."""
        claim = Claim(secrets.token_urlsafe(12))
        where = (t.c.claim == hold.claim) & (t.c.claim_until <= func.now())
        until = func.now() + timedelta(seconds=60)
        return claim if await self._move(hold.id, {State.EXECUTING}, where, claim=claim, claim_until=until) else None

    async def release(self, hold_id: str, claim: Claim, also: Also = nothing_else, *, begun: bool = True) -> bool:
        """Give a claim back: nothing ran, so the approval still stands. Unless `begun`, only one not begun on."""
        where = (t.c.claim == claim) if begun else (t.c.claim == claim) & t.c.session_id.is_(None)
        back: dict[str, Any] = {"state": State.APPROVED, "claim": None, "claim_until": None, "session_id": None}
        return await self._move(hold_id, {State.EXECUTING}, where, also, **back)

    async def settle(
        self, hold_id: str, claim: Claim, state: State, outcome: Mapping[str, Any], also: Also = nothing_else
    ) -> bool:
        """Say how a claim ended; false if it is void."""
        return await self._move(hold_id, {State.EXECUTING}, t.c.claim == claim, also, **_ending(state, outcome))

    async def close(self, hold: HoldRecord, state: State, also: Also = nothing_else) -> bool:
        """End a hold that has not begun to run; false if it has, or has ended, or its time is over."""
        where = (t.c.bound == hold.bound) & (t.c.expires_at > func.now())
        return await self._move(hold.id, set(_WAITS), where, also, **_ending(state, {}))

    async def expire_due(self, also: Also = nothing_else) -> list[HoldRecord]:
        """End holds whose time is over, each once among all replicas; `DUE_AT_ONCE` of them while there are more."""
        return await self._all(_OVER, also, **_EXPIRED)

    async def escalate_due(self, also: Also = nothing_else) -> list[HoldRecord]:
        """Let others stand in where nobody decided in time; as `expire_due`."""
        due = (t.c.state == State.OPEN) & ~t.c.escalated & (t.c.escalate_at <= func.now())
        return await self._all(due, also, escalated=True)

    async def _all(self, where: Any, also: Also, **values: Any) -> list[HoldRecord]:
        """Each in a transaction of its own: what fails takes nothing else back that the journal has heard of."""
        holds, tried = list[HoldRecord](), set[str]()
        while len(holds) < DUE_AT_ONCE:
            before = len(tried)
            try:
                hold = await self._next(where, also, tried, **values)
            except JournalUnavailable:
                raise
            except Exception as error:
                if len(tried) == before:  # it is not about one hold
                    raise
                log.error("a hold that is due cannot be changed, and waits: %s", type(error).__name__)
                continue
            if hold is None:
                return holds
            holds.append(hold)
        return holds

    async def _next(self, where: Any, also: Also, tried: set[str], **values: Any) -> HoldRecord | None:
        """Change one of them that was not `tried`, and add it to those."""
        due = select(t.c.id).where(where, t.c.id.not_in(list(tried))).limit(1).with_for_update(skip_locked=True)
        changed = update(t).where(t.c.id == due.scalar_subquery(), where).values(**values).returning(t, _IS_OVER)
        async with self._transaction() as connection:
            row = (await connection.execute(changed)).one_or_none()
            if row is None:
                return None
            tried.add(row.id)
            hold = self._record(row)
            await also(connection, hold)
        return hold

    async def _move(
        self, hold_id: str, states: set[State], where: Any, also: Also = nothing_else, **values: Any
    ) -> bool:
        moved = update(t).where(t.c.id == hold_id, t.c.state.in_(states), where).values(**values)
        async with self._transaction() as connection:
            row = (await connection.execute(moved.returning(t, _IS_OVER))).one_or_none()
            if row is None:
                return False
            await also(connection, self._record(row))
            return True

    async def _page(self, listed: Select[Any], after: HoldRecord | None, *, is_rising: bool) -> list[HoldRecord]:
        if after is not None:
            place, start = tuple_(t.c.opened_at, t.c.id), tuple_(after.opened_at, after.id)
            listed = listed.where(place > start if is_rising else place < start)
        async with self._transaction() as connection:
            rows = (await connection.execute(listed.limit(HOLDS_LISTED_MAX))).all()
        return [self._record(row, is_brief=True) for row in rows]

    async def _votes(self, connection: AsyncConnection, hold_id: str) -> list[Said]:
        rows = (await connection.execute(select(v).where(v.c.hold_id == hold_id).order_by(v.c.at))).all()
        return [
            Said(
                issuer=row.issuer,
                subject=row.subject,
                groups=frozenset(row.groups),
                verdict=Verdict(row.verdict),
                is_break_glass=row.break_glass,
                actor=row.actor,
                via=row.via,
                reason=self.sealer.decrypt(row.reason, _place(hold_id, row.subject)).decode(),
                at=row.at,
            )
            for row in rows
        ]

    def _record(self, row: Row[Any], votes: list[Said] | None = None, *, is_brief: bool = False) -> HoldRecord:
        return HoldRecord(
            id=HoldId(row.id),
            call_id=row.call_id,
            tool=row.tool,
            requester=Requester(row.issuer, row.subject, row.actor),
            state=State.EXPIRED if row.is_over else State(row.state),
            bound=row.bound,
            policy=row.policy,
            entry=row.entry,
            summary=row.summary,
            asked=None if is_brief or row.is_over else unseal(self.sealer, row.id, row.body),
            opened_at=row.opened_at,
            expires_at=row.expires_at,
            is_escalated=row.escalated,
            claim=row.claim,
            session_id=row.session_id,
            settled_at=row.settled_at,
            outcome=row.outcome,
            votes=tuple(votes or ()),
        )

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        """One transaction, whole although its call is cancelled meanwhile.

        Raises:
            HoldsUnavailable: the database does not answer.
        """
        try:
            with anyio.fail_after(TRANSACTION_S_MAX, shield=True):
                async with self.engine.begin() as connection:
                    yield connection
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("holds cannot be kept: %s", type(error).__name__)  # its text would quote what is asked
            raise HoldsUnavailable("holds cannot be kept right now") from error


def _alive(digest: bytes) -> Select[Any]:
    return select(t, _IS_OVER).where(t.c.asked == digest, t.c.state.in_(ALIVE))


def _still(hold: HoldRecord, state: State) -> Any:
    """The hold as it was read, alive, unchanged and not expired."""
    return (t.c.id == hold.id) & (t.c.bound == hold.bound) & (t.c.state == state) & (t.c.expires_at > func.now())


def _ending(state: State, outcome: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": state, "settled_at": func.now(), "body": "", "outcome": dict(outcome)}


def _place(hold_id: str, subject: str) -> str:
    return f"hold/{hold_id}/vote/{subject}"
