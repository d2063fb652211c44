"""Group commit: one task numbers, chains and commits the entries of this process' stream, a batch at a time.

One transaction is in flight at most, so the order of a stream is the order of its commits, and no lock is shared with
other processes. While one batch commits the next one gathers, so a slow commit makes a bigger batch.
"""

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from math import inf

import anyio
import anyio.lowlevel
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.bell import Bell
from audit.note import Signer
from audit.sealing import Sealer
from audit.store import OUTAGES, EntryRow, Store
from audit.stream import Stream, month_of
from audit.subject_keys import SubjectKeys
from audit.ticket import Receipt, Ticket
from audit.unavailable import JournalUnavailable

_log = logging.getLogger(__name__)

BATCH_MAX = 256
QUEUE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Batch:
    tickets: list[Ticket]
    rows: list[EntryRow]


class Writer:
    """The writer of this process: of one stream a month.

    `deadline_s` bounds how long an append and each attempt to commit may take; `retry_s` is the pause between attempts
    to reach a database that is gone, during which appends are refused at once.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        sealer: Sealer,
        signer: Signer,
        *,
        deadline_s: float,
        retry_s: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = Store(engine)
        self._sealer = sealer
        self._keys = SubjectKeys(self._store, sealer)
        self._signer = signer
        self._deadline_s = deadline_s
        self._retry_s = retry_s
        self._clock = clock
        self._queue: deque[Ticket] = deque()
        self._work_came = Bell()
        self._all_done = Bell()
        self.stream = Stream(month_of(clock()), sealer, signer)
        self.head: EntryRow | None = None
        self._opening = Ticket("", "stream.open", self.stream.opening())
        self._in_flight = _Batch([], [])
        self._begun: _Batch | Exception | None = None
        self._refusing = False
        self._stopped = False
        self._running = anyio.CancelScope(shield=True)
        self._attempting = anyio.CancelScope()
        self._attempt_due_s = inf

    async def opened(self) -> Receipt:
        """Wait for the first entry of the first stream.

        Raises:
            JournalUnavailable: it is not committed within the deadline.
        """
        with anyio.move_on_after(self._deadline_s):
            return await self._opening.durable()
        raise JournalUnavailable

    async def append(self, ticket: Ticket) -> Receipt:
        """Commit one entry and say where it stands. A cancelled caller takes nothing back.

        Raises:
            JournalUnavailable: it is not committed, or not known to be, within the deadline.
        """
        self.put(ticket)
        return await ticket.durable()

    def put(self, ticket: Ticket) -> None:
        """Queue an entry, which `ticket` tells of.

        Raises:
            JournalUnavailable: nobody may wait for it; one that must be written is queued all the same.
        """
        if self._stopped or (not ticket.must_write and (self._refusing or len(self._queue) >= QUEUE_MAX)):
            ticket.drop()
            raise JournalUnavailable
        self._queue.append(ticket)
        self._all_done.mute()
        if self._work_came.is_awaited:
            self._begin()
        self._work_came.ring()
        if self._refusing:
            raise JournalUnavailable  # it is kept, but nobody waits for a database that is gone
        ticket.due_s = time.monotonic() + self._deadline_s

    async def run(self) -> None:
        """Commit what is queued until `stop`. Cancellation from outside does not reach it: outcomes still come in."""
        with self._running:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch_the_time)
                try:
                    await self._commit_for_ever()
                except Exception:
                    # Not an outage. Going on would mean vouching for entries that may not be there.
                    _log.exception("the journal is broken and refuses every call until the gate is started again")
                finally:
                    self._stopped = True
                    self._refuse_waiting(self._in_flight)
                    self._all_done.ring()
                    await self._store.disconnect()
                tasks.cancel_scope.cancel()

    async def _commit_for_ever(self) -> None:
        await self._open()
        while True:
            await self._work()
            begun, self._begun = self._begun, None
            if isinstance(begun, Exception):
                raise begun
            batch = begun or await self._gather()
            await self._write(batch)
            if len(batch.rows) > 1:
                await anyio.lowlevel.checkpoint()  # those who come again at once share a batch with who came meanwhile

    def _begin(self) -> None:
        """Number and send an entry that comes while nothing is under way: the database works while the task wakes.

        What asks for more than that is left to the task, and what goes wrong is the task's to tell.
        """
        try:
            now = self._clock()
            if month_of(now) <= self.stream.month:
                self._begun = self._take(now)
                self._store.begin(self._begun.rows)
        except Exception as error:
            self._begun = error

    async def _gather(self) -> _Batch:
        """Number what is queued, once there is all that this takes."""
        await self._ready_keys()
        now = self._clock()
        if month_of(now) > self.stream.month:
            await self._turn_the_month(month_of(now))
        return self._take(now)

    async def _watch_the_time(self) -> None:
        """Bound all waits, so that no entry pays for a clock of its own: what comes while this sleeps is due later.

        The first caller to run out of time opens the circuit: those behind it need not wait as long.
        """
        while True:
            now_s = time.monotonic()
            waiting = [ticket for ticket in (*self._in_flight.tickets, *self._queue) if not ticket.settled]
            late = [ticket for ticket in waiting if ticket.due_s <= now_s]
            if late:
                self._refusing = True
                self._refuse(late)
            if self._attempt_due_s <= now_s:
                self._attempt_due_s = inf
                self._attempting.cancel()
            dues_s = (self._attempt_due_s, *(ticket.due_s for ticket in waiting if not ticket.settled))
            await anyio.sleep(min(now_s + self._deadline_s, *dues_s) - now_s)

    async def stop(self, within_s: float) -> None:
        """Commit what is still queued, for at most `within_s`, and end `run`."""
        with anyio.move_on_after(within_s):
            await self._all_done.wait()
        self._stopped = True
        self._running.cancel()

    async def _work(self) -> None:
        """Return once something is queued."""
        while not self._queue and self._begun is None:
            self._refusing = False
            self._all_done.ring()
            self._work_came.mute()
            await self._work_came.wait()

    async def _open(self) -> None:
        """Register the stream and commit its first entry."""
        opening = self._number([self._opening], self._clock())
        await self._until_done(lambda: self._store.register(self.stream.row()), opening)
        await self._write(opening)

    async def _turn_the_month(self, month: date) -> None:
        """Go on in a new stream, which the last entry of the old one names."""
        following = Stream(month, self._sealer, self._signer)
        closing = Ticket("", "stream.close", {"next_stream": str(following.id)})
        await self._write(self._number([closing], self._clock()))
        self.stream = following
        self._opening = Ticket("", "stream.open", following.opening())
        await self._open()

    async def _ready_keys(self) -> None:
        """Have the keys of the people whom the next entries are about; most often they are known."""
        wanted = {ticket.subject for ticket in islice(self._queue, BATCH_MAX) if not self._keys.has(ticket.subject)}
        if wanted and not await self._attempt(lambda: self._keys.fetch(wanted)):
            await self._until_done(lambda: self._keys.fetch(wanted), _Batch([], []))

    def _take(self, now: datetime) -> _Batch:
        """Number and chain what is queued. From here on these bytes, and no others, stand at these numbers."""
        taken: list[Ticket] = []
        while self._queue and len(taken) < BATCH_MAX:
            ticket = self._queue[0]
            ticket.key = self._keys.get(ticket.subject) if ticket.subject else None
            if ticket.subject and ticket.key is None:
                break  # it came while the keys of others were fetched: the next batch has its own
            taken.append(self._queue.popleft())
        return self._number(taken, now)

    def _number(self, tickets: Sequence[Ticket], now: datetime) -> _Batch:
        batch = self._in_flight = _Batch([], [])
        for ticket in tickets:
            try:
                row = self.stream.number(ticket, now)
            except Exception:  # one entry that cannot be spelled must not stop those of others
                _log.exception("an entry of stage %s cannot be written", ticket.stage)
                ticket.drop()
                continue
            ticket.numbered = True
            batch.tickets.append(ticket)
            batch.rows.append(row)
        if batch.rows:
            batch.rows[-1] = self.stream.sign(batch.rows)
        return batch

    async def _write(self, batch: _Batch) -> None:
        """Until the batch is committed. A killed backend costs one more attempt; a database that is gone, refusals."""
        if not batch.rows:
            return
        if not await self._attempt(lambda: self._store.add(batch.rows)):
            await self._until_done(lambda: self._store.settle(batch.rows), batch)
        self._refusing = False
        self.head = batch.rows[-1]
        for ticket, row in zip(batch.tickets, batch.rows, strict=True):
            ticket.confirm(Receipt(row.stream, row.n, row.digest.hex()))

    async def _until_done(self, work: Callable[[], Awaitable[None]], batch: _Batch) -> None:
        while not await self._attempt(work):
            self._refuse_waiting(batch)
            await anyio.sleep(self._retry_s)

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> bool:
        self._attempt_due_s = time.monotonic() + self._deadline_s
        try:
            with anyio.CancelScope() as self._attempting:
                await work()
                return True
            trouble = "no answer in time"
        except OUTAGES as error:
            trouble = type(error).__name__
        finally:
            self._attempt_due_s = inf
        _log.warning("the journal's database does not confirm (%s)", trouble)
        await self._store.disconnect()
        return False

    def _refuse_waiting(self, batch: _Batch) -> None:
        """Nobody waits any longer; what has a number or must be written stays, the rest was never promised."""
        self._refusing = True
        self._refuse([*batch.tickets, *self._queue])

    def _refuse(self, tickets: Iterable[Ticket]) -> None:
        for ticket in tickets:
            ticket.refuse()
        self._queue = deque(ticket for ticket in self._queue if not ticket.dropped)
