"""Checkpoints: the signed head of the tree (C2SP tlog-checkpoint), with the time by the log's own clock.

The log signs each twice with one key: plainly, and with the time (C2SP tlog-cosignature), so that a head of an idle
log proves its silence up to then.
"""

import base64
import binascii
from dataclasses import dataclass

from audit.note import COSIGNATURE, BadNote, PublicKey, Signer, open_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree of `size` leaves with this `root`, of the log called `origin`."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint that a note's text spells; extension lines are ignored.

        Raises:
            BadNote: it spells none.
        """
        try:
            origin, size, root, *_ = text.split("\n")
            raw = base64.b64decode(root, validate=True)
        except (ValueError, binascii.Error):
            raise BadNote("not the text of a checkpoint") from None
        is_plain = size.isascii() and size.isdecimal() and (size == "0" or size[0] != "0")
        if not origin or not is_plain or len(raw) != 32:
            raise BadNote("not the text of a checkpoint")
        return cls(origin, int(size), raw)


def timed(signer: Signer) -> Signer:
    """The same key as one that signs with the time."""
    return signer.as_kind(COSIGNATURE)


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer, time_s: int) -> str:
    """The note: signed by the log, and by the log with the time."""
    return signer.note(checkpoint.text) + timed(signer).line(checkpoint.text, time_s)


def open_checkpoint(note: str, log: PublicKey) -> tuple[Checkpoint, int]:
    """The checkpoint in `note` and when the log signed it (0 if it does not say).

    Raises:
        BadNote: the log has not signed it, or it is no checkpoint.
    """
    stamped = PublicKey(log.name, COSIGNATURE, log.raw)
    text, signed = open_note(note, [log, stamped])
    if log not in signed:
        raise BadNote("the log has not signed it")
    return Checkpoint.parse(text), signed.get(stamped, 0)
