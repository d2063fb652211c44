"""Seals facts as their classification asks: clear, encrypted (AES-256-GCM) or a keyed hash (HMAC-SHA-256).

A plain hash of a literal is the literal, since literals can be guessed; so hashes are keyed, for numbers too.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeGuard, assert_never

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from audit.canonical import INTEGER_MAX, Json, canonical, parse
from audit.fields import FIELDS, Classification, Fact, Facts, Plain, classify

KEY_BYTES_MIN = 32

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}\Z")
_NONCE_BYTES = 12
_CIPHER = "aes256gcm"
# What text cannot hold in canonical JSON: NUL, and halves of surrogate pairs.
_UNSPELLABLE = re.compile("[\x00\ud800-\udfff]")


class Unsealable(Exception):
    """An encrypted fact that this key does not open: another key, or other bytes than were written."""

    code = "journal_unsealable"
    message = "an encrypted fact cannot be opened with this key"
    hint = "give the journal key that was in use when the entry was written"
    retryable = False

    def __init__(self) -> None:
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The key of what is encrypted about one person. It is random, and once it is deleted nothing brings it back."""

    id: str
    cipher: AESGCM


class Sealer:
    """Seals and unseals with subkeys of one journal key (HKDF-SHA-256, RFC 5869), named by `key_id` in what it writes.

    Keyed hashes have a subkey for each tenant and month: equal values match within a month and not across two.
    Fields named by `hashed` are hashed although they are sensitive: whoever does not want them kept gets no text.

    Raises:
        ValueError: the key is shorter than 32 bytes, or its id is not 1 to 32 of letters, digits, `.`, `_` and `-`.
    """

    def __init__(self, key: bytes, key_id: str, tenant: str = "", hashed: Iterable[str] = ()) -> None:
        if len(key) < KEY_BYTES_MIN:
            raise ValueError(f"the journal key must be at least {KEY_BYTES_MIN} bytes")
        if not _KEY_ID.match(key_id):
            raise ValueError("the journal key's id must be 1 to 32 letters, digits, dots, underscores or dashes")
        self.key_id = key_id
        self._key = key
        self._tenant = tenant
        self._keyed: dict[date, HMAC] = {}
        self._cipher = AESGCM(_subkey(key, b"snowgate journal v1 encryption"))
        self._wrapping = AESGCM(_subkey(key, b"snowgate journal v1 subject keys"))
        self._hashed = frozenset(hashed)
        self._subject_keys: dict[str, AESGCM] = {}

    def hmac(self, field: str, value: Plain, month: date) -> str:
        """`hmac:<key id>:<hex>` over the field's name and the value's kind and text, with the subkey of the month.

        Equal values in one field give equal hashes, so that a known value can be looked for; across fields they differ.
        """
        keyed = self._keyed.get(month)
        if keyed is None:
            purpose = f"snowgate journal v1 hmac\0{self._tenant}\0{month.isoformat()}"
            keyed = self._keyed[month] = HMAC(_subkey(self._key, purpose.encode()), SHA256())
        text = str.__str__(value) if isinstance(value, str) else str(value)
        spelled = f"{field}\0{_kind(value)}\0{text}".encode("utf-8", "surrogatepass")
        own = keyed.copy()  # hmac.digest gives the interpreter's lock away, and may wait long to have it back
        own.update(spelled)
        return f"hmac:{self.key_id}:{own.finalize().hex()}"

    def subject_key_id(self, subject: str) -> str:
        """The name of a person's key under this journal key, which says nothing of who that is to who does not ask."""
        return f"{self.key_id}.{subject_digest(self._tenant, subject)}"

    def new_subject_key(self, key_id: str) -> bytes:
        """A fresh key under this name, wrapped by the journal key."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, AESGCM.generate_key(256), key_id.encode())

    def open_subject_key(self, key_id: str, wrapped: bytes) -> SubjectKey:
        """The key that is wrapped.

        Raises:
            Unsealable: it was wrapped by another journal key, or under another name.
        """
        try:
            raw = self._wrapping.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], key_id.encode())
        except (ValueError, InvalidTag) as error:
            raise Unsealable from error
        return SubjectKey(key_id, AESGCM(raw))

    def know(self, asked: Iterable[str], found: Iterable[SubjectKey]) -> None:
        """Of the keys with the names `asked`, open with those `found`, and forget those that are not there any more."""
        for name in asked:
            self._subject_keys.pop(name, None)
        self._subject_keys |= {key.id: key.cipher for key in found}

    def encrypt(self, data: bytes, context: str, key: SubjectKey | None = None) -> str:
        """`aes256gcm:<key id>:<base64url of nonce and ciphertext>`, which opens only in the same `context`."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher, key_id = (self._cipher, self.key_id) if key is None else (key.cipher, key.id)
        sealed = nonce + cipher.encrypt(nonce, data, context.encode())
        return f"{_CIPHER}:{key_id}:{base64.urlsafe_b64encode(sealed).decode()}"

    def decrypt(self, sealed: str, context: str) -> bytes:
        """What `encrypt` was given.

        Raises:
            Unsealable: not sealed by this key, not in this context, or not sealed at all.
        """
        try:
            kind, key_id, payload = sealed.split(":")
            cipher = self._cipher if key_id == self.key_id else self._subject_keys.get(key_id)
            if kind != _CIPHER or cipher is None:
                raise Unsealable
            raw = base64.b64decode(payload, altchars=b"-_", validate=True)
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
        except (ValueError, InvalidTag) as error:
            raise Unsealable from error

    def seal(self, facts: Facts, place: str, month: date, key: SubjectKey | None = None) -> dict[str, Json]:
        """Each fact as it is stored in the entry at `place` (`<stream>/<n>`), which is kept with `month`.

        What is encrypted is so with `key`, that of the person it is about, or with the journal's own. The facts have
        passed `check_facts`.
        """
        sealed: dict[str, Json] = {}
        for field, value in facts.items():
            # Most facts are plain names; this loop runs for each fact of each entry.
            if FIELDS.get(field) is Classification.PUBLIC and _is_as_stored(value):
                sealed[field] = value
            else:
                sealed[field] = self._seal_one(field, value, place, month, key)
        return sealed

    def _seal_one(self, field: str, value: Fact, place: str, month: date, key: SubjectKey | None) -> Json:
        classification = Classification.SECRET if field in self._hashed else classify(field)
        if classification is Classification.PUBLIC:
            return _spellable(value)
        if classification is Classification.SENSITIVE:
            return self.encrypt(canonical(_spellable(value)), f"{place}/{field}", key)
        if isinstance(value, (list, tuple)):
            return [self.hmac(field, item, month) for item in value]
        return self.hmac(field, value, month)  # type: ignore[arg-type]  # a Sequence is a list or a tuple: check_facts

    def unseal(self, facts: dict[str, Json], place: str) -> dict[str, Json]:
        """The facts of the entry at `place` with what is encrypted opened; keyed hashes stay hashes.

        Raises:
            Unsealable: an encrypted fact does not open with this key.
        """
        opened = dict(facts)
        for field, value in facts.items():
            if classify(field) is Classification.SENSITIVE and isinstance(value, str) and value.startswith(_CIPHER):
                opened[field] = parse(self.decrypt(value, f"{place}/{field}"))
        return opened


