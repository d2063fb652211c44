"""Weaves the streams of all processes into one tree, and signs its head.

Any replica may do it, one at a time: a step is one transaction under the lock of a row that only sequencers may lock,
and the lock of a process that froze goes with its transaction. Only what is committed is signed, so that a crash never
looks like a rollback.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol

import anyio
from sqlalchemy import Row, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from audit.merkle import consistency_path
from audit.note import BadNote, Signer
from audit.tile_store import load_edge, load_tiles, save_tiles
from audit.tiles import Tiles, needed

_log = logging.getLogger(__name__)

PERIOD_S = 1.0
HEARTBEAT_S = 60.0
STEP_MAX = 4_096
"""Entries of one stream that are woven in one step."""

AHEAD_S_MAX = 3 * 86_400
"""How far the last head may be dated ahead of the clock of whoever signs the next one.

Two gates may be a day off in opposite ways, as with a wrong time zone or date, and the journal goes on. Beyond that a
head would say a time that is plainly not so, and all after it the same one.
"""

APART_S_MAX = 30.0

SHUT_OUT_S = 60.0
"""How long others may keep this process from signing, while they sign nothing themselves, until it says so."""

SAID_EVERY_S = 60.0

_ALONE = text("select clock_timestamp() from journal.turn where name = 'publisher' for update skip locked")
_FENCE = "set local idle_in_transaction_session_timeout = '10s'"
_NEWS = text("""
    select s.stream, coalesce(c.next_n, 0) as next_n, e.n, e.digest, e.stage
    from journal.stream s left join journal.cursor c on c.stream = s.stream cross join lateral (
        select n, digest, stage from journal.entry
        where month = s.month and stream = s.stream and n >= coalesce(c.next_n, 0) order by n limit :limit) e
    where not coalesce(c.closed, false) order by s.stream, e.n
""")
_RUN = text("insert into journal.run (first, stream, n, count) values (:first, :stream, :n, :count)")
_CURSOR = text("""
    insert into journal.cursor (stream, next_n, closed) values (:stream, :next_n, :closed)
    on conflict (stream) do update set next_n = excluded.next_n, closed = excluded.closed
""")
_SIZE = "select size from journal.head"
_LATEST = text("select id, size, note from journal.checkpoint order by id desc limit 1")
_NOTE = text("select note from journal.checkpoint where id = :id")
_PUBLISH = text("""
    insert into journal.checkpoint (id, size, root, at, note) values (:id, :size, :root, :at, :note)
    on conflict do nothing
