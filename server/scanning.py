"""A last net under results: what looks like an address, a number that opens something, or a secret is redacted.

Each column is searched as one Arrow array, by RE2, so that a clean result costs little; only values that match are
looked at one by one, and where a kind has a checksum it must hold. A net, not a mechanism: a value written backwards
passes it. What is to be hidden is classified in the policy and masked in the statement.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from policy.detectors import Detector
from policy.masks import REDACTED
from tools.contract import ResultColumn

NUMBER_MIN = 10**12
"""Numbers below it have too few digits for a card's."""

_SECRETS = (
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{22,}|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|\bxox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of content: what it looks like to RE2 and Python alike, and whether a match is really one.

    `anew` is what Python looks for instead where a match that fails late could begin again at many places before that:
    RE2's time is linear in any text, Python's would be the square.
    """

    pattern: str
    holds: Callable[[str], bool] = lambda found: True
    anew: str = ""


def _digits(text: str) -> list[int]:
    return [int(letter) for letter in text if letter.isdigit()]


def _luhn(found: str) -> bool:
    """ISO/IEC 7812-1, annex B; at least two digits differ, for zeros are filled in everywhere."""
    digits = _digits(found)
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(doubled) + sum(digits[::-2])) % 10 == 0


def _iban(found: str) -> bool:
    """ISO 13616: the remainder by 97 is 1."""
    plain = re.sub(r"\s", "", found)
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _ssn(found: str) -> bool:
    """Numbers that are never given out (https://www.ssa.gov/employer/randomization.html)."""
    area, group, serial = found.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _phone(found: str) -> bool:
    """E.164: at most 15 digits."""
    return 8 <= len(_digits(found)) <= 15


def _jwt(found: str) -> bool:
    """RFC 7519: the head is a JSON object that names an algorithm."""
    head = found.split(".")[0]
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, TypeError, RecursionError):
        return False


KINDS: dict[Detector, _Kind] = {
    Detector.EMAIL: _Kind(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
    Detector.PHONE: _Kind(
        r"\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}|\(\d{3}\) ?\d{3}-\d{4}|\b\d{3}[.-]\d{3}[.-]\d{4}\b", _phone
    ),
    Detector.IBAN: _Kind(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", _iban),
    Detector.CARD: _Kind(r"\b[2-6]\d{3}(?:[ -]?\d){9,15}\b", _luhn),
    Detector.SSN: _Kind(r"\b\d{3}-\d{2}-\d{4}\b", _ssn),
    Detector.API_KEY: _Kind(_SECRETS),
    Detector.JWT: _Kind(
        r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*",
        _jwt,
        r"\beyJ(?:[A-Za-z0-9_]++|-(?!eyJ))++\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*",
    ),
}
"""Every detector. The patterns mean the same to RE2, which finds the values, and to `re`, which redacts in them."""

_COMPILED = {kind: re.compile(each.anew or each.pattern, re.ASCII) for kind, each in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Scanned:
    """Rows in which what was found is redacted, and a sentence for each column that held something."""

    rows: Sequence[Sequence[Any]]
    notes: tuple[str, ...]


def scan(columns: Sequence[ResultColumn], rows: Sequence[Sequence[Any]], detectors: Iterable[Detector]) -> Scanned:
    """Look through every value of `rows` (JSON values) for what `detectors` know."""
    wanted = sorted(detectors)
    if not rows or not wanted:
        return Scanned(rows, ())
    patterns = "|".join(f"(?:{KINDS[each].pattern})" for each in wanted)
    changed: dict[int, list[Any]] = {}
    notes: list[str] = []
    for index, column in enumerate(columns):
        values = [row[index] for row in rows]
        counts = Counter[Detector]()
        for at in _suspects(values, patterns):
            values[at] = _redacted(values[at], wanted, counts)
        if counts:
            changed[index] = values
            found = ", ".join(f"{count} {kind.value}" for kind, count in sorted(counts.items()))
            notes.append(f"{column.name}: what looked like {found} was redacted")
    if not changed:
        return Scanned(rows, ())
    by_column = [changed.get(index) or [row[index] for row in rows] for index in range(len(columns))]
    return Scanned(list(zip(*by_column, strict=True)), tuple(notes))


def _suspects(values: Sequence[Any], patterns: str) -> list[int]:
    """Where the values are that hold a match."""
    texts = [_text(value) for value in values]
    if not any(texts):
        return []
    found = pc.match_substring_regex(pa.array(texts, pa.large_string()), patterns)
    indices: list[int] = pc.indices_nonzero(found.fill_null(False)).to_pylist()
    return indices


def _text(value: Any) -> str | None:
    """What a value would be read as; None where nothing can be in it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return str(value) if abs(value) >= NUMBER_MIN else None
    return json.dumps(value, ensure_ascii=False)


def _redacted(value: Any, wanted: Sequence[Detector], counts: Counter[Detector]) -> Any:
    """`value` with each find replaced; what is no text itself is redacted whole or piece by piece."""
    if isinstance(value, list):
        return [_redacted(item, wanted, counts) for item in value]
    if isinstance(value, dict):
        return {_redacted(key, wanted, counts): _redacted(item, wanted, counts) for key, item in value.items()}
    text = _text(value)
    if text is None:
        return value
    before = text
    for kind in wanted:
        holds = KINDS[kind].holds

        def replaced(match: re.Match[str], kind: Detector = kind, holds: Callable[[str], bool] = holds) -> str:
            if not holds(match.group()):
                return match.group()
            counts[kind] += 1
            return REDACTED

        text = _COMPILED[kind].sub(replaced, text)
    if text == before:
        return value
    return text if isinstance(value, str) else REDACTED
