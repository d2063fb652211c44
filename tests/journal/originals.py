"""A journal that was kept honestly, and copies of it for whoever wants to tamper."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import text

from audit.anchors import head_line
from audit.entry import JournalEntry, digest, read_entry
from audit.journal import open_journal
from audit.note import Signer, new_signer
from audit.sealing import Sealer
from audit.sequencer import Sequencer
from audit.stream import signed_bytes
from server.database import open_engine
from tests.journal.proving import ORIGIN, Proven, as_superuser
from tests.journal.tampering import ATTACKS
from tests.support.databases import Databases, driver_dsn

SEALER = Sealer(bytes(range(32)), "test")


@dataclass(frozen=True)
class Tried:
    """An attack, and what the verifier says first, without anchors and with them; nothing if it believes."""

    name: str
    inside: str
    anchored: str


@dataclass
class Original:
    """Two processes, 40 calls, signed heads after each, and at the end two calls that no signed head covers."""

    databases: Databases
    url: str
    writer: Signer = field(default_factory=lambda: new_signer("test/writer"))
    log: Signer = field(default_factory=lambda: new_signer(ORIGIN))
    kept: list[str] = field(default_factory=list)
    copies: int = 0

    async def make(self) -> None:
        async with self._process() as proven:
            for number in range(20):
                await proven.call(f"call-{number}")
            await proven.weave()
        self.older = self.copy(self.url)
        async with self._process() as proven:
            for number in range(20, 40):
                await proven.call(f"call-{number}")
            await proven.weave()
            for number in range(40, 42):
                await proven.call(f"call-{number}")

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[Proven]:
        async with open_engine(self.url) as engine:
            async with open_journal(engine, SEALER, self.writer) as journal:
                proven = Proven(engine, journal, self.writer, self.log, self.kept)
                yield proven
            self.kept.append(head_line(proven.head()))

    def copy(self, url: str = "") -> str:
        """The URL of a database of its own that holds the same."""
        self.copies += 1
        source = (url or self.url).split("?")[0].split("/")[-1]
        name = f"{source}_{self.copies}"
        with psycopg.connect(driver_dsn(self.databases.postgres.dsn("postgres")), autocommit=True) as connection:
            spelled = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(source))
            connection.execute(spelled)
        return self.databases.postgres.dsn(name)

    async def report(self, url: str, *, anchored: bool) -> dict[str, Any]:
        """What the verifier says of the database at `url`."""
        async with open_engine(url) as engine:
            proven = Proven(engine, None, self.writer, self.log, self.kept)  # type: ignore[arg-type]  # it only verifies
            return await proven.verify(anchored=anchored)

    async def tried(self, name: str, url: str) -> Tried:
        """What is said of a tampered copy."""
        said = []
        for anchored in (False, True):
            first = (await self.report(url, anchored=anchored))["first"]
            said.append(first["why"] if first else "")
        return Tried(name, *said)

    async def try_everything(self) -> list[Tried]:
        """Every attack, each on a copy of its own."""
        rows = [await self.tried("nothing: the control", self.copy())]
        for attack in ATTACKS:
            url = self.copy()
            as_superuser(url, attack.statements)
            if attack.signs_after_s:
                await self._sign_anew(url, attack.signs_after_s)
            rows.append(await self.tried(attack.name, url))
        for name, writer, log in (
            ("remove an entry, chain anew, weave and sign anew, with no key", new_signer("eve"), new_signer("eve")),
            ("the same with the stolen key of the log", new_signer("eve"), self.log),
            ("the same with the stolen keys of the log and of all writers", self.writer, self.log),
        ):
            url = self.copy()
            await self._write_history_anew(url, writer, log)
            rows.append(await self.tried(name, url))
        rows.append(await self.tried("restore an older backup", self.older))
        return rows

    async def _sign_anew(self, url: str, after_s: float) -> None:
        async with open_engine(url) as engine:
            later = datetime.now(UTC) + timedelta(seconds=after_s)
            sequencer = Sequencer(engine, ORIGIN, self.log, clock=lambda: later, apart_s=math.inf)
            await sequencer.weave()
            if await sequencer.publish() is None:
                raise RuntimeError("no head was signed, so this attack was not tried")

    async def _write_history_anew(self, url: str, writer: Signer, log: Signer) -> None:
        """As if one call had never been: every later entry is numbered, chained, hashed and signed again."""
        async with open_engine(url) as engine:
            async with engine.begin() as connection:
                await connection.execute(text("set session_replication_role = replica"))
                rows = (await connection.execute(text("select * from journal.entry order by stream, n"))).all()
                for table in ("entry", "run", "cursor", "tile", "checkpoint"):
                    await connection.execute(text(f"truncate journal.{table}"))
                await connection.execute(text("update journal.head set size = 0"))
                after: dict[Any, tuple[int, str]] = {}
                for row in rows:
                    if row.call_id == "call-3":
                        continue
                    n, prev = after.get(row.stream, (0, ""))
                    old = read_entry(bytes(row.body))
                    body = JournalEntry(old.stream, n, prev, old.at, old.stage, old.call_id, old.facts).body()
                    hashed = digest(body)
                    after[row.stream] = (n + 1, hashed.hex())
                    signature = writer.sign(signed_bytes(row.stream, n, hashed))
                    new = {**row._mapping, "n": n, "digest": hashed, "body": body, "signature": signature}
                    columns = "month, stream, n, at, stage, call_id, subject, digest, body, signature"
                    values = ", ".join(f":{name.strip()}" for name in columns.split(","))
                    await connection.execute(text(f"insert into journal.entry ({columns}) values ({values})"), new)
            sequencer = Sequencer(engine, ORIGIN, log, heartbeat_s=0)
            await sequencer.weave()
            await sequencer.publish()
