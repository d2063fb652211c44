"""Looks for a value through its keyed hash: whether somebody was asked about can be said without reading anything."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.entry import rfc3339
from audit.fields import Plain
from audit.sealing import Sealer

_MONTHS = text("select distinct month from journal.stream order by month")
_BEARING = text("""
    select stream, n, at, stage, call_id, subject from journal.entry
    where month = :month and position(cast(:hash as bytea) in body) > 0
    and (:of_looks or stage <> 'journal.searched') order by at, stream, n
""")


async def find_value(engine: AsyncEngine, sealer: Sealer, field: str, value: Plain) -> list[dict[str, object]]:
    """The entries whose `field` bears `value`, oldest first, each with its place and what is public of it.

    Searches, this one among them, are no answers, unless it is them that are looked for (`sought_subject`, say).
    Only entries that were sealed with this sealer's key and tenant can match. Needs the privileges of a reader.
    """
    found: list[dict[str, object]] = []
    async with engine.connect() as connection:
        months: list[date] = list((await connection.execute(_MONTHS)).scalars())
        for month in months:
            hashed = sealer.hmac(field, value, month).encode()
            sought = {"month": month, "hash": hashed, "of_looks": field.startswith("sought_")}
            for row in await connection.execute(_BEARING, sought):
                place = {"stream": str(row.stream), "n": row.n, "at": rfc3339(row.at)}
                found.append({**place, "stage": row.stage, "call_id": row.call_id, "subject": row.subject})
    return found
