"""A lease runs exactly what was cleared, and a call that ends early ends its statement in Snowflake too."""

import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from audit.journal import open_journal
from audit.note import new_signer
from audit.sealing import Sealer
from policy.decision import LimitRows, Permit, RuleId, RunSql
from policy.engine import Provenance
from policy.principal import Principal, Subject
from policy.statement import Verb
from server import leases as leases_module
from server.database import open_engine
from server.leases import Leases, order_of
from server.line import CallId, Cleared
from server.pool import PoolLimits, SessionPool, open_pool
from server.raw import RawRows
from server.refusals import (
    OutcomeUnknown,
    Refusal,
    Revoked,
    SnowflakeUnavailable,
    StatementFailed,
    StatementTimedOut,
)
from tests.support.decided import decided
from tests.support.stub_snowflake import (
    BROKER,
    LOST,
    Answer,
    StubSnowflake,
    affected,
    failure,
    numbers,
    texts,
)
from tests.support.watching import eventually
from tools.contract import Sql

SQL = 'SELECT "N" FROM "DB"."S"."T"'

AT_ONCE, SUBMITTED = "at once", "submitted"
both_ways = pytest.mark.parametrize("journal_url", [AT_ONCE, SUBMITTED], indirect=True)


@pytest.fixture
def journal_url(request: pytest.FixtureRequest) -> str | None:
    """Where the ids of statements are journaled, if these are submitted."""
    is_submitted = getattr(request, "param", AT_ONCE) == SUBMITTED
    return str(request.getfixturevalue("database_url")) if is_submitted else None


@pytest.fixture
async def pool(stub: StubSnowflake, journal_url: str | None) -> AsyncGenerator[SessionPool]:
    with anyio.fail_after(40):
        async with AsyncExitStack() as stack:
            journal = None
            if journal_url is not None:
                database = await stack.enter_async_context(open_engine(journal_url))
                keys = Sealer(b"k" * 32, "test"), new_signer("test/writer")
                journal = await stack.enter_async_context(open_journal(database, *keys))
            yield await stack.enter_async_context(open_pool(stub.account, BROKER, PoolLimits(), journal=journal))


class Began:
    """Hears in this event loop that the stub has begun to answer."""

    def __init__(self) -> None:
        self.event = anyio.Event()
        self._token = anyio.lowlevel.current_token()

    def tell(self) -> None:
        anyio.from_thread.run_sync(self.event.set, token=self._token)

    def hanging(self, stub: StubSnowflake, then: dict[str, Any] | None = None) -> Answer:
        """Tells that it has begun, and waits to be stopped."""

        def hang(_: dict[str, Any]) -> dict[str, Any]:
            self.tell()
            stub.hang.wait(20)
            return then or failure(604, "SQL execution canceled", "57014")

        return hang


def cleared(statement_timeout_s: int = 30, verb: Verb = Verb.READ, sql: str = SQL) -> Cleared:
    """What may run, decided already."""
    run = RunSql(sql, verb, "READER", "WH", rows_max=5, statement_timeout_s=statement_timeout_s)
    permit = Permit(frozenset({RuleId("r")}), run, frozenset({LimitRows(5)}))
    who = Principal(Subject("ada"), "claude", "iss")
    wanted = Sql("select n from t -- the agent's own text", (), "because", is_write=False)
    return Cleared(CallId("call_1"), who, wanted, permit, Provenance("p1", "c1", "sqlglot"), decided)


async def run(pool: SessionPool, what: Cleared) -> RawRows:
    async with Leases(pool, "DB")(what) as lease:
        raw = await lease.execute(what, None)
    assert isinstance(raw, RawRows)
    return raw


