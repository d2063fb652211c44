"""Group commit: one task numbers, chains and commits the entries of this process' stream, a batch at a time.

One transaction is in flight at most, so the order of a stream is the order of its commits, and no lock is shared with
other processes. While one batch commits the next one gathers, so a slow commit makes a bigger batch.
"""

import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID, uuid4

import anyio
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.canonical import Json, NotCanonical, canonical
from audit.entry import BODY_BYTES_MAX, JournalEntry, digest
from audit.fields import Facts
from audit.sealing import Sealer
from audit.store import OUTAGES, EntryRow, Store
from audit.unavailable import JournalUnavailable

_log = logging.getLogger(__name__)

_STAGE = re.compile(r"[a-z][a-z_.]{0,63}\Z")
_CALL_ID = re.compile(r"[A-Za-z0-9._:-]{0,128}\Z")

BATCH_MAX = 256
QUEUE_MAX = 10_000


class Receipt(NamedTuple):
    """Where a committed entry stands, and the hash of its bytes."""

    stream: UUID
    n: int
    digest: str


class Ticket:
    """An entry on its way. Its facts have passed `check_facts`.

    `must_write` marks one that closes a call the journal knows of: it is kept through an outage.
    """

    __slots__ = ("_receipt", "_settled", "call_id", "dropped", "facts", "must_write", "numbered", "stage")

    def __init__(self, call_id: str, stage: str, facts: Facts, *, must_write: bool = False) -> None:
        if not _STAGE.match(stage) or not _CALL_ID.match(call_id):
            raise NotCanonical("a stage or a call id that is not a short plain name")
        self.call_id = call_id
        self.stage = stage
        self.facts = facts
        self.must_write = must_write
        self.numbered = False
        self.dropped = False
        self._receipt: Receipt | None = None
        self._settled = anyio.Event()

    @property
    def settled(self) -> bool:
        """Whether nobody needs to wait any longer."""
        return self._settled.is_set()

    def confirm(self, receipt: Receipt) -> None:
        """The entry is durable."""
        self._receipt = receipt
        self._settled.set()

    def refuse(self) -> None:
        """Let who waits go, without a receipt. The entry stays if it has a number or must be written."""
        self.dropped = not (self.numbered or self.must_write)
        self._settled.set()

    def drop(self) -> None:
        """Let who waits go: this entry will never be written."""
        self.dropped = True
        self._settled.set()

    async def wait(self) -> None:
        """Until it is known how it went."""
        await self._settled.wait()

    def receipt(self) -> Receipt:
        """The receipt of a committed entry.

        Raises:
            JournalUnavailable: it is not known to be committed.
        """
        if self._receipt is None:
            raise JournalUnavailable
        return self._receipt


@dataclass(frozen=True, slots=True)
class _Batch:
    tickets: list[Ticket]
    rows: list[EntryRow]


