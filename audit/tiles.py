"""The tree as tiles of height 8 (C2SP tlog-tiles): what a database keeps, 256 hashes to a row, and how it grows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from audit.merkle import Subtree, fold, perfect, range_hash

WIDTH = 256
HASH_BYTES = 32


class TileId(NamedTuple):
    """Where a tile is: its level from the leaves, and its number from the left."""

    level: int
    number: int


def edge(size: int) -> list[TileId]:
    """The tiles that are not full in the tree of `size`: all that is needed to append, and for its root."""
    ids: list[TileId] = []
    level = 0
    while size > 0:
        if size % WIDTH:
            ids.append(TileId(level, size // WIDTH))
        size //= WIDTH
        level += 1
    return ids


class Tiles:
    """A tree of `size` leaves, as far as the given tiles hold it. `changed` are those that `append` has changed."""

    def __init__(self, size: int, tiles: Mapping[TileId, bytes]) -> None:
        self.size = size
        self._tiles = {at: bytearray(hashes) for at, hashes in tiles.items()}
        self._changed: set[TileId] = set()

    def append(self, leaves: Iterable[bytes]) -> None:
        """Grow by these leaf hashes. The tiles of `edge(self.size)` are needed."""
        for leaf in leaves:
            self._append(leaf)

    def take_changed(self) -> dict[TileId, bytes]:
        """The tiles that were changed since the last time, which are forgotten unless they still grow."""
        taken = {at: bytes(self._tiles[at]) for at in sorted(self._changed)}
        growing = set(edge(self.size))
        for at in self._tiles.keys() - growing:
            del self._tiles[at]
        self._changed.clear()
        return taken

    def root(self) -> bytes:
        """The root hash of the whole tree."""
        return range_hash(0, self.size, self.hash_of)

    def hashes(self, path: Sequence[tuple[int, int]]) -> list[bytes]:
        """The hashes of ranges of leaves: a proof, for a path of `audit.merkle`. `needed(path)` says which tiles."""
        return [range_hash(start, end, self.hash_of) for start, end in path]

    def hash_of(self, subtree: Subtree) -> bytes:
        """The hash of a perfect subtree.

        Raises:
            KeyError: the tile that holds it is not there, or is too short.
        """
        at, first, count = _where(subtree)
        held = self._tiles[at][first * HASH_BYTES : (first + count) * HASH_BYTES]
        if len(held) != count * HASH_BYTES:
            raise KeyError(at)
        return fold([bytes(held[i : i + HASH_BYTES]) for i in range(0, len(held), HASH_BYTES)])

    def _append(self, leaf: bytes) -> None:
        self.size += 1
        count, level, grown = self.size, 0, leaf
        while True:
            at = TileId(level, (count - 1) // WIDTH)
            tile = self._tiles.setdefault(at, bytearray())
            tile += grown
            self._changed.add(at)
            if len(tile) < WIDTH * HASH_BYTES:
                return
            grown = fold([bytes(tile[i : i + HASH_BYTES]) for i in range(0, len(tile), HASH_BYTES)])
            count, level = count // WIDTH, level + 1


def needed(path: Iterable[tuple[int, int]]) -> set[TileId]:
    """The tiles that hold the hashes of these ranges of leaves."""
    return {_where(subtree)[0] for start, end in path for subtree in perfect(start, end)}


def _where(subtree: Subtree) -> tuple[TileId, int, int]:
    """The tile that a perfect subtree is folded from, its first hash there and how many there are."""
    height, index = subtree
    level, rest = divmod(height, 8)
    first, count = index << rest, 1 << rest
    return TileId(level, first // WIDTH), first % WIDTH, count
