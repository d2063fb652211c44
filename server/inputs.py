"""What a decision was made of, as the journal keeps it, and the same decision made again from it.

Everything else that a decision rests on is named by digests: the policy, the catalog, the parser.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, assert_never

import orjson

from policy.circumstances import Circumstances, Estimate, History
from policy.engine import Engine
from policy.principal import Principal, Subject
from server.judging import Judge, Judged
from tools.contract import Holds, Schema, Sql, Wanted

VERSION = 1


class NotReplayable(Exception):
    """What was recorded is not enough to decide again; the message is a word for counting."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def inputs_of(judged: Judged) -> str:
    """As JSON: the question word for word, when it was asked, what rules asked of it, and the claims of who asked."""
    wanted = judged.wanted
    match wanted:
        case Sql():
            asked: dict[str, Any] = {
                "text": wanted.text,
                "parameters": list(wanted.parameters),
                "reason": wanted.reason,
                "is_write": wanted.is_write,
                "rows_max": wanted.rows_max,
            }
        case Schema(database, schema, table, search, cursor):
            asked = {"database": database, "schema": schema, "table": table, "search": search, "cursor": cursor}
        case Holds(act, hold_id, verdict, reason, is_break_glass):
            asked = {
                "act": act,
                "hold_id": hold_id,
                "verdict": verdict,
                "reason": reason,
                "is_break_glass": is_break_glass,
            }
        case _:
            assert_never(wanted)
    told = {
        "v": VERSION,
        "kind": type(wanted).__name__.lower(),
        "asked": asked,
        "time": judged.circumstances.time,
        "estimate": _facts_of(judged.circumstances.estimate),
        "session": _history(judged.circumstances.history),
        "claims": dict(judged.principal.claims),
    }
    return as_json(told)


def _history(history: History | None) -> dict[str, Any] | None:
    if history is None:
        return None
    names = {"tables": sorted(history.tables), "classifications": sorted(history.classifications)}
    return {**_facts_of(history), **names}


def _facts_of(asked: Estimate | History) -> dict[str, Any]:
    """Its fields by name; `dataclasses.asdict` would copy every value."""
    return {name: getattr(asked, name) for name in asked.__dataclass_fields__}


def as_json(value: object) -> str:
    """`value` as JSON, whatever text and numbers are in it."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # half of a surrogate pair, or an integer beyond 64 bits
        return json.dumps(value, default=str)


def judge_again(inputs: str, facts: Mapping[str, Any], engine: Engine) -> Judged:
    """The judgement of `engine` on the question of an entry with these facts.

    Raises:
        NotReplayable: the inputs are of another version, or are not whole.
        PolicyRefusal: the engine does not understand the statement.
    """
    try:
        told = json.loads(inputs)
        if told["v"] != VERSION:
            raise NotReplayable("inputs of another version")
        wanted, time = _wanted(told["kind"], told["asked"]), told["time"]
        claims = {name: tuple(value) if isinstance(value, list) else value for name, value in told["claims"].items()}
        principal = Principal(
            Subject(facts["subject"]),
            facts["actor"],
            facts["issuer"],
            frozenset(facts["groups"]),
            frozenset(facts["scopes"]),
            MappingProxyType(claims),
            tuple(facts["delegates"]),
            facts["session"],
        )
        estimate, history = Estimate(**told["estimate"]), told["session"]
        if history is not None:
            names = {name: frozenset(history[name]) for name in ("tables", "classifications")}
            history = History(**history | names)
        at = None if time is None else datetime.fromisoformat(time)
    except (KeyError, TypeError, ValueError) as error:
        raise NotReplayable("inputs that are not whole") from error
    judge = Judge(engine)
    purpose = wanted.reason if isinstance(wanted, Sql) else None
    return judge.decide(principal, wanted, judge.parse(wanted), Circumstances(at, purpose, estimate, history))


def _wanted(kind: str, asked: dict[str, Any]) -> Wanted:
    match kind:
        case "sql":
            return Sql(**asked | {"parameters": tuple(asked["parameters"])})
        case "schema":
            return Schema(**asked)
        case "holds":
            return Holds(**asked)
        case _:
            raise NotReplayable("a question of another kind")
