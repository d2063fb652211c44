"""What rules ask of a call beside its statement is found out before the decision, and never in the caller's favour."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.journal import Journal
from audit.reading import entries
from policy.catalog_document import from_document
from policy.circumstances import Estimate, History
from policy.decision import Deny, Hold, Permit
from policy.document import load
from policy.engine import Engine
from policy.principal import Principal, Subject
from server import histories as histories_module
from server.estimating import Estimating
from server.facts import facts_of_judged, facts_of_principal
from server.histories import Histories
from server.inputs import judge_again
from server.judging import Judge, Judged
from server.line import CallId
from server.pool import PoolLimits, open_pool
from server.refusals import HistoryUnavailable
from server.sandbox import account
from server.sandbox.run import Sandbox
from server.sandbox.state import LOOPBACK
from server.warehouse import Account
from server.weighing import Weighing
from tests.support.sandbox import minter
from tools.contract import Sql

POLICY = """
version: 1
defaults: {database: CRM, schema: PUBLIC}
limits: {rows_max: 100, statement_timeout_s: 60}
roles: [{id: all, who: {anyone: true}, read_role: ANALYST_RO, warehouse: GATE_WH}]
public: ["CRM.PUBLIC.ORDERS.*", "CRM.PUBLIC.TICKETS.STATUS"]
classifications: [{name: person, columns: ["*.*.*.FULL_NAME"]}, {name: money, columns: ["*.*.*.AMOUNT"]}]
masks:
  - {classification: person, mask: {kind: redact}}
  - {classification: money, mask: {kind: redact}, unless: {subjects: [ada]}}
rules:
"""
READS = """
  - {id: reads, effect: permit, who: {anyone: true}, verbs: [read], tables: ["CRM.PUBLIC.*"]}
