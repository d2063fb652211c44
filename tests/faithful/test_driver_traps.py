"""What the driver does by itself, or silently does not, and that the gate does not fall into it.

Each was found by running connector 5.2.0. A later one that behaves otherwise shows here first.
"""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr
from snowflake.connector.connection import _connection

from server import warehouse
from server.credentials import AccessToken, Credential, KeyPair, WorkloadToken
from server.refusals import SnowflakeUnavailable
from server.submitting import Submitted
from server.warehouse import LoginRefused, Order, SessionLost, SnowflakeSession
from tests.support.stub_snowflake import BROKEN, StubSnowflake, affected, failure, numbers

SQL = "SELECT 1 AS N"
TOKEN = AccessToken(SecretStr("jwt"))


def session(stub: StubSnowflake, credential: Credential = TOKEN) -> SnowflakeSession:
    return SnowflakeSession(stub.account, credential, role="R", warehouse="W")


def order(sql: str = SQL, **more: Any) -> Order:
    return Order(**{"sql": sql, "parameters": (), "rows_max": 10, "statement_timeout_s": 7, "tag": "t", **more})


def test_a_timeout_given_to_execute_does_nothing_so_the_limit_travels_with_the_statement(stub: StubSnowflake) -> None:
    def late(_: dict[str, Any]) -> dict[str, Any]:
        time.sleep(1.2)
        return numbers(1)

    stub.answers[SQL] = late
    opened = session(stub)
    with opened._connection.cursor() as cursor:
        cursor.execute(SQL, timeout=1)
    opened.run(order())
    opened.close()
    alone, ours = (request.get("parameters") or {} for request in stub.requests)
    assert "STATEMENT_TIMEOUT_IN_SECONDS" not in alone
    assert int(ours["STATEMENT_TIMEOUT_IN_SECONDS"]) == 7


def test_what_the_driver_signs_with_a_key_lives_a_minute(stub: StubSnowflake) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    session(stub, KeyPair("BROKER", key)).close()
    body = stub.logins[0]["TOKEN"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert claims["exp"] - claims["iat"] == 60


def test_a_login_says_what_it_is_and_not_where_its_files_are(
    stub: StubSnowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(_connection), "get_application_path", lambda: "/home/somebody/gate.py")
    monkeypatch.setenv("PATH", "/usr/bin")
    warehouse.prepare_process()
    session(stub).close()
    [login] = stub.logins
    assert login["CLIENT_ENVIRONMENT"]["APPLICATION"] == "snowgate"
    told = json.dumps(login)
    assert "/home/somebody" not in told
    assert str(Path(__file__).parent) not in told


def test_nothing_of_a_login_is_kept_on_disk(
    stub: StubSnowflake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "SF_TEMPORARY_CREDENTIAL_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    session(stub).close()
    assert not any("jwt" in each.read_text(errors="replace") for each in tmp_path.rglob("*") if each.is_file())


def test_an_expired_token_is_tried_once(stub: StubSnowflake) -> None:
    stub.login_answer = failure(390_318, "OAuth access token expired.", "08001")
    with pytest.raises(LoginRefused):
        session(stub)
    assert len(stub.logins) == 1


def test_a_workloads_token_goes_to_no_other_host_than_snowflakes(
    stub: StubSnowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", raising=False)
    with pytest.raises(SnowflakeUnavailable):
        session(stub, WorkloadToken(SecretStr("secret")))
    assert stub.logins == []


@pytest.mark.parametrize("is_write", [False, True], ids=["read", "write"])
def test_what_the_driver_sends_again_by_itself_is_one_statement_to_snowflake(
    stub: StubSnowflake, is_write: bool
) -> None:
    """Six times, after any 5xx, whatever the statement: under one id, by which Snowflake runs it once."""
    sql = "INSERT INTO t VALUES (1)" if is_write else SQL
    stub.answers = {sql: lambda _: BROKEN}
    stub.otherwise = lambda _: affected(0)
    opened = session(stub)
    with pytest.raises(SessionLost) as lost:
        opened.run(order(sql, is_write=is_write))
    assert lost.value.ran  # nobody knows; so the gate sends it no more
    assert not opened.is_usable
    sent = [name for name, each in zip(stub.request_ids, stub.requests, strict=True) if each["sqlText"] == sql]
    assert len(sent) > 1
    assert len(set(sent)) == 1
    opened.close()


def test_a_session_keeps_nothing_alive_by_itself(stub: StubSnowflake) -> None:
    """No heartbeat, and no look at statements when it is closed: each would outlive a lease."""
    opened = session(stub)
    assert opened._connection.client_session_keep_alive is False
    opened.close()
    assert stub.logins[0]["SESSION_PARAMETERS"]["CLIENT_SESSION_KEEP_ALIVE"] == "false"
    assert stub.statements == []
    assert stub.ended == 1


def test_a_statement_that_still_runs_comes_back_without_columns_and_not_as_an_error(stub: StubSnowflake) -> None:
    stub.answers[SQL] = lambda _: numbers(int(stub.hang.wait(20)))
    opened = session(stub)
    with opened._connection.cursor() as cursor:
        query_id = str(cursor.execute_async(SQL)["queryId"])
        assert cursor.query_result(query_id).description is None
        stub.hang.set()
        assert cursor.query_result(query_id).description is not None
    opened.close()
    assert stub.statements == [SQL]


def test_a_session_that_is_closed_is_ended_though_what_was_submitted_in_it_still_runs(stub: StubSnowflake) -> None:
    """Left to itself the driver looks, and keeps such a session alive in Snowflake."""
    stub.answers[SQL] = lambda _: numbers(int(stub.hang.wait(20)))
    opened = session(stub)
    with opened._connection.cursor() as cursor:
        cursor.execute_async(SQL)
    assert opened.close()
    assert stub.ended == 1
    assert stub.submissions.asked == []


def test_why_a_submission_was_refused_is_not_told_so_that_it_is_not_sent_again(stub: StubSnowflake) -> None:
    stub.submissions.refuse = failure(390111, "Session no longer exists.", "08001")
    opened, told = session(stub), list[str]()
    with pytest.raises(SessionLost) as lost:
        opened.run(order(), Submitted(told.append, lambda: True))
    assert (lost.value.facts["driver_errno"], lost.value.ran, told) == (6, True, [])
    opened.close()


def test_the_driver_is_the_one_that_these_were_found_with() -> None:
    assert snowflake.connector.__version__.split(".")[0] == "5"
