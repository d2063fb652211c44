"""A witness of other people's logs (C2SP tlog-witness): it cosigns only what is consistent with all that it has seen.

It is for another team to run, with a key and a file of its own. What it keeps is the latest head of each log, and, as
evidence, every signed head that contradicts it.
"""

import base64
import binascii
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.merkle import EMPTY_ROOT, is_consistent
from audit.note import NOTE_BYTES_MAX, BadNote, PublicKey, Signer, open_note

PROOF_LINES_MAX = 63
REQUEST_BYTES_MAX = NOTE_BYTES_MAX + 8_192

_SCHEMA = """
    create table if not exists seen (origin text primary key, size integer not null, root blob not null);
    create table if not exists evidence (at real not null, status integer not null, note text not null);
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: an HTTP status, and a body of this type."""

    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


class Refused(Exception):
    """A submission that is not cosigned; `reply` says why in HTTP's terms."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Witness:
    """Cosigns checkpoints of `logs` (by origin) with `signer`; keeps its memory in the SQLite file at `path`."""

    def __init__(
        self,
        path: Path,
        signer: Signer,
        logs: Mapping[str, Sequence[PublicKey]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._signer = signer
        self._logs = logs
        self._clock = clock
        with closing(sqlite3.connect(path)) as database:
            database.executescript(_SCHEMA)

    def add_checkpoint(self, request: bytes) -> Reply:
        """The reply to the body of a request to `add-checkpoint`. Durable before it returns."""
        try:
            old, proof, note = _parse(request)
            checkpoint, text = self._opened(note)
            if old > checkpoint.size:
                raise Refused(Reply(400, "the old size is above the new one\n"))
            with self._memory() as database:
                self._advance(database, old, proof, checkpoint, note)
        except Refused as refused:
            return refused.reply
        return Reply(200, self._signer.line(text, int(self._clock())))

    def _opened(self, note: str) -> tuple[Checkpoint, str]:
        try:
            checkpoint = Checkpoint.parse(note.partition("\n\n")[0] + "\n")
        except BadNote as error:
            raise Refused(Reply(400, f"{error}\n")) from None
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            raise Refused(Reply(404, "an unknown log\n"))
        try:
            text, _ = open_note(note, keys)
            return Checkpoint.parse(text), text
        except BadNote as error:
            raise Refused(Reply(403, f"{error}\n")) from None

    def _advance(
        self, database: sqlite3.Connection, old: int, proof: Sequence[bytes], checkpoint: Checkpoint, note: str
    ) -> None:
        found = database.execute("select size, root from seen where origin = ?", (checkpoint.origin,)).fetchone()
        size, root = found or (0, EMPTY_ROOT)
        if old != size:
            raise Refused(Reply(409, f"{size}\n", "text/x.tlog.size"))
        if checkpoint.size == size and checkpoint.root != root:
            self._keep(database, 409, note)
            raise Refused(Reply(409, f"{size}\n", "text/x.tlog.size"))
        if not (is_consistent(size, checkpoint.size, root, checkpoint.root, proof)):
            self._keep(database, 422, note)
            raise Refused(Reply(422, "the proof does not show that this tree continues the one before\n"))
        latest = (checkpoint.origin, checkpoint.size, checkpoint.root)
        database.execute("insert or replace into seen values (?, ?, ?)", latest)

    def _keep(self, database: sqlite3.Connection, status: int, note: str) -> None:
        database.execute("insert into evidence values (?, ?, ?)", (self._clock(), status, note))
        database.commit()

    def evidence(self) -> list[str]:
        """Signed heads that contradict what was cosigned, oldest first."""
        with self._memory() as database:
            return [note for (note,) in database.execute("select note from evidence order by at")]

    @contextmanager
    def _memory(self) -> Iterator[sqlite3.Connection]:
        """The memory for one exclusive transaction, committed with fsync unless an exception leaves it."""
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as database:
            database.execute("pragma synchronous = full")
            database.execute("begin immediate")
            yield database
            if database.in_transaction:
                database.execute("commit")


def _parse(request: bytes) -> tuple[int, list[bytes], str]:
    try:
        head, blank, note = request.decode().partition("\n\n")
        first, *lines = head.split("\n")
        word, _, size = first.partition(" ")
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except (ValueError, binascii.Error):
        raise Refused(Reply(400, "not a submission\n")) from None
    is_plain = size.isascii() and size.isdecimal() and (size == "0" or size[0] != "0")
    if word != "old" or not is_plain or not blank or len(proof) > PROOF_LINES_MAX or any(len(h) != 32 for h in proof):
        raise Refused(Reply(400, "not a submission\n"))
    return int(size), proof, note
