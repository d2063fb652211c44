"""Where in the caller's own text a refusal points, as people and models count: lines and columns from 1."""

from policy.decision import Deny
from policy.refusal import PolicyCode
from policy.statement import SqlStatement, Statement

SLICE_CHARACTERS_MAX = 60


def position_of(statement: Statement, deny: Deny) -> int | None:
    """The 0-based offset, in the text that `statement` was understood from, of the piece that `deny` is about."""
    if not isinstance(statement, SqlStatement):
        return None
    if deny.code is PolicyCode.COLUMN_NOT_FOUND:
        unknown = statement.tree.columns.unknown
        return None if unknown is None else unknown.at
    return None if deny.place is None else statement.tree.places[deny.place].at


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """The 1-based line and column of the offset `at`; a line ends with a line feed."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def piece_at(text: str, at: int) -> str:
    """What stands at the offset `at`, up to the end of the word, name or string; for showing, not for judging."""
    rest = text[at : at + SLICE_CHARACTERS_MAX].split("\n", 1)[0]
    if rest[:1] in ('"', "'", "$"):
        end = rest.find(rest[0], 1)
        return rest if end < 0 else rest[: end + 1]
    length = next((n for n, letter in enumerate(rest) if not (letter.isalnum() or letter in '_$."')), len(rest))
    return rest[: max(length, 1)]
