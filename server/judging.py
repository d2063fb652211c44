"""Steps 2 and 3 of the line: what is wanted becomes a statement, and a statement becomes a decision.

The judging itself is policy's and pure. One call is judged by one engine throughout, whatever is reloaded meanwhile.
"""

import logging
from dataclasses import dataclass, field
from typing import assert_never

from policy.circumstances import UNKNOWN, Circumstances
from policy.decision import Decision, Deny
from policy.engine import Engine, Provenance
from policy.principal import Principal
from policy.refusal import PolicyRefusal
from policy.statement import HoldsAct, HoldsRequest, SchemaRequest, SqlStatement, Statement
from tools.contract import Holds, Schema, Sql, Wanted

WAITING = "catalog_unavailable"
"""What is told of a policy in the shadow while there is no catalog that it can be used with."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """Who wants what, what policy says of it, and the engine that said so."""

    principal: Principal
    wanted: Wanted
    statement: Statement
    decision: Decision
    engine: Engine = field(repr=False, compare=False)
    circumstances: Circumstances = field(default=UNKNOWN, compare=False)
    shadow: "Shadow | None" = field(default=None, repr=False, compare=False)

    @property
    def provenance(self) -> Provenance:
        """The digests that the decision rests on."""
        return self.engine.provenance


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a policy that is not in force says of a call: a decision, or the code of why it could make none."""

    policy: str
    decision: Decision | str


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges by one policy against one catalog snapshot, with another perhaps in its shadow.

    `waiting` is the digest of one that is to decide there and has no catalog yet.
    """

    engine: Engine
    shadow: Engine | None = None
    waiting: str | None = None

    def parse(self, wanted: Wanted) -> Statement:
        """The statement that `wanted` amounts to.

        Raises:
            PolicyRefusal: it cannot be understood, or names what does not exist.
        """
        match wanted:
            case Sql():
                return self.engine.parse(wanted.text, parameters=len(wanted.parameters), is_write=wanted.is_write)
            case Holds():
                return HoldsRequest(HoldsAct(wanted.act), wanted.hold_id)
            case Schema():
                return SchemaRequest(wanted.database, wanted.schema, wanted.table, wanted.search, wanted.cursor)
            case _:
                assert_never(wanted)

    def decide(
        self, principal: Principal, wanted: Wanted, statement: Statement, circumstances: Circumstances
    ) -> Judged:
        """What policy says of `statement` for `principal` under these circumstances."""
        rows_max = wanted.rows_max if isinstance(wanted, Sql) else None
        decision = self.engine.decide(principal, statement, rows_max=rows_max, circumstances=circumstances)
        if isinstance(wanted, Sql) and isinstance(statement, SqlStatement) and not isinstance(decision, Deny):
            decision = self.engine.refuse_values(principal, statement, wanted.parameters) or decision
        shadow = None if self.waiting is None else Shadow(self.waiting, WAITING)
        if self.shadow is not None:
            shadow = _shadow(self.shadow, principal, wanted, circumstances)
        return Judged(principal, wanted, statement, decision, self.engine, circumstances, shadow)


def _shadow(engine: Engine, principal: Principal, wanted: Wanted, circumstances: Circumstances) -> Shadow:
    """What `engine` says of a call. Whatever comes of it, the call goes on as the policy in force has decided."""
    judge = Judge(engine)
    try:
        decision: Decision | str = judge.decide(principal, wanted, judge.parse(wanted), circumstances).decision
    except PolicyRefusal as refusal:
        decision = str(refusal.code)
    except Exception as error:
        log.error("the shadow's policy could not decide: %s", type(error).__name__)
        decision = "internal"
    return Shadow(engine.policy.digest, decision)
