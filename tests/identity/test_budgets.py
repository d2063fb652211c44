"""A budget of the policy is kept by all replicas together: what is asked is taken from it first, never overdrawn."""

from contextlib import nullcontext
from typing import Any

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Durable, JournalUnavailable
from policy.catalog_document import from_document
from policy.circumstances import UNKNOWN
from policy.decision import CountAnswer, Hold, Permit, RunSql, UseHolds
from policy.document import load
from policy.engine import Engine
from policy.principal import Principal, Subject
from policy.statement import HoldsAct, SqlStatement, Verb
from server.histories import Histories
from server.inflight import InFlight
from server.judging import Judge, Judged
from server.lending import Lending
from server.limits import Limits, budgets_of
from server.line import CallId, Cleared, Progress
from server.measuring import Measuring, sample_rows
from server.quotas import Quotas
from server.raw import RawRows
from server.refusals import BudgetSpent, LimitsUnavailable
from tests.identity.issuer import Clock
from tests.line.played import ENGINE
from tests.support.decided import decided
from tools.contract import ResultColumn, Sql

ADA = Principal(Subject("ada"), "claude", "iss")
BEN = Principal(Subject("ben"), "claude", "iss")
DAY_S = 86_400


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000_020.0)


def taking(*counted: CountAnswer) -> Permit:
    return Permit(frozenset(), UseHolds(HoldsAct.LIST), frozenset(counted))


def people(per_day: int, answers: int = 1, *, id: str = "people", shared: bool = False) -> CountAnswer:
    return CountAnswer(id, answers, per_day, is_shared=shared)


async def ask(quotas: Quotas, who: Principal, *counted: CountAnswer) -> bool:
    """Whether an answer was drawn."""
    try:
        async with quotas.statement(who, 10, budgets_of(who, taking(*counted))) as spending:
            spending.asks()
    except BudgetSpent:
        return False
    return True


@pytest.mark.parametrize("per_day", [1, 7, 60])
async def test_replicas_together_never_draw_more_than_the_budget(
    per_day: int, engine: AsyncEngine, clock: Clock
) -> None:
    replicas = [Quotas(Limits(), engine, clock), Quotas(Limits(), engine, clock)]
    drawn: list[bool] = []

    async def one(quotas: Quotas) -> None:
        drawn.append(await ask(quotas, ADA, people(per_day)))

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for n in range(2 * per_day + 10):
                tasks.start_soon(one, replicas[n % 2])
    assert sum(drawn) == per_day
    assert await ask(replicas[0], BEN, people(per_day))  # everybody has one of their own
    assert await ask(replicas[0], ADA, people(per_day, id="others"))  # and every budget is another
    clock.now += DAY_S
    assert await ask(replicas[1], ADA, people(per_day))


async def test_a_budget_that_is_lowered_holds_at_once_for_what_replicas_have_drawn(
    engine: AsyncEngine, clock: Clock
) -> None:
    replicas = [Quotas(Limits(), engine, clock), Quotas(Limits(), engine, clock)]
    under_way = replicas[0].statement(ADA, 10, budgets_of(ADA, taking(people(1_000, 40))))
    async with under_way:  # and gives back what it drew, for nothing is asked
        assert [await ask(quotas, ADA, people(1_000)) for quotas in replicas] == [True, True]
        again = [await ask(replicas[n % 2], ADA, people(10)) for n in range(30)]
    again += [await ask(replicas[n % 2], ADA, people(10)) for n in range(30)]
    assert sum(again) <= 10 - 2


async def test_all_whom_a_shared_budget_means_have_it_together(engine: AsyncEngine, clock: Clock) -> None:
    quotas = Quotas(Limits(), engine, clock)
    shared = people(3, shared=True)
    assert [await ask(quotas, who, shared) for who in (ADA, BEN, ADA, BEN)] == [True, True, True, False]
    assert await ask(quotas, BEN, people(3))  # what each has of their own is another matter