""")

Say = Callable[[str], Awaitable[None]]
"""Takes a signed note out of the reach of whoever owns the database."""

Proof = Callable[[int], Awaitable[list[bytes]]]
"""The consistency proof from an older size to the one that is being published."""


class Cosigns(Protocol):
    """A witness: it signs what is consistent with all that it has seen."""

    async def __call__(self, note: str, size: int, proof: Proof) -> str:
        """Its signature lines under `note`; none if it cannot be reached or refuses."""
        ...


class RolledBack(Exception):
    """The database holds less, or something else, than was signed before: it was restored or rewritten."""


@dataclass
class Sequencer:
    """The sequencer of one process. `say` is called with each signed head, `witnesses` before it is stored."""

    engine: AsyncEngine
    origin: str
    signer: Signer
    witnesses: Sequence[Cosigns] = ()
    say: Sequence[Say] = ()
    heartbeat_s: float = HEARTBEAT_S
    apart_s: float = APART_S_MAX
    """How far this process' clock may be off the database's for it to sign."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _tiles: Tiles | None = None
    _signed: Checkpoint | None = None
    _published: tuple[int, str] | None = None
    """The last head that this process has signed: the id of its row, and the note."""
    _shut_out: tuple[int, datetime] | None = None
    """Since when others have held the lock without a new head, and the newest one's id."""
    _said_at: dict[str, datetime] = field(default_factory=dict)

    async def run(self, period_s: float = PERIOD_S) -> None:
        """Weave and sign until cancelled, or until the database no longer holds what was signed."""
        while True:
            try:
                while await self.weave():
                    pass
                await self.publish()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                self._tiles = None
                _log.warning("the journal's tree does not grow (%s)", type(error).__name__)
            except RolledBack as error:
                _log.critical("the journal was rolled back or rewritten, and no head is signed any more: %s", error)
                return
            await anyio.sleep(period_s)

    async def weave(self) -> int:
        """Add to the tree what streams have that it has not; says how many entries that were.

        Of each stream only what follows without a hole. Nothing is done while another replica is at it.
        """
        async with self.engine.begin() as connection:
            size: int | None = await connection.scalar(text(f"{_SIZE} for update skip locked"))
            if size is None:
                return 0
            await connection.execute(text(_FENCE))
            news = (await connection.execute(_NEWS, {"limit": STEP_MAX})).all()
            if not news:
                return 0
            if self._tiles is None or self._tiles.size != size:
                self._tiles = await load_edge(connection, size)
            tiles, self._tiles = self._tiles, None  # whatever happens to the transaction, what is half done is not kept
            for _, rows in groupby(news, key=lambda row: row.stream):
                await self._add(connection, tiles, list(rows))
            await save_tiles(connection, tiles.take_changed())
            await connection.execute(text("update journal.head set size = :size"), {"size": tiles.size})
        self._tiles = tiles
        return tiles.size - size

    async def _add(self, connection: AsyncConnection, tiles: Tiles, rows: Sequence[Row[Any]]) -> None:
        stream, first = rows[0].stream, rows[0].next_n
        whole = [row for at, row in enumerate(rows) if row.n == first + at]
        if len(whole) < len(rows):
            _log.critical("stream %s has no entry %s, but later ones", stream, first + len(whole))
        if not whole:
            return
        run = {"first": tiles.size, "stream": stream, "n": first, "count": len(whole)}
        await connection.execute(_RUN, run)
        closed = whole[-1].stage == "stream.close"
        await connection.execute(_CURSOR, {"stream": stream, "next_n": first + len(whole), "closed": closed})
        tiles.append(bytes(row.digest) for row in whole)

    async def publish(self) -> str | None:
        """Sign the head if it is new or the last signature is old; the note, or nothing if there was no need.

        One replica at a time, so that no witness is shown a head that is then not kept.
        """
        now = self.clock()
        async with self.engine.begin() as connection:
            theirs = (await connection.execute(_ALONE)).scalar_one_or_none()
            latest = (await connection.execute(_LATEST)).one_or_none()
            if theirs is None:
                self._wait(latest.id if latest else 0, now)
                return None
            self._shut_out = None
            if abs((now - theirs).total_seconds()) > self.apart_s:
                self._say_seldom(
                    logging.CRITICAL, "this clock says %s, the database's %s: no head is signed", now, theirs
                )
                return None
            await self._must_be_there(connection)
            size = (await connection.execute(text(_SIZE))).scalar_one()
            before = self._signed_at(latest.note, now) if latest else None
            if before is not None and latest is not None:
                if latest.size == size and (now - before).total_seconds() < self.heartbeat_s:
                    return None
                if (before - now).total_seconds() > AHEAD_S_MAX:
                    why = "the last head is dated %s, this gate's clock says %s, and no head is signed"
                    self._say_seldom(logging.CRITICAL, why, before, now)
                    return None
            tiles = self._tiles if self._tiles and self._tiles.size == size else await load_edge(connection, size)
            checkpoint = Checkpoint(self.origin, size, tiles.root())
            await self._must_follow(checkpoint)
            number = latest.id + 1 if latest else 1
            # Heads are signed by whichever replica comes first, and clocks differ: none is dated before another.
            now = max(now.replace(microsecond=0), before or now.replace(microsecond=0))
            note = sign_checkpoint(checkpoint, self.signer, int(now.timestamp()))
            for lines in [await witness(note, size, lambda old: self._proof(old, size)) for witness in self.witnesses]:
                note += lines
            row = {"id": number, "size": size, "root": checkpoint.root, "at": now, "note": note}
            if (await connection.execute(_PUBLISH, row)).rowcount != 1:
                return None  # another replica was faster
        self._tiles, self._signed, self._published = tiles, checkpoint, (number, note)
        for say in self.say:
            try:
                await say(note)
            except OSError as error:
                _log.error("a signed head could not be taken out of the database (%s)", type(error).__name__)
        return note

    def _signed_at(self, note: str, now: datetime) -> datetime | None:
        """When the log has signed `note`; None if its key of today has not, or not with a time.

        The column beside the note says so as well, and nobody has signed that.
        """
        try:
            _, time_s = open_checkpoint(note, self.signer.public)
            return datetime.fromtimestamp(time_s, UTC) if time_s else None
        except BadNote:
            self._say_seldom(logging.ERROR, "the last head is not signed by this log's key, at %s", now)
        except (OverflowError, ValueError, OSError):  # signed, and beyond the calendar
            return datetime.max.replace(tzinfo=UTC)
        return None

    def _wait(self, newest: int, now: datetime) -> None:
        if self._shut_out is None or self._shut_out[0] != newest:
            self._shut_out = (newest, now)
        elif (now - self._shut_out[1]).total_seconds() >= SHUT_OUT_S:
            why = "another sequencer has held the row publisher of journal.turn since %s, and no head was signed"
            self._say_seldom(logging.WARNING, why, self._shut_out[1])

    def _say_seldom(self, level: int, said: str, *values: object) -> None:
        now, before = self.clock(), self._said_at.get(said)
        if before is None or abs((now - before).total_seconds()) >= SAID_EVERY_S:
            self._said_at[said] = now
            _log.log(level, said, *values)

    async def _must_be_there(self, connection: AsyncConnection) -> None:
        if self._published is None:
            return
        number, note = self._published
        if (await connection.execute(_NOTE, {"id": number})).scalar_one_or_none() != note:
            raise RolledBack(f"the head that was signed as number {number} is gone")

    async def _must_follow(self, checkpoint: Checkpoint) -> None:
        before = self._signed
        if before is None:
            return
        if checkpoint.size < before.size:
            raise RolledBack(f"{before.size} entries were signed for, {checkpoint.size} are there")
        async with self.engine.connect() as connection:
            tiles = await load_tiles(connection, before.size, needed([(0, before.size)]))
        if tiles.root() != before.root:
            raise RolledBack(f"the first {before.size} entries are not those that were signed for")

    async def _proof(self, old: int, size: int) -> list[bytes]:
        path = consistency_path(old, size)
        async with self.engine.connect() as connection:
            return (await load_tiles(connection, size, needed(path))).hashes(path)
