"""One statement on a connection of psycopg's, by libpq's asynchronous calls alone.

A cursor spends more on one row than the database does. The statement is not prepared, so a pooler between us and the
database needs to know nothing of it. Sources: https://www.postgresql.org/docs/current/libpq-async.html and
https://www.psycopg.org/psycopg3/docs/api/pq.html
"""

import asyncio  # noqa: TID251 - psycopg needs its loop, and waiting by anyio costs as much as the row
from collections.abc import Callable, Sequence

import psycopg
from psycopg import pq

_BINARY = pq.Format.BINARY


async def run_one(
    connection: psycopg.AsyncConnection[object], statement: bytes, types: Sequence[int], values: Sequence[bytes]
) -> int:
    """Run `statement` with `values` in PostgreSQL's binary form for `$1` and on; says how many rows it touched.

    Cancelled in the middle, it leaves the connection unusable: what was sent may or may not be done.

    Raises:
        psycopg.Error: by the SQLSTATE that the database gave, or OperationalError when the connection is lost.
    """
    wire = connection.pgconn
    wire.send_query_params(statement, values, types, [_BINARY] * len(values), _BINARY)
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
        lost = wire.status == pq.ConnStatus.BAD
        raise psycopg.OperationalError("the connection is lost") if lost else psycopg.errors.error_from_result(failed)
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
