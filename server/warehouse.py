"""The only importer of the Snowflake driver: log in, run one statement within limits, cancel, close.

Everything here blocks and runs in worker threads. The driver's traps are handled once, here:
its result is read as the server's own Arrow stream (its public readers lose nanoseconds and time zones), its limits
are given per statement, and its texts never leave except as facts for the journal.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import snowflake.connector
from snowflake.connector._internal import decorators
from snowflake.connector.errors import Error as DriverError
from snowflake.connector.errors import InterfaceError, OperationalError

from server.raw import RawRows
from server.refusals import OutcomeUnknown, Refusal, SnowflakeUnavailable, StatementFailed, StatementTimedOut
from server.values import readers_of, rows_of
from tools.contract import ResultColumn, Scalar

ROWS_DECODED_AT_ONCE = 8_192
"""Rows turned into Python values at a time, so that Arrow and Python never hold a large result together."""

ERRNO_STATEMENT_TIMEOUT = 630
ERRNOS_OF_THE_DRIVER = (range(-1, 100), range(250_000, 260_000))
"""Numbers that the driver gives when Snowflake's answer was lost, late or no answer at all."""

ERRNOS_OF_SESSIONS = range(390_000, 391_000)
"""Numbers by which Snowflake says that a session or its token is not valid (any longer)."""

_TYPE_NAMES = tuple(
    "NUMBER FLOAT VARCHAR DATE TIMESTAMP_NTZ VARIANT TIMESTAMP_LTZ TIMESTAMP_TZ TIMESTAMP_NTZ OBJECT ARRAY BINARY "  # noqa: SIM905
    "TIME BOOLEAN GEOGRAPHY GEOMETRY VECTOR MAP FILE INTERVAL INTERVAL".split()
)
"""The driver's type codes, in order, as Snowflake's type names."""

log = logging.getLogger(__name__)

_FAILURES: dict[int, tuple[str, str]] = {
    100038: ("a value could not be converted to a number", "Use TRY_TO_NUMBER or TRY_CAST."),
    100035: ("a value could not be converted to a date or time", "Use TRY_TO_DATE, TRY_TO_TIMESTAMP or TRY_CAST."),
    100040: ("a value could not be converted to a date", "Use TRY_TO_DATE or TRY_CAST."),
    100051: ("a division by zero", "Use DIV0, DIV0NULL or NULLIF on the divisor."),
    100078: ("a text longer than its column", "Shorten it or cast to a longer type."),
    1003: ("snowflake found a syntax error", "Check the statement against Snowflake's syntax."),
    2003: ("an object is gone or changed", "Look at describe_schema again; the catalog may have changed."),
    2043: ("an object is gone or changed", "Look at describe_schema again; the catalog may have changed."),
    3001: ("the snowflake role lacks a privilege", "An operator must GRANT it; repeating the call will not help."),
    604: ("the statement was cancelled", "Somebody or something stopped it in Snowflake; ask before running it again."),
}


@dataclass(frozen=True, slots=True)
class Account:
    """Where Snowflake is."""

    name: str
    host: str | None = None
    port: int = 443
    protocol: str = "https"


@dataclass(frozen=True, slots=True)
class Order:
    """One statement to run. `tag` becomes Snowflake's QUERY_TAG (at most 2,000 characters)."""

    sql: str
    parameters: tuple[Scalar, ...]
    rows_max: int
    statement_timeout_s: int
    tag: str
    is_write: bool = False


def prepare_process() -> None:
    """Take from this process what the driver would use behind our back; call once, before the first login.

    Without PATH it cannot start `lsb_release` at every login (16 programs, some 20 ms), and the gate starts no program
    itself. Without platform detection it asks no cloud metadata service.
    """
    os.environ["PATH"] = ""
    os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"


