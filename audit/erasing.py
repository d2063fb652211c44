"""Erases a person: deletes the keys of what is encrypted about them. Every entry, hash and proof stays as it is."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal
from audit.sealing import subject_digest

_HELD = text("select reference from journal.legal_hold where not released order by reference limit 1")
_KEYS = text("select count(*) from journal.subject_key where id like :name")
_DELETE = text("delete from journal.subject_key where id like :name")


class ErasureRefused(Exception):
    """A legal hold is in force: what it keeps could not be read any more."""

    code = "erasure_refused"
    hint = "release the legal hold, or erase when the matter is over"
    retryable = False

    def __init__(self, matter: str) -> None:
        self.message = f"the matter `{matter}` holds entries"
        super().__init__(self.message)


async def erase_subject(engine: AsyncEngine, journal: Journal, tenant: str, subject: str) -> int:
    """Delete a person's keys under every journal key there was; says how many. Needs the privileges of retention.

    The journal hears of it first, and not of whom. What a running gate writes of them within five minutes may be
    encrypted with a key that is gone, and be read by nobody.

    Raises:
        ErasureRefused: a month is under a legal hold.
        JournalUnavailable: the journal could not hear of it.
    """
    name = {"name": f"%.{subject_digest(tenant, subject)}"}
    async with engine.begin() as connection:
        held = (await connection.execute(_HELD)).scalar_one_or_none()
        if held is not None:
            raise ErasureRefused(held)
        count = int((await connection.execute(_KEYS, name)).scalar_one())
        await journal.append("", "subject.erased", {"found": count})
        await connection.execute(_DELETE, name)
    return count
