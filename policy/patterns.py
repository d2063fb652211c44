"""Patterns over dotted names: `CRM.PUBLIC.*`, `*.*.*.EMAIL`, `CRM."my schema".T_*`.

Each part is a Snowflake identifier, folded unless quoted; `*` in an unquoted part stands for any text. Matching is
case-sensitive over stored names.
"""

import re
from dataclasses import dataclass, field

from policy.identifiers import split_dotted

_UNQUOTED = re.compile(r"[\w$*]+\Z")


@dataclass(frozen=True, slots=True)
class PartPattern:
    """One part: an exact name, anything, or a name with wildcards in it."""

    text: str
    is_exact: bool
    _regex: re.Pattern[str] | None = field(default=None, compare=False, repr=False)

    def matches(self, name: str) -> bool:
        """Whether `name`, as stored, is meant."""
        if self._regex is not None:
            return self._regex.match(name) is not None
        return not self.is_exact or name == self.text


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of a fixed number of parts; `written` is how the policy's author wrote it."""

    written: str
    parts: tuple[PartPattern, ...]

    def matches(self, names: tuple[str, ...]) -> bool:
        """Whether the dotted name of `names` is meant; both have the same number of parts."""
        return all(part.matches(name) for part, name in zip(self.parts, names, strict=True))


def parse_pattern(text: str, parts: int) -> Pattern:
    """The pattern that `text` writes; raises ValueError with a reason if it is not one of `parts` parts."""
    try:
        split = split_dotted(text)
    except ValueError:
        raise ValueError(f"`{text}` is not a dotted name pattern") from None
    if len(split) != parts:
        raise ValueError(f"`{text}` has {len(split)} parts, not {parts}")
    return Pattern(text, tuple(_part(part.name, is_quoted=part.is_quoted) for part in split))


def _part(name: str, *, is_quoted: bool) -> PartPattern:
    if is_quoted:
        return PartPattern(name, is_exact=True)
    if not _UNQUOTED.match(name):
        raise ValueError(f"`{name}` needs double quotes to be a name")
    if name == "*":
        return PartPattern(name, is_exact=False)
    if "*" not in name:
        return PartPattern(name, is_exact=True)
    regex = ".*".join(re.escape(piece) for piece in name.split("*"))
    return PartPattern(name, is_exact=False, _regex=re.compile(regex + r"\Z", re.DOTALL))