class SnowflakeSession:
    """One logged-in session: one principal, one role, no secondary roles, one statement at a time."""

    def __init__(self, account: Account, *, token: str, role: str, warehouse: str) -> None:
        """Log in with an OAuth access token minted for this session.

        Raises:
            SnowflakeUnavailable: Snowflake cannot be reached or refuses the login.
        """
        where = {} if account.host is None else {"host": account.host, "port": account.port}
        try:
            self._connection = snowflake.connector.connect(
                account=account.name,
                **where,
                protocol=account.protocol,
                authenticator="oauth",
                token=token,
                role=role,
                warehouse=warehouse,
                secondary_roles="NONE",
                paramstyle="qmark",
                login_timeout=30,
                client_store_temporary_credential=False,
                enable_server_session_keep_alive_auto_detection=False,
                session_parameters={"ABORT_DETACHED_QUERY": True, "MULTI_STATEMENT_COUNT": 1},
            )
        except DriverError as error:
            raise SnowflakeUnavailable("snowflake did not open a session", **driver_facts(error)) from None
        self.is_usable = True

    @property
    def session_id(self) -> int:
        """Snowflake's id of this session."""
        return int(self._connection.session_id)

    def run(self, order: Order) -> RawRows:
        """Run `order` and bring back at most its `rows_max` rows; a write runs in a transaction of its own.

        Raises:
            StatementTimedOut, StatementFailed, SnowflakeUnavailable: by the driver's error number.
            OutcomeUnknown: a write was sent, and whether it was committed cannot be told.
        """
        # The flag by which the driver keeps its own nested calls from being reported to Snowflake: a fifth of a call.
        told = decorators._TRACKING.set(False)
        try:
            return self._transaction(order) if order.is_write else self._read(order)
        except DriverError as error:
            raise self._refusal(error) from None
        finally:
            decorators._TRACKING.reset(told)

    def cancel_all_of(self, session_id: int) -> None:
        """Stop whatever another session of the same user is running."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT SYSTEM$CANCEL_ALL_QUERIES(?)", (session_id,))

    def close(self) -> None:
        """End the session in Snowflake; one that cannot be ended is left to Snowflake's own time limit."""
        self.is_usable = False
        try:
            self._connection.close()
        except Exception as failure:
            log.warning("a session could not be closed: %s", type(failure).__name__)

    def _read(self, order: Order) -> RawRows:
        with self._connection.cursor() as cursor:
            self._execute(cursor, order)
            total = cursor.rowcount or 0
            return RawRows(
                columns=[_column(meta) for meta in cursor.description or ()],
                rows=list(_rows(cursor, order.rows_max)) if total else [],
                truncated=total > order.rows_max,
                query_id=str(cursor.sfqid),
            )

    def _transaction(self, order: Order) -> RawRows:
        with self._connection.cursor() as cursor:
            try:
                cursor.execute("BEGIN")
                self._execute(cursor, order)
                affected, query_id = cursor.rowcount, str(cursor.sfqid)
                if not self.is_usable:
                    raise StatementFailed("the call was given up before its change was committed")
            except BaseException:
                self._roll_back(cursor)
                raise
            self._commit(cursor, query_id)
        return RawRows(columns=[], rows=[], truncated=False, query_id=query_id, rows_affected=affected)

    def _commit(self, cursor: Any, query_id: str) -> None:
        try:
            cursor.execute("COMMIT")
        except DriverError as error:
            self._roll_back(cursor)
            if _is_session_lost(error):
                self.is_usable = False
                facts = {**driver_facts(error), "query_id": query_id}
                raise OutcomeUnknown("snowflake did not confirm that the change was committed", **facts) from None
            raise

    def _roll_back(self, cursor: Any) -> None:
        """Leave the transaction; a session of which that is not known is not used again."""
        try:
            cursor.execute("ROLLBACK")
        except Exception:
            self.is_usable = False

    def _execute(self, cursor: Any, order: Order) -> None:
        limits = {"STATEMENT_TIMEOUT_IN_SECONDS": order.statement_timeout_s, "QUERY_TAG": order.tag}
        cursor.execute(order.sql, order.parameters or None, _statement_params=limits)

    def _refusal(self, error: DriverError) -> Refusal:
        facts = driver_facts(error)
        errno = facts["driver_errno"]
        if errno == ERRNO_STATEMENT_TIMEOUT:
            return StatementTimedOut("the statement ran longer than its limit", **facts)
        if _is_session_lost(error):
            self.is_usable = False
            return SnowflakeUnavailable("the snowflake session was lost", **facts)
        message, hint = _FAILURES.get(errno, ("snowflake could not run the statement", None))
        return StatementFailed(message, hint, **facts)


def _is_session_lost(error: DriverError) -> bool:
    """Whether what came back was not Snowflake's answer to the statement, so that the session's state is unknown."""
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


def _column(meta: Any) -> ResultColumn:
    return ResultColumn(meta.name, type_text(meta), bool(meta.is_nullable))


def type_text(meta: Any) -> str:
    """The column's type as Snowflake writes it, such as `NUMBER(38,2)` or `TIMESTAMP_NTZ(9)`."""
    name = _TYPE_NAMES[meta.type_code] if 0 <= meta.type_code < len(_TYPE_NAMES) else "UNKNOWN"
    match name:
        case "NUMBER" if meta.scale is None:
            return "DECFLOAT"  # the driver counts it among the numbers; only they have a scale
        case "NUMBER":
            return f"NUMBER({meta.precision},{meta.scale})"
        case "VARCHAR" | "BINARY" if meta.internal_size:
            return f"{name}({meta.internal_size})"
        case "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" if meta.scale is not None:
            return f"{name}({meta.scale})"
        case _:
            return name
