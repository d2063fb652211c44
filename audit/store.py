"""The writer's one connection: adds rows in one transaction, or says what is there."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from struct import Struct
from typing import NamedTuple
from uuid import UUID

import anyio
import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.oneshot import Oneshot

OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError, OSError, DBAPIError, PoolTimeout)
"""What passes by itself: no connection, no space, a standby that is not yet promoted, no answer in time."""

_COLUMNS = "month, stream, n, at, stage, call_id, subject, digest, body, signature"
_INSERT = f"insert into journal.entry ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)".encode()  # noqa: S608  # constants
_COPY = f"copy journal.entry ({_COLUMNS}) from stdin (format binary)"
_TYPES = ("date", "uuid", "int8", "timestamptz", "text", "text", "text", "bytea", "bytea", "bytea")
_OIDS = tuple(psycopg.adapters.types[name].oid for name in _TYPES)
_LOOK = "select n, digest from journal.entry where month = %b and stream = %b and n between %b and %b order by n"
_REGISTER = "insert into journal.stream (stream, month, key) values (%b, %b, %b) on conflict do nothing"
_SEEN = """insert into journal.seen (stream, at) values (%b, clock_timestamp())
           on conflict (stream) do update set at = clock_timestamp()"""
_KEYS = "select id, wrapped from journal.subject_key where id = any(%b)"
_KEEP_KEY = "insert into journal.subject_key (id, wrapped) values (%b, %b) on conflict do nothing"
_INSERTED_MAX = 12
"""From more rows on COPY costs less than an insert for each."""
_INT4 = Struct("!i")
_INT8 = Struct("!q")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts days and microseconds from here
_CLOSE_S_MAX = 1.0


class EntryRow(NamedTuple):
    """An entry as it is stored; the order is that of the table's columns.

    `month` is the first day of its stream's month. `signature` is on the last entry of a batch.
    """

    month: date
    stream: UUID
    n: int
    at: datetime
    stage: str
    call_id: str
    subject: str
    digest: bytes
    body: bytes
    signature: bytes | None = None


class StreamRow(NamedTuple):
    """A stream as it is registered before its first entry: its month, and the public key that signs its batches."""

    stream: UUID
    month: date
    key: str


def _wired(row: EntryRow) -> tuple[bytes | None, ...]:
    """`row` in PostgreSQL's binary form."""
    micros = (row.at - _EPOCH) // timedelta(microseconds=1)
    days = row.month.toordinal() - _EPOCH.toordinal()
    return (
        _INT4.pack(days), row.stream.bytes, _INT8.pack(row.n), _INT8.pack(micros), row.stage.encode(),
        row.call_id.encode(), row.subject.encode(), row.digest, row.body, row.signature,
    )  # fmt: skip


def _must_be_signed(rows: Sequence[EntryRow]) -> None:
    """Raise JournalBroken unless the last entry of a batch, which covers the others, bears a signature."""
    if rows[-1].signature is None:
        raise JournalBroken("a batch without its writer's signature")


class JournalBroken(Exception):
    """The database does not keep what it confirmed, or keeps something else in our place. No entry can be trusted."""


