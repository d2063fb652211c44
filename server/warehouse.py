"""The only importer of the Snowflake driver: log in, run one statement within limits, cancel, close.

Everything here blocks and runs in worker threads. The driver's traps are handled once, here:
its result is read as the server's own Arrow stream (its public readers lose nanoseconds and time zones), its limits
are given per statement, and its texts never leave except as facts for the journal.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa
import snowflake.connector
from snowflake.connector._internal import decorators
from snowflake.connector.connection import _connection
from snowflake.connector.cursor import SnowflakeCursor
from snowflake.connector.errors import Error as DriverError
from snowflake.connector.errors import InterfaceError, OperationalError

from server.column_types import column_of
from server.core_dumps import refuse_core_dumps
from server.credentials import Credential
from server.errnos import (
    ERRNO_STATEMENT_TIMEOUT,
    ERRNOS_OF_LOGINS,
    ERRNOS_OF_SESSIONS,
    ERRNOS_OF_THE_DRIVER,
    FAILURES,
    SQLSTATE_UNSUPPORTED,
)
from server.hold_refusals import EffectDrifted
from server.login_settings import login_settings
from server.raw import RawRows
from server.refusals import OutcomeUnknown, Refusal, SnowflakeUnavailable, StatementFailed, StatementTimedOut
from server.values import readers_of, rows_of
from tools.contract import Scalar

ROWS_DECODED_AT_ONCE = 8_192
"""Rows turned into Python values at a time, so that Arrow and Python never hold a large result together."""

APPLICATION = "snowgate"
"""As what the gate's logins are to be found in LOGIN_HISTORY and SESSIONS."""

SESSION_PARAMETERS: Mapping[str, bool | int | str] = {
    "ABORT_DETACHED_QUERY": True,
    "AUTOCOMMIT": True,
    "MULTI_STATEMENT_COUNT": 1,
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
}
"""What an account or a user may have set otherwise, and what is judged rests on. If case were ignored in quoted names,
`"t"` would be another table than was judged; and TO_TIMESTAMP_NTZ of a number is printed as TO_TIMESTAMP.

Source: Snowflake, "Parameters"."""

_CHANGES = {
    "number of rows inserted": "insert",
    "number of rows updated": "update",
    "number of rows deleted": "delete",
}
"""Columns of the one row that a DML statement answers (Snowflake, "INSERT", "UPDATE", "DELETE", "MERGE")."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """Where Snowflake is."""

    name: str
    host: str | None = None
    port: int = 443
    protocol: str = "https"

    @property
    def address(self) -> dict[str, Any]:
        """As the driver takes it."""
        at = {} if self.host is None else {"host": self.host, "port": self.port}
        return {"account": self.name, "protocol": self.protocol, **at}


@dataclass(frozen=True, slots=True)
class Order:
    """One statement to run. `tag` becomes Snowflake's QUERY_TAG (at most 2,000 characters).

    A write that touches other numbers of rows than `rows_allowed` (by insert, update, delete) is rolled back. One that
    `is_autocommitted` Snowflake commits by itself, whatever is done.
    """

    sql: str
    parameters: tuple[Scalar, ...]
    rows_max: int
    statement_timeout_s: int
    tag: str
    is_write: bool = False
    rows_allowed: Mapping[str, range] | None = None
    is_autocommitted: bool = False

    @property
    def limits(self) -> dict[str, Any]:
        """What holds for this statement alone, by Snowflake's names."""
        return {"STATEMENT_TIMEOUT_IN_SECONDS": self.statement_timeout_s, "QUERY_TAG": self.tag}


Execute: TypeAlias = Callable[[Any, Order], None]
"""Runs an order's statement at a cursor of the driver's, which has its result afterwards."""


def at_once(cursor: Any, order: Order) -> None:
    """In one request, which is answered when the statement has ended; the other way is `server.submitting`."""
    cursor.execute(order.sql, order.parameters or None, _statement_params=order.limits)


class Cursor(SnowflakeCursor):
    """The driver's cursor, which can wait with a statement that is ready, before anything of it leaves.

    `before_leaving` is called by the thread that runs the statement, and may raise: then it does not leave.
    """

    before_leaving: Callable[[], None] | None = None

    def _execute_query(self, stmt_handle: Any, bindings: Any) -> Any:
        if self.before_leaving is not None:
            self.before_leaving()
        return super()._execute_query(stmt_handle, bindings)


def prepare_process() -> None:
    """Take from this process what the driver would use behind our back; call once, before the first login.

    Without PATH it cannot start `lsb_release` at every login (16 programs, some 20 ms), and the gate starts no program
    itself. Without platform detection it asks no cloud metadata service. Where our files are, Snowflake need not know.
    Nor does a crash leave on disk what passes through the driver: credentials and rows.
    """
    refuse_core_dumps()
    vars(_connection)["get_application_path"] = lambda: APPLICATION
    os.environ["PATH"] = ""
    os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"


