"""Which policy is in force: the file's, until somebody activates another one, which every replica adopts by itself.

A policy that is activated is kept whole, with the rule sets that it was read with, so that it is the same on every
replica and can be gone back to. Where the gate is set to want two people, one counts when somebody with another login
of the database has seconded it. Replicas look every `POLL_S`. One that cannot read what was activated, because it is
older than what the policy says, judges nothing until it can.
"""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

import anyio
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    MetaData,
    String,
    Table,
    and_,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.unavailable import JournalUnavailable
from policy.document import Policy, PolicyDocumentError, load
from server.bundles import Bundles, bundle_of
from server.database import DatabaseUnavailable
from server.engine_room import EngineRoom
from server.refusals import ActivationBusy, NotSeconded

POLL_S = 1.0
READ_S_MAX = 2.0

LOCK_TIMEOUT = "5s"
"""How long an activation waits for another one, which whoever may activate can begin and not end."""

_LOCK_NOT_AVAILABLE, _CHECK_VIOLATION = "55P03", "23514"

NOT_SECONDED = "Have somebody second what shall be in force: `snowgate policy second`."
"""What to do before two people are wanted where one has activated policies so far."""

UNAVAILABLE = (SQLAlchemyError, TimeoutError, OSError, JournalUnavailable)

Mode: TypeAlias = Literal["enforce", "shadow"]

log = logging.getLogger(__name__)

_metadata = MetaData(schema="gate")

