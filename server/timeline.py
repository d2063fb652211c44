"""A call or a whole session played back: its entries in order, each with what proves it. Nothing is executed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.canonical import Json, NotCanonical, canonical
from audit.entry import JournalEntry
from audit.fields import Fact
from audit.note import PublicKey
from audit.proofs import EntryProof, Unproven, prove
from audit.reading import believed, unseal
from audit.sealing import Sealer, Unsealable
from audit.subject_keys import learn_keys

ENTRIES_MAX = 10_000
"""A timeline that has so many may have more; whoever shows it says so."""

CUT = f"these are the first {ENTRIES_MAX:,} entries, and there may be more: play its calls one by one"

_CALL = re.compile(r"(call|op)_[A-Za-z0-9_-]{16}")

_OF_CALLS = text("""
    select * from journal.entry where call_id = any(:calls) order by at, stream, n limit :limit
""")
_OF_SESSION = text("""
    select distinct call_id from journal.entry
    where stage in ('decided', 'refused', 'cancelled', 'failed') and position(cast(:session as bytea) in body) > 0
""")


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of a timeline, with its facts as far as they open, and its proof or why there is none."""

    entry: JournalEntry
    facts: Mapping[str, Json]
    proof: EntryProof | Unproven
    is_sealed: bool

    @property
    def at(self) -> datetime:
        """When."""
        return self.entry.at


def opened(entry: JournalEntry, sealer: Sealer) -> tuple[Mapping[str, Json], bool]:
    """An entry's facts, and whether some stay sealed: their key is another one, or is deleted."""
    try:
        return unseal(entry, sealer), False
    except Unsealable:
        return dict(entry.facts), True


def sought(call: str | None, **others: str | None) -> dict[str, Fact]:
    """What somebody looks for, as facts: a call's id in clear, all else to be hashed, since people type names."""
    told: dict[str, Fact] = {"outcome": call} if call and _CALL.fullmatch(call) else {"sought_call": call or ""}
    told |= {f"sought_{name}": value for name, value in others.items() if value}
    return {name: value for name, value in told.items() if value}


async def calls_of_session(engine: AsyncEngine, session: str) -> list[str]:
    """The calls of one sign-in, as its issuer names it."""
    try:
        spelled = b'"session":' + canonical(session)
    except NotCanonical:  # no entry can hold such a name
        return []
    async with engine.connect() as connection:
        return list((await connection.execute(_OF_SESSION, {"session": spelled})).scalars())


async def timeline(engine: AsyncEngine, sealer: Sealer, log: PublicKey, calls: Sequence[str]) -> list[Moment]:
    """All entries of these calls, in the order of their times.

    Raises:
        Tampered: an entry's hash or a column does not agree with its bytes.
    """
    async with engine.connect() as connection:
        rows = (await connection.execute(_OF_CALLS, {"calls": list(calls), "limit": ENTRIES_MAX})).all()
    found = [believed(row) for row in rows]
    proofs = await prove(engine, log, found)
    await learn_keys(engine, sealer, (entry.facts for entry in found))
    moments: list[Moment] = []
    for entry in found:
        facts, is_sealed = opened(entry, sealer)
        moments.append(Moment(entry, facts, proofs[entry.place], is_sealed))
    return moments
