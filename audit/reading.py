"""Reads entries back, and believes none whose bytes, hash and columns do not agree."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.canonical import Json, NotCanonical
from audit.entry import JournalEntry, digest, read_entry
from audit.schema import entry_table
from audit.sealing import Sealer
from audit.subject_keys import learn_keys


class Tampered(Exception):
    """An entry that is not as its writer wrote it, or is not where it was written."""

    code = "journal_tampered"
    hint = "keep the database as it is and tell whoever answers for the journal"
    retryable = False

    def __init__(self, place: str, why: str) -> None:
        self.place = place
        self.message = f"entry `{place}`: {why}"
        super().__init__(self.message)


async def entries(
    engine: AsyncEngine, *, call_id: str | None = None, last: int = 50, sealer: Sealer | None = None
) -> list[JournalEntry]:
    """The newest `last` entries, of one call or of all, oldest first, with their facts as they are stored.

    `sealer` learns the keys that open them, as far as they are there.

    Raises:
        Tampered: an entry's hash or a column does not agree with its bytes.
    """
    table = entry_table.c
    newest = select(entry_table).order_by(table.at.desc(), table.stream.desc(), table.n.desc()).limit(last)
    if call_id is not None:
        newest = newest.where(table.call_id == call_id)
    async with engine.connect() as connection:
        rows = (await connection.execute(newest)).all()
    found = [believed(row) for row in reversed(rows)]
    if sealer is not None:
        await learn_keys(engine, sealer, (entry.facts for entry in found))
    return found


def believed(row: Row[Any]) -> JournalEntry:
    """The entry in a row of the table.

    Raises:
        Tampered: its hash or a column does not agree with its bytes.
    """
    place = f"{row.stream}/{row.n}"
    if digest(row.body) != row.digest:
        raise Tampered(place, "its bytes do not have its hash")
    try:
        entry = read_entry(row.body)
    except NotCanonical as error:
        raise Tampered(place, error.message) from error
    columns = (row.stream, row.n, row.at, row.stage, row.call_id, row.subject)
    if columns != (entry.stream, entry.n, entry.at, entry.stage, entry.call_id, entry.subject):
        raise Tampered(place, "its columns do not agree with its bytes")
    return entry


def unseal(entry: JournalEntry, sealer: Sealer) -> dict[str, Json]:
    """The entry's facts with what is encrypted opened; secrets stay keyed hashes.

    Raises:
        Unsealable: it was sealed with another key, or for another entry.
    """
    return sealer.unseal(entry.facts, entry.place)


def check_chain(chain: Sequence[JournalEntry]) -> None:
    """Check that `chain`, in order, is an unbroken piece of one stream, from its first entry if it starts at 0.

    Raises:
        Tampered: an entry is missing, moved, foreign or does not name its predecessor.
    """
    for at, entry in enumerate(chain):
        if at == 0:
            if (entry.n == 0) != (entry.prev == ""):
                raise Tampered(entry.place, "only a stream's first entry has no predecessor")
            continue
        previous = chain[at - 1]
        if (entry.stream, entry.n) != (previous.stream, previous.n + 1):
            raise Tampered(entry.place, f"it does not follow entry `{previous.place}`")
        if entry.prev != digest(previous.body()).hex():
            raise Tampered(entry.place, "it does not name its predecessor's hash")
        if entry.at < previous.at:
            raise Tampered(entry.place, "it is older than its predecessor")
