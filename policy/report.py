"""One statement judged and told as plain data: what `policy decide` prints, and what later checks compare."""

from typing import Any

from policy.decision import Decision, Deny, Hold, MaskColumn, Permit, RunSql
from policy.engine import Engine
from policy.names import display
from policy.principal import Principal
from policy.refusal import PolicyRefusal


def judge(engine: Engine, principal: Principal, sql: str, id: str) -> dict[str, Any]:
    """The verdict on `sql`, read or write as the statement itself says, whatever `sql` is. Never raises on SQL text.

    The keys are `id`, `decision` (permit, hold, deny), `code`, `message`, `rules`, `sql` (what would run, after
    approval where it is a hold) and `masked` (full names of the columns that the caller meets masked).
    """
    try:
        decision = engine.decide(principal, engine.understand(sql))
    except PolicyRefusal as refusal:
        return _line(id, "deny", code=refusal.code.value, message=refusal.message)
    return _told(id, decision)


def _told(id_: str, decision: Decision) -> dict[str, Any]:
    match decision:
        case Deny(determining, code, message, _):
            return _line(id_, "deny", code=code.value, message=message, rules=sorted(determining))
        case Hold(determining, then):
            return {**_permit(id_, then), "decision": "hold", "rules": sorted(determining | then.determining)}
        case Permit():
            return _permit(id_, decision)


def _permit(id_: str, permit: Permit) -> dict[str, Any]:
    sql = permit.action.sql if isinstance(permit.action, RunSql) else None
    masked = sorted(f"{o.table}.{display(o.column)}" for o in permit.obligations if isinstance(o, MaskColumn))
    return _line(id_, "permit", rules=sorted(permit.determining), sql=sql, masked=masked)


def _line(id_: str, decision: str, **told: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {"code": None, "message": None, "rules": [], "sql": None, "masked": []}
    return {"id": id_, "decision": decision, **blank, **told}
