"""The bare driver: what a call costs a program that holds its own connections and asks nobody."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import snowflake.connector
from anyio import to_thread

from tests.bench.cases import Query
from tests.bench.target import Answer, WrongAnswer

Connection: TypeAlias = snowflake.connector.SnowflakeConnection


def connect(port: int) -> Connection:
    """A connection to the stand-in on 127.0.0.1:`port`."""
    return snowflake.connector.connect(
        account="bench",
        user="bench",
        password="bench",
        host="127.0.0.1",
        port=port,
        protocol="http",
        enable_server_session_keep_alive_auto_detection=False,
        client_store_temporary_credential=False,
    )


class Driver:
    """Runs bursts in threads of this process, a connection each; connections stay open between bursts."""

    name = "driver"

    def __init__(self, port: int) -> None:
        self._port = port
        self._connections: list[Connection] = []

    async def burst(self, queries: Iterator[Query], in_flight: int) -> list[Answer]:
        """Run `queries` with `in_flight` at a time."""
        return await to_thread.run_sync(self._burst, queries, in_flight)

    def _burst(self, queries: Iterator[Query], in_flight: int) -> list[Answer]:
        missing = in_flight - len(self._connections)
        if missing > 0:
            with ThreadPoolExecutor(missing) as opening:
                self._connections += opening.map(connect, [self._port] * missing)
        answers: list[Answer] = []
        lock = threading.Lock()

        def work(connection: Connection) -> None:
            while True:
                with lock:
                    query = next(queries, None)
                if query is None:
                    return
                answers.append(ask(connection, query))

        threads = [threading.Thread(target=work, args=(connection,)) for connection in self._connections[:in_flight]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def close(self) -> None:
        """End all sessions."""
        for connection in self._connections:
            connection.close()


def ask(connection: Any, query: Query) -> Answer:
    """One query on one connection, answered in full."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(query.sql)
        rows = cursor.fetchall()
    elapsed_s = time.perf_counter() - began
    if len(rows) != query.rows:
        raise WrongAnswer(f"{len(rows)} rows instead of {query.rows}")
    return Answer(elapsed_s, 0)
