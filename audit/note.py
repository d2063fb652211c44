"""Signed notes: a text and who signed it (C2SP signed-note), with Ed25519 keys that have a name and an id.

Writers sign their batches, the log its heads, and witnesses cosign them (C2SP tlog-cosignature) with such keys.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

ED25519 = 1
COSIGNATURE = 4
"""Signature types of C2SP signed-note: a plain signature, and a witness' with its time."""

SIGNATURES_MAX = 32
NOTE_BYTES_MAX = 65_536

_DASH = "\N{EM DASH} "


class BadKey(Exception):
    """Not a key of the kind that is needed; the message never quotes it."""

    code = "bad_journal_key"
    hint = "make one with `openssl genpkey -algorithm ed25519 -out FILE`; a public one is `name+id+base64`"
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadNote(Exception):
    """A note that is malformed, or that no known key has signed, or one has signed wrongly."""

    code = "bad_note"
    hint = "do not believe it; compare the keys that are trusted with those of the log"
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies, under its name; `kind` is the signature type."""

    name: str
    kind: int
    raw: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart (C2SP signed-note, "Signature types")."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw).digest()[:4]

    def __str__(self) -> str:
        """`<name>+<id in hex>+<base64 of type and key>`, as the field writes verifier keys."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """The key that `text` spells.

        Raises:
            BadKey: it spells none, or its id is not that of the key.
        """
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise BadKey("not a public key of the form `name+id+base64`") from None
        if len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE) or not _is_key_name(name):
            raise BadKey("not the name and the key of an Ed25519 signer")
        key = cls(name, raw[0], raw[1:])
        if key.id.hex() != key_id:
            raise BadKey(f"the id of the key `{name}` is not that of its bytes")
        return key

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether this key has signed `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """A private Ed25519 key with its name. As a witness (`kind` COSIGNATURE) it signs notes together with the time."""

    def __init__(self, name: str, key: Ed25519PrivateKey, kind: int = ED25519) -> None:
        if not _is_key_name(name):
            raise BadKey("a key's name is some characters without spaces, controls and plus signs")
        self._key = key
        self.public = PublicKey(name, kind, key.public_key().public_bytes_raw())

    @classmethod
    def from_pem(cls, name: str, pem: bytes, kind: int = ED25519) -> "Signer":
        """The signer whose key is in `pem` (PKCS #8, unencrypted).

        Raises:
            BadKey: it is not the PEM of an Ed25519 private key.
        """
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise BadKey("not the PEM of a private key") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadKey("a private key, but not one of Ed25519")
        return cls(name, key, kind)

    def as_kind(self, kind: int) -> "Signer":
        """The same key, for another type of signature."""
        return Signer(self.public.name, self._key, kind)

    def sign(self, message: bytes) -> bytes:
        """64 bytes (RFC 8032)."""
        return self._key.sign(message)

    def line(self, text: str, time_s: int = 0) -> str:
        """The signature line of the note `text`; `time_s` is when a witness saw it, in seconds since 1970."""
        if self.public.kind == ED25519:
            signature = self.sign(text.encode())
        else:
            signature = struct.pack(">Q", time_s) + self.sign(_cosigned(text, time_s))
        return f"{_DASH}{self.public.name} {base64.b64encode(self.public.id + signature).decode()}\n"

    def note(self, text: str) -> str:
        """The note of `text`, signed by this key alone."""
        return f"{text}\n{self.line(text)}"


def new_signer(name: str, kind: int = ED25519) -> Signer:
    """A signer with a fresh key, which is gone with it."""
    return Signer(name, Ed25519PrivateKey.generate(), kind)


def open_note(note: str, keys: Iterable[PublicKey]) -> tuple[str, Mapping[PublicKey, int]]:
    """The text of `note` and which of `keys` have signed it, each with its time (0 for plain signatures).

    Raises:
        BadNote: it is malformed, none of `keys` has signed it, or a signature by one of them does not verify.
    """
    text, lines = _split(note)
    known = {(key.name, key.id): key for key in keys}
    signed: dict[PublicKey, int] = {}
    for name, raw in map(_signature, lines):
        key = known.get((name, raw[:4]))
        if key is None:
            continue  # by whom we do not know: it says nothing
        if key.kind == ED25519:
            time_s, signature, message = 0, raw[4:], text.encode()
        else:
            time_s, signature = int.from_bytes(raw[4:12], "big"), raw[12:]
            message = _cosigned(text, time_s)
        if not key.verify(signature, message):
            raise BadNote(f"a signature by `{name}` does not verify")
        signed[key] = time_s
    if not signed:
        raise BadNote("no known key has signed it")
    return text, signed


def _split(note: str) -> tuple[str, list[str]]:
    text, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    bad = (char < " " and char != "\n" for char in note)
    if not blank or lines.pop() != "" or not 1 <= len(lines) <= SIGNATURES_MAX or any(bad):
        raise BadNote("not a text, a blank line and signatures")
    if len(note) > NOTE_BYTES_MAX:
        raise BadNote("a note that is too long")
    return text + "\n", lines


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise BadNote("a signature line that is not base64") from None
    if not line.startswith(_DASH) or not _is_key_name(name) or len(raw) < 5:
        raise BadNote("a malformed signature line")
    return name, raw


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _is_key_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(char.isspace() or char < " " for char in name)