"""
CATALOG = from_document(
    {
        "CRM": {
            "PUBLIC": {
                "ORDERS": {"ORDER_ID": "NUMBER(38,0)", "CUSTOMER_ID": "NUMBER(38,0)", "AMOUNT": "NUMBER(12,2)"},
                "CUSTOMERS": {"CUSTOMER_ID": "NUMBER(38,0)", "FULL_NAME": "VARCHAR(120)"},
                "TICKETS": {"STATUS": "VARCHAR(16)"},
            }
        }
    }
)
ADA = Principal(Subject("ada"), "agent", "https://issuer.example", session="sign-in-1", sign_in="sign-in-1")


NAMES = "SELECT full_name FROM customers"
AMOUNTS = "SELECT amount FROM orders"


def rule(effect: str, when: str, *, tables: str = "CRM.PUBLIC.*", id: str = "asks") -> str:
    """One rule of a policy with a condition."""
    where = f'who: {{anyone: true}}, verbs: [read], tables: ["{tables}"]'
    return f'  - {{id: {id}, effect: {effect}, {where}, when: "{when}"}}\n'


@dataclass
class Scale:
    """A step 3 over the real database and the look-alike."""

    weighing: Weighing
    database: AsyncEngine
    sandbox: Sandbox

    async def __call__(self, rules: str, sql: str, who: Principal = ADA, values: Sequence[int] = ()) -> Judged:
        judge = Judge(Engine(load(POLICY + rules), CATALOG))
        wanted = Sql(sql, tuple(values), "because", is_write=False)
        return await self.weighing(CallId("call_1"), judge, who, wanted, judge.parse(wanted))

    def explained(self) -> list[str]:
        records = self.sandbox.lookalike.queries()
        return [record.sql for record in records if "snowgate_estimate" in record.tag]

    async def histories(self) -> int:
        async with self.database.connect() as connection:
            return int((await connection.execute(text("select count(*) from gate.session_history"))).scalar_one())


@pytest.fixture
async def scale(sandbox: Sandbox, engine: AsyncEngine, journal: Journal) -> AsyncGenerator[Scale]:
    where = Account(account.ACCOUNT_NAME, LOOPBACK, sandbox.state.ports.snowflake, "http")
    with anyio.fail_after(60):
        async with open_pool(where, minter(sandbox.state), PoolLimits()) as pool:
            yield Scale(Weighing(Histories(engine), Estimating(pool, journal)), engine, sandbox)


async def test_nothing_is_asked_where_no_rule_asks(scale: Scale) -> None:
    before = len(scale.explained())
    judged = await scale(READS, AMOUNTS)
    assert isinstance(judged.decision, Permit)
    assert judged.circumstances.estimate == Estimate()
    assert judged.circumstances.history is None
    assert len(scale.explained()) == before
    assert await scale.histories() == 0
    assert "estimate_bytes" not in facts_of_judged(judged)


async def test_a_rule_about_another_table_asks_nothing(scale: Scale) -> None:
    before = len(scale.explained())
    await scale(READS + rule("forbid", "estimate.bytes > 1", tables="CRM.PUBLIC.TICKETS"), AMOUNTS)
    assert len(scale.explained()) == before


async def test_an_estimate_decides_and_is_journaled(scale: Scale) -> None:
    judged = await scale(READS + rule("forbid", "estimate.bytes > 1000000000"), AMOUNTS)
    assert isinstance(judged.decision, Permit)
    [asked] = scale.explained()[-1:]
    assert asked == f"EXPLAIN USING JSON {judged.decision.action.sql}"  # type: ignore[union-attr]  # a read runs SQL
    volume = facts_of_judged(judged)["estimate_bytes"]
    assert volume > 0
    told = await entries(scale.database, call_id="call_1", last=5)
    assert [(entry.stage, entry.subject) for entry in told] == [("estimating", "ada")]
    denied = await scale(READS + rule("forbid", f"estimate.bytes >= {volume}"), AMOUNTS)
    assert isinstance(denied.decision, Deny)
    assert denied.decision.code == "forbidden"


async def test_rows_are_estimated_where_a_rule_asks_for_rows(scale: Scale) -> None:
    small = await scale(rule("permit", "estimate.rows < 100000000"), AMOUNTS)
    assert isinstance(small.decision, Permit)
    rows = small.circumstances.estimate.rows
    assert rows is not None
    joined = "SELECT a.amount FROM orders a JOIN orders b ON a.order_id = b.order_id"
    both = await scale(rule("permit", "estimate.rows < 100000000"), joined)
    assert both.circumstances.estimate.rows == 2 * rows
    large = await scale(rule("permit", f"estimate.rows < {rows}"), AMOUNTS)
    assert isinstance(large.decision, Deny)


async def test_an_estimate_takes_values_of_parameters(scale: Scale) -> None:
    judged = await scale(READS + rule("hold", "estimate.rows > 0"), AMOUNTS + " WHERE amount > ?", values=[0])
    assert isinstance(judged.decision, Hold)


@pytest.mark.parametrize(
    ("sql", "decision"),
    [
        ("UPDATE tickets SET status = 'x' WHERE status = 'NEW'", Permit),
        ("DELETE FROM tickets WHERE status = 'NEW'", Permit),
        ("INSERT INTO tickets (status) SELECT 'x' FROM TABLE(GENERATOR(ROWCOUNT => 1000000000))", Hold),
        ("INSERT INTO tickets (status) SELECT a.status FROM tickets a, tickets b", Hold),
        ("MERGE INTO tickets USING orders ON FALSE WHEN NOT MATCHED THEN INSERT (status) VALUES ('x')", Hold),
    ],
)
async def test_rows_of_a_write_are_known_only_where_what_it_scans_bounds_them(
    scale: Scale, sql: str, decision: type[Permit | Hold]
) -> None:
    writes = '  - {id: writes, effect: permit, who: {anyone: true}, verbs: [write], tables: ["CRM.PUBLIC.*"]}\n'
    bulk = rule("hold", "estimate.rows > 100000000").replace("verbs: [read]", "verbs: [write]")
    judge = Judge(
        Engine(
            load(POLICY.replace("warehouse:", "write_role: STEWARD_RW, warehouse:") + READS + writes + bulk), CATALOG
        )
    )
    wanted = Sql(sql, (), "because", is_write=True)
    stella = replace(ADA, subject=Subject("stella"))
    judged = await scale.weighing(CallId("call_1"), judge, stella, wanted, judge.parse(wanted))
    assert isinstance(judged.decision, decision)


async def test_what_is_denied_anyway_is_not_asked_about(scale: Scale) -> None:
    before = len(scale.explained())
    judged = await scale(rule("hold", "estimate.bytes > 1") + rule("forbid", "true", id="never"), AMOUNTS)
    assert isinstance(judged.decision, Deny)
    assert len(scale.explained()) == before


async def test_what_cannot_be_estimated_never_permits(scale: Scale) -> None:
    unknown = "SELECT * FROM TABLE(SPLIT_TO_TABLE('a', ',')) s, orders"  # the look-alike cannot explain it
    permitted = await scale(rule("permit", "estimate.bytes >= 0"), unknown)
    assert permitted.circumstances.estimate == Estimate()
    assert isinstance(permitted.decision, Deny)
    held = await scale(READS + rule("hold", "estimate.bytes > 1000000000"), unknown)
    assert isinstance(held.decision, Hold)


SENSITIVE = READS + rule("forbid", "'CRM.PUBLIC.CUSTOMERS' in session.tables", tables="CRM.PUBLIC.ORDERS")


async def test_a_session_remembers_what_it_read_and_other_sessions_do_not(scale: Scale) -> None:
    assert isinstance((await scale(SENSITIVE, AMOUNTS)).decision, Permit)
    assert isinstance((await scale(SENSITIVE, NAMES)).decision, Permit)
    again = await scale(SENSITIVE, AMOUNTS)
    assert isinstance(again.decision, Deny)
    facts = facts_of_judged(again)
    assert facts["session_tables"] == ["CRM.PUBLIC.CUSTOMERS", "CRM.PUBLIC.ORDERS"]
    assert (facts["session_statements"], facts["session_refusals"]) == (2, 0)
    assert isinstance((await scale(SENSITIVE, AMOUNTS, replace(ADA, sign_in="sign-in-2"))).decision, Permit)
    elsewhere = replace(ADA, issuer="https://other.example")
    assert isinstance((await scale(SENSITIVE, AMOUNTS, elsewhere)).decision, Permit)


async def test_a_decision_is_made_again_from_what_was_recorded_of_it(scale: Scale) -> None:
    rules = SENSITIVE + rule("hold", "estimate.bytes > 1", id="bytes")
    for sql in (AMOUNTS, NAMES, AMOUNTS):
        judged = await scale(rules, sql)
        facts = facts_of_judged(judged) | facts_of_principal(ADA)
        again = judge_again(facts["inputs"], facts, judged.engine)
        assert (again.decision, again.circumstances) == (judged.decision, judged.circumstances)


async def test_only_classes_met_in_clear_are_remembered(scale: Scale) -> None:
    rules = READS + rule("forbid", "'money' in session.classifications", tables="CRM.PUBLIC.TICKETS")
    status = "SELECT status FROM tickets"
    eve = replace(ADA, subject=Subject("eve"), sign_in="eve-1")
    await scale(rules, AMOUNTS, eve)  # masked for her
    assert isinstance((await scale(rules, status, eve)).decision, Permit)
    await scale(rules, AMOUNTS)
    assert isinstance((await scale(rules, status)).decision, Deny)


async def test_refusals_and_rows_are_counted(scale: Scale) -> None:
    rules = READS + rule("forbid", "session.refusals >= 2 || session.rows > 10")
    histories = scale.weighing.histories
    await scale(rules, AMOUNTS)
    await histories.returned(ADA, 10)
    assert isinstance((await scale(rules, "SELECT nothing FROM orders")).decision, Deny)
    assert isinstance((await scale(rules, AMOUNTS)).decision, Permit)
    await histories.returned(ADA, 1)
    assert isinstance((await scale(rules, AMOUNTS)).decision, Deny)
    names = frozenset({"CRM.PUBLIC.ORDERS"}), frozenset({"money"})
    assert (await histories.of(ADA)).history == History(2, 2, 11, *names)


async def test_of_two_statements_at_once_the_second_is_decided_knowing_of_the_first(scale: Scale) -> None:
    rules = READS + rule("forbid", "session.statements >= 1")
    judged: list[Judged] = []

    async def ask() -> None:
        judged.append(await scale(rules, AMOUNTS))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)
    assert sorted(type(each.decision).__name__ for each in judged) == ["Deny", "Deny", "Permit"]


async def test_another_token_of_a_sign_in_without_a_name_is_no_new_beginning(scale: Scale) -> None:
    first, second = (replace(ADA, session=token, sign_in="") for token in ("token-1", "token-2"))
    assert isinstance((await scale(SENSITIVE, AMOUNTS, first)).decision, Permit)
    await scale(SENSITIVE, NAMES, first)
    await scale.weighing.histories.returned(first, 3)
    assert isinstance((await scale(SENSITIVE, AMOUNTS, second)).decision, Deny)
    known = (await scale.weighing.histories.of(second)).history
    assert known is not None
    assert (known.statements, known.refusals, known.rows) == (2, 1, 3)
    for other in (replace(second, actor="another agent"), replace(second, subject=Subject("eve")), ADA):
        assert isinstance((await scale(SENSITIVE, AMOUNTS, other)).decision, Permit)


@pytest.mark.parametrize(("days", "decision"), [(1, Deny), (2, Permit)])
async def test_a_session_without_a_name_is_that_of_today_and_yesterday(days: int, decision: type, scale: Scale) -> None:
    nameless = replace(ADA, sign_in="")
    await scale(SENSITIVE, NAMES, nameless)
    older = "update gate.session_history set session = split_part(session, '@', 1) || '@' || "
    older += f"(split_part(session, '@', 2)::bigint - {days})"
    async with scale.database.begin() as connection:
        await connection.execute(text(older))
    assert isinstance((await scale(SENSITIVE, AMOUNTS, nameless)).decision, decision)
    again = await scale(SENSITIVE, AMOUNTS, nameless)
    assert isinstance(again.decision, decision)
    assert await scale.histories() == 2


async def test_a_history_that_is_too_long_is_not_known_any_more(scale: Scale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories_module, "NAMES_MAX", 2)
    await scale(SENSITIVE, AMOUNTS)
    await scale(SENSITIVE, "SELECT status FROM tickets")
    judged = await scale(SENSITIVE, AMOUNTS)
    assert judged.circumstances.history is None
    assert isinstance(judged.decision, Deny)


async def test_without_the_database_nothing_is_decided_by_history(scale: Scale) -> None:
    async with scale.database.begin() as connection:
        await connection.execute(text("alter table gate.session_history rename to elsewhere"))
    with pytest.raises(HistoryUnavailable):
        await scale(SENSITIVE, AMOUNTS)
    assert isinstance((await scale(READS, AMOUNTS)).decision, Permit)


@pytest.mark.parametrize("who", [ADA, replace(ADA, sign_in="")])
async def test_what_an_earlier_version_kept_of_a_session_goes_on_to_count(who: Principal, scale: Scale) -> None:
    kept = "insert into gate.session_history (issuer, session, statements, refusals, rows, tables, classifications, "
    kept += "version) values ('https://issuer.example', 'sign-in-1', 100, 1, 900, '{D.S.PAY}', '{pii}', 7)"
    async with scale.database.begin() as connection:
        await connection.execute(text(kept))
    histories = scale.weighing.histories
    assert (await histories.of(who)).history == History(100, 1, 900, frozenset({"D.S.PAY"}), frozenset({"pii"}))
    await scale(READS + rule("forbid", "session.statements >= 200"), AMOUNTS, who)
    known = (await histories.of(who)).history
    assert known is not None
    assert (known.statements, known.rows) == (101, 900)
    others = (await histories.of(replace(who, session="sign-in-2", sign_in="sign-in-2"))).history
    assert others == History()
