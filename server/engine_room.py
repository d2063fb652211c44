"""Keeps the engine in force: one policy, judged against a catalog snapshot that is refreshed in the background.

A refresh builds a whole new engine aside and swaps it in; a call goes on with the engine that it began with. When no
refresh has succeeded for `stale_s`, nothing is judged any more.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from sqlalchemy.exc import SQLAlchemyError

from audit.unavailable import JournalUnavailable
from policy.catalog import Catalog
from policy.document import Policy
from policy.engine import Engine
from server.catalog_loader import CatalogTooLarge, Reading, load_catalog
from server.judging import Judge
from server.pool import Kind, SessionPool
from server.refusals import CatalogUnavailable, Refusal

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
    _engine: Engine | None = None
    _loaded_at: float = field(default=float("-inf"))
    _read_wholly_at: float = field(default=float("-inf"))
    _reading: Reading = field(default_factory=Reading)

    @property
    def age_s(self) -> float:
        """Seconds since the catalog was last known to be what Snowflake has; infinite without one."""
        return self.clock() - self._loaded_at

    def judge(self) -> Judge:
        """A judge by the engine in force.

        Raises:
            CatalogUnavailable: there is no catalog snapshot, or it is too old.
        """
        if self._engine is None or self.clock() - self._loaded_at > self.stale_s:
            raise CatalogUnavailable("there is no fresh catalog to judge against")
        return Judge(self._engine)

    async def refresh(self) -> bool:
        """Load the catalog once; false if it could not be had, and the old one stays.

        Whatever Snowflake answers, the gate goes on: it refuses when what it knows has grown too old.
        """
        try:
            catalog = await self._load()
            engine = await anyio.to_thread.run_sync(self._ready, catalog)
            if engine is not self._engine and self.keep is not None:
                await self.keep(engine)  # before it decides anything, so that what it decides can be derived again
            self._engine = engine
        except (Refusal, CatalogTooLarge, JournalUnavailable, SQLAlchemyError) as failure:
            log.warning("the catalog could not be loaded: %s", failure)
            return False
        except Exception as failure:  # an answer in no shape that we know; its text may quote the answer
            log.error("the catalog could not be understood: %s", type(failure).__name__)
            return False
        self._loaded_at = self.clock()
        return True

    def _ready(self, catalog: Catalog) -> Engine:
        """The engine for `catalog`, made in a thread, for a large one takes seconds; the old one if nothing changed."""
        if self._engine is not None and self._engine.catalog.digest == catalog.digest:
            return self._engine
        return Engine(self.policy, catalog)

    async def _load(self) -> Catalog:
        """Read what has changed, all of it every `full_s`, in a thread, left to itself when nobody waits any longer."""
        pooled = await self.pool.borrow(self.kind)
        began, before = self.clock(), self._reading
        is_whole = began - self._read_wholly_at >= self.full_s
        if is_whole:
            before = Reading(before.catalog)
        is_governed = any(each.tags for each in self.policy.classifications)
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

    async def refresh_forever(self) -> None:
        """Refresh every `refresh_s`, sooner while there is no catalog at all."""
        while True:
            await anyio.sleep(RETRY_S if self._engine is None else self.refresh_s)
            await self.refresh()
