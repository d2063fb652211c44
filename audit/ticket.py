"""An entry on its way to the disk, and the receipt that comes back."""

import re
from math import inf
from typing import NamedTuple
from uuid import UUID

from audit.bell import Bell
from audit.canonical import NotCanonical
from audit.fields import SENSITIVE, Facts
from audit.sealing import SubjectKey
from audit.unavailable import JournalUnavailable

_STAGE = re.compile(r"[a-z][a-z_.]{0,63}\Z")
_CALL_ID = re.compile(r"[A-Za-z0-9._:-]{0,128}\Z")


class Receipt(NamedTuple):
    """Where a committed entry stands, and the hash of its bytes."""

    stream: UUID
    n: int
    digest: str


class Ticket:
    """An entry on its way. Its facts have passed `check_facts`.

    `must_write` marks one that closes a call the journal knows of: it is kept through an outage. `subject` is the
    person whose key encrypts what is to be encrypted of it; empty if there is nothing, or nobody. `due_s` is when who
    waits has waited long enough (`time.monotonic`).
    """

    __slots__ = (
        "_receipt",
        "_settled",
        "call_id",
        "dropped",
        "due_s",
        "facts",
        "key",
        "must_write",
        "numbered",
        "stage",
        "subject",
    )

    def __init__(self, call_id: str, stage: str, facts: Facts, *, must_write: bool = False, subject: str = "") -> None:
        if not _STAGE.match(stage) or not _CALL_ID.match(call_id):
            raise NotCanonical("a stage or a call id that is not a short plain name")
        self.call_id = call_id
        self.stage = stage
        self.facts = facts
        self.must_write = must_write
        self.subject = "" if SENSITIVE.isdisjoint(facts) else subject
        self.key: SubjectKey | None = None
        self.numbered = False
        self.dropped = False
        self.due_s = inf
        self._receipt: Receipt | None = None
        self._settled = Bell()

    @property
    def settled(self) -> bool:
        """Whether nobody needs to wait any longer."""
        return self._settled.rung

    def confirm(self, receipt: Receipt) -> None:
        """The entry is durable."""
        self._receipt = receipt
        self._settled.ring()

    def refuse(self) -> None:
        """Let who waits go, without a receipt. The entry stays if it has a number or must be written."""
        self.dropped = not (self.numbered or self.must_write)
        self._settled.ring()

    def drop(self) -> None:
        """Let who waits go: this entry will never be written."""
        self.dropped = True
        self._settled.ring()

    async def durable(self) -> Receipt:
        """The receipt, as soon as the entry is committed.

        Raises:
            JournalUnavailable: it is not, or not known to be, within the deadline.
        """
        await self._settled.wait()
        if self._receipt is None:
            raise JournalUnavailable
        return self._receipt
