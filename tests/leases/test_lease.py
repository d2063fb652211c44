"""A lease runs exactly what was cleared, and a call that ends early ends its statement in Snowflake too."""

import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import anyio
import pytest
from joserfc.jwk import RSAKey

from policy.decision import LimitRows, Permit, RuleId, RunSql
from policy.engine import Provenance
from policy.principal import Principal, Subject
from policy.statement import Verb
from server import leases as leases_module
from server.credentials import ExternalOAuth
from server.leases import Leases
from server.line import CallId, Cleared
from server.pool import PoolLimits, SessionPool, open_pool
from server.raw import RawRows
from server.refusals import StatementFailed, StatementTimedOut
from server.warehouse import Account
from tests.support.stub_snowflake import StubSnowflake, failure, numbers, stub_snowflake
from tools.contract import Sql

SQL = 'SELECT "N" FROM "DB"."S"."T"'
KEY = RSAKey.generate_key(2048)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubSnowflake]:
    monkeypatch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    with stub_snowflake() as running:
        yield running


@pytest.fixture
async def pool(stub: StubSnowflake) -> AsyncGenerator[SessionPool]:
    credentials = ExternalOAuth("https://gate", "https://snow", KEY)
    with anyio.fail_after(40):
        async with open_pool(Account("acct", "127.0.0.1", stub.port, "http"), credentials, PoolLimits()) as opened:
            yield opened


def cleared(statement_timeout_s: int = 30) -> Cleared:
    run = RunSql(SQL, Verb.READ, "READER", "WH", rows_max=5, statement_timeout_s=statement_timeout_s)
    permit = Permit(frozenset({RuleId("r")}), run, frozenset({LimitRows(5)}))
    who = Principal(Subject("ada"), "claude", "iss")
    wanted = Sql("select n from t -- the agent's own text", (), "because", is_write=False)
    return Cleared(CallId("call_1"), who, wanted, permit, Provenance("p1", "c1", "sqlglot"))


async def run(pool: SessionPool, what: Cleared) -> RawRows:
    async with Leases(pool)(what) as lease:
        raw = await lease.execute(what, None)
    assert isinstance(raw, RawRows)
    return raw


async def test_only_the_permitted_sql_runs_and_its_tag_leads_back_to_the_call(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    await run(pool, cleared())
    [request] = stub.requests
    assert request["sqlText"] == SQL
    tag = json.loads(request["parameters"]["QUERY_TAG"])
    assert tag == {"snowgate_call": "call_1", "subject": "ada", "actor": "claude"}


async def test_a_cancelled_call_cancels_its_statement_and_its_session_is_not_used_again(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    began = anyio.Event()
    loop_token = anyio.lowlevel.current_token()

    def hang(_: dict[str, Any]) -> dict[str, Any]:
        anyio.from_thread.run_sync(began.set, token=loop_token)
        stub.hang.wait(20)
        return failure(604, "SQL execution canceled", "57014")

    stub.answers[SQL] = hang
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, cleared())
        await began.wait()
        tasks.cancel_scope.cancel()
    [cancel] = [r for r in stub.requests if r["sqlText"].startswith("SELECT SYSTEM$CANCEL_ALL_QUERIES")]
    assert cancel["bindings"]["1"]["value"] == "1001"
    del stub.answers[SQL]
    await run(pool, cleared())
    assert len(stub.logins) == 3  # the call's, the one that cancelled, and a fresh one


async def test_a_statement_that_cannot_be_stopped_keeps_its_session_from_everybody_else(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    began = anyio.Event()
    loop_token = anyio.lowlevel.current_token()

    def hang(_: dict[str, Any]) -> dict[str, Any]:
        anyio.from_thread.run_sync(began.set, token=loop_token)
        stub.hang.wait(20)
        return numbers(1)

    stub.answers[SQL] = hang
    async with anyio.create_task_group() as tasks:  # a refusal in the place of the cancellation would leave it
        tasks.start_soon(run, pool, cleared())
        await began.wait()
        stub.login_answer = failure(390144, "JWT token is invalid.", "28000")
        tasks.cancel_scope.cancel()
    stub.hang.set()
    stub.login_answer = None
    del stub.answers[SQL]
    await run(pool, cleared())
    assert len(stub.logins) == 3  # the call's, the one that was to cancel, and a fresh one


async def test_a_statement_that_overruns_is_stopped_by_the_gate_itself(
    pool: SessionPool, stub: StubSnowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases_module, "OVERTIME_S", 0.2)

    def hang(_: dict[str, Any]) -> dict[str, Any]:
        stub.hang.wait(20)
        return failure(604, "SQL execution canceled", "57014")

    stub.answers[SQL] = hang
    with pytest.raises(StatementTimedOut):
        await run(pool, cleared(statement_timeout_s=0))
    assert stub.hang.is_set()


async def test_who_asked_for_progress_hears_of_it_and_still_gets_the_refusal(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    told: list[float] = []

    async def progress(elapsed_s: float, _: str) -> None:
        told.append(elapsed_s)

    what = cleared()
    async with Leases(pool)(what) as lease:
        await lease.execute(what, progress)
    stub.answers[SQL] = lambda _: failure(100051, "Division by zero")
    with pytest.raises(StatementFailed):
        async with Leases(pool)(what) as lease:
            await lease.execute(what, progress)
    assert len(told) >= 2


async def test_a_failed_statement_gives_its_session_back(pool: SessionPool, stub: StubSnowflake) -> None:
    stub.answers[SQL] = lambda _: failure(100051, "Division by zero")
    with pytest.raises(StatementFailed):
        await run(pool, cleared())
    stub.answers[SQL] = lambda _: numbers(2)
    assert len((await run(pool, cleared())).rows) == 2
    assert len(stub.logins) == 1


async def test_many_calls_at_once_each_have_a_session_of_their_own(pool: SessionPool, stub: StubSnowflake) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(16):
            tasks.start_soon(run, pool, cleared())
    assert len(stub.statements) == 16
    assert len(stub.logins) <= 16
