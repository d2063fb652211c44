"""The only importer of the Snowflake driver: log in, run one statement within limits, cancel, close.

Everything here blocks and runs in worker threads. The driver's traps are handled once, here:
its result is read as the server's own Arrow stream (its public readers lose nanoseconds and time zones), its limits
are given per statement, and its texts never leave except as facts for the journal.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import snowflake.connector
from snowflake.connector.errors import Error as DriverError
from snowflake.connector.errors import InterfaceError, OperationalError

from server.raw import RawRows
from server.refusals import Refusal, SnowflakeUnavailable, StatementFailed, StatementTimedOut
from server.values import rows_of
from tools.contract import ResultColumn, Scalar

ROWS_DECODED_AT_ONCE = 8_192
"""Rows turned into Python values at a time, so that Arrow and Python never hold a large result together."""

ERRNO_STATEMENT_TIMEOUT = 630
ERRNOS_SESSION_GONE = frozenset({390111, 390112, 390114, 390195})

_TYPE_NAMES = tuple(
    "NUMBER FLOAT VARCHAR DATE TIMESTAMP_NTZ VARIANT TIMESTAMP_LTZ TIMESTAMP_TZ TIMESTAMP_NTZ OBJECT ARRAY BINARY "  # noqa: SIM905
    "TIME BOOLEAN GEOGRAPHY GEOMETRY VECTOR MAP FILE INTERVAL INTERVAL".split()
)
"""The driver's type codes, in order, as Snowflake's type names."""

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
        """
        try:
            return self._transaction(order) if order.is_write else self._read(order)
        except DriverError as error:
            raise self._refusal(error) from None

    def cancel_all_of(self, session_id: int) -> None:
        """Stop whatever another session of the same user is running."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT SYSTEM$CANCEL_ALL_QUERIES(?)", (session_id,))

    def close(self) -> None:
        """End the session in Snowflake; a session that is gone already is fine."""
        self.is_usable = False
        try:
            self._connection.close()
        except DriverError:
            return

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
            cursor.execute("BEGIN")
            try:
                self._execute(cursor, order)
                affected, query_id = cursor.rowcount, str(cursor.sfqid)
                cursor.execute("COMMIT")
            except BaseException:
                self._roll_back(cursor)
                raise
        return RawRows(columns=[], rows=[], truncated=False, query_id=query_id, rows_affected=affected)

    def _roll_back(self, cursor: Any) -> None:
        try:
            cursor.execute("ROLLBACK")
        except DriverError:
            self.is_usable = False

    def _execute(self, cursor: Any, order: Order) -> None:
        limits = {"STATEMENT_TIMEOUT_IN_SECONDS": order.statement_timeout_s, "QUERY_TAG": order.tag}
        cursor.execute(order.sql, order.parameters or None, _statement_params=limits)

    def _refusal(self, error: DriverError) -> Refusal:
        facts = driver_facts(error)
        errno = facts["driver_errno"]
        if errno == ERRNO_STATEMENT_TIMEOUT:
            return StatementTimedOut("the statement ran longer than its limit", **facts)
        if errno in ERRNOS_SESSION_GONE or (isinstance(error, OperationalError | InterfaceError) and errno <= 0):
            self.is_usable = False
            return SnowflakeUnavailable("the snowflake session was lost", **facts)
        message, hint = _FAILURES.get(errno, ("snowflake could not run the statement", None))
        return StatementFailed(message, hint, **facts)


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
    stream = cursor._result_set.get_arrow_stream_ptr()
    for batch in pa.RecordBatchReader._import_from_c(stream):
        for start in range(0, min(batch.num_rows, left), ROWS_DECODED_AT_ONCE):
            yield from rows_of(batch.slice(start, min(ROWS_DECODED_AT_ONCE, left - start)))
        left -= batch.num_rows
        if left <= 0:
            return


def _column(meta: Any) -> ResultColumn:
    return ResultColumn(meta.name, type_text(meta), bool(meta.is_nullable))


def type_text(meta: Any) -> str:
    """The column's type as Snowflake writes it, such as `NUMBER(38,2)` or `TIMESTAMP_NTZ(9)`."""
    name = _TYPE_NAMES[meta.type_code] if 0 <= meta.type_code < len(_TYPE_NAMES) else "UNKNOWN"
    match name:
        case "NUMBER":
            return f"NUMBER({meta.precision},{meta.scale or 0})"
        case "VARCHAR" | "BINARY" if meta.internal_size:
            return f"{name}({meta.internal_size})"
        case "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" if meta.scale is not None:
            return f"{name}({meta.scale})"
        case _:
            return name