class Store:
    """A dedicated connection that commits each statement by itself.

    It is the driver's own connection under SQLAlchemy's engine, because COPY is not part of SQLAlchemy's interface.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._held: AsyncConnection | None = None
        self._cursor: psycopg.AsyncCursor[tuple[object, ...]] | None = None
        self._insert: Oneshot | None = None

    async def register(self, stream: StreamRow) -> None:
        """Make room for a stream and make it known; to do so twice does no harm.

        Raises:
            JournalBroken: the month is not one to be written to: the clock of this machine or of the database is wrong.
            one of OUTAGES: nothing is known about it.
        """
        cursor = await self._connected()
        try:
            await cursor.execute("select journal.ensure_month(%b)", (stream.month,))
            await cursor.execute(_REGISTER, stream)
            await cursor.execute(_SEEN, (stream.stream,))
        except OUTAGES:
            raise
        except psycopg.Error as error:
            raise JournalBroken(f"the database refuses a stream ({error.sqlstate})") from error

    def begin(self, rows: Sequence[EntryRow]) -> None:
        """Send `rows` already, if they can be sent at once; `add` with the same rows is next, and waits.

        Raises:
            JournalBroken: nobody signed for them.
        """
        if self._insert is not None and 0 < len(rows) <= _INSERTED_MAX:
            _must_be_signed(rows)
            self._insert.begin([_wired(row) for row in rows])

    async def add(self, rows: Sequence[EntryRow]) -> None:
        """Commit `rows` in one transaction.

        Raises:
            JournalBroken: nobody signed for them, the database swallowed rows, or the table is not ours to write.
            one of OUTAGES: nothing is known about these rows.
        """
        _must_be_signed(rows)
        cursor = await self._connected()
        try:
            if len(rows) <= _INSERTED_MAX:
                self._insert = self._insert or Oneshot(cursor.connection, _INSERT, _OIDS)
                added = await self._insert.run([_wired(row) for row in rows])
            else:
                async with cursor.copy(_COPY) as copy:
                    copy.set_types(_TYPES)
                    for row in rows:
                        await copy.write_row(row)
                added = cursor.rowcount
        except psycopg.errors.UniqueViolation:
            await self._must_hold(rows)
        except OUTAGES:
            raise
        except psycopg.Error as error:
            raise JournalBroken(f"the database refuses entries ({error.sqlstate})") from error
        else:
            # A trigger that returns null and a rule that does nothing swallow rows without an error.
            if added != len(rows):
                raise JournalBroken("the database swallowed entries")

    async def settle(self, rows: Sequence[EntryRow]) -> None:
        """Commit `rows` of which it is not known whether they are committed: look first, then write the same bytes.

        Raises:
            as `add`, and JournalBroken: something else stands in their place.
        """
        if not await self._holds(rows):
            await self.add(rows)

    async def subject_keys(self, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        """The wrapped keys that are kept under these ids; where there is none yet, the given one is kept from now on.

        Raises:
            JournalBroken: the table is not ours to use.
            one of OUTAGES: nothing is known.
        """
        cursor = await self._connected()
        ids = list(wrapped)
        try:
            await cursor.execute(_KEYS, (ids,))
            found = {str(name): bytes(key) for name, key in await cursor.fetchall()}  # type: ignore[call-overload]
            if len(found) < len(ids):
                new = [(name, key) for name, key in wrapped.items() if name not in found]
                await cursor.executemany(_KEEP_KEY, new)
                await cursor.execute(_KEYS, (ids,))
                found = {str(name): bytes(key) for name, key in await cursor.fetchall()}  # type: ignore[call-overload]
        except OUTAGES:
            raise
        except psycopg.Error as error:
            raise JournalBroken(f"the database refuses the keys of people ({error.sqlstate})") from error
        return found

    async def _must_hold(self, rows: Sequence[EntryRow]) -> None:
        if not await self._holds(rows):
            raise JournalBroken("entries are there and not there")

    async def _holds(self, rows: Sequence[EntryRow]) -> bool:
        cursor = await self._connected()
        await cursor.execute(_LOOK, (rows[0].month, rows[0].stream, rows[0].n, rows[-1].n))
        found = await cursor.fetchall()
        if found and found != [(row.n, row.digest) for row in rows]:
            raise JournalBroken("the database holds other entries in our place")
        return bool(found)

    async def _connected(self) -> psycopg.AsyncCursor[tuple[object, ...]]:
        if self._cursor is None:
            held = self._held = await self._engine.connect()
            self._held = await held.execution_options(isolation_level="AUTOCOMMIT")
            driver = (await held.get_raw_connection()).driver_connection
            if not isinstance(driver, psycopg.AsyncConnection):
                raise JournalBroken("the engine's driver is not psycopg's asynchronous one")
            self._cursor = driver.cursor(binary=True)
        return self._cursor

    async def disconnect(self) -> None:
        """Give the connection up, whatever state it is in; the next use makes another."""
        held, self._held, self._cursor, self._insert = self._held, None, None, None
        if held is None:
            return
        with anyio.move_on_after(_CLOSE_S_MAX, shield=True):
            try:
                await held.invalidate()
                await held.close()
            except OUTAGES:
                pass  # it was broken: that is why it is given up