_table = Table(
    "policy_activation",
    _metadata,
    Column("n", BigInteger, primary_key=True),
    Column("mode", String, nullable=False),
    Column("digest", String),
    Column("document", String),
    Column("rule_sets", JSONB, nullable=False),
    Column("why", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("login", String, nullable=False),
)
_seconding = Table(
    "policy_seconding",
    _metadata,
    Column("n", BigInteger, primary_key=True),
    Column("login", String, nullable=False),
    Column("why", String, nullable=False),
    Column("made_by", String, nullable=False),
)
_both = _table.outerjoin(_seconding, and_(_seconding.c.n == _table.c.n, _seconding.c.login != _table.c.login))
_ALL = select(_table, _seconding.c.made_by.label("seconded_by")).select_from(_both)
_NEWEST = _ALL.ext(distinct_on(_table.c.mode)).order_by(_table.c.mode, _table.c.n.desc())
_AGREED = or_(_table.c.mode == "shadow", _seconding.c.n.is_not(None))
"""What decides in the shadow changes nothing, and needs nobody else."""


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy as it is written, with every rule set that it may include; `digest` is of what it says."""

    document: str
    rule_sets: Mapping[str, str]
    digest: str

    def read(self) -> Policy:
        """The policy.

        Raises:
            PolicyDocumentError: this version of the gate cannot read it as the one that was activated.
        """
        policy = load(self.document, self.rule_sets)
        if policy.digest != self.digest:
            raise PolicyDocumentError("the policy says something else here than where it was activated", "", 1, 1)
        return policy


@dataclass(frozen=True, slots=True)
class Activation:
    """From when on a policy is enforced, or decides in the shadow of the one that is; none ends a shadow."""

    n: int
    mode: Mode
    text: PolicyText | None
    why: str
    made_by: str
    made_at: datetime
    seconded_by: str | None = None


@dataclass(frozen=True, slots=True)
class ActivationStore:
    """Activations as they are kept: each is added, none is changed. The gate's own login may only read them.

    `people` is how many have to agree to a policy before it counts here.
    """

    engine: AsyncEngine
    people: int = 1

    async def add(self, mode: Mode, text: PolicyText | None, *, why: str, by: str) -> int:
        """Activate; says the number of the activation.

        A trigger lets in one at a time, so that whoever has seen a number has seen all before it: they are given out
        before the commit.

        Raises:
            ActivationBusy: another activation has begun and does not end.
        """
        kept: dict[str, Any] = {"digest": None, "document": None, "rule_sets": {}}
        if text is not None:
            kept = {"digest": text.digest, "document": text.document, "rule_sets": dict(text.rule_sets)}
        new = insert(_table).values(mode=mode, **kept, why=why, made_by=by, made_at=func.now()).returning(_table.c.n)
        async with self._adding() as connection:
            return int((await connection.execute(new)).scalar_one())

    async def check(self, n: int, digest: str) -> None:
        """Refuse what `second` would refuse.

        Raises:
            NotSeconded: see there.
        """
        async with self.engine.connect() as connection:
            await self._check(connection, n, digest)

    async def _check(self, connection: AsyncConnection, n: int, digest: str) -> None:
        enforced = _ALL.where(_table.c.mode == "enforce")
        is_own = (_table.c.login == literal_column("session_user")).label("is_own")
        this = enforced.where(_table.c.n == n, _table.c.digest == digest).add_columns(is_own)
        row = (await connection.execute(this)).one_or_none()
        newer = enforced.where(_table.c.n >= n, _seconding.c.n.is_not(None)).limit(1)
        if row is None:
            raise NotSeconded(f"activation {n} is not of the policy `{digest}`", "Look at it again.")
        if (await connection.execute(newer)).one_or_none() is not None:
            raise _overtaken()
        if row.is_own:
            raise NotSeconded("this login of the database has activated it itself")

    async def second(self, n: int, digest: str, *, why: str, by: str) -> None:
        """Agree to an activation of a policy with this digest.

        Raises:
            NotSeconded: there is none such, it or a newer one has been agreed to, or it is one's own.
            ActivationBusy: another activation has begun and does not end.
        """
        async with self._adding() as connection:
            await self._check(connection, n, digest)
            await connection.execute(insert(_seconding).values(n=n, why=why, made_by=by))

    @asynccontextmanager
    async def _adding(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with self.engine.begin() as connection:
                await connection.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT}'"))
                yield connection
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state == _LOCK_NOT_AVAILABLE:
                raise ActivationBusy("another activation has begun and does not end") from error
            if state == _CHECK_VIOLATION:  # agreed to since it was checked: the trigger looks again, when it is alone
                raise _overtaken() from error
            raise

    async def latest(self) -> int:
        """A number that grows with each activation and each agreement to one; 0 if there was none."""
        agreed = select(func.count()).select_from(_seconding).scalar_subquery()
        with anyio.fail_after(READ_S_MAX):
            async with self.engine.connect() as connection:
                found = await connection.execute(select(func.coalesce(func.max(_table.c.n), 0), agreed))
        return sum(found.one())  # here, where no number is too large

    async def newest(self) -> dict[Mode, Activation]:
        """The newest activation of each mode that counts."""
        asked = _NEWEST if self.people == 1 else _NEWEST.where(_AGREED)
        with anyio.fail_after(READ_S_MAX):
            async with self.engine.connect() as connection:
                rows = (await connection.execute(asked)).all()
        return {row.mode: _activation(row) for row in rows}

    async def is_open(self) -> bool:
        """Whether policies were activated, and nobody has agreed to any."""
        if self.people == 1:
            return False
        enforced = _ALL.where(_table.c.mode == "enforce").order_by(_seconding.c.n.is_(None)).limit(1)
        async with self.engine.connect() as connection:
            row = (await connection.execute(enforced)).one_or_none()
        return row is not None and row.seconded_by is None

    async def with_digest(self, digest: str) -> PolicyText | None:
        """The policy with `digest`, if it was ever activated."""
        asked = _ALL.where(_table.c.digest == digest).order_by(_table.c.n.desc()).limit(1)
        async with self.engine.connect() as connection:
            row = (await connection.execute(asked)).one_or_none()
        return None if row is None else _activation(row).text

    async def history(self, last: int) -> list[Activation]:
        """The newest activations, newest first."""
        async with self.engine.connect() as connection:
            rows = (await connection.execute(_ALL.order_by(_table.c.n.desc()).limit(last))).all()
        return [_activation(row) for row in rows]


def _overtaken() -> NotSeconded:
    return NotSeconded("it, or a newer policy, has been agreed to", "Have this one activated again.")


def _activation(row: Any) -> Activation:
    text = PolicyText(row.document, row.rule_sets, row.digest) if row.document is not None else None
    return Activation(row.n, row.mode, text, row.why, row.made_by, row.made_at, row.seconded_by)


@dataclass
class Activations:
    """Keeps one replica's engine room in step with what is activated."""

    store: ActivationStore
    rooms: EngineRoom
    bundles: Bundles
    _seen: int = field(default=0)

    async def read(self) -> None:
        """Adopt what was activated since the last look.

        Raises:
            SQLAlchemyError, TimeoutError, OSError, JournalUnavailable: the database does not say, or does not keep
                what was activated; what is in force stays.
        """
        latest = await self.store.latest()
        if latest == self._seen:
            return
        newest = await self.store.newest()
        enforced, shadow = newest.get("enforce"), newest.get("shadow")
        if enforced is not None and enforced.text is not None:
            await self._enforce(enforced.n, enforced.text)
        if shadow is not None:
            ended = enforced is not None and enforced.n > shadow.n
            await self._shadow(shadow.n, None if ended else shadow.text)
        self._seen = latest

    async def _enforce(self, n: int, text: PolicyText) -> None:
        if text.digest == self.rooms.policy.digest and not self.rooms.is_closed:
            return
        try:
            policy = await anyio.to_thread.run_sync(text.read)
            self.bundles.policies[text.digest] = bundle_of(text.document, text.rule_sets)
            await self.rooms.adopt(policy)
        except UNAVAILABLE:
            raise
        except Exception as error:  # whatever it is: the policy before it is not in force any more
            log.error("activation %d cannot be read here, so nothing is judged: %s", n, _said(error))
            self.rooms.close()
            return
        log.warning("activation %d: the policy in force is %s", n, text.digest)

    async def _shadow(self, n: int, text: PolicyText | None) -> None:
        try:
            await self.rooms.shade(None if text is None else await anyio.to_thread.run_sync(text.read))
        except Exception as error:
            log.error("activation %d cannot be read here, and decides nothing: %s", n, _said(error))

    async def watch_forever(self) -> None:
        """Look every `POLL_S`."""
        while True:
            await anyio.sleep(POLL_S)
            try:
                await self.read()
            except UNAVAILABLE as failure:
                log.warning("activations cannot be read: %s", type(failure).__name__)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, PolicyDocumentError) else type(error).__name__


@asynccontextmanager
async def following(database: AsyncEngine, people: int, rooms: EngineRoom, bundles: Bundles) -> AsyncGenerator[None]:
    """Keep `rooms` in step with what `people` have activated while inside, and from before anything is judged.

    Raises:
        DatabaseUnavailable: nobody can say what is activated.
        NotSeconded: two people are wanted, and one alone has activated what was in force.
    """
    activations = Activations(ActivationStore(database, people), rooms, bundles)
    try:
        is_open = await activations.store.is_open()
        await activations.read()
    except UNAVAILABLE as error:
        raise DatabaseUnavailable from error
    if is_open:  # the policy of the file is older than what somebody has activated since
        raise NotSeconded("a policy was activated, and no second person has agreed to any", NOT_SECONDED)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(activations.watch_forever)
        yield
        tasks.cancel_scope.cancel()
