"""What became of a change whose answer was lost: asked of Snowflake's own history, and never found out by running.

Source: Snowflake, "QUERY_HISTORY_BY_SESSION", which shows a user their own statements without delay.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from server.raw import RawRows
from server.spelling import quoted

HISTORY_ROWS_MAX = 100
HISTORY_TIMEOUT_S = 10


class Fate(StrEnum):
    """What became of a change."""

    COMMITTED = "committed"
    NOT_COMMITTED = "not_committed"
    UNKNOWN = "unknown"


_FATES = {
    "success": Fate.COMMITTED,
    "fail": Fate.NOT_COMMITTED,
    "failed_with_error": Fate.NOT_COMMITTED,
    "failed_with_incident": Fate.NOT_COMMITTED,
}
"""QUERY_HISTORY's EXECUTION_STATUS of what decides; one that still runs is unknown."""

ENDED = frozenset(_FATES)
"""EXECUTION_STATUS of a statement that does not run any more."""

_AROUND = frozenset({"BEGIN", "BEGIN_TRANSACTION", "COMMIT", "ROLLBACK"})


@dataclass(frozen=True, slots=True)
class Became:
    """How it ended, and Snowflake's id of the statement that changed something, where it is known."""

    fate: Fate
    query_id: str | None = None


class Asking(Protocol):
    """A session that can end others and ask; see `server.warehouse`."""

    def abort(self, session_id: int) -> None:
        """End another session, and what runs in it."""
        ...

    def read(self, sql: str, *, rows_max: int, timeout_s: int, tag: str) -> RawRows:
        """Run one read."""
        ...


def ask_history(database: str, session_id: int, rows_max: int) -> str:
    """SQL for the newest statements of a session: QUERY_TYPE, QUERY_TAG, EXECUTION_STATUS and QUERY_ID of each."""
    history = f"{quoted(database)}.INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION"
    which = f"SESSION_ID => {session_id:d}, RESULT_LIMIT => {rows_max:d}"
    return f"SELECT QUERY_TYPE, QUERY_TAG, EXECUTION_STATUS, QUERY_ID FROM TABLE({history}({which}))"  # noqa: S608 - quoted


def fate_of(session: Asking, session_id: int, tag: str, database: str) -> Became:
    """Ask, in `session`, what became of the change that a lost session ran under `tag`.

    The lost session is ended first: what Snowflake has not heard of by then, it will not hear of any more. A change in
    a transaction ended as its COMMIT did; one that Snowflake commits by itself ended as it did.

    Raises:
        SnowflakeUnavailable, StatementFailed: it could not be asked.
    """
    session.abort(session_id)
    asked = ask_history(database, session_id, HISTORY_ROWS_MAX)
    seen = session.read(asked, rows_max=HISTORY_ROWS_MAX, timeout_s=HISTORY_TIMEOUT_S, tag=tag).rows
    ours = {str(kind).upper(): (str(status).lower(), str(query)) for kind, of, status, query in seen if of == tag}
    changes = [kind for kind in ours if kind not in _AROUND]
    query_id = ours[changes[0]][1] if len(changes) == 1 else None
    if "COMMIT" in ours:
        return Became(_FATES.get(ours["COMMIT"][0], Fate.UNKNOWN), query_id)
    if _AROUND & ours.keys():
        return Became(Fate.NOT_COMMITTED)
    if len(changes) == 1:
        return Became(_FATES.get(ours[changes[0]][0], Fate.UNKNOWN), query_id)
    # Nothing of it: it never arrived, if what came before it in that session is there to be seen.
    return Became(Fate.NOT_COMMITTED if seen and not changes else Fate.UNKNOWN)
