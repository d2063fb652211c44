"""The journal as the line uses it: a record per call, whose outcome is committed whatever becomes of the call."""

import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeAlias
from uuid import UUID

import anyio
import anyio.lowlevel
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.canonical import NotCanonical
from audit.fields import Fact, Facts, check_facts
from audit.note import Signer
from audit.sealing import Sealer
from audit.store import EntryRow
from audit.ticket import Receipt, Ticket
from audit.unavailable import JournalUnavailable
from audit.writer import Writer

__all__ = ["Durable", "Journal", "JournalUnavailable", "Keeper", "Receipt", "Record", "open_journal"]

DEADLINE_S = 2.0
RETRY_S = 0.5

_CRASH_CHARACTERS_MAX = 16_000


Durable: TypeAlias = Callable[[], Awaitable[object]]
"""Returns once the journal holds an entry, or raises JournalUnavailable; however often one task asks it."""

Keeper: TypeAlias = Callable[[Durable], None]
"""Takes over the waiting for an entry."""


class Record:
    """One call's entries. Leaving it commits the outcome: `answered`, `refused`, `failed` or `cancelled`.

    An exception with a `code` and a `hint` is a refusal; the mapping `facts` that it may carry is noted too.
    Facts accumulate; each entry holds those that no earlier entry of the call has.
    """

    def __init__(self, writer: Writer, call_id: str) -> None:
        self.call_id = call_id
        self._writer = writer
        self._known: dict[str, Fact] = {}
        self._new: dict[str, Fact] = {}
        self._entries = 0
        self._last: Ticket | None = None
        self._keeper: Keeper | None = None
        self._started_s = time.monotonic()

    def note(self, **facts: Fact) -> None:
        """Remember facts for the next entry. A fact that was committed with the same value is not repeated.

        Raises:
            NotCanonical: a value is not a fact; nothing of this call of `note` is remembered.
        """
        check_facts(facts)
        if not self._known:
            self._new.update(facts)
            return
        for field, value in facts.items():
            if field in self._known and self._known[field] == value:
                self._new.pop(field, None)
            else:
                self._new[field] = value

    async def commit(self, stage: str) -> Receipt:
        """Commit an entry with the new facts; when this returns it is durable.

        Raises:
            JournalUnavailable: it is not, or not known to be. The caller must go no further.
        """
        return await self._put(stage).durable()

    def begin(self, stage: str) -> Durable:
        """Give the writer an entry with the new facts, and go on: what this returns is awaited for it to be durable.

        Raises:
            JournalUnavailable: nobody may wait for it. The caller must go no further.
        """
        return self._put(stage).durable

    def hand_over(self, keeper: Keeper | None) -> None:
        """Let `keeper`, if there is one, wait for the outcome, if it is an answer: nobody may be told of it before."""
        self._keeper = keeper

    def _put(self, stage: str, *, closes: bool = False) -> Ticket:
        """Give the writer an entry with the new facts. One that closes a call the journal knows of must be written."""
        self._look_back()
        subject = self._new.get("subject") or self._known.get("subject")
        must_write = closes and self._entries > 0
        ticket = Ticket(self.call_id, stage, self._new, must_write=must_write, subject=str(subject or ""))
        self._known |= self._new
        self._new = {}
        self._entries += 1
        self._last = ticket
        self._writer.put(ticket)
        return ticket

    def _look_back(self) -> None:
        """If the last entry will not be written, or that is not yet known, the next one has its facts, too."""
        last, self._last = self._last, None
        if last is None or (last.settled and not last.dropped):
            return
        self._new = {**last.facts, **self._new}
        if last.dropped:
            self._entries -= 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stage, facts = _outcome(error)
        self._note_what_can_be_noted(facts)
        if "duration_ms" not in self._new:
            self.note(duration_ms=round((time.monotonic() - self._started_s) * 1000))
        if error is None and self._keeper is not None:
            self._keeper(self._put(stage, closes=True).durable)
            await anyio.lowlevel.cancel_shielded_checkpoint()  # the writer's turn: the database works from here on
            return
        try:
            with anyio.CancelScope(shield=True):  # the writer's deadline bounds it
                await self._put(stage, closes=True).durable()
        except JournalUnavailable as unavailable:
            if error is None or (isinstance(error, Exception) and not isinstance(error, JournalUnavailable)):
                raise unavailable from error
            # A cancellation stays one. Its entry is kept and written when the database is back.

    def _note_what_can_be_noted(self, facts: Facts) -> None:
        """An error's own facts must not be what keeps its outcome from being written."""
        for field, value in facts.items():
            with suppress(NotCanonical):
                self.note(**{field: value})


class Journal:
    """The entries of one process, a stream a month; `open_journal` makes one."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @property
    def stream(self) -> UUID:
        """The id of this process' stream, new at each start and each month."""
        return self._writer.stream.id

    @property
    def head(self) -> EntryRow | None:
        """The newest entry that is committed: what a writer prints, so that nobody can cut it off unseen."""
        return self._writer.head

    def record(self, call_id: str) -> Record:
        """The record of one call, to be used as `async with journal.record(call_id) as record`.

        Leaving it raises JournalUnavailable when the outcome cannot be committed, so that no answer is returned.
        """
        return Record(self._writer, call_id)

    async def append(self, call_id: str, stage: str, facts: Facts) -> Receipt:
        """Commit one entry by itself.

        Raises:
            JournalUnavailable: it is not committed, or not known to be.
            NotCanonical: a value is not a fact.
        """
        check_facts(facts)
        return await self._writer.append(Ticket(call_id, stage, dict(facts), subject=str(facts.get("subject") or "")))


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_journal(
    engine: AsyncEngine,
    sealer: Sealer,
    signer: Signer,
    *,
    deadline_s: float = DEADLINE_S,
    retry_s: float = RETRY_S,
    clock: Callable[[], datetime] = _now,
) -> AsyncIterator[Journal]:
    """Open a new stream on the database of `engine`, and close it on leaving, after what is queued is committed.

    It holds one of the engine's connections all the time. Needs anyio's asyncio backend, since psycopg does.

    Raises:
        JournalUnavailable: the first entry cannot be committed.
    """
    writer = Writer(engine, sealer, signer, deadline_s=deadline_s, retry_s=retry_s, clock=clock)
    journal = Journal(writer)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.run, name="journal writer")
            try:
                await writer.opened()
                yield journal
            finally:
                with anyio.CancelScope(shield=True):
                    with suppress(JournalUnavailable):
                        # Kept through an outage as outcomes are, or the stream would seem to have been cut off.
                        await writer.append(Ticket("", "stream.close", {}, must_write=True))
                    await writer.stop(within_s=deadline_s)
    except BaseExceptionGroup as group:
        # The writer raises nothing, so this is what the caller raised, and the caller expects it bare.
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise


def _outcome(error: BaseException | None) -> tuple[str, Facts]:
    if error is None:
        return "answered", {}
    if isinstance(error, anyio.get_cancelled_exc_class()):
        return "cancelled", {}
    # Every refusal has a code and a hint; a code alone is also what some libraries put on their errors.
    code = getattr(error, "code", None)
    if isinstance(code, str) and isinstance(getattr(error, "hint", None), str):
        told = getattr(error, "facts", None)
        return "refused", {**(told if isinstance(told, Mapping) else {}), "code": str(code)}
    text = "".join(traceback.format_exception(error))
    return "failed", {"crash": text[-_CRASH_CHARACTERS_MAX:]}