async def test_the_same_person_through_another_agent_has_no_budget_more(engine: AsyncEngine, clock: Clock) -> None:
    other = Principal(Subject("ada"), "another-agent", "iss", session="another")
    quotas = Quotas(Limits(), engine, clock)
    assert [await ask(quotas, who, people(1)) for who in (ADA, other)] == [True, False]


async def test_a_statement_of_several_answers_takes_all_of_them_or_none(engine: AsyncEngine, clock: Clock) -> None:
    quotas = Quotas(Limits(), engine, clock)
    assert [await ask(quotas, ADA, people(5, n)) for n in (3, 3, 6, 2, 1)] == [True, False, False, True, False]


async def test_what_is_under_way_has_been_taken(engine: AsyncEngine, clock: Clock) -> None:
    one, two = Quotas(Limits(), engine, clock), Quotas(Limits(), engine, clock)
    async with one.statement(ADA, 10, budgets_of(ADA, taking(people(1)))):
        assert not await ask(one, ADA, people(1))
        assert not await ask(two, ADA, people(1))


async def test_an_answer_that_was_asked_for_counts_whatever_became_of_it(engine: AsyncEngine, clock: Clock) -> None:
    quotas = Quotas(Limits(), engine, clock)
    with pytest.raises(LookupError):  # nothing of it has run yet
        async with quotas.statement(ADA, 10, budgets_of(ADA, taking(people(1)))):
            raise LookupError

    async def fails() -> None:
        async with quotas.statement(ADA, 10, budgets_of(ADA, taking(people(1)))) as spending:
            spending.asks()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    assert not await ask(quotas, ADA, people(1))


async def test_what_is_not_asked_for_want_of_a_journal_comes_back(engine: AsyncEngine, clock: Clock) -> None:
    quotas = Quotas(Limits(), engine, clock)
    asked: list[bool] = []

    class Session:
        async def execute(self, cleared: Cleared, progress: Progress | None) -> RawRows:
            await cleared.decided()
            asked.append(True)
            return RawRows([], [], False, "q")

    async def unavailable() -> None:
        raise JournalUnavailable

    async def run(decided: Durable) -> None:
        permit = Permit(frozenset(), RunSql("SELECT 1", Verb.READ, "R", "W", 10, 30), frozenset({people(1)}))
        wanted = Sql("SELECT 1", (), "why", is_write=False)
        cleared = Cleared(CallId("call_1"), ADA, wanted, permit, ENGINE.provenance, decided)
        lending = Lending(lambda _: nullcontext(Session()), InFlight(), quotas, Histories(engine))
        async with lending(cleared) as lease:
            await lease.execute(cleared, None)

    with pytest.raises(JournalUnavailable):
        await run(unavailable)
    await run(decided)
    with pytest.raises(BudgetSpent):
        await run(decided)
    assert asked == [True]


async def test_a_budget_that_refuses_gives_the_others_back(engine: AsyncEngine, clock: Clock) -> None:
    quotas = Quotas(Limits(), engine, clock)
    first, second = people(2, id="a"), people(1, id="b")
    assert [await ask(quotas, ADA, first, second) for _ in range(3)] == [True, False, False]
    assert await ask(quotas, ADA, first)


async def test_a_refusal_names_the_budget_and_says_when_there_are_more(engine: AsyncEngine, clock: Clock) -> None:
    quotas = Quotas(Limits(), engine, clock)
    assert await ask(quotas, ADA, people(1))
    with pytest.raises(BudgetSpent, match="`people`") as refused:
        async with quotas.statement(ADA, 10, budgets_of(ADA, taking(people(1)))):
            raise AssertionError("it was let through")
    left_s = DAY_S - int(clock.now) % DAY_S + 1
    assert refused.value.facts == {"limit": "people", "retry_after_s": left_s}
    assert f"{left_s} seconds" in refused.value.hint
    assert refused.value.retryable


