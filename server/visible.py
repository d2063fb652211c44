"""Others' text as a person may be shown it: nothing invisible, nothing that turns text around or acts on a terminal.

Source: https://www.unicode.org/reports/tr36/ (bidirectional spoofing, invisible characters).
"""

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode's general categories of what is not seen: controls, formats, unassigned, private use, surrogates, breaks."""


def visible(text: str, *, keep: str = "") -> str:
    """`text` with each character that is not seen, those in `keep` excepted, by its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in _UNSEEN and c not in keep else c for c in text)
