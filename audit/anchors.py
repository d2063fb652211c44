"""Where signed heads go outside the database: a stream of lines for a SIEM, files that are made once, witnesses.

Whoever owns the database can move it back to yesterday, tree and all. What is out of their reach tells of today.
"""

import base64
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import anyio
import httpx2

from audit.checkpoint import Checkpoint
from audit.note import BadNote, PublicKey, open_note
from audit.sequencer import Proof
from audit.store import EntryRow

_log = logging.getLogger(__name__)

WITNESS_TIMEOUT_S = 5.0


def checkpoint_line(note: str) -> str:
    """One line of JSON for a signed head."""
    return json.dumps({"journal_checkpoint": note})


def head_line(row: EntryRow) -> str:
    """One line of JSON for the newest entry of a writer, which no signed head may cover yet."""
    signature = base64.b64encode(row.signature or b"").decode()
    head = {"stream": str(row.stream), "n": row.n, "digest": row.digest.hex(), "signature": signature}
    return json.dumps({"journal_head": head})


@dataclass(frozen=True, slots=True)
class Lines:
    """A stream of lines, standard output as a rule, whose collector keeps them where the database's owner is not."""

    out: TextIO

    async def __call__(self, note: str) -> None:
        """Write a signed head."""
        self.write(checkpoint_line(note))

    def write(self, line: str) -> None:
        """Write one line, at once."""
        print(line, file=self.out, flush=True)


@dataclass(frozen=True, slots=True)
class Files:
    """A directory with a file for each signed head, made once and never opened for writing again.

    Mounted on storage with an object lock, they outlive whoever can write there.
    """

    directory: Path

    async def __call__(self, note: str) -> None:
        """Write the note to `<size, 20 digits>-<hash of the note>.note`; it is durable when this returns."""
        size = Checkpoint.parse(note).size
        name = f"{size:020d}-{hashlib.sha256(note.encode()).hexdigest()[:12]}.note"
        await anyio.to_thread.run_sync(self._write, self.directory / name, note)

    def _write(self, path: Path, note: str) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444)
        except FileExistsError:
            return
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(note)
            out.flush()
            os.fsync(out.fileno())


class RemoteWitness:
    """A witness at an address (C2SP tlog-witness), known by its key. One that is gone or refuses costs a log line."""

    def __init__(self, url: str, key: PublicKey, http: httpx2.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._http = http
        self._seen = 0

    async def __call__(self, note: str, size: int, proof: Proof) -> str:
        """Its cosignature lines on the checkpoint `note` of this size; none if it gave none."""
        try:
            reply = await self._submit(note, size, proof)
            if reply.status_code == 409 and reply.text.strip().isdecimal():
                self._seen = int(reply.text)
                reply = await self._submit(note, size, proof)
        except (httpx2.HTTPError, OSError) as error:
            _log.error("the witness `%s` cannot be reached (%s)", self._key.name, type(error).__name__)
            return ""
        if reply.status_code != 200:
            _log.critical("the witness `%s` does not cosign this head (%s)", self._key.name, reply.status_code)
            return ""
        try:
            open_note(note + reply.text, [self._key])
        except BadNote as error:
            _log.critical("what the witness `%s` gave is no cosignature of its: %s", self._key.name, error)
            return ""
        self._seen = size
        return reply.text

    async def _submit(self, note: str, size: int, proof: Proof) -> httpx2.Response:
        hashes = await proof(self._seen) if self._seen < size else []
        lines = [f"old {self._seen}", *(base64.b64encode(step).decode() for step in hashes)]
        body = "\n".join(lines) + "\n\n" + note
        return await self._http.post(f"{self._url}/add-checkpoint", content=body.encode(), timeout=WITNESS_TIMEOUT_S)