@both_ways
async def test_only_the_permitted_sql_runs_and_its_tag_leads_back_to_the_call(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    await run(pool, cleared())
    [request] = stub.requests
    assert request["sqlText"] == SQL
    tag = json.loads(request["parameters"]["QUERY_TAG"])
    assert tag == {"snowgate_call": "call_1", "subject": "ada", "actor": "claude"}


@both_ways
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
    assert len(stub.logins) == 2  # the call's and a fresh one: a session stops its own statement


@both_ways
async def test_a_statement_that_its_session_cannot_stop_is_ended_with_its_session(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    began = Began()
    stub.answers[SQL] = began.hanging(stub)
    stub.deaf_to, stub.submissions.is_deaf = "SYSTEM$CANCEL_ALL_QUERIES", True
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, pool, cleared())
        await began.event.wait()
        tasks.cancel_scope.cancel()
    [abort] = [r for r in stub.requests if r["sqlText"].startswith("SELECT SYSTEM$ABORT_SESSION")]
    assert abort["bindings"]["1"]["value"] == "1001"
    assert len(stub.logins) == 2


@both_ways
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
        stub.deaf_to, stub.submissions.is_deaf = "SYSTEM$", True
        tasks.cancel_scope.cancel()
    stub.hang.set()
    stub.login_answer = None
    assert stub.logins
    del stub.answers[SQL]
    await run(pool, cleared())
    assert len(stub.logins) == 3  # the call's, the one that was to cancel, and a fresh one


@both_ways
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


@both_ways
async def test_who_asked_for_progress_hears_of_it_and_still_gets_the_refusal(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    told: list[float] = []

    async def progress(elapsed_s: float, _: str) -> None:
        told.append(elapsed_s)

    what = cleared()
    async with Leases(pool, "DB")(what) as lease:
        await lease.execute(what, progress)
    stub.answers[SQL] = lambda _: failure(100051, "Division by zero")
    with pytest.raises(StatementFailed):
        async with Leases(pool, "DB")(what) as lease:
            await lease.execute(what, progress)
    assert len(told) >= 2


@both_ways
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


@both_ways
async def test_a_revoked_caller_is_refused_and_what_runs_is_stopped(pool: SessionPool, stub: StubSnowflake) -> None:
    began = Began()
    stub.answers[SQL] = began.hanging(stub)
    refused: list[str] = []

    async def call() -> None:
        try:
            await run(pool, cleared())
        except Revoked as refusal:
            refused.append(refusal.code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await began.event.wait()
        assert await pool.revoke(owner=("iss", "ada")) == 1
    assert refused == ["revoked"]
    assert any(sql.startswith("SELECT SYSTEM$CANCEL_ALL_QUERIES") for sql in stub.statements)
    await eventually(lambda: stub.ended == 1)
    assert stub.statements.count(SQL) == 1


async def test_a_read_in_a_session_that_snowflake_has_ended_goes_on_in_another_once(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    stub.answers[SQL] = lambda _: failure(390111, "Session no longer exists.") if len(stub.logins) < 2 else numbers(3)
    assert len((await run(pool, cleared())).rows) == 3
    assert len(stub.logins) == 2
    stub.answers[SQL] = lambda _: failure(390111, "Session no longer exists.")
    with pytest.raises(SnowflakeUnavailable):
        await run(pool, cleared())
    assert len(stub.logins) == 3


async def test_a_read_whose_session_was_ended_while_it_ran_is_not_sent_again(
    pool: SessionPool, stub: StubSnowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has ended it on purpose: an administrator, or whoever disabled its user."""
    monkeypatch.setattr(leases_module, "RETRY_WITHIN_S", 0.0)
    stub.answers[SQL] = lambda _: failure(390111, "Session no longer exists.", "08001")
    with pytest.raises(SnowflakeUnavailable):
        await run(pool, cleared())
    assert len(stub.requests) == 1


async def test_a_read_whose_answer_was_lost_is_never_sent_again(pool: SessionPool, stub: StubSnowflake) -> None:
    stub.answers[SQL] = lambda _: LOST
    with pytest.raises(SnowflakeUnavailable):
        await run(pool, cleared())
    assert stub.statements == [SQL]


@both_ways
async def test_a_write_in_a_session_that_snowflake_has_ended_is_never_sent_again(
    pool: SessionPool, stub: StubSnowflake
) -> None:
    stub.answers["BEGIN"] = lambda _: failure(390111, "Session no longer exists.")
    with pytest.raises(SnowflakeUnavailable):
        await run(pool, cleared(verb=Verb.UPDATE))
    assert SQL not in stub.statements


@both_ways
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("SUCCESS", None),
        ("FAILED_WITH_ERROR", StatementFailed),
        (None, StatementFailed),
        ("RUNNING", OutcomeUnknown),
        ("not for us to see", OutcomeUnknown),
    ],
)
async def test_a_commit_whose_answer_was_lost_is_asked_for_and_not_made_again(
    pool: SessionPool, stub: StubSnowflake, status: str | None, outcome: type[Refusal] | None
) -> None:
    stub.answers |= {SQL: lambda _: affected(1), "COMMIT": lambda _: LOST}
    what = cleared(verb=Verb.UPDATE)
    assert isinstance(what.permit.action, RunSql)
    tag = order_of(what, what.permit.action).tag
    began = [] if status == "not for us to see" else [("BEGIN_TRANSACTION", tag, "SUCCESS", "q-1")]
    history = began if status is None or not began else [("COMMIT", tag, status, "q-3"), *began]
    stub.otherwise = lambda body: texts(history) if "QUERY_HISTORY" in body["sqlText"] else numbers(1)
    if outcome is None:
        assert (await run(pool, what)).rows_affected == 1
    else:
        with pytest.raises(outcome):
            await run(pool, what)
    assert stub.statements.count(SQL) == stub.statements.count("COMMIT") == 1
    ended, asked = stub.requests[-2], stub.requests[-1]
    assert ended["sqlText"].startswith("SELECT SYSTEM$ABORT_SESSION")
    assert ended["bindings"]["1"]["value"] == "1001"
    assert "SESSION_ID => 1001" in asked["sqlText"]


async def test_a_commit_that_cannot_be_asked_for_stays_unknown(pool: SessionPool, stub: StubSnowflake) -> None:
    def lose(_: dict[str, Any]) -> dict[str, Any]:
        stub.login_answer = failure(390144, "JWT token is invalid.", "28000")
        return LOST

    stub.answers |= {SQL: lambda _: affected(1), "COMMIT": lose}
    with pytest.raises(OutcomeUnknown):
        await run(pool, cleared(verb=Verb.UPDATE))
