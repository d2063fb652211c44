"""Composition of everything about holds: the store, the desk, the step that asks, and what runs while nobody looks."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal
from audit.sealing import Sealer
from policy.decision import Deny
from policy.holding import decide_holds
from policy.statement import HoldsAct, HoldsRequest
from server.approvals import Approvals
from server.catalog_news import CatalogNews
from server.desk import HoldDesk
from server.engine_room import EngineRoom
from server.executing import Executions
from server.hold_keeper import HoldKeeper
from server.holds import HoldStore
from server.identity import Identify
from server.judging import Judge
from server.leases import Leases
from server.line import Bearer
from server.measuring import Measuring
from server.outbox import Outbox, Webhook
from server.pool import SessionPool
from server.quotas import Quotas
from server.recovering import Recovery
from server.refusals import CatalogUnavailable, Unauthenticated
from server.undo_points import UndoPoints

APPROVERS_TOOLS = frozenset({"list_holds", "show_hold", "decide_hold"})


@dataclass(frozen=True, slots=True)
class Holding:
    """What the house needs to hold statements, and what its channels need to decide on them."""

    desk: HoldDesk
    approvals: Approvals
    executions: Executions
    keeper: HoldKeeper
    news: CatalogNews


@asynccontextmanager
async def open_holding(
    database: AsyncEngine,
    sealer: Sealer,
    journal: Journal,
    rooms: EngineRoom,
    pool: SessionPool,
    quotas: Quotas,
    catalog_database: str,
    webhook: Webhook | None,
) -> AsyncGenerator[Holding]:
    """Everything about holds, over one database, one journal and one pool."""
    async with httpx2.AsyncClient(follow_redirects=False) as http:
        holds = HoldStore(database, sealer)
        outbox = Outbox(database, webhook, http)
        points, news = UndoPoints(database), CatalogNews(database, rooms.refresh)
        recover = Recovery(holds, journal, pool, news.spread)
        desk = HoldDesk(holds, journal, rooms.judge, outbox, points, recover, rooms.refresh)
        yield Holding(
            desk=desk,
            approvals=Approvals(holds, journal, Measuring(pool, quotas), outbox, desk.confirmed),
            executions=Executions(Leases(pool, catalog_database), desk, holds, journal, news.spread, points),
            keeper=HoldKeeper(holds, journal, outbox, rooms.judge),
            news=news,
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """Which tools are listed for whom: those of their scopes, and those for approvers only to who approves anything."""

    identify: Identify
    judge: Callable[[], Judge]

    async def __call__(self, bearer: Bearer | None, tool_name: str) -> bool:
        """Whether the tool is listed."""
        if not await self.identify.lists(bearer, tool_name):
            return False
        if tool_name not in APPROVERS_TOOLS:
            return True
        try:
            principal = (await self.identify.verifier.verify(bearer)).principal
            approving = self.judge().engine.policy.approving
        except (Unauthenticated, CatalogUnavailable):
            return False
        return not isinstance(decide_holds(approving, principal, HoldsRequest(HoldsAct.LIST)), Deny)
