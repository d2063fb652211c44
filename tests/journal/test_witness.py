"""A witness cosigns what continues what it has seen, keeps what contradicts it, and speaks C2SP tlog-witness."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.anchors import Files, RemoteWitness
from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.journal import Journal
from audit.merkle import consistency_path, leaf_hash
from audit.note import COSIGNATURE, Signer, new_signer, open_note
from audit.tiles import Tiles
from audit.verify import Trust
from audit.witness import Witness
from server.cli.witnesses import witness_app
from tests.journal.proving import ORIGIN, Proven, whys

LEAVES = [leaf_hash(bytes([n])) for n in range(20)]


@pytest.fixture
def log() -> Signer:
    return new_signer(ORIGIN)


@pytest.fixture
def witness(tmp_path: Path, log: Signer) -> Witness:
    return Witness(tmp_path / "witness.sqlite", new_signer("witness.example/w1", COSIGNATURE), {ORIGIN: [log.public]})


def submission(
    log: Signer, old: int, size: int, *, leaves: list[bytes] = LEAVES, proof: list[bytes] | None = None
) -> bytes:
    tree = Tiles(0, {})
    tree.append(leaves[:size])
    steps = tree.hashes(consistency_path(old, size)) if proof is None else proof
    lines = [f"old {old}", *(base64.b64encode(step).decode() for step in steps)]
    note = sign_checkpoint(Checkpoint(ORIGIN, size, tree.root()), log, 1)
    return ("\n".join(lines) + "\n\n" + note).encode()


def test_it_cosigns_what_continues_what_it_has_seen(witness: Witness, log: Signer) -> None:
    for old, new in ((0, 0), (0, 7), (7, 7), (7, 20)):
        assert witness.add_checkpoint(submission(log, old, new)).status == 200


def test_another_old_size_is_told_the_one_it_has(witness: Witness, log: Signer) -> None:
    witness.add_checkpoint(submission(log, 0, 7))
    reply = witness.add_checkpoint(submission(log, 3, 9))
    assert (reply.status, reply.body, reply.content_type) == (409, "7\n", "text/x.tlog.size")


def test_another_history_is_refused_and_kept_as_evidence_for_good(witness: Witness, log: Signer) -> None:
    witness.add_checkpoint(submission(log, 0, 7))
    forged = [leaf_hash(b"forged"), *LEAVES[1:]]
    assert witness.add_checkpoint(submission(log, 7, 9, leaves=forged)).status == 422
    assert witness.add_checkpoint(submission(log, 7, 7, leaves=forged)).status == 409
    assert len(witness.evidence()) == 2
    assert witness.add_checkpoint(submission(log, 7, 20, leaves=forged)).status == 422
    assert witness.add_checkpoint(submission(log, 7, 20)).status == 200


def test_strangers_and_nonsense_are_refused_as_the_specification_says(witness: Witness, log: Signer) -> None:
    whole = submission(log, 0, 7)
    assert witness.add_checkpoint(submission(new_signer(ORIGIN), 0, 7)).status == 403
    assert witness.add_checkpoint(whole.replace(ORIGIN.encode(), b"other/log")).status == 404
    assert witness.add_checkpoint(submission(log, 9, 7, proof=[])).status == 400
    for nonsense in (b"", b"old x\n\n", whole.replace(b"old 0", b"old 00"), whole.replace(b"old 0\n", b""), b"\xff"):
        assert witness.add_checkpoint(nonsense).status == 400


@pytest.fixture
async def http(witness: Witness) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=witness_app(witness))
    async with httpx2.AsyncClient(transport=transport, base_url="http://witness") as client:
        yield client


async def test_a_journal_is_cosigned_and_its_files_are_written_once(
    engine: AsyncEngine, journal: Journal, signer: Signer, log: Signer, witness: Witness, http: httpx2.AsyncClient,
    tmp_path: Path,
) -> None:  # fmt: skip
    proven = Proven(engine, journal, signer, log)
    key = witness._signer.public
    proven.sequencer.witnesses = [RemoteWitness("http://witness", key, http)]
    proven.sequencer.say = [Files(tmp_path / "anchors")]
    for step in range(3):
        await proven.call(f"call-{step}")
        await proven.sequencer.weave()
        note = await proven.sequencer.publish()
        assert note is not None
        assert key in open_note(note, [key])[1]
    assert len(list((tmp_path / "anchors").iterdir())) == 3
    trust = f"log {log.public}\nwriter {signer.public}\nwitness {key}\nquorum 1\n"
    assert whys(await proven.verify(trust=Trust(trust))) == []
    proven.sequencer.witnesses = []
    await proven.sequencer.publish()
    assert whys(await proven.verify(trust=Trust(trust))) != []
