"""The keys of people: what is encrypted about somebody is so with a key of their own, and goes for good with it.

They lie in the one table of the journal that may shrink, wrapped by the journal key. Entries bear the hash of the
ciphertext, so that no proof breaks when a key is gone.
"""

import time
from collections.abc import Collection, Iterable
from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.canonical import Json
from audit.sealing import Sealer, SubjectKey, Unsealable, key_ids
from audit.store import Store

FRESH_S = 300.0
"""How long a writer goes on with a key; what it wrote with one that was deleted meanwhile can be read by nobody."""

KNOWN_MAX = 10_000


_WRAPPED = text("select id, wrapped from journal.subject_key where id = any(:ids)")


class SubjectKeys:
    """The keys that a writer knows, each for a while."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._known: dict[str, tuple[SubjectKey, float]] = {}

    def has(self, subject: str) -> bool:
        """Whether an entry about this person can be sealed now; nobody needs no key."""
        return not subject or self.get(subject) is not None

    def get(self, subject: str) -> SubjectKey | None:
        """The key of this person, if it is known and fresh."""
        known = self._known.get(subject)
        return known[0] if known is not None and known[1] > time.monotonic() else None

    async def fetch(self, subjects: Collection[str]) -> None:
        """Learn the keys of these people; whoever has none gets one. Raises as `Store.subject_keys` does."""
        if len(self._known) > KNOWN_MAX:
            self._known.clear()
        ids = {self._sealer.subject_key_id(subject): subject for subject in subjects}
        fresh = {name: self._sealer.new_subject_key(name) for name in ids}
        until = time.monotonic() + FRESH_S
        for name, wrapped in (await self._store.subject_keys(fresh)).items():
            self._known[ids[name]] = (self._sealer.open_subject_key(name, wrapped), until)


async def learn_keys(engine: AsyncEngine, sealer: Sealer, facts: Iterable[dict[str, Json]]) -> None:
    """Let `sealer` open what these facts of entries hold, as far as the keys are still there. For a reader's login.

    Done before each opening: what was learned once is worth nothing when the key has been deleted since.
    """
    ids = sorted(set[str]().union(*map(key_ids, facts)) - {sealer.key_id})
    if not ids:
        return
    async with engine.connect() as connection:
        rows = (await connection.execute(_WRAPPED, {"ids": ids})).all()
    found: list[SubjectKey] = []
    for row in rows:
        with suppress(Unsealable):  # wrapped by a journal key that was in force before this one
            found.append(sealer.open_subject_key(row.id, bytes(row.wrapped)))
    sealer.know(ids, found)
