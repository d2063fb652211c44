"""Step 3 of the line, whole: what rules ask of a call beside its statement is found out, and the engine decides.

Most calls are decided at once. Only where a rule about the very tables asks for it, Snowflake is asked for an estimate,
and only of what could be permitted; only where a rule about the caller asks for it, a history of their session is kept.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from policy.circumstances import Circumstances
from policy.conditions import REMEMBERED
from policy.decision import Deny
from policy.principal import Principal
from policy.statement import SqlStatement, Statement
from server.estimating import Estimating
from server.histories import Histories
from server.judging import Judge, Judged
from server.refusals import HistoryUnavailable
from tools.contract import Sql, Wanted

ATTEMPTS_MAX = 5
"""How often a statement is decided on anew because others of its session were decided on meanwhile."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """Decides on calls, knowing what their rules ask for."""

    histories: Histories
    estimating: Estimating

    async def __call__(
        self, call_id: str, judge: Judge, principal: Principal, wanted: Wanted, statement: Statement
    ) -> Judged:
        """What policy says of `statement` for `principal`.

        Raises:
            HistoryUnavailable: a rule asks what the session has done, and nobody can say.
            Busy, SnowflakeUnavailable, JournalUnavailable: a rule asks for an estimate, and nobody can be asked.
        """
        purpose = wanted.reason if isinstance(wanted, Sql) else None
        known = Circumstances(datetime.now(UTC), purpose)
        if not isinstance(statement, SqlStatement) or not isinstance(wanted, Sql):
            return judge.decide(principal, wanted, statement, known)
        if not judge.engine.remembers(principal):
            return await self._judged(call_id, judge, principal, wanted, statement, known)
        asks = any(name.startswith(REMEMBERED) for name in judge.engine.asked_of_call(principal, statement))
        for _ in range(ATTEMPTS_MAX):
            seen = await self.histories.of(principal)
            known = replace(known, history=seen.history if asks else None)
            judged = await self._judged(call_id, judge, principal, wanted, statement, known)
            is_denied = isinstance(judged.decision, Deny)
            footprint = None if is_denied else judge.engine.footprint(principal, statement)
            if await self.histories.add(principal, seen, footprint):
                return judged
        raise HistoryUnavailable("too many statements of this session at once")

    async def _judged(
        self,
        call_id: str,
        judge: Judge,
        principal: Principal,
        wanted: Sql,
        statement: SqlStatement,
        known: Circumstances,
    ) -> Judged:
        """What policy says, knowing an estimate besides where a rule asks for one and it can help."""
        engine = judge.engine
        action = engine.estimable(principal, statement, rows_max=wanted.rows_max, circumstances=known)
        if action is not None:
            estimate = await self.estimating(
                call_id,
                principal,
                statement,
                action,
                wanted.parameters,
                {str(name): name for name in engine.tables_of(principal, statement)},
                policy=engine.provenance.policy,
                wants_rows="estimate.rows" in engine.asked_of_call(principal, statement),
            )
            known = replace(known, estimate=estimate)
        return judge.decide(principal, wanted, statement, known)
