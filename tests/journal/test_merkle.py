"""The tree is that of RFC 6962 and its notes are those of C2SP: vectors by others, and a naive second way."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from audit.merkle import (
    EMPTY_ROOT,
    consistency_path,
    inclusion_path,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
)  # fmt: skip
from audit.note import COSIGNATURE, BadKey, BadNote, PublicKey, new_signer, open_note
from audit.tiles import TileId, Tiles, edge, needed
from audit.verify import Trust

# The leaves and roots of Certificate Transparency's reference tests (merkle_tree_test).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]

NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJ"
    "nAM=\n"
)
NOTE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def tree(leaves: list[bytes]) -> Tiles:
    tiles = Tiles(0, {})
    tiles.append(leaves)
    return tiles


def naive(leaves: list[bytes]) -> bytes:
    """MTH, as section 2.1 of RFC 6962 says it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(naive(leaves[:k]), naive(leaves[k:]))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference(size: int) -> None:
    expected = bytes.fromhex(ROOTS[size - 1]) if size else EMPTY_ROOT
    assert tree(HASHES[:size]).root() == naive(HASHES[:size]) == expected


def test_a_proof_is_that_of_another_log() -> None:
    """transparency-dev/merkle, testdata/consistency/1/happy-path.json: from 1 to 8 leaves."""
    proof = tree(HASHES).hashes(consistency_path(1, 8))
    assert [base64.b64encode(step).decode() for step in proof] == [
        "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
        "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
        "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
    ]


@given(st.integers(1, 600), st.data())
def test_proofs_prove_and_nothing_else_does(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(n.to_bytes(4, "big")) for n in range(size)]
    tiles, root = tree(leaves), naive(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = tiles.hashes(inclusion_path(index, size))
    assert is_included(leaves[index], index, size, proof, root)
    assert not is_included(leaf_hash(b"other"), index, size, proof, root)
    assert not is_included(leaves[index], index, size, [*proof, root], root)
    old = data.draw(st.integers(0, size))
    steps, before = tiles.hashes(consistency_path(old, size)), naive(leaves[:old])
    assert is_consistent(old, size, before, root, steps)
    assert not is_consistent(old, size, leaf_hash(b"other"), root, steps)
    assert old == 0 or not is_consistent(old, size, before, leaf_hash(b"other"), steps)
    if steps:
        assert not is_consistent(old, size, before, root, steps[:-1])
        assert not is_consistent(old, size, before, root, [leaf_hash(b"other"), *steps[1:]])


def test_the_tiles_of_seventy_thousand_leaves_are_those_that_the_specification_names() -> None:
    """C2SP tlog-tiles: 273 full tiles and one of 112, one and one of 17 above them, and one of one."""
    tiles = tree([leaf_hash(n.to_bytes(4, "big")) for n in range(70_000)])
    widths = {at: len(hashes) // 32 for at, hashes in tiles.take_changed().items()}
    assert sum(1 for at, width in widths.items() if at.level == 0 and width == 256) == 273
    assert widths[TileId(0, 273)] == 112
    assert (widths[TileId(1, 0)], widths[TileId(1, 1)], widths[TileId(2, 0)]) == (256, 17, 1)
    assert edge(70_000) == [TileId(0, 273), TileId(1, 1), TileId(2, 0)]
    assert needed([(0, 70_000)]) == {TileId(0, 273), TileId(1, 1), TileId(2, 0)}


def test_a_note_that_others_signed_opens_and_no_other_does() -> None:
    """The example of golang.org/x/mod/sumdb/note."""
    key = PublicKey.parse(NOTE_KEY)
    assert str(key) == NOTE_KEY
    assert open_note(NOTE, [key])[0].startswith("If you think")
    for bad in (NOTE.replace("think", "thing"), NOTE.replace("x08go", "x08gp"), NOTE[:-1], "text\n", ""):
        with pytest.raises(BadNote):
            open_note(bad, [key])
    with pytest.raises(BadNote):
        open_note(NOTE, [new_signer("PeterNeumann").public])


@pytest.mark.parametrize("text", ["", "a+b", NOTE_KEY.replace("c74f", "c74e"), NOTE_KEY[:-4], "a b+00000000+AAAA"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey) as caught:
        PublicKey.parse(text)
    assert caught.value.code == "bad_journal_key"


@given(st.integers(0, 2**50), st.binary(min_size=32, max_size=32), st.integers(1, 2**40))
def test_a_checkpoint_reads_back_here_and_in_the_verifier(size: int, root: bytes, time_s: int) -> None:
    log, witness = new_signer("example.com/log"), new_signer("witness.example/w1", COSIGNATURE)
    checkpoint = Checkpoint("example.com/log", size, root)
    note = sign_checkpoint(checkpoint, log, time_s) + witness.line(checkpoint.text, time_s + 1)
    assert open_checkpoint(note, log.public) == (checkpoint, time_s)
    trust = Trust(f"log {log.public}\nwriter {log.public}\nwitness {witness.public}\n")
    assert trust.checkpoint(note) == ("example.com/log", size, root, time_s, 1)
    stranger = Trust(f"log {new_signer('example.com/log').public}\nwriter {log.public}\n")
    with pytest.raises(ValueError, match="no log"):
        stranger.checkpoint(note)