def subject_digest(tenant: str, subject: str) -> str:
    """What the names of all keys of one person have in common: 32 hex digits."""
    return hashlib.sha256(f"snowgate subject\0{tenant}\0{subject}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def key_ids(facts: dict[str, Json]) -> set[str]:
    """The names of the keys that the encrypted facts of an entry need."""
    texts = (value for value in facts.values() if isinstance(value, str) and value.startswith(f"{_CIPHER}:"))
    return {text.split(":")[1] for text in texts}


def _subkey(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)


def _kind(value: Plain) -> str:
    match value:
        case str():
            return "text"
        case bool():
            return "boolean"
        case None:
            return "null"
        case int() | float():
            return "number"
        case other:
            assert_never(other)


def _is_as_stored(value: Fact) -> TypeGuard[Json]:
    """Whether `value` is spelled as it is; quick to say for what most facts are: plain words and lists of them."""
    kind = type(value)
    if kind is str:
        return _is_plain(value)  # type: ignore[arg-type]  # mypy does not narrow by `kind`
    return kind is list and all(type(item) is str and _is_plain(item) for item in value)  # type: ignore[union-attr]


def _is_plain(text: str) -> bool:
    return text.isascii() and "\0" not in text


def _spellable(value: Fact) -> Json:
    """`value` with what canonical JSON cannot spell made visible: U+FFFD for a character, digits for a big integer."""
    if isinstance(value, str):
        text = str.__str__(value)  # plain text: members of enumerations are strings too
        return text if _is_plain(text) else _UNSPELLABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    if isinstance(value, (list, tuple)):
        return [_spellable(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value) if abs(value) <= INTEGER_MAX else str(int(value))
    return value  # type: ignore[return-value]  # no float is left in a field that is not secret: check_facts