class Writer:
    """The writer of one stream.

    `deadline_s` bounds how long an append and each attempt to commit may take; `retry_s` is the pause between attempts
    to reach a database that is gone, during which appends are refused at once.
    """

    def __init__(
        self, engine: AsyncEngine, sealer: Sealer, *, deadline_s: float, retry_s: float, clock: Callable[[], datetime]
    ) -> None:
        self.stream = uuid4()
        self._store = Store(engine)
        self._sealer = sealer
        self._deadline_s = deadline_s
        self._retry_s = retry_s
        self._clock = clock
        self._queue: deque[Ticket] = deque()
        self._wake = anyio.Event()
        self._idle = anyio.Event()
        self._next_n = 0
        self._prev = ""
        self._at = datetime.min.replace(tzinfo=UTC)
        self._in_flight = _Batch([], [])
        self._refusing = False
        self._stopped = False
        self._running = anyio.CancelScope(shield=True)

    async def append(self, ticket: Ticket) -> Receipt:
        """Commit one entry and say where it stands. A cancelled caller takes nothing back.

        Raises:
            JournalUnavailable: it is not committed, or not known to be, within the deadline.
        """
        if self._stopped or (not ticket.must_write and (self._refusing or len(self._queue) >= QUEUE_MAX)):
            ticket.drop()
            raise JournalUnavailable
        self._queue.append(ticket)
        self._wake.set()
        if self._idle.is_set():
            self._idle = anyio.Event()
        if self._refusing:
            raise JournalUnavailable  # it is kept, but nobody waits for a database that is gone
        with anyio.move_on_after(self._deadline_s):
            await ticket.wait()
        if not ticket.settled:
            # The first caller to run out of time opens the circuit: those behind it need not wait as long.
            self._refusing = True
            ticket.refuse()
            if ticket.dropped:
                self._queue.remove(ticket)
        return ticket.receipt()

    async def run(self) -> None:
        """Commit what is queued until `stop`. Cancellation from outside does not reach it: outcomes still come in."""
        with self._running:
            try:
                while True:
                    await self._work()
                    batch = self._take()
                    if batch.rows:
                        await self._commit(batch)
                        self._confirm(batch)
            except Exception:
                # Not an outage. Going on would mean vouching for entries that may not be there.
                _log.exception("the journal is broken and refuses every call until the gate is started again")
                self._refuse_waiting(self._in_flight)
            finally:
                self._stopped = True
                self._idle.set()
                await self._store.disconnect()

    async def stop(self, within_s: float) -> None:
        """Commit what is still queued, for at most `within_s`, and end `run`."""
        with anyio.move_on_after(within_s):
            await self._idle.wait()
        self._stopped = True
        self._running.cancel()

    async def _work(self) -> None:
        """Return once something is queued."""
        while not self._queue:
            self._refusing = False
            self._idle.set()
            self._wake = anyio.Event()
            await self._wake.wait()

    def _take(self) -> _Batch:
        """Number and chain what is queued. From here on these bytes, and no others, stand at these numbers."""
        batch = _Batch([], [])
        while self._queue and len(batch.rows) < BATCH_MAX:
            ticket = self._queue.popleft()
            try:
                row = self._number(ticket)
            except Exception:  # one entry that cannot be spelled must not stop those of others
                _log.exception("an entry of stage %s cannot be written", ticket.stage)
                ticket.drop()
                continue
            ticket.numbered = True
            self._next_n, self._prev, self._at = row.n + 1, row.digest.hex(), row.at
            batch.tickets.append(ticket)
            batch.rows.append(row)
        self._in_flight = batch
        return batch

    def _number(self, ticket: Ticket) -> EntryRow:
        facts = self._sealer.seal(ticket.facts, f"{self.stream}/{self._next_n}")
        at = max(self._at, self._clock())  # a clock that was set back must not reorder the stream
        entry = JournalEntry(self.stream, self._next_n, self._prev, at, ticket.stage, ticket.call_id, facts)
        body = entry.body()
        while len(body) > BODY_BYTES_MAX:
            _shorten(facts, self._sealer)
            body = entry.body()
        return EntryRow(self.stream, entry.n, at, entry.stage, entry.call_id, digest(body), body)

    async def _commit(self, batch: _Batch) -> None:
        """Until the batch is committed. A killed backend costs one more attempt; a database that is gone, refusals."""
        committed = await self._attempt(self._store.add, batch) or await self._attempt(self._store.settle, batch)
        while not committed:
            self._refuse_waiting(batch)
            await anyio.sleep(self._retry_s)
            committed = await self._attempt(self._store.settle, batch)
        self._refusing = False

    async def _attempt(self, write: Callable[[Sequence[EntryRow]], Awaitable[None]], batch: _Batch) -> bool:
        try:
            with anyio.fail_after(self._deadline_s):
                await write(batch.rows)
        except OUTAGES as error:  # the deadline's TimeoutError is one of them
            _log.warning("the journal's database does not confirm (%s)", type(error).__name__)
            await self._store.disconnect()
            return False
        return True

    def _refuse_waiting(self, batch: _Batch) -> None:
        """Nobody waits any longer; what has a number or must be written stays, the rest was never promised."""
        self._refusing = True
        for ticket in (*batch.tickets, *self._queue):
            ticket.refuse()
        self._queue = deque(ticket for ticket in self._queue if not ticket.dropped)

    def _confirm(self, batch: _Batch) -> None:
        for ticket, row in zip(batch.tickets, batch.rows, strict=True):
            ticket.confirm(Receipt(row.stream, row.n, row.digest.hex()))


def _shorten(facts: dict[str, Json], sealer: Sealer) -> None:
    """Put a keyed hash of its bytes in the place of the longest fact."""
    field, spelled = max(((field, canonical(value)) for field, value in facts.items()), key=lambda pair: len(pair[1]))
    facts[field] = f"oversize:{len(spelled)}:{sealer.hmac(field, spelled.decode())}"
