"""One statement judged and told as plain data: what `policy decide` prints, and what later checks compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from policy.circumstances import UNKNOWN, Circumstances
from policy.decision import (
    CountAnswer,
    Decision,
    Deny,
    FilterRows,
    Hold,
    MaskColumn,
    Obligation,
    Permit,
    RuleId,
    RunSql,
)
from policy.engine import Engine
from policy.names import display
from policy.positions import position_of
from policy.principal import Principal
from policy.refusal import PolicyRefusal
from policy.statement import SqlStatement


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a statement. `at` is the offset of the offending piece; `statement` is None if not understood."""

    decision: Decision
    at: int | None
    statement: SqlStatement | None

    @property
    def word(self) -> str:
        """`permit`, `hold` or `deny`."""
        match self.decision:
            case Permit():
                return "permit"
            case Hold():
                return "hold"
            case _:
                return "deny"

    @property
    def permit(self) -> Permit | None:
        """What would run, after approval where it is a hold."""
        match self.decision:
            case Permit() as permit:
                return permit
            case Hold(_, then):
                return then
            case _:
                return None

    @property
    def rules(self) -> list[RuleId]:
        """The rules that determined it, in order; of a hold, those that permit it too."""
        of_permit = self.permit.determining if self.permit is not None else frozenset[RuleId]()
        return sorted(self.decision.determining | of_permit)

    @property
    def owed(self) -> frozenset[Obligation]:
        """What must be kept when it runs."""
        return frozenset() if self.permit is None else self.permit.obligations

    @property
    def masked(self) -> list[str]:
        """Full names of the columns that the caller meets masked, in order."""
        return sorted(f"{each.table}.{display(each.column)}" for each in self.owed if isinstance(each, MaskColumn))

    @property
    def filtered(self) -> list[str]:
        """The row filters that apply, in order."""
        return sorted({each.filter_id for each in self.owed if isinstance(each, FilterRows)})

    @property
    def counted(self) -> list[CountAnswer]:
        """What it takes from budgets, in order of their names."""
        return sorted((each for each in self.owed if isinstance(each, CountAnswer)), key=lambda each: each.budget_id)

    @property
    def padded_ms(self) -> int:
        """Of how many milliseconds the time that it takes is a multiple; 0 if of none."""
        return 0 if self.permit is None else self.permit.padded_ms

    @property
    def sql(self) -> str | None:
        """What would run."""
        permit = self.permit
        return permit.action.sql if permit is not None and isinstance(permit.action, RunSql) else None


def verdict_on(
    engine: Engine,
    principal: Principal,
    sql: str,
    *,
    parameters: Sequence[object] | None = None,
    rows_max: int | None = None,
    circumstances: Circumstances = UNKNOWN,
) -> Verdict:
    """The verdict on `sql`, read or write as the statement itself says, whatever `sql` is. Never raises on SQL text."""
    try:
        statement = engine.understand(sql)
        if parameters is not None:
            statement = engine.parse(sql, parameters=len(parameters), is_write=statement.target is not None)
    except PolicyRefusal as refusal:
        return Verdict(Deny(frozenset(), refusal.code, refusal.message, refusal.hint), refusal.at, None)
    decision = engine.decide(principal, statement, rows_max=rows_max, circumstances=circumstances)
    return Verdict(decision, position_of(statement, decision) if isinstance(decision, Deny) else None, statement)


def judge(
    engine: Engine,
    principal: Principal,
    sql: str,
    id: str,
    *,
    parameters: Sequence[object] | None = None,
    circumstances: Circumstances = UNKNOWN,
) -> dict[str, Any]:
    """The verdict on `sql` as the keys of the JSONL contract. Never raises on SQL text.

    They are `id`, `decision` (permit, hold, deny), `code`, `message`, `rules`, `sql` (what would run, after approval
    where it is a hold) and `masked` (full names of the columns that the caller meets masked).
    """
    verdict = verdict_on(engine, principal, sql, parameters=parameters, circumstances=circumstances)
    denied = verdict.decision if isinstance(verdict.decision, Deny) else None
    return {
        "id": id,
        "decision": verdict.word,
        "code": None if denied is None else denied.code.value,
        "message": None if denied is None else denied.message,
        "rules": verdict.rules,
        "sql": verdict.sql,
        "masked": verdict.masked,
    }
