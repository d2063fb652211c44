"""Names that are much alike: what a caller may have meant by one that nothing offers.

Comparing two names takes up to the cube of their length, and callers choose both: the name that is unknown, and through
aliases those that are offered. So long names are compared with nothing, and one name with so many.
"""

from collections.abc import Iterable
from difflib import get_close_matches

SUGGESTIONS_MAX = 3
CHARACTERS_MAX = 64
"""Of a name that is compared."""

COMPARED_MAX = 300

_ALIKE = 0.6
"""From which similarity on (difflib's, 0 to 1) a name is worth a suggestion."""


def alike(wanted: str, offered: Iterable[str]) -> tuple[str, ...]:
    """The names among `offered` that `wanted` may have been meant to be, the likeliest first."""
    if len(wanted) > CHARACTERS_MAX:
        return ()
    short = sorted(name for name in set(offered) if len(name) <= CHARACTERS_MAX)
    return tuple(get_close_matches(wanted, short[:COMPARED_MAX], SUGGESTIONS_MAX, _ALIKE))
