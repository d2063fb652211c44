"""A journal entry: one numbered link of one stream, and the exact bytes and digest that stand for it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from audit.canonical import Json, NotCanonical, parse, spell

VERSION = 1

BODY_BYTES_MAX = 65_535
"""The most that an entry of a C2SP tlog-tiles bundle can hold (uint16 length)."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry of a stream, with its facts already sealed.

    `stream` is one process' life, `n` counts its entries from 0, `prev` is the hex digest of entry `n - 1` (empty for
    the first), `at` is the writer's clock in UTC, never going back within a stream. `call_id` is empty in what the
    journal says about itself.
    """

    stream: UUID
    n: int
    prev: str
    at: datetime
    stage: str
    call_id: str
    facts: dict[str, Json]
    v: int = VERSION

    @property
    def place(self) -> str:
        """`<stream>/<n>`: names this entry among all entries there are."""
        return f"{self.stream}/{self.n}"

    @property
    def subject(self) -> str:
        """Who asked, where this entry says so; else empty."""
        return str(self.facts.get("subject", ""))

    def body(self) -> bytes:
        """The canonical bytes: what is stored and hashed. The facts are as `Sealer.seal` or `read_entry` gave them."""
        return spell(
            {
                "v": self.v,
                "stream": str(self.stream),
                "n": self.n,
                "prev": self.prev,
                "at": rfc3339(self.at),
                "stage": self.stage,
                "call_id": self.call_id,
                "facts": self.facts,
            }
        )


def digest(body: bytes) -> bytes:
    """SHA-256 of 0x00 and the body: the leaf hash of RFC 6962, section 2.1, so that chain and tree share one hash."""
    return hashlib.sha256(b"\0" + body).digest()


def rfc3339(at: datetime) -> str:
    """`at` in UTC with exactly six digits of a second, which is what a PostgreSQL timestamp keeps."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def read_entry(body: bytes) -> JournalEntry:
    """The entry that `body` spells.

    Raises:
        NotCanonical: these bytes are not a canonical entry.
    """
    match parse(body):
        case {
            "v": int(v), "stream": str(stream), "n": int(n), "prev": str(prev), "at": str(at),
            "stage": str(stage), "call_id": str(call_id), "facts": dict(facts), **others,
        } if not others and bool not in (type(v), type(n)):  # fmt: skip
            entry = JournalEntry(_uuid(stream), n, prev, _time(at), stage, call_id, facts, v)
        case _:
            raise NotCanonical("JSON that is not an entry")
    if entry.body() != body:  # another spelling of the time or of the stream
        raise NotCanonical("an entry that is not in canonical form")
    return entry


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotCanonical("a stream that is not a UUID") from error


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # in UTC it may lie before the first year or after the last
        raise NotCanonical("a time that is not RFC 3339") from error
