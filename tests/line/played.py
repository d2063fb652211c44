"""The parts of a call that are not under test here: who is asked, and what Snowflake would answer."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio.lowlevel
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal
from audit.reading import entries
from audit.sealing import Sealer
from policy.catalog_document import from_document
from policy.decision import Permit, ReadCatalog, RunSql, UseHolds
from policy.document import load
from policy.effects import Effect, Sample, Touched
from policy.engine import Engine
from policy.principal import Principal, Subject
from policy.statement import SqlStatement
from server.approvals import Approvals
from server.binding import objects_of
from server.executing import Claims, Executions
from server.holds import HoldStore
from server.judging import Judge, Judged
from server.line import Approval, Bearer, Beforehand, Call, CallId, Cleared, House, Progress, walk
from server.raw import Raw, RawRows, RawSchema
from server.refusals import Held, Unauthenticated
from server.warehouse import Order
from tools.contract import ResultColumn, Tool
from tools.request_write import RequestWrite
from tools.run_query import RunQuery

POLICY = """
version: 1
defaults: {database: DB, schema: S}
limits: {rows_max: 3, statement_timeout_s: 60}
roles:
  - {id: all, who: {groups: [analysts]}, read_role: READER, write_role: WRITER, warehouse: WH}
public: ["DB.S.ORDERS.*", "DB.S.AUDITED.*", "DB.S.SALARIES.*"]
classifications:
  - {name: email, columns: ["*.*.*.EMAIL"]}
masks:
  - {classification: email, mask: {kind: constant, value: "***"}}
rules:
  - {id: reads, effect: permit, who: {groups: [analysts]}, verbs: [read], tables: ["DB.S.ORDERS", "DB.S.AUDITED"]}
  - {id: ask-first, effect: hold, who: {groups: [analysts]}, verbs: [read], tables: ["DB.S.AUDITED"]}
  - {id: writes, effect: hold, who: {groups: [analysts]}, verbs: [write], tables: ["DB.S.ORDERS"]}
  - {id: no-salaries, effect: forbid, who: {anyone: true}, verbs: [read], tables: ["DB.S.SALARIES"], message: "no"}
approvals:
  - {id: own-word, by: confirmation, destructive: true}
"""
CATALOG = {
    "DB": {
        "S": {
            "ORDERS": {"ID": "NUMBER(38,0)", "EMAIL": "VARCHAR"},
            "AUDITED": {"ID": "NUMBER(38,0)"},
            "SALARIES": {"ID": "NUMBER(38,0)"},
        }
    }
}
ENGINE = Engine(load(POLICY), from_document(CATALOG))


@dataclass
class PlayedHouse:
    """A house whose Snowflake answers five rows and remembers what ran and what the journal then held."""

    journal: Journal
    database: AsyncEngine
    ran: list[str] = field(default_factory=list)
    stages_when_run: list[str] = field(default_factory=list)
    open_leases: int = 0
    execute: Callable[[Cleared], Awaitable[Raw]] | None = None
    confirms: bool | None = True
    """What the user answers; None: the user cannot be asked."""
    asked: list[str] = field(default_factory=list)
    measured: int = 0
    """How often Snowflake would have been asked what a change does."""
    engine: Engine = ENGINE

    @property
    def house(self) -> House:
        holds = HoldStore(self.database, Sealer(b"k" * 32, "test"))
        approve = Approvals(holds, self.journal, self._measure, _tell, _no_decision)
        executions = Executions(self._lease, NoDesk(), holds, self.journal, anyio.lowlevel.checkpoint)
        leases = Claims(executions, holds)
        return House(self.journal, self._identify, lambda: Judge(self.engine), approve, leases)

    async def _measure(self, call_id: str, judged: Judged, permit: Permit) -> Effect:
        """Plays the measuring: one row."""
        self.measured += 1
        assert isinstance(judged.statement, SqlStatement)
        verb = judged.statement.verb
        objects = tuple(Touched(str(name), True, "", 1) for name in objects_of(judged))
        return Effect(verb, objects, {verb: 1}, "", None, Sample((), ()), is_narrowed=True)

    async def walk(
        self, sql: str, *, tool: Tool | None = None, bearer: str = "good", **arguments: Any
    ) -> dict[str, Any]:
        return await walk(self.call(sql, tool=tool, bearer=bearer, **arguments), self.house)

    def call(self, sql: str, *, tool: Tool | None = None, bearer: str = "good", **arguments: Any) -> Call:
        chosen = tool or RunQuery()
        why = "reason" if isinstance(chosen, RequestWrite) else "purpose"
        return Call(
            id=CallId("call_1"),
            bearer=Bearer(bearer),
            tool=chosen,
            arguments={"sql": sql, why: "because", **arguments},
            confirm=self._confirm,
            progress=None,
            origin={"transport": "http"},
        )

    async def stages(self) -> list[str]:
        return [entry.stage for entry in await entries(self.database, call_id="call_1", last=50)]

    async def _identify(self, call: Call) -> Principal:
        if call.bearer != Bearer("good"):
            raise Unauthenticated("nobody")
        return Principal(Subject("ada"), "claude", "iss", groups=frozenset({"analysts"}))

    async def _confirm(self, hold_id: str, question: str, first: Beforehand | None = None) -> bool:
        self.asked.append(question)
        if self.confirms is None:
            raise Held("nobody can be asked", hold_id=hold_id)
        if first is not None:
            await first()
        return self.confirms

    @asynccontextmanager
    async def _lease(self, cleared: Cleared) -> AsyncGenerator["PlayedLease"]:
        self.open_leases += 1
        try:
            yield PlayedLease(self)
        finally:
            self.open_leases -= 1


@dataclass(frozen=True)
class PlayedLease:
    """Plays a session."""

    house: PlayedHouse
    session_id: int = 1

    async def run(self, order: Order) -> RawRows:
        """Answers a look at INFORMATION_SCHEMA: nothing is known of any object."""
        return RawRows([], [], False, "q0")

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        await cleared.decided()
        action = cleared.permit.action
        self.house.stages_when_run = await self.house.stages()
        if self.house.execute is not None:
            return await self.house.execute(cleared)
        match action:
            case RunSql():
                self.house.ran.append(action.sql)
                columns = [ResultColumn("ID", "NUMBER(38,0)", False), ResultColumn("EMAIL", "VARCHAR", True)]
                return RawRows(columns, [(n, "***") for n in range(5)], False, "q1")
            case ReadCatalog():
                return RawSchema(action)
            case UseHolds():
                raise AssertionError("nobody asks for holds here")


class NoDesk:
    """Nobody asks for holds here."""

    async def execute(self, cleared: Cleared, progress: Progress | None) -> Raw:
        raise AssertionError("nobody asks for holds here")


async def _tell(*_: object) -> None:
    """Nobody is told."""


async def _no_decision(call: Call, judged: Judged, permit: Permit) -> Approval:
    raise AssertionError("nobody decides on holds here")
