"""The journal as a sequence of records: what `audit/verify.py` reads, and what an auditor is handed as a file.

All of it is read in one transaction, so that it is the journal of one moment. The bodies stay sealed.
"""

import gzip
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.entry import rfc3339

Record: TypeAlias = dict[str, Any]

# Who owns the database can date a row beyond every calendar: it is told as near as can be, and shows as tampering.
_AT = "least(greatest(at, timestamptz '0001-01-02'), timestamptz '9999-12-30') as at"
_MONTH = "least(greatest({0}, date '0001-01-02'), date '9999-12-30') as month"
_ENTRY = f"month, stream, n, {_AT}, stage, call_id, subject, digest, body, signature"
_STREAMS = text(f"select stream, {_MONTH.format('month')}, key from journal.stream order by month, stream")  # noqa: S608
_MONTHS = text("""
    select to_date(right(relname, 6), 'YYYYMM') from pg_inherits join pg_class c on c.oid = inhrelid
    where inhparent = 'journal.entry'::regclass
""")
_RUNS = text(f"""
    select r.first, r.stream, r.n, r.count, {_MONTH.format("s.month")}
    from journal.run r left join journal.stream s on s.stream = r.stream where r.first >= :start order by r.first
""")  # noqa: S608  # constants
_OF_RUN = text(f"""
    select {_ENTRY} from journal.entry where month = :month and stream = :stream and n >= :n and n < :end order by n
""")  # noqa: S608  # constants
# A look at what is new must not cost more in a larger journal: streams that nobody has registered are found by going
# from each stream to the next in the index, and OFFSET 0 keeps the planner from joining with all entries at once.
_TAIL = text(f"""
    with recursive written as (
        (select month, stream from journal.entry order by month, stream limit 1)
        union all
        select following.* from written w cross join lateral (
            select month, stream from journal.entry
            where (month, stream) > (w.month, w.stream) order by month, stream limit 1) following)
    select e.* from (select s.stream, s.month, coalesce(c.next_n, 0) as next_n
                     from journal.stream s left join journal.cursor c on c.stream = s.stream) s
    cross join lateral (select {_ENTRY} from journal.entry e where e.month = s.month and e.stream = s.stream
                        and e.n >= s.next_n offset 0) e
    union all
    select e.* from written w cross join lateral (
        select {_ENTRY} from journal.entry e where e.month = w.month and e.stream = w.stream offset 0) e
    where not exists (select from journal.stream s where s.stream = w.stream and s.month = w.month)
    order by stream, n
""")  # noqa: S608  # constants
# Of each level from the tile on that has leaf `start` beneath it, by the index of the key.
_TILES = text("""
    select t.* from generate_series(0, 6) l(level) cross join lateral (
        select level, index, hashes from journal.tile
        where level = l.level and index >= cast(:start as bigint) >> 8 * (l.level + 1) offset 0) t
    union all
    select level, index, hashes from journal.tile where level > 6 or level < 0
""")
_LEAVES = text("select index, hashes from journal.tile where level = 0 and index between :first and :last")


async def records(engine: AsyncEngine, origin: str, start: int = 0, checkpoint: int = 0) -> AsyncIterator[Record]:
    """Everything from leaf `start` and the checkpoint after the one with id `checkpoint`, in the verifier's order.

    A month that was dropped is there with the hashes that the tree kept of it. Needs the privileges of a reader.
    """
    async with engine.connect() as connected:
        connection = await connected.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        size = (await connection.execute(text("select size from journal.head"))).scalar_one()
        yield {"t": "log", "version": 1, "origin": origin, "size": size, "from": start}
        for row in await connection.execute(_STREAMS):
            yield {"t": "stream", "stream": str(row.stream), "month": row.month.isoformat(), "key": row.key}
        newest = text(f"select id, size, root, {_AT}, note from journal.checkpoint where id > :after order by id")  # noqa: S608
        for row in await connection.execute(newest, {"after": checkpoint}):
            at = row.at.timestamp()
            told = {"size": row.size, "root": bytes(row.root).hex(), "at": int(at) if at == int(at) else at}
            yield {"t": "checkpoint", "id": row.id, **told, "note": row.note}
        async for record in _leaves(connection, start):
            yield record
        yield {"t": "tail"}
        async with connection.stream(_TAIL) as rows:
            async for row in rows:
                yield _entry(row)
        for row in await connection.execute(text("select stream, next_n from journal.cursor order by stream")):
            yield {"t": "cursor", "stream": str(row.stream), "next_n": row.next_n}
        for row in await connection.execute(_TILES, {"start": start}):
            yield {"t": "tile", "level": row.level, "index": row.index, "hashes": bytes(row.hashes).hex()}
        yield {"t": "end"}


async def write_export(path: Path, source: AsyncIterator[Record]) -> int:
    """Write the records to a file, a line of JSON each, compressed if its name ends with `.gz`; says how many."""
    count = 0
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as out:
        file: IO[str] = out
        async for record in source:
            file.write(json.dumps(record) + "\n")
            count += 1
    return count


async def _leaves(connection: AsyncConnection, start: int) -> AsyncIterator[Record]:
    months = {month for (month,) in await connection.execute(_MONTHS)}
    for run in (await connection.execute(_RUNS, {"start": start})).all():
        yield {"t": "run", "first": run.first, "stream": str(run.stream), "n": run.n, "count": run.count}
        found: Mapping[int, Row[Any]] = {}
        if run.month in months:
            sought = {"month": run.month, "stream": run.stream, "n": run.n, "end": run.n + run.count}
            found = {row.n: row for row in await connection.execute(_OF_RUN, sought)}
        for n in range(run.n, run.n + run.count):
            if n in found:
                yield _entry(found[n])
            else:
                yield {"t": "leaf", "digest": await _kept_hash(connection, run.first + n - run.n)}


async def _kept_hash(connection: AsyncConnection, leaf: int) -> str:
    row = (await connection.execute(_LEAVES, {"first": leaf // 256, "last": leaf // 256})).one_or_none()
    return bytes(row.hashes)[leaf % 256 * 32 : leaf % 256 * 32 + 32].hex() if row else ""


def _entry(row: Row[Any]) -> Record:
    stream: UUID = row.stream
    return {
        "t": "entry",
        "month": row.month.isoformat(),
        "stream": str(stream),
        "n": row.n,
        "at": rfc3339(row.at),
        "stage": row.stage,
        "call_id": row.call_id,
        "subject": row.subject,
        "digest": bytes(row.digest).hex(),
        "body": bytes(row.body).decode("utf-8", "surrogateescape"),
        "signature": None if row.signature is None else bytes(row.signature).hex(),
    }
