"""One spelling for every entry: the exact bytes that are stored, hashed and, years later, hashed again."""

import re
from functools import lru_cache
from typing import TypeAlias

import orjson

Json: TypeAlias = str | int | bool | list["Json"] | dict[str, "Json"] | None

INTEGER_MAX = 2**53 - 1

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


class NotCanonical(Exception):
    """A value that has no canonical spelling; the message names the kind of trouble, never the value."""

    code = "journal_not_canonical"
    hint = "this is a defect of the gate; report it with the call id"
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def canonical(value: Json) -> bytes:
    """The canonical JSON of `value`: UTF-8, keys sorted, no spaces, no floats, no NUL, integers within 53 bits.

    Keys are short ASCII names, so that every order of keys in use (code points, UTF-8 bytes, UTF-16 units) is the same
    and the bytes are also those of RFC 8785 (JSON Canonicalization Scheme).

    Raises:
        NotCanonical: a float, a NUL, a lone surrogate, an integer beyond 53 bits, a bad key, a type JSON has not, or
            a value that is nested too deeply.
    """
    try:
        _check(value)
    except RecursionError:
        raise NotCanonical("a value that is nested too deeply") from None
    return spell(value)


def spell(value: Json) -> bytes:
    """`canonical` without its checks, for what is known to pass them: sealed facts, and what was read.

    Raises:
        NotCanonical: a lone surrogate or an integer beyond 53 bits.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        raise NotCanonical("text that is not Unicode") from error


def parse(data: bytes) -> Json:
    """The value that `data` spells.

    Raises:
        NotCanonical: these are not the canonical bytes of any value (a repeated key, a space, another order of keys).
    """
    try:
        value: Json = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise NotCanonical("bytes that are not JSON") from error
    if canonical(value) != data:
        raise NotCanonical("JSON that is not in canonical form")
    return value


@lru_cache(maxsize=1024)
def is_name(text: str) -> bool:
    """Whether `text` may be a key: lower-case ASCII letters, digits and underscores, at most 64 of them."""
    return _KEY.match(text) is not None


def _check(value: object) -> None:
    # Exact types, compared in the order of their frequency: every entry passes here on its way to the disk.
    kind = type(value)
    if kind is str:
        if "\0" in value:  # type: ignore[operator]  # mypy does not narrow by `kind`
            raise NotCanonical("text that holds a NUL")
    elif kind is list:
        for item in value:  # type: ignore[attr-defined]
            _check(item)
    elif kind is dict:
        _check_members(value)  # type: ignore[arg-type]
    elif kind is int:
        if not -INTEGER_MAX <= value <= INTEGER_MAX:  # type: ignore[operator]
            raise NotCanonical("an integer beyond 53 bits")
    elif kind is not bool and value is not None:
        raise NotCanonical("a value of a type that entries do not have")


def _check_members(value: dict[object, object]) -> None:
    for key, item in value.items():
        if type(key) is not str or not is_name(key):
            raise NotCanonical("a key that is not a short lower-case name")
        _check(item)
