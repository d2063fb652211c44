"""What the journal is told at each step, as facts named in `audit.fields.FIELDS`."""

from typing import Any, assert_never

from policy.circumstances import Circumstances
from policy.decision import CountAnswer, Decision, Deny, FilterRows, Hold, MaskColumn, Permit, RunSql
from policy.lru import Lru
from policy.principal import Principal
from policy.statement import HoldsRequest, SchemaRequest, SqlStatement, Statement
from server.inputs import as_json, inputs_of
from server.judging import WAITING, Judged, Shadow
from tools.contract import Holds, Masked, MaskedHolds, MaskedRows, MaskedSchema, Sql, Wanted

Facts = dict[str, Any]

SAMPLE_BYTES_MAX = 16_384

TOLD_MAX = 1_024
"""Decisions whose facts are kept, because the engine gives the same one again for the same question."""

_told: Lru[tuple[int, int], tuple[Statement, Decision, Facts]] = Lru(TOLD_MAX)
"""By identity; what is kept with the facts keeps its identity from being given to another."""


def facts_of_principal(principal: Principal) -> Facts:
    """Who asks."""
    return {
        "subject": principal.subject,
        "actor": principal.actor,
        "issuer": principal.issuer,
        "groups": sorted(principal.groups),
        "scopes": sorted(principal.scopes),
        "session": principal.session,
        "delegates": list(principal.delegates),
    }


def facts_of_judged(judged: Judged) -> Facts:
    """What is asked, what was decided, by which rules and against which digests."""
    statement, decision = judged.statement, judged.decision
    known = _told.get((id(statement), id(decision)))
    if known is None:
        facts = {**_facts_of_statement(statement), **_facts_of_decision(decision)}
        known = _told.put((id(statement), id(decision)), (statement, decision, facts))
    by = judged.provenance
    return {
        "policy": by.policy,
        "catalog": by.catalog,
        "parser": by.parser,
        **known[2],
        **_facts_of_circumstances(judged.circumstances),
        **_facts_of_wanted(judged.wanted),
        "inputs": inputs_of(judged),
        **({} if judged.shadow is None else _facts_of_shadow(judged.shadow, judged.decision)),
    }


def _facts_of_shadow(shadow: Shadow, decision: Decision) -> Facts:
    """What a policy in the shadow says, and whether the caller would notice if it were in force."""
    if shadow.decision == WAITING:
        return {"shadow": shadow.policy, "shadow_code": WAITING}  # whether anybody would notice, nobody can tell
    if isinstance(shadow.decision, str):
        return {"shadow": shadow.policy, "shadow_code": shadow.decision, "shadow_differs": True}
    told, enforced = _facts_of_decision(shadow.decision), _facts_of_decision(decision)
    noticed = ("decision", "code", "masked", "filtered", "budgets", "padded_ms", "role", "rows_max")
    facts: Facts = {
        "shadow": shadow.policy,
        "shadow_decision": told["decision"],
        "shadow_rules": told["rules"],
        "shadow_differs": any(told.get(name) != enforced.get(name) for name in noticed),
    }
    return facts | ({"shadow_code": told["code"]} if "code" in told else {})


def facts_of_cleared(hold_id: str | None) -> Facts:
    """The hold that a person's answer released, if there was one."""
    return {} if hold_id is None else {"hold_id": hold_id}


def facts_of_answer(masked: Masked, sample_rows: int = 0) -> Facts:
    """The shape of what leaves, and of its rows as many, encrypted, as whoever runs the gate wants kept: none."""
    match masked:
        case MaskedRows():
            sample = {"sample": sample_of(masked, sample_rows)} if sample_rows and masked.rows else {}
            return sample | {
                "rows": len(masked.rows),
                "truncated": masked.truncated,
                "query_id": masked.query_id,
                "rows_affected": masked.rows_affected,
                **({} if masked.undo is None else {"undo": masked.undo}),
            }
        case MaskedHolds():
            return {}
        case MaskedSchema():
            return {"rows": len(masked.tables), "truncated": masked.next_cursor is not None}
        case _:
            assert_never(masked)


