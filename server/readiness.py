"""Whether this process can answer calls now. It is found out in the background, so asking costs nothing.

What is asked after is what every call needs: a journal that takes entries, a clock that agrees with the database's,
a catalog that is fresh enough to judge by, and, of at least one issuer, keys that may still be trusted. Snowflake
itself is not asked: the catalog's age bounds for how long it may be gone.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.clocks import Clock
from server.engine_room import EngineRoom
from server.identity import TokenVerifier, Verifier
from server.keys import FETCH_S_MAX, KeysUnavailable
from server.refusals import CatalogUnavailable, PolicyUnavailable

EVERY_S = 2.0
DATABASE_S_MAX = 2.0
"""As long as the journal itself waits for a commit."""

_WRITABLE = text(
    "select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' "
    "and has_table_privilege('journal.entry', 'INSERT')"
)

Check: TypeAlias = Callable[[], Awaitable[bool]]

log = logging.getLogger(__name__)


@dataclass
class Readiness:
    """What this process needs, and whether it was there when it was last looked for."""

    checks: Mapping[str, Check]
    is_draining: bool = False
    _found: dict[str, bool] = field(default_factory=dict)

    def missing(self) -> list[str]:
        """What keeps this process from being sent calls; empty when it is ready."""
        lacking = [name for name in self.checks if not self._found.get(name, False)]
        return ["draining", *lacking] if self.is_draining else lacking

    def drain(self) -> None:
        """From now on no calls should be sent here."""
        self.is_draining = True

    async def look(self, name: str) -> None:
        """Ask once whether `name` is there; anything but a clear yes is a no."""
        try:
            holds = await self.checks[name]()
        except Exception as failure:
            log.debug("%s: %s", name, type(failure).__name__)
            holds = False
        if holds is not self._found.get(name):
            log.log(logging.INFO if holds else logging.WARNING, "%s is %s", name, "there" if holds else "missing")
        self._found[name] = holds

    async def watch_forever(self) -> None:
        """Ask after each thing, every few seconds; one that takes long keeps no other from being asked after."""
        async with anyio.create_task_group() as tasks:
            for name in self.checks:
                tasks.start_soon(self._watch, name)

    async def _watch(self, name: str) -> None:
        while True:
            await self.look(name)
            await anyio.sleep(EVERY_S)


def readiness_of(database: AsyncEngine, rooms: EngineRoom, verifier: Verifier, clock: Clock) -> Readiness:
    """The readiness of a house with these."""

    async def journal() -> bool:
        with anyio.fail_after(DATABASE_S_MAX):
            async with database.connect() as connection:
                return bool((await connection.execute(_WRITABLE)).scalar_one())

    async def catalog() -> bool:
        try:
            rooms.judge()
        except (CatalogUnavailable, PolicyUnavailable):
            return False
        return True

    checks: dict[str, Check] = {"journal": journal, "clock": clock.look, "catalog": catalog}
    if isinstance(verifier, TokenVerifier):
        checks["keys"] = _keys(verifier)
    return Readiness(checks)


def _keys(verifier: TokenVerifier) -> Check:
    """Whether anybody's token can be verified. One issuer of several that is down does not take the gate out."""

    async def keys() -> bool:
        found = False
        for issuer in verifier.issuers.values():
            if issuer.introspector is not None:  # which is asked about each token, and has no keys
                found = True
                continue
            try:
                with anyio.fail_after(FETCH_S_MAX + 1.0):  # never less: a fetch that is cut off is not made again soon
                    await issuer.jwt.keys.key_set(None)
            except KeysUnavailable:
                continue
            found = True
        return found

    return keys
