"""A gate that is killed in the middle of a statement leaves nothing alive in Snowflake, once another has started."""

import signal
from contextlib import closing

import anyio
import psycopg
import pytest

from server.bootstrap import BROKERS
from server.brokers.administrator import Administrator, KeyPairs
from server.brokers.signing import private_key_of, read_signing_key
from server.refusals import StatementFailed
from server.sandbox import account
from server.sandbox.database_logins import make_logins
from server.sandbox.run import Sandbox
from server.sandbox.state import LOOPBACK
from server.warehouse import Account
from tests.faults.test_outages import Calls
from tests.support.clients import Gate
from tests.support.databases import driver_dsn
from tests.support.gates import serving
from tests.support.sandbox import connection, rows
from tests.support.watching import eventually

ENDED_WITH_ITS_SESSION = "390111"


def settings_of(gate: Gate, broker: str, database_url: str) -> dict[str, str]:
    return {
        "SNOWGATE_RESOURCE": gate.sandbox.state.resource_url,
        **make_logins(database_url),
        "SNOWGATE_SNOWFLAKE_BROKER": broker,
        "SNOWGATE_SNOWFLAKE_BROKER_USER": account.BROKER_USER,
        "SNOWGATE_SNOWFLAKE_BROKER_ROLE": account.BROKER_ROLE,
        "SNOWGATE_SNOWFLAKE_BROKER_KEY_FILE": str(gate.sandbox.state.broker_key_file),
        "SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES": LOOPBACK,
    }


def left_in(database_url: str) -> list[tuple[str, str, str | None]]:
    with psycopg.connect(driver_dsn(database_url)) as db:
        return db.execute("select session_id, broker, handle from gate.lease where issuer <> ''").fetchall()


def a_while_passes(database_url: str) -> None:
    with psycopg.connect(driver_dsn(database_url)) as db:
        db.execute("update gate.lease set seen_at = seen_at - interval '10 minutes'")


def is_a_user(sandbox: Sandbox, name: str) -> bool:
    state = sandbox.state
    own = KeyPairs(account.BROKER_USER, private_key_of(read_signing_key(state.broker_key_file)))
    where = Account(account.ACCOUNT_NAME, LOOPBACK, state.ports.snowflake, "http")
    with closing(Administrator(where, own, account.BROKER_ROLE, account.WAREHOUSE)) as admin:
        try:
            admin.run(f'SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER "{name}"')
        except StatementFailed:
            return False
        return True


@pytest.mark.parametrize(
    ("broker", "submits"), [*((broker, "false") for broker in BROKERS), ("external_oauth", "true")]
)
async def test_what_a_killed_gate_left_in_snowflake_is_gone_when_another_has_started(
    gate: Gate, broker: str, submits: str, database_url: str, free_tcp_port: int
) -> None:
    sandbox, mark = gate.sandbox, f"killed by {broker} {submits}"
    sql = f"SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> '{mark}'"
    await sandbox.lookalike.delay_next(mark, 60)
    settings = settings_of(gate, broker, database_url) | {"SNOWGATE_SNOWFLAKE_SUBMITS": submits}
    async with serving(sandbox, port=free_tcp_port, **settings) as process, anyio.create_task_group() as tasks:
        tasks.start_soon(Calls(gate, free_tcp_port).attempt, {"sql": sql, "purpose": "to be cut off"})
        await eventually(lambda: any(mark in each.sql for each in sandbox.lookalike.queries()), within_s=30)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        tasks.cancel_scope.cancel()
    [(session_id, _, handle)] = left_in(database_url)
    a_while_passes(database_url)
    async with serving(sandbox, port=free_tcp_port, **settings):
        await eventually(lambda: left_in(database_url) == [], within_s=40)
    [ran] = [each for each in sandbox.lookalike.queries() if mark in each.sql]
    assert (ran.session_id, ran.error_code) == (int(session_id), ENDED_WITH_ITS_SESSION)
    with connection(sandbox.state, account.CATALOG_USER, account.CATALOG_ROLE) as own:
        assert "does not exist" in rows(own, f"select system$abort_session({session_id})")[0][0]
    if broker == "ephemeral_user":
        assert handle is not None
        assert not is_a_user(sandbox, handle)
