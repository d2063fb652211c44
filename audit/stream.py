"""One stream: the process that numbers its own entries, chains each to the one before it, and signs each batch.

A stream is one process in one month, so that a month can be dropped whole and every stream still has its beginning.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from audit.canonical import Json, canonical
from audit.entry import BODY_BYTES_MAX, JournalEntry, digest
from audit.fields import Facts
from audit.note import Signer
from audit.sealing import Sealer
from audit.store import EntryRow, StreamRow
from audit.ticket import Ticket


class Stream:
    """Numbers, chains, seals and signs; what it has given out stands, and is never given out otherwise.

    `month` is the first day of the month that its entries are kept with.
    """

    def __init__(self, month: date, sealer: Sealer, signer: Signer) -> None:
        self.id: UUID = uuid4()
        self.month = month
        self._sealer = sealer
        self._signer = signer
        self._name = str(self.id)
        self._next_n = 0
        self._prev = ""
        self._at = datetime.min.replace(tzinfo=UTC)

    def row(self) -> StreamRow:
        """How it is registered."""
        return StreamRow(self.id, self.month, str(self._signer.public))

    def opening(self) -> Facts:
        """What its first entry says: with which month it is kept, and under which keys it is sealed and signed."""
        key_id, signed_by = self._sealer.key_id, str(self._signer.public)
        return {"month": self.month.isoformat(), "key_id": key_id, "signed_by": signed_by}

    def number(self, ticket: Ticket, now: datetime) -> EntryRow:
        """The next entry. A clock that was set back does not reorder the stream."""
        at = max(self._at, now)
        facts = self._sealer.seal(ticket.facts, f"{self._name}/{self._next_n}", self.month, ticket.key)
        entry = JournalEntry(self.id, self._next_n, self._prev, at, ticket.stage, ticket.call_id, facts)
        body = entry.body()
        while len(body) > BODY_BYTES_MAX:
            self._shorten(facts)
            body = entry.body()
        hashed = digest(body)
        self._next_n, self._prev, self._at = entry.n + 1, hashed.hex(), at
        return EntryRow(self.month, self.id, entry.n, at, entry.stage, entry.call_id, entry.subject, hashed, body)

    def sign(self, rows: Sequence[EntryRow]) -> EntryRow:
        """The last of `rows` with the signature that covers it, and by the chain all that came before it."""
        last = rows[-1]
        return last._replace(signature=self._signer.sign(signed_bytes(last.stream, last.n, last.digest)))

    def _shorten(self, facts: dict[str, Json]) -> None:
        """Put a keyed hash of its bytes in the place of the longest fact."""
        spelled = {field: canonical(value) for field, value in facts.items()}
        field = max(spelled, key=lambda name: len(spelled[name]))
        hashed = self._sealer.hmac(field, spelled[field].decode(), self.month)
        facts[field] = f"oversize:{len(spelled[field])}:{hashed}"


def signed_bytes(stream: UUID, n: int, hashed: bytes) -> bytes:
    """What a writer signs for the batch that ends with entry `n`."""
    return b"snowgate journal batch v1\n" + stream.bytes + n.to_bytes(8, "big") + hashed


def month_of(at: datetime) -> date:
    """The first day of the month of `at`, in UTC."""
    return at.astimezone(UTC).date().replace(day=1)
