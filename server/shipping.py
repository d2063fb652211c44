"""Takes entries to a SIEM, at least once each, in the order of the tree; it reads what is committed, so no call waits.

Where it is stands in a file beside it, and moves only when what came before was taken. Leaves have no holes.
"""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import anyio
import httpx2
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.entry import JournalEntry
from audit.reading import believed
from server.config import SettingsError
from server.ocsf import cloud_event, ocsf

BATCH = 500
TRIES = 5
WAIT_S = 0.5

Deliver = Callable[[list[dict[str, Any]]], Awaitable[None]]
"""Takes a batch of events; when it returns, they are taken. Raises Undelivered."""

_RUNS = text("""
    select r.first, r.stream, r.n, r.count, s.month from journal.run r join journal.stream s on s.stream = r.stream
    where r.first + r.count > :after order by r.first limit 50
""")
_ENTRIES = text("""
    select * from journal.entry where month = :month and stream = :stream and n >= :n and n < :end order by n
""")


class Undelivered(Exception):
    """What receives events did not take them; they are sent again from where it stopped."""

    code = "undelivered"
    hint = "see that the receiver answers; nothing is lost, the next run begins where this one stopped"
    retryable = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Position:
    """How many leaves were taken, in a file that is replaced as a whole."""

    file: Path

    def read(self) -> int:
        """The next leaf.

        Raises:
            SettingsError: the file is not ours.
        """
        try:
            return int(json.loads(self.file.read_text("utf-8"))["next_leaf"]) if self.file.exists() else 0
        except (OSError, ValueError, KeyError, TypeError):
            raise SettingsError(f"{self.file} does not say where to go on") from None

    def write(self, leaf: int) -> None:
        """Go on at `leaf` next time."""
        part = self.file.with_name(f"{self.file.name}.new")
        with part.open("w", encoding="utf-8") as out:
            json.dump({"next_leaf": leaf}, out)
            out.flush()
            os.fsync(out.fileno())
        part.replace(self.file)


async def ship(database: AsyncEngine, origin: str, deliver: Deliver, position: Position, *, envelope: bool) -> int:
    """Deliver everything that is in the tree and was not taken; says how many entries that were.

    Raises:
        Undelivered: the rest was not taken.
        Tampered: an entry's hash or a column does not agree with its bytes.
    """
    after, count, product = position.read(), 0, version("snowgate")
    batch: list[dict[str, Any]] = []
    async for leaf, entry in _woven(database, after):
        event = ocsf(entry, leaf, product)
        batch.append(cloud_event(event, entry, origin) if envelope else event)
        if len(batch) == BATCH:
            await deliver(batch)
            position.write(leaf + 1)
            count, batch = count + len(batch), []
        after = leaf + 1
    if batch:
        await deliver(batch)
        position.write(after)
    return count + len(batch)


async def _woven(database: AsyncEngine, after: int) -> AsyncIterator[tuple[int, JournalEntry]]:
    """The entries in the tree from leaf `after` on; what retention has dropped is passed over."""
    while True:
        async with database.connect() as connection:
            runs = (await connection.execute(_RUNS, {"after": after})).all()
            found: list[tuple[int, JournalEntry]] = []
            for run in runs:
                begin = run.n + max(0, after - run.first)
                sought = {"month": run.month, "stream": run.stream, "n": begin, "end": run.n + run.count}
                rows = await connection.execute(_ENTRIES, sought)
                found += [(run.first + row.n - run.n, believed(row)) for row in rows]
        for each in found:
            yield each
        if not runs:
            return
        after = runs[-1].first + runs[-1].count


def to_stream(out: TextIO) -> Deliver:
    """Lines of JSON on a stream or a file that is open for appending."""

    async def deliver(events: list[dict[str, Any]]) -> None:
        try:
            out.write("".join(f"{orjson.dumps(event).decode()}\n" for event in events))
            out.flush()
            if out.fileno() > 2:
                os.fsync(out.fileno())
        except OSError as error:
            raise Undelivered(f"the events could not be written ({error.strerror})") from None

    return deliver


def to_https(url: str, token: str | None, http: httpx2.AsyncClient, *, envelope: bool) -> Deliver:
    """POST a batch: CloudEvents in batched mode, or an array of OCSF events. Tried a few times; 2xx is taken."""
    kind = "application/cloudevents-batch+json" if envelope else "application/json"
    headers = {"content-type": kind} | ({"authorization": f"Bearer {token}"} if token else {})

    async def deliver(events: list[dict[str, Any]]) -> None:
        body, said = orjson.dumps(events), ""
        for attempt in range(TRIES):
            try:
                reply = await http.post(url, content=body, headers=headers, timeout=30)
            except (httpx2.HTTPError, OSError) as error:
                said = type(error).__name__
            else:
                if reply.is_success:
                    return
                said = f"status {reply.status_code}"
                if reply.status_code < 500 and reply.status_code != 429:
                    break
            await anyio.sleep(WAIT_S * 2**attempt)
        raise Undelivered(f"the receiver did not take {len(events)} events ({said})")

    return deliver
