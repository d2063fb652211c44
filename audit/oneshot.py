"""One statement again and again on a connection of psycopg's, by libpq's asynchronous calls alone.

A cursor spends more on one row than the database does, and so does planning the same statement for each row. Sources:
https://www.postgresql.org/docs/current/libpq-async.html and libpq-pipeline-mode.html, and
https://www.psycopg.org/psycopg3/docs/api/pq.html
"""

import asyncio  # noqa: TID251 - psycopg needs its loop, and waiting by anyio costs as much as the row
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

import psycopg
from psycopg import pq

from audit.bell import Bell

Row: TypeAlias = Sequence[bytes | None]
"""Parameters in PostgreSQL's binary form; None is NULL."""

_BINARY = pq.Format.BINARY
_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class Oneshot:
    """`statement` with parameters `$1` and on, of these `types` (OIDs), on one connection.

    It is prepared at its first use, under a name that nobody else can have given to another statement. A pooler may
    hand each use to another backend, where there is no such name; PostgreSQL then does nothing and says so, and from
    there on the statement travels whole.
    """

    def __init__(self, connection: psycopg.AsyncConnection[object], statement: bytes, types: Sequence[int]) -> None:
        self._wire = connection.pgconn
        self._statement, self._types = statement, types
        self._formats = [_BINARY] * len(types)
        self._name = f"snowgate_{secrets.token_hex(8)}".encode()
        self._is_known = False
        self._travels_whole = False
        self._begun: Sequence[Row] | None = None

    def begin(self, rows: Sequence[Row]) -> None:
        """Send `rows` already, if nothing has to be waited for first; `run` with the same rows is next, and waits.

        Nothing else may be under way on the connection.
        """
        if self._is_known and not self._travels_whole:
            with suppress(psycopg.Error):  # what is wrong with the connection is for `run` to find
                self._send(rows, self._send_prepared)
                self._begun = rows

    async def run(self, rows: Sequence[Row]) -> int:
        """Run it once for each of `rows`, all of them in one transaction; says how many rows it touched.

        Cancelled in the middle, it leaves the connection unusable: what was sent may or may not be done.

        Raises:
            psycopg.Error: by the SQLSTATE that the database gave, or OperationalError when the connection is lost.
        """
        if not self._travels_whole:
            if not self._is_known:
                self._wire.send_prepare(self._name, self._statement, self._types)
                await self._ended()
                self._is_known = True
            if self._begun != rows:
                self._send(rows, self._send_prepared)
            self._begun = None
            try:
                return await self._ended(len(rows) > 1)
            except psycopg.errors.InvalidSqlStatementName:
                self._travels_whole = True
        self._send(rows, self._send_whole)
        return await self._ended(len(rows) > 1)

    def _send_prepared(self, row: Row) -> None:
        self._wire.send_query_prepared(self._name, row, self._formats, _BINARY)

    def _send_whole(self, row: Row) -> None:
        self._wire.send_query_params(self._statement, row, self._types, self._formats, _BINARY)

    def _send(self, rows: Sequence[Row], send: Callable[[Row], None]) -> None:
        """Several rows are a pipeline: what is sent before its one synchronisation point is one transaction."""
        if len(rows) == 1:
            send(rows[0])
            return
        self._wire.enter_pipeline_mode()
        for row in rows:
            send(row)
        self._wire.pipeline_sync()

    async def _ended(self, is_pipeline: bool = False) -> int:
        """Wait until what was sent has been done; says how many rows it touched."""
        touched, failed = 0, None
        while (result := await self._next(is_pipeline)) is not None:
            if result.status in _DONE:
                touched += result.command_tuples or 0
            elif result.status != pq.ExecStatus.PIPELINE_ABORTED:
                failed = result
        if self._wire.status == pq.ConnStatus.OK and is_pipeline:
            self._wire.exit_pipeline_mode()
        if failed is not None:
            raise psycopg.errors.error_from_result(failed)
        return touched

    async def _next(self, is_pipeline: bool) -> pq.abc.PGresult | None:
        """The next result; None after the last: in a pipeline, that is its synchronisation point."""
        wire = self._wire
        loop = asyncio.get_running_loop()
        while wire.flush():
            await _until(wire, loop.add_writer, loop.remove_writer)
        for _ in range(1 + is_pipeline):  # between the results of a pipeline libpq says once that there is none
            while wire.is_busy():
                await _until(wire, loop.add_reader, loop.remove_reader)
                wire.consume_input()
            result = wire.get_result()
            if result is not None:
                return None if result.status == pq.ExecStatus.PIPELINE_SYNC else result
        if is_pipeline or wire.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError("the connection is lost")
        return None


async def _until(wire: pq.abc.PGconn, add: Callable[..., object], remove: Callable[[int], object]) -> None:
    """Wait for the socket; libpq raises OperationalError by itself if it is gone."""
    socket, ready = wire.socket, Bell()
    add(socket, ready.ring)
    try:
        await ready.wait()
    finally:
        remove(socket)