def sample_of(masked: MaskedRows, rows_max: int) -> str:
    """The first rows as JSON, without the last ones that make it longer than `SAMPLE_BYTES_MAX`."""
    kept: list[str] = []
    size = 2
    for row in masked.rows[:rows_max]:
        kept.append(as_json(row))
        size += len(kept[-1]) + 1
        if size > SAMPLE_BYTES_MAX:
            kept.pop()
            break
    return f"[{','.join(kept)}]"


def _facts_of_statement(statement: Statement) -> Facts:
    match statement:
        case SqlStatement():
            tables = statement.reads | ({statement.target} if statement.target else set())
            return {
                "verb": statement.verb.value,
                "sql": statement.skeleton,
                "literals": [literal.value for literal in statement.literals],
                "tables": sorted(str(table) for table in tables),
                "functions": sorted(statement.functions),
            }
        case HoldsRequest(act, hold_id):
            return {"verb": f"holds.{act.value}"} | ({} if hold_id is None else {"hold_id": hold_id})
        case SchemaRequest():
            names = [statement.database, statement.schema, statement.table, statement.search]
            return {"verb": "describe", "literals": [name for name in names if name is not None]}
        case _:
            assert_never(statement)


def _facts_of_circumstances(circumstances: Circumstances) -> Facts:
    """What rules could ask beside the statement and its caller, so that the decision can be made again."""
    history = circumstances.history
    facts: Facts = {
        "estimate_rows": circumstances.estimate.rows,
        "estimate_bytes": circumstances.estimate.bytes,
    }
    if history is not None:
        facts |= {
            "session_statements": history.statements,
            "session_refusals": history.refusals,
            "session_rows": history.rows,
            "session_tables": sorted(history.tables),
            "session_classifications": sorted(history.classifications),
        }
    return {name: value for name, value in facts.items() if value is not None}


def _facts_of_wanted(wanted: Wanted) -> Facts:
    match wanted:
        case Sql():
            return {"reason": wanted.reason, "parameters": list(wanted.parameters)}
        case Holds(verdict=str(verdict)):
            return {"reason": wanted.reason, "verdict": verdict, "break_glass": wanted.is_break_glass}
        case Holds(reason=reason) if reason:
            return {"reason": reason}
        case _:
            return {}


def _facts_of_decision(decision: Decision) -> Facts:
    match decision:
        case Permit():
            return {"decision": "permit", **_facts_of_permit(decision)}
        case Hold():
            return {
                "decision": "hold",
                **_facts_of_permit(decision.then),
                "rules": sorted(decision.determining),
            }
        case Deny():
            return {
                "decision": "deny",
                "rules": sorted(decision.determining),
                "code": decision.code.value,
            }
        case _:
            assert_never(decision)


def _facts_of_permit(permit: Permit) -> Facts:
    facts: Facts = {
        "rules": sorted(permit.determining),
        "masked": sorted(f"{o.table}.{o.column}" for o in permit.obligations if isinstance(o, MaskColumn)),
        "filtered": sorted(f"{o.table}:{o.filter_id}" for o in permit.obligations if isinstance(o, FilterRows)),
    }
    counted = sorted(
        f"{o.budget_id}: {o.answers} of {o.per_day}" for o in permit.obligations if isinstance(o, CountAnswer)
    )
    facts |= {"budgets": counted} if counted else {}
    facts |= {"padded_ms": permit.padded_ms} if permit.padded_ms else {}
    if isinstance(permit.action, RunSql):
        facts |= {
            "role": permit.action.role,
            "warehouse": permit.action.warehouse,
            "rows_max": permit.action.rows_max,
            **({"beneath": sorted(map(str, permit.action.beneath))} if permit.action.beneath else {}),
        }
    return facts