class CommitUnconfirmed(OutcomeUnknown):
    """The answer to a COMMIT was lost; `done` is what the change did if it was committed after all."""

    def __init__(self, message: str, done: RawRows, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.done = done


class LoginRefused(SnowflakeUnavailable):
    """Snowflake answered, and did not take the credential."""


class SessionLost(SnowflakeUnavailable):
    """The session is of no use any more. `ran` is false only where Snowflake itself says that nothing was run."""

    def __init__(self, message: str, *, ran: bool, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.ran = ran


class SnowflakeSession:
    """One logged-in session: one principal, one role, no secondary roles, one statement at a time."""

    def __init__(self, account: Account, credential: Credential, *, role: str, warehouse: str) -> None:
        """Log in with a credential that was made for this session.

        Raises:
            SnowflakeUnavailable: Snowflake cannot be reached or refuses the login.
        """
        try:
            self._connection = snowflake.connector.connect(
                **account.address,
                **login_settings(credential),
                role=role,
                warehouse=warehouse,
                secondary_roles="NONE",
                application=APPLICATION,
                paramstyle="qmark",
                login_timeout=30,
                client_store_temporary_credential=False,
                client_session_keep_alive=False,
                enable_server_session_keep_alive_auto_detection=False,
                session_parameters=dict(SESSION_PARAMETERS),
            )
        except DriverError as error:
            was_answered = int(error.errno or 0) in ERRNOS_OF_LOGINS
            why = LoginRefused if was_answered else SnowflakeUnavailable
            failure = why("snowflake did not open a session", **driver_facts(error))
        else:
            self.is_usable = True
            return
        raise failure  # outside of the handler: the driver's error, in whose frames the secret is, is not its context

    @property
    def session_id(self) -> int:
        """Snowflake's id of this session."""
        return int(self._connection.session_id)

    def run(self, order: Order, execute: Execute = at_once) -> RawRows:
        """Run `order` and bring back at most its `rows_max` rows; a write runs in a transaction of its own.

        `execute` runs the statement itself, and not what stands around it.

        Raises:
            StatementTimedOut, StatementFailed, SnowflakeUnavailable: by the driver's error number.
            CommitUnconfirmed: the answer to what commits a write was lost; `server.fates` can tell.
        """
        # The flag by which the driver keeps its own nested calls from being reported to Snowflake: a fifth of a call.
        told = decorators._TRACKING.set(False)
        try:
            if order.is_write:
                return self._alone(order, execute) if order.is_autocommitted else self._transaction(order, execute)
            return self._read(order, execute)
        except DriverError as error:
            failure = self._refusal(error)
        finally:
            decorators._TRACKING.reset(told)
        raise failure  # outside of the handler: the driver's error, whose text quotes values, is not its context

    def stop(self) -> None:
        """Stop what this session runs in another thread. A session may run several statements, so no login is paid."""
        self._system("SYSTEM$CANCEL_ALL_QUERIES", self.session_id)

    def abort_query(self, query_id: str) -> None:
        """Stop one statement of the same user's; one that has ended stays as it is."""
        self._ask(lambda cursor: cursor.abort_query(query_id))

    def abort(self, session_id: int) -> None:
        """End another session, and what runs in it: one of the same user, or on a warehouse that the role operates."""
        self._system("SYSTEM$ABORT_SESSION", session_id)

    def read(self, sql: str, *, rows_max: int, timeout_s: int, tag: str) -> RawRows:
        """Run one read of the gate's own. Raises as `run` does."""
        return self.run(Order(sql, (), rows_max, timeout_s, tag))

    def _system(self, function: str, session_id: int) -> None:
        self._ask(lambda cursor: cursor.execute(f"SELECT {function}(?)", (session_id,)))

    def _ask(self, work: Callable[[Any], object]) -> None:
        try:
            with self._connection.cursor() as cursor:
                work(cursor)
        except DriverError as error:
            failure = self._refusal(error)
        else:
            return
        raise failure

    def close(self) -> bool:
        """End the session in Snowflake; whether that is known to have happened."""
        self.is_usable = False
        try:
            self._connection.close()
        except Exception as failure:
            log.warning("a session could not be closed: %s", type(failure).__name__)
            return False
        return True

    def _read(self, order: Order, execute: Execute) -> RawRows:
        with self._connection.cursor(Cursor) as cursor:
            execute(cursor, order)
            total = cursor.rowcount or 0
            return RawRows(
                columns=[column_of(meta) for meta in cursor.description or ()],
                rows=list(_rows(cursor, order.rows_max)) if total else [],
                truncated=total > order.rows_max,
                query_id=str(cursor.sfqid),
            )

    def _transaction(self, order: Order, execute: Execute) -> RawRows:
        tag = {"QUERY_TAG": order.tag}  # on all three, so that what became of the COMMIT can be asked for
        with self._connection.cursor() as cursor:
            try:
                cursor.execute("BEGIN", _statement_params=tag)
                execute(cursor, order)
                affected, query_id = cursor.rowcount, str(cursor.sfqid)
                changed = _changed(cursor, affected, order)
                _check_drift(changed, order.rows_allowed)
                done = RawRows([], [], False, query_id, affected, changed)
                if not self.is_usable:
                    raise StatementFailed("the call was given up before its change was committed")
            except BaseException:
                self._roll_back(cursor)
                raise
            self._commit(cursor, tag, done)
        return done

    def _alone(self, order: Order, execute: Execute) -> RawRows:
        """A change that is its own transaction; once it was sent, only Snowflake knows what became of it."""
        with self._connection.cursor() as cursor:
            try:
                execute(cursor, order)
            except DriverError as error:
                if not _is_session_lost(error):
                    raise
                facts = driver_facts(error)
            else:
                return RawRows([], [], False, str(cursor.sfqid), 0)
        self.is_usable = False
        done = RawRows([], [], False, "", 0)
        raise CommitUnconfirmed("snowflake did not confirm that the change was made", done, **facts)

    def _commit(self, cursor: Any, tag: dict[str, str], done: RawRows) -> None:
        try:
            cursor.execute("COMMIT", _statement_params=tag)
        except DriverError as error:
            if not _is_session_lost(error):
                self._roll_back(cursor)
                raise
            facts = {**driver_facts(error), "query_id": done.query_id}
        else:
            return
        # No ROLLBACK: over a connection that comes back it would follow a COMMIT whose end nobody knows.
        self.is_usable = False
        raise CommitUnconfirmed("snowflake did not confirm that the change was committed", done, **facts)

    def _roll_back(self, cursor: Any) -> None:
        """Leave the transaction; a session of which that is not known is not used again."""
        try:
            cursor.execute("ROLLBACK")
        except Exception:
            self.is_usable = False

    def _refusal(self, error: DriverError) -> Refusal:
        facts = driver_facts(error)
        errno = facts["driver_errno"]
        if errno == ERRNO_STATEMENT_TIMEOUT:
            return StatementTimedOut("the statement ran longer than its limit", **facts)
        if _is_session_lost(error):
            self.is_usable = False
            return SessionLost("the snowflake session was lost", ran=errno not in ERRNOS_OF_SESSIONS, **facts)
        message, hint = FAILURES.get(errno, ("snowflake could not run the statement", None))
        return StatementFailed(message, hint, **facts)


def _is_session_lost(error: DriverError) -> bool:
    """Whether what came back was not Snowflake's answer to the statement, so that the session's state is unknown."""
    if str(error.sqlstate) == SQLSTATE_UNSUPPORTED:
        return False
    errno = int(error.errno or 0)
    known = errno in ERRNOS_OF_SESSIONS or any(errno in numbers for numbers in ERRNOS_OF_THE_DRIVER)
    return known or isinstance(error, OperationalError | InterfaceError)


def driver_facts(error: DriverError) -> dict[str, Any]:
    """What the driver says, for the journal alone: its texts quote values."""
    return {
        "driver_errno": int(error.errno or 0),
        "driver_sqlstate": str(error.sqlstate or ""),
        "driver_message": str(error),
    }


def _changed(cursor: Any, affected: int | None, order: Order) -> dict[str, int]:
    """Rows by what happened to them, as Snowflake counts them in the one row that a DML statement answers."""
    names = [_CHANGES.get(str(meta.name).lower()) for meta in cursor.description or ()]
    row = next(_rows(cursor, 1), None) if any(names) else None
    if row is not None:
        return {name: int(value) for name, value in zip(names, row, strict=True) if name is not None}
    allowed = list(order.rows_allowed or ())
    return {allowed[0]: int(affected)} if len(allowed) == 1 and affected is not None else {}


def _check_drift(changed: Mapping[str, int], allowed: Mapping[str, range] | None) -> None:
    """Raise EffectDrifted unless every number of rows is one that was approved; an unknown number never is."""
    if allowed is None:
        return
    drifted = [kind for kind, counts in allowed.items() if changed.get(kind, -1) not in counts]
    drifted += [kind for kind, count in changed.items() if count and kind not in allowed]
    if drifted:
        told = ", ".join(f"{kind}: {changed.get(kind, 'unknown')}" for kind in sorted(drifted))
        raise EffectDrifted(f"the change touched other rows than were approved ({told})")


def _rows(cursor: Any, rows_max: int) -> Iterator[Sequence[Any]]:
    """At most `rows_max` rows, batch by batch as the server sent them."""
    left = rows_max
    stream = pa.RecordBatchReader._import_from_c(cursor._result_set.get_arrow_stream_ptr())
    readers = readers_of(stream.schema)
    for batch in stream:
        for start in range(0, min(batch.num_rows, left), ROWS_DECODED_AT_ONCE):
            yield from rows_of(batch.slice(start, min(ROWS_DECODED_AT_ONCE, left - start)), readers)
        left -= batch.num_rows
        if left <= 0:
            return
