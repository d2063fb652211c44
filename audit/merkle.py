"""The Merkle tree of RFC 6962 (section 2) and RFC 9162 (section 2.1): hashes, proofs, and their verification. Pure."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

EMPTY_ROOT = hashlib.sha256(b"").digest()

Subtree: TypeAlias = tuple[int, int]
"""A perfect subtree, as (height, index): its leaves are `index << height` up to, not including, `index + 1 << height`.
"""

HashOf: TypeAlias = Callable[[Subtree], bytes]


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node from those of its children."""
    return hashlib.sha256(b"\1" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root of a perfect tree over `hashes`, whose number is a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def perfect(start: int, end: int) -> Iterator[Subtree]:
    """The perfect subtrees that make up the leaves `start` to `end`, left to right.

    `start` is a multiple of the largest power of two below `end - start`, as it is for every node of a tree.
    """
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def range_hash(start: int, end: int, hash_of: HashOf) -> bytes:
    """MTH of the leaves `start` to `end` (RFC 6962, section 2.1)."""
    hashes = [hash_of(subtree) for subtree in perfect(start, end)]
    if not hashes:
        return EMPTY_ROOT
    right = hashes.pop()
    while hashes:
        right = node_hash(hashes.pop(), right)
    return right


def inclusion_path(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose hashes prove leaf `index` in the tree of `size` (RFC 6962, section 2.1.1)."""
    path: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, size: int) -> list[tuple[int, int]]:
    """The ranges whose hashes prove that the tree of `old` begins the tree of `size` (RFC 6962, section 2.1.2)."""
    if old in (0, size):
        return []
    path: list[tuple[int, int]] = []
    start, end, is_whole = 0, size, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, is_whole = middle, False
    return [*([] if is_whole else [(start, end)]), *path[::-1]]


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows the hash `leaf` at `index` of the tree with this `root` (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(step, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, step)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `old` begins the tree of `size` (RFC 9162, section 2.1.4.2).

    Every tree begins with the empty one, whose root is the hash of nothing.
    """
    if not 0 <= old <= size:
        return False
    if old in (0, size):
        return not proof and (old_root == root if old == size else old_root == EMPTY_ROOT)
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps or not proof:
        return False
    here, last = old - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            after = node_hash(after, step)
        here, last = here >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << (width - 1).bit_length() - 1
