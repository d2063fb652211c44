"""Proofs for one entry: the tree under a signed head holds it, as a file that anybody can check (C2SP tlog-proof)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.checkpoint import open_checkpoint
from audit.entry import JournalEntry, digest
from audit.merkle import inclusion_path, is_included
from audit.note import BadNote, PublicKey
from audit.tile_store import load_tiles
from audit.tiles import needed

_NEWEST = text("select note from journal.checkpoint order by id desc limit 1")
_LEAF = text("""
    select first + :n - n from journal.run where stream = :stream and :n >= n and :n < n + count
""")


@dataclass(frozen=True, slots=True)
class EntryProof:
    """Where an entry stands under a signed head: `leaf` of the tree of `size`, and the hashes that show it."""

    leaf: int
    size: int
    hashes: tuple[bytes, ...]
    note: str

    def __str__(self) -> str:
        """The text of a C2SP tlog-proof, version 1."""
        hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.hashes)
        return f"c2sp.org/tlog-proof@v1\nindex {self.leaf}\n{hashes}\n{self.note}"


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why there is no proof: it is too new, or something does not hold."""

    why: str
    is_alarming: bool


async def prove(engine: AsyncEngine, log: PublicKey, found: Sequence[JournalEntry]) -> dict[str, EntryProof | Unproven]:
    """The proof of each entry by its place, against the newest signed head. Needs the privileges of a reader."""
    async with engine.connect() as connection:
        note = (await connection.execute(_NEWEST)).scalar_one_or_none()
        if note is None:
            return {entry.place: Unproven("no head is signed yet", is_alarming=False) for entry in found}
        try:
            head = open_checkpoint(note, log)[0]
        except BadNote as error:
            return {entry.place: Unproven(f"the newest head: {error}", is_alarming=True) for entry in found}
        return {entry.place: await _prove(connection, note, head.size, head.root, entry) for entry in found}


async def _prove(
    connection: AsyncConnection, note: str, size: int, root: bytes, entry: JournalEntry
) -> EntryProof | Unproven:
    leaf = (await connection.execute(_LEAF, {"stream": entry.stream, "n": entry.n})).scalar_one_or_none()
    if leaf is None or leaf >= size:
        return Unproven("newer than the newest signed head", is_alarming=False)
    path = inclusion_path(leaf, size)
    try:
        hashes = (await load_tiles(connection, size, needed(path))).hashes(path)
    except KeyError:
        return Unproven("a tile of the tree is missing", is_alarming=True)
    if not is_included(digest(entry.body()), leaf, size, hashes, root):
        return Unproven("the signed tree does not hold it", is_alarming=True)
    return EntryProof(leaf, size, tuple(hashes), note)
