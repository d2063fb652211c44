"""What the tests of the proofs share: a journal whose tree grows on demand, and the verifier's word on all of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.anchors import checkpoint_line, head_line
from audit.export import records
from audit.journal import Journal
from audit.note import Signer, new_signer
from audit.sequencer import Sequencer
from audit.store import EntryRow
from audit.verify import Trust, Verifier
from tests.support.databases import driver_dsn

ORIGIN = "test/journal"


@dataclass
class Proven:
    """A journal under test: `kept` is what left the database, as the lines that a SIEM would hold."""

    engine: AsyncEngine
    journal: Journal
    writer: Signer
    log: Signer = field(default_factory=lambda: new_signer(ORIGIN))
    kept: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sequencer = Sequencer(self.engine, ORIGIN, self.log, say=[self._keep], heartbeat_s=0)

    async def _keep(self, note: str) -> None:
        self.kept.append(checkpoint_line(note))

    async def call(self, name: str, *, decision: str = "permit", **facts: str) -> None:
        async with self.journal.record(name) as record:
            record.note(decision=decision, subject="ada", **facts)
            await record.commit("decided")

    def head(self) -> EntryRow:
        row = self.journal.head
        assert row is not None
        return row

    async def weave(self) -> None:
        """Let the tree catch up, sign its head, and let the writer print its own."""
        while await self.sequencer.weave():
            pass
        await self.sequencer.publish()
        self.kept.append(head_line(self.head()))

    def trust(self) -> Trust:
        return Trust(f"log {self.log.public}\nwriter {self.writer.public}\n")

    async def verify(
        self, *, anchored: bool = True, state: dict[str, Any] | None = None, trust: Trust | None = None
    ) -> dict[str, Any]:
        """The verifier's report on the database as it is now; it has `state` for the next run."""
        verifier = Verifier(trust or self.trust(), self.kept if anchored else [], state)
        start, after = (state["size"], state["last"][0]) if state else (0, 0)
        async for record in records(self.engine, ORIGIN, start, after):
            verifier.read(json.loads(json.dumps(record)))
        return {**verifier.report, "state": verifier.state}


def whys(report: dict[str, Any]) -> list[str]:
    return [f"{finding['place']}: {finding['why']}" for finding in report["findings"]]


def as_superuser(url: str, statements: Sequence[str]) -> None:
    """What somebody can do who owns the database and means it: no trigger of ours is in the way."""
    with psycopg.connect(driver_dsn(url)) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in statements:
            connection.execute(statement.encode())


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path
