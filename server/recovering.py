"""Finds out what became of an approved statement whose process died while it ran; nothing is run to find out.

The claim is taken over first, so that its holder cannot begin any more. Then the Snowflake session in which it had
begun is ended, so that nothing of it can be committed any more. Only then is Snowflake's history asked, by the query
tag.
"""

import logging
from dataclasses import dataclass

from audit.journal import Journal
from policy.names import TableName
from policy.statement import TABLE_CHANGES
from policy.undo import undo_command
from server.executing import Refresh, shown_by
from server.fates import Became, Fate, fate_of
from server.hold_record import HoldRecord, State
from server.hold_telling import Also, new_call_id
from server.holds import HoldStore
from server.pool import Kind, SessionPool
from server.refusals import Refusal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Looks into claims that were left behind. As long as Snowflake cannot be asked, they stay as they are."""

    holds: HoldStore
    journal: Journal
    pool: SessionPool
    refresh: Refresh

    async def __call__(self, hold: HoldRecord) -> HoldRecord:
        """The hold, with its end found out if its claim has run out; unchanged where that cannot be told yet."""
        if hold.state is not State.EXECUTING or hold.asked is None:
            return hold
        claim = await self.holds.take_over(hold)
        if claim is None:
            return hold
        hold = await self.holds.find(hold.id)
        became = await self._became(hold)
        match became.fate:
            case Fate.COMMITTED:
                outcome = {**hold.outcome, **_found(hold, became), "recovered": True}
                await self.holds.settle(hold.id, claim, State.EXECUTED, outcome, self._also("hold.executed"))
                if hold.asked is not None and hold.asked.effect.verb in TABLE_CHANGES:
                    await shown_by(self.refresh)
            case Fate.NOT_COMMITTED:
                await self.holds.release(hold.id, claim, self._also("hold.released"))
            case Fate.UNKNOWN:
                return hold
        return await self.holds.find(hold.id)

    async def _became(self, hold: HoldRecord) -> Became:
        tag, session_id, asked = hold.outcome.get("tag"), hold.session_id, hold.asked
        if session_id is None:
            return Became(Fate.NOT_COMMITTED)  # it had not begun, and cannot any more
        if tag is None or asked is None or not asked.objects:
            return Became(Fate.UNKNOWN)
        who = hold.requester
        kind = Kind(who.issuer, who.subject, asked.role, asked.warehouse, hold.policy)
        database = asked.objects[0][0]
        try:
            async with self.pool.aside(kind) as other:
                return await self.pool.in_thread(lambda: fate_of(other, session_id, tag, database), abandon=True)
        except Refusal as refusal:
            log.warning("what became of %s could not be asked: %s", hold.id, refusal.code)
            return Became(Fate.UNKNOWN)

    def _also(self, stage: str) -> Also:
        async def also(_: object, hold: HoldRecord) -> None:
            facts = {"hold_id": hold.id, "requester": hold.requester.subject, "via": "recovery"}
            await self.journal.append(new_call_id(), stage, facts)

        return also


def _found(hold: HoldRecord, became: Became) -> dict[str, str]:
    """What is known of a change that was made though its process died: its id, and how to take back a change of rows.

    How to take back a change of a whole table was written down before it ran.
    """
    if became.query_id is None or hold.asked is None:
        return {}
    found = {"query_id": became.query_id}
    if "undo" in hold.outcome or not hold.asked.is_write:
        return found
    *name, _ = hold.asked.objects[0]
    undo = undo_command(TableName(*name), became.query_id)
    return found if undo is None else {**found, "undo": undo}
