"""Keeps the engine in force: one policy, judged against a catalog snapshot that is refreshed in the background.

A refresh, or another policy, builds a whole new engine aside and swaps it in; a call goes on with the engine that it
began with. When no refresh has succeeded for `stale_s`, nothing is judged any more. A second policy may decide in the
shadow of the first: what it says is journaled and has no effect. One that asks for tags waits for a catalog with tags.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from sqlalchemy.exc import SQLAlchemyError

from audit.unavailable import JournalUnavailable
from policy.catalog import Catalog
from policy.document import Policy, PolicyDocumentError
from policy.engine import Engine
from server.catalog_loader import CatalogTooLarge, Reading, load_catalog
from server.judging import Judge
from server.pool import Kind, SessionPool
from server.refusals import CatalogUnavailable, PolicyUnavailable, Refusal

RETRY_S = 5.0

log = logging.getLogger(__name__)


@dataclass
class EngineRoom:
    """Builds engines, and hands out the one in force."""

    policy: Policy
    databases: tuple[str, ...]
    pool: SessionPool
    kind: Kind
    refresh_s: float
    stale_s: float
    full_s: float = 3_600.0
    keep: Callable[[Engine], Awaitable[None]] | None = None
    clock: Callable[[], float] = time.monotonic
    shadow: Policy | None = None
    _engine: Engine | None = None
    _shadow_engine: Engine | None = None
    _loaded_at: float = field(default=float("-inf"))
    _read_wholly_at: float = field(default=float("-inf"))
    _reading: Reading = field(default_factory=Reading)
    _building: anyio.Lock = field(default_factory=anyio.Lock)
    _loading: anyio.Lock = field(default_factory=anyio.Lock)
    _reads_tags: bool = False
    _has_tags: bool = False
    is_closed: bool = False

    @property
    def age_s(self) -> float:
        """Seconds since the catalog was last known to be what Snowflake has; infinite without one."""
        return self.clock() - self._loaded_at

    def judge(self) -> Judge:
        """A judge by the engine in force.

        Raises:
            CatalogUnavailable: there is no catalog snapshot, or it is too old.
            PolicyUnavailable: a policy was activated that cannot be read here.
        """
        if self.is_closed:
            raise PolicyUnavailable("the policy that is in force cannot be read here")
        if self._engine is None or self.clock() - self._loaded_at > self.stale_s:
            raise CatalogUnavailable("there is no fresh catalog to judge against")
        is_waiting = self.shadow is not None and self._shadow_engine is None
        return Judge(self._engine, self._shadow_engine, self.shadow.digest if self.shadow and is_waiting else None)

    async def adopt(self, policy: Policy) -> None:
        """Judge by `policy` from now on.

        Raises:
            PolicyDocumentError: it cannot be used with this catalog; the old one stays.
            SQLAlchemyError, OSError, JournalUnavailable: it cannot be kept; the old one stays.
        """
        async with self._building:
            engine = None
            # A catalog that was loaded without tags is none for a policy that asks for them.
            lacks_tags = _is_governed(policy) and not self._has_tags
            if self._engine is not None and not lacks_tags:
                engine = await anyio.to_thread.run_sync(Engine, policy, self._engine.catalog)
            await self._come_into_force(engine)
            self.policy, self.is_closed = policy, False
        if lacks_tags:
            await self.refresh()

    async def shade(self, policy: Policy | None) -> None:
        """Let `policy` decide in the shadow of the one in force, or none.

        Raises:
            PolicyDocumentError: it cannot be used with this catalog; nothing decides in the shadow.
        """
        async with self._building:
            self.shadow, self._shadow_engine = policy, None
            lacks_tags = policy is not None and _is_governed(policy) and not self._has_tags
            if policy is not None and self._engine is not None and not lacks_tags:
                self._shadow_engine = await anyio.to_thread.run_sync(Engine, policy, self._engine.catalog)
        if lacks_tags:
            await self.refresh()

    def close(self) -> None:
        """Judge nothing until another policy is adopted."""
        self.is_closed = True

    async def refresh(self) -> bool:
        """Load the catalog once; false if it could not be had, and the old one stays.

        Whatever Snowflake answers, the gate goes on: it refuses when what it knows has grown too old.
        """
        try:
            async with self._loading:  # in turn: what was read earlier must not take the place of what was read later
                catalog = await self._load_tagged()
                async with self._building:
                    if _is_governed(self.policy) and not self._reads_tags:
                        log.warning("a catalog without tags is left: a policy that asks for them came meanwhile")
                        return False
                    engine, shadow = await anyio.to_thread.run_sync(self._ready, catalog)
                    await self._come_into_force(engine)
                    self._shadow_engine, self._has_tags = shadow, self._reads_tags
        except (Refusal, CatalogTooLarge, JournalUnavailable, SQLAlchemyError) as failure:
            log.warning("the catalog could not be loaded: %s", failure)
            return False
        except Exception as failure:  # an answer in no shape that we know; its text may quote the answer
            log.error("the catalog could not be understood: %s", type(failure).__name__)
            return False
        self._loaded_at = self.clock()
        return True

    async def _come_into_force(self, engine: Engine | None) -> None:
        """Let `engine` decide from now on; what it rests on is kept first, so that decisions can be derived again."""
        if engine is not None and engine is not self._engine and self.keep is not None:
            await self.keep(engine)
        self._engine = engine

    def _ready(self, catalog: Catalog) -> tuple[Engine, Engine | None]:
        """The engines for `catalog`, made in a thread, for that can take seconds; the old ones if nothing changed."""
        if self._engine is None or self._engine.catalog.digest != catalog.digest:
            return Engine(self.policy, catalog), self._shaded(catalog)
        return self._engine, self._shadow_engine or self._shaded(catalog)

    def _shaded(self, catalog: Catalog) -> Engine | None:
        """The shadow's engine for `catalog`; none while that has not the tags that it asks for."""
        if self.shadow is None or (_is_governed(self.shadow) and not self._reads_tags):
            return None
        try:
            return Engine(self.shadow, catalog)
        except PolicyDocumentError as error:
            log.error("the shadow's policy cannot be used with the catalog: %s", error)
            return None

    async def _load_tagged(self) -> Catalog:
        """A catalog with the tags that are asked for; what only the shadow asks for keeps nobody else waiting."""
        self._reads_tags = self._asks_for_tags()
        try:
            return await self._load()
        except Refusal as refusal:
            if not self._reads_tags or _is_governed(self.policy):
                raise
            log.warning("the tags that the shadow's policy asks for could not be read, so it waits: %s", refusal)
            self._reads_tags = False
            return await self._load()

    async def _load(self) -> Catalog:
        """Read what has changed, all of it every `full_s`, in a thread, left to itself when nobody waits any longer."""
        pooled = await self.pool.borrow(self.kind)
        began, before = self.clock(), self._reading
        is_whole = began - self._read_wholly_at >= self.full_s
        if is_whole:
            before = before.unsettled()
        is_governed = self._reads_tags
        try:
            self._reading = await self.pool.in_thread(
                lambda: load_catalog(pooled.session, self.databases, before, is_governed=is_governed), abandon=True
            )
        except anyio.get_cancelled_exc_class():
            pooled.session.is_usable = False  # the thread still runs on it
            raise
        finally:
            self.pool.give_back(pooled)
        if is_whole:
            self._read_wholly_at = began
        return self._reading.catalog

    def _asks_for_tags(self) -> bool:
        return _is_governed(self.policy) or (self.shadow is not None and _is_governed(self.shadow))

    async def refresh_forever(self) -> None:
        """Refresh every `refresh_s`, sooner while there is no catalog at all."""
        while True:
            await anyio.sleep(RETRY_S if self._engine is None else self.refresh_s)
            await self.refresh()


def _is_governed(policy: Policy) -> bool:
    """Whether `policy` asks for the catalog's tags."""
    return any(each.tags for each in policy.classifications)