async def test_nothing_is_answered_when_nobody_can_say_what_is_left(engine: AsyncEngine, clock: Clock) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("alter table gate.quota rename to elsewhere"))
    with pytest.raises(LimitsUnavailable):
        await ask(Quotas(Limits(), engine, clock), ADA, people(10))


async def test_measuring_what_a_statement_would_do_draws_first_as_the_statement_does(
    engine: AsyncEngine, clock: Clock
) -> None:
    wanted = Sql("UPDATE orders SET id = 1 WHERE id = 2", (), "why", is_write=True)
    judge = Judge(ENGINE)
    judged = judge.decide(ADA, wanted, judge.parse(wanted), UNKNOWN)
    nowhere: Any = None  # there is no session to ask with, so it fails if it gets that far
    measuring = Measuring(nowhere, Quotas(Limits(), engine, clock))
    with pytest.raises(BudgetSpent):
        await measuring("call_1", judged, taking(people(1, 2)))


PAY = Engine(
    load(
        """
version: 1
defaults: {database: D, schema: S}
roles: [{id: all, who: {anyone: true}, read_role: R, write_role: W, warehouse: WH}]
public: ["D.S.*.ID", "D.S.*.NOTE"]
classifications: [{name: pay, columns: ["*.*.*.PAY"]}]
masks: [{classification: pay, mask: {kind: "null"}, unless: {subjects: [ada]}}]
budgets: [{id: pay, who: {anyone: true}, classifications: [pay], answers_per_day: 1}]
content_scan: [{detect: [email]}]
rules:
  - {id: reads, effect: permit, who: {anyone: true}, verbs: [read], tables: ["D.S.*"]}
  - {id: writes, effect: hold, who: {anyone: true}, verbs: [write], tables: ["D.S.*"]}
"""
    ),
    from_document(
        {
            "D": {
                "S": {
                    "T": {"ID": "NUMBER(38,0)", "NOTE": "VARCHAR", "PAY": "NUMBER(38,0)"},
                    "SRC": {"ID": "NUMBER(38,0)"},
                }
            }
        }
    ),
)
MERGE = "MERGE INTO t USING src ON t.id = src.id WHEN MATCHED THEN UPDATE SET note = 'x'"


def held(sql: str) -> tuple[Judged, Permit]:
    wanted = Sql(sql, (), "why", is_write=True)
    judge = Judge(PAY)
    judged = judge.decide(ADA, wanted, judge.parse(wanted), UNKNOWN)
    assert isinstance(judged.decision, Hold)
    return judged, judged.decision.then


@pytest.mark.parametrize(
    ("sql", "is_drawn"), [(MERGE, True), ("UPDATE t SET note = 'x' WHERE id = 1", False), ("DELETE FROM src", False)]
)
async def test_a_sample_draws_on_budgets_of_columns_that_it_shows_and_the_statement_does_not_name(
    sql: str, is_drawn: bool, engine: AsyncEngine, clock: Clock
) -> None:
    judged, permit = held(sql)
    assert list(budgets_of(ADA, permit)) == []
    quotas = Quotas(Limits(), engine, clock)
    assert await ask(quotas, ADA, people(1, id="pay"))
    nowhere: Any = None
    with pytest.raises(BudgetSpent if is_drawn else AttributeError):
        await Measuring(nowhere, quotas)("call_1", judged, permit)


async def test_a_sample_is_scanned_as_an_answer_of_its_rows_would_be() -> None:
    judged, _ = held("UPDATE t SET note = 'x' WHERE id = 1")
    assert isinstance(judged.statement, SqlStatement)
    assert isinstance(judged.wanted, Sql)
    questions = PAY.questions(ADA, judged.statement, judged.wanted.text)

    async def answered(*_: object) -> RawRows:
        columns = [ResultColumn(name, "VARCHAR", True) for name in ("C0", "C1")]
        return RawRows(columns, [["write to eve@example.com", "x"]], truncated=False, query_id="q")

    sample = await sample_rows(answered, questions, ())
    assert sample.rows == (("write to ***", "x"),)
