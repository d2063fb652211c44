"""One statement again and again on a connection of psycopg's, by libpq's asynchronous calls alone.

A cursor spends more on one row than the database does, and so does planning the same statement for each row. Sources:
https://www.postgresql.org/docs/current/libpq-async.html and https://www.psycopg.org/psycopg3/docs/api/pq.html
"""

import asyncio  # noqa: TID251 - psycopg needs its loop, and waiting by anyio costs as much as the row
import secrets
from collections.abc import Callable, Sequence

import psycopg
from psycopg import pq

_BINARY = pq.Format.BINARY


class Oneshot:
    """`statement` with parameters `$1` and on, of these `types` (OIDs), on one connection.

    It is prepared at its first use, under a name that nobody else can have given to another statement. A pooler may
    hand each use to another backend, where there is no such name; PostgreSQL then does nothing and says so, and from
    there on the statement travels whole.
    """

    def __init__(self, connection: psycopg.AsyncConnection[object], statement: bytes, types: Sequence[int]) -> None:
        self._wire = connection.pgconn
        self._statement, self._types = statement, types
        self._name = f"snowgate_{secrets.token_hex(8)}".encode()
        self._is_known = False
        self._travels_whole = False

    async def run(self, values: Sequence[bytes]) -> int:
        """Run it with `values` in PostgreSQL's binary form; says how many rows it touched.

        Cancelled in the middle, it leaves the connection unusable: what was sent may or may not be done.

        Raises:
            psycopg.Error: by the SQLSTATE that the database gave, or OperationalError when the connection is lost.
        """
        formats = [_BINARY] * len(values)
        if not self._travels_whole:
            if not self._is_known:
                self._wire.send_prepare(self._name, self._statement, self._types)
                await self._ended()
                self._is_known = True
            self._wire.send_query_prepared(self._name, values, formats, _BINARY)
            try:
                return await self._ended()
            except psycopg.errors.InvalidSqlStatementName:
                self._travels_whole = True
        self._wire.send_query_params(self._statement, values, self._types, formats, _BINARY)
        return await self._ended()

    async def _ended(self) -> int:
        """Wait until what was sent has been done; says how many rows it touched."""
        wire = self._wire
        while wire.flush():
            await _until(wire, asyncio.get_running_loop().add_writer, asyncio.get_running_loop().remove_writer)
        touched = 0
        failed: pq.abc.PGresult | None = None
        while (result := await _next(wire)) is not None:
            if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                touched = result.command_tuples or 0
            else:
                failed = result
        if failed is not None:
            if wire.status == pq.ConnStatus.BAD:
                raise psycopg.OperationalError("the connection is lost")
            raise psycopg.errors.error_from_result(failed)
        return touched


async def _next(wire: pq.abc.PGconn) -> pq.abc.PGresult | None:
    loop = asyncio.get_running_loop()
    while wire.is_busy():
        await _until(wire, loop.add_reader, loop.remove_reader)
        wire.consume_input()
    return wire.get_result()


async def _until(wire: pq.abc.PGconn, add: Callable[..., object], remove: Callable[[int], object]) -> None:
    """Wait for the socket; libpq raises OperationalError by itself if it is gone."""
    socket = wire.socket
    ready = asyncio.get_running_loop().create_future()
    add(socket, _set, ready)
    try:
        await ready
    finally:
        remove(socket)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
