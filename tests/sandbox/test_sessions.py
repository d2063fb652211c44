"""Sessions of the look-alike: whose they are, how they are renewed, how they end."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from snowflake.connector.errors import Error

from server.sandbox.account import public_pem_of, sandbox_account
from server.sandbox.logins import Login
from server.sandbox.replies import SnowflakeError
from server.sandbox.run import Sandbox
from server.sandbox.sessions import Session, Sessions
from tests.support.sandbox import connection, rows


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(token_ttl_s=60, master_ttl_s=240, clock=clock)


@pytest.fixture
def opened(sessions: Sessions, sandbox: Sandbox) -> Session:
    state = sandbox.state
    account = sandbox_account(public_pem_of(state.lease_key_file), public_pem_of(state.broker_key_file))
    ada = account.user("ada")
    assert ada is not None
    return sessions.open(Login(ada, account.role("ANALYST_RO")), "GATE_WH", {})


def test_an_expired_session_token_asks_for_renewal(sessions: Sessions, opened: Session, clock: Clock) -> None:
    assert sessions.of_token(opened.token) is opened
    clock.now += 60
    with pytest.raises(SnowflakeError) as refused:
        sessions.of_token(opened.token)
    assert refused.value.code == "390112"


def test_renewal_replaces_the_session_token(sessions: Sessions, opened: Session, clock: Clock) -> None:
    old = opened.token
    clock.now += 60
    assert sessions.renew(opened.master_token, old) is opened
    assert sessions.of_token(opened.token) is opened
    with pytest.raises(SnowflakeError) as refused:
        sessions.of_token(old)
    assert refused.value.code == "390111"


def test_an_expired_master_token_renews_nothing(sessions: Sessions, opened: Session, clock: Clock) -> None:
    clock.now += 240
    with pytest.raises(SnowflakeError) as refused:
        sessions.renew(opened.master_token, opened.token)
    assert refused.value.code == "390114"


def test_a_master_token_does_not_renew_another_session(sessions: Sessions, opened: Session) -> None:
    other = sessions.open(opened.login, "", {})
    with pytest.raises(SnowflakeError) as refused:
        sessions.renew(opened.master_token, other.token)
    assert refused.value.code == "390111"


def test_a_closed_session_has_no_token_that_works(sessions: Sessions, opened: Session) -> None:
    sessions.close(opened)
    with pytest.raises(SnowflakeError) as dead:
        sessions.of_token(opened.token)
    with pytest.raises(SnowflakeError) as unrenewable:
        sessions.renew(opened.master_token, opened.token)
    assert (dead.value.code, unrenewable.value.code) == ("390111", "390114")


def test_an_aborted_session_is_gone_for_its_owner(sandbox: Sandbox) -> None:
    with connection(sandbox.state) as victim, connection(sandbox.state) as control:
        rows(control, f"select system$abort_session({victim.session_id})")
        with pytest.raises(Error) as refused:
            rows(victim, "select 1")
        assert refused.value.errno == 390111
        assert rows(control, "select 1") == [(1,)]


def test_nobody_aborts_the_session_of_another_user(sandbox: Sandbox) -> None:
    with connection(sandbox.state, "ADA") as victim, connection(sandbox.state, "EMIL") as stranger:
        with pytest.raises(Error) as refused:
            rows(stranger, f"select system$abort_session({victim.session_id})")
        assert refused.value.errno == 3001
        assert rows(victim, "select 1") == [(1,)]


def test_a_role_that_operates_the_warehouse_aborts_any_session(sandbox: Sandbox) -> None:
    with (
        connection(sandbox.state) as victim,
        connection(sandbox.state, "SNOWGATE_CATALOG", "CATALOG_RO") as operator,
    ):
        rows(operator, f"select system$abort_session({victim.session_id})")
        with pytest.raises(Error) as refused:
            rows(victim, "select 1")
        assert refused.value.errno == 390111


def test_a_session_keeps_the_role_of_its_token(sandbox: Sandbox) -> None:
    with connection(sandbox.state) as session:
        with pytest.raises(Error) as refused:
            rows(session, "use role ANALYST_RW")
        assert refused.value.errno == 3001
        assert rows(session, "select current_role()") == [("ANALYST_RO",)]


def test_a_transaction_is_seen_by_others_only_after_its_commit(sandbox: Sandbox) -> None:
    count = "select count(*) from CRM.PUBLIC.ORDERS where STATUS = 'CHECKED'"
    with connection(sandbox.state, "STELLA", "STEWARD_RW") as writer, connection(sandbox.state) as reader:
        rows(writer, "begin")
        rows(writer, "update CRM.PUBLIC.ORDERS set STATUS = 'CHECKED' where ORDER_ID = 50002")
        assert (rows(writer, count), rows(reader, count)) == ([(1,)], [(0,)])
        rows(writer, "rollback")
        assert rows(writer, count) == [(0,)]


def test_an_open_transaction_dies_with_its_session(sandbox: Sandbox) -> None:
    with connection(sandbox.state) as reader:
        before = rows(reader, "select count(*) from CRM.PUBLIC.TICKETS")
    with connection(sandbox.state, "STELLA", "STEWARD_RW") as writer:
        rows(writer, "begin")
        rows(writer, "delete from CRM.PUBLIC.TICKETS")
    with connection(sandbox.state) as reader:
        assert rows(reader, "select count(*) from CRM.PUBLIC.TICKETS") == before != [(0,)]


@pytest.mark.parametrize(
    ("token", "code"), [("", "390103"), ("made up", "390111")], ids=["no token", "a token that nobody issued"]
)
def test_a_request_without_a_living_token_is_refused(sandbox: Sandbox, token: str, code: str) -> None:
    headers = {"authorization": f'Snowflake Token="{token}"'} if token else {}
    for path in ("/queries/v1/query-request", "/session", "/queries/v1/abort-request", "/queries/x/result"):
        assert _post(sandbox, path, headers, {"sqlText": "select 1"})["code"] == code


def test_junk_is_answered_and_not_crashed_on(sandbox: Sandbox) -> None:
    for junk in (b"", b"{", b"[]", b"\x00\xff", b'{"data": 3}', b'{"data": {"TOKEN": 7, "AUTHENTICATOR": "OAUTH"}}'):
        answer = httpx2.post(f"{sandbox.lookalike.url}/session/v1/login-request", content=junk)
        assert answer.status_code in (200, 400)
        assert answer.json()["success"] is False


def _post(sandbox: Sandbox, path: str, headers: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    answer = httpx2.post(f"{sandbox.lookalike.url}{path}", headers=headers, json=body)
    found: dict[str, Any] = answer.json()
    return found


def test_the_look_alike_listens_on_loopback_alone(sandbox: Sandbox) -> None:
    listening = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    port = f":{sandbox.state.ports.snowflake:04X}"
    bound = {line.split()[1] for line in listening if line.split()[1].endswith(port) and line.split()[3] == "0A"}
    assert bound == {f"0100007F{port}"}


def test_a_session_stops_its_own_statement_and_lives_on(sandbox: Sandbox) -> None:
    with connection(sandbox.state) as session, session.cursor() as cursor:
        cursor.execute_async("select system$wait(30)")
        rows(session, f"select system$cancel_all_queries({session.session_id})")
        with pytest.raises(Error) as stopped:
            cursor.get_results_from_sfqid(cursor.sfqid)
        assert "604" in str(stopped.value)
        assert rows(session, "select 1") == [(1,)]


def test_a_user_sees_the_history_of_their_own_sessions_alone_and_an_operator_of_all(sandbox: Sandbox) -> None:
    asked = (
        "SELECT QUERY_TYPE, QUERY_TAG, EXECUTION_STATUS FROM TABLE("
        '"CRM".INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION(SESSION_ID => {}, RESULT_LIMIT => 5))'
    )
    with connection(sandbox.state) as ada, connection(sandbox.state, "EMIL") as emil:
        rows(ada, "begin", _statement_params={"QUERY_TAG": "t1"})
        rows(ada, "commit", _statement_params={"QUERY_TAG": "t1"})
        with connection(sandbox.state) as other:
            shown = rows(other, asked.format(ada.session_id))
        assert shown == [("COMMIT", "t1", "SUCCESS"), ("BEGIN_TRANSACTION", "t1", "SUCCESS")]
        assert rows(emil, asked.format(ada.session_id)) == []
        with connection(sandbox.state, "SNOWGATE_CATALOG", "CATALOG_RO") as operator:
            assert rows(operator, asked.format(ada.session_id)) == shown
