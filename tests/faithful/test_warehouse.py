"""What the real driver does on the wire for one statement, and what comes back of it."""

import threading
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr
from snowflake.connector._internal import decorators

from server.credentials import AccessToken
from server.raw import RawRows
from server.refusals import OutcomeUnknown, Refusal, SnowflakeUnavailable, StatementFailed, StatementTimedOut
from server.warehouse import Order, SnowflakeSession
from tests.support.stub_snowflake import LOST, StubSnowflake, affected, column, failure, numbers, rowset

SQL = "SELECT 1 AS N"


def session(stub: StubSnowflake) -> SnowflakeSession:
    return SnowflakeSession(stub.account, AccessToken(SecretStr("jwt")), role="READER", warehouse="WH")


def run(stub: StubSnowflake, answer: dict[str, Any], **order: Any) -> RawRows:
    stub.answers[SQL] = lambda _: answer
    opened = session(stub)
    try:
        return opened.run(_order(**order))
    finally:
        opened.close()


def _order(**order: Any) -> Order:
    return Order(**{"sql": SQL, "parameters": (), "rows_max": 10, "statement_timeout_s": 7, "tag": "t", **order})


def test_a_login_names_one_role_and_no_secondary_roles(stub: StubSnowflake) -> None:
    session(stub).close()
    [login] = stub.logins
    assert login["query"]["roleName"] == "READER"
    assert login["query"]["warehouse"] == "WH"
    assert login["AUTHENTICATOR"] == "OAUTH"
    assert login["TOKEN"] == "jwt"
    assert login["SECONDARY_ROLES"] == "NONE"


def test_what_an_account_has_set_otherwise_changes_nothing_that_was_judged(stub: StubSnowflake) -> None:
    session(stub).close()
    [login] = stub.logins
    told = {name: str(value).upper() for name, value in login["SESSION_PARAMETERS"].items()}
    assert told["QUOTED_IDENTIFIERS_IGNORE_CASE"] == "FALSE"
    assert told["TIMESTAMP_TYPE_MAPPING"] == "TIMESTAMP_NTZ"
    assert (told["AUTOCOMMIT"], told["MULTI_STATEMENT_COUNT"]) == ("TRUE", "1")


def test_a_statement_carries_its_own_limit_and_tag(stub: StubSnowflake) -> None:
    run(stub, numbers(1))
    [request] = stub.requests
    assert request["sqlText"] == SQL
    assert int(request["parameters"]["STATEMENT_TIMEOUT_IN_SECONDS"]) == 7
    assert request["parameters"]["QUERY_TAG"] == "t"


def test_the_driver_reports_no_use_of_itself_while_a_statement_runs(
    stub: StubSnowflake, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []
    monkeypatch.setattr(decorators, "_send_api_usage", lambda _, method, __: reported.append(method.__name__))
    stub.answers[SQL] = lambda _: numbers(1)
    opened = session(stub)
    assert reported  # it does by itself
    reported.clear()
    opened.run(_order())
    assert reported == []
    opened.close()


def test_bind_values_travel_beside_the_text(stub: StubSnowflake) -> None:
    stub.answers["SELECT ?"] = lambda _: numbers(1)
    opened = session(stub)
    opened.run(_order(sql="SELECT ?", parameters=("'; DROP TABLE t --", 1, 2.5, True, None)))
    opened.close()
    [request] = stub.requests
    assert request["sqlText"] == "SELECT ?"
    assert request["bindings"]["1"] == {"type": "TEXT", "value": "'; DROP TABLE t --"}
    assert [request["bindings"][str(i)]["type"] for i in range(1, 5)] == ["TEXT", "FIXED", "REAL", "BOOLEAN"]
    assert request["bindings"]["5"]["value"] is None


@pytest.mark.parametrize(
    ("count", "rows_max", "kept", "truncated"), [(0, 5, 0, False), (5, 5, 5, False), (6, 5, 5, True)]
)
def test_rows_are_cut_at_the_limit_and_say_so(
    stub: StubSnowflake, count: int, rows_max: int, kept: int, truncated: bool
) -> None:
    raw = run(stub, numbers(count), rows_max=rows_max)
    assert (len(raw.rows), raw.truncated) == (kept, truncated)


def test_columns_carry_snowflakes_types(stub: StubSnowflake) -> None:
    struct = pa.struct([("epoch", pa.int64()), ("fraction", pa.int32()), ("timezone", pa.int32())])
    columns = [
        column("A", "fixed", pa.decimal128(38, 2), precision=38, scale=2),
        column("B", "text", pa.string(), length=20),
        column("C", "timestamp_tz", struct, scale=9),
        column("D", "variant", pa.string()),
        column("E", "binary", pa.binary(), length=8),
        column("F", "time", pa.int64(), scale=3),
        column("G", "boolean", pa.bool_()),
        column("H", "real", pa.float64()),
    ]
    values: list[list[Any]] = [
        [None], ["é"], [{"epoch": 0, "fraction": 123456789, "timezone": 1380}], ['{"k":[1]}'], [b"\x01\xff"],
        [86399999], [True], [1e300],
    ]  # fmt: skip
    table = pa.table(
        [pa.array(value, f.type) for value, (f, _) in zip(values, columns, strict=True)],
        schema=pa.schema([f for f, _ in columns]),
    )
    raw = run(stub, rowset(table, [rowtype for _, rowtype in columns]))
    assert [c.type for c in raw.columns] == [
        "NUMBER(38,2)", "VARCHAR(20)", "TIMESTAMP_TZ(9)", "VARIANT", "BINARY(8)", "TIME(3)", "BOOLEAN", "FLOAT",
    ]  # fmt: skip
    assert list(raw.rows[0]) == [
        None, "é", "1969-12-31T23:00:00.123456789-01:00", {"k": [1]}, "01FF", "23:59:59.999", True, 1e300,
    ]  # fmt: skip


def test_a_decimal_float_is_not_called_a_number_without_decimals(stub: StubSnowflake) -> None:
    struct = pa.struct([("exponent", pa.int16()), ("significand", pa.binary())])
    arrow_field, rowtype = column("D", "decfloat", struct, precision=38)
    table = pa.table([pa.array([{"exponent": -1, "significand": b"\x0f"}], struct)], schema=pa.schema([arrow_field]))
    raw = run(stub, rowset(table, [rowtype]))
    assert raw.columns[0].type == "DECFLOAT"
    assert list(raw.rows[0]) == ["1.5"]


def test_a_write_runs_between_begin_and_commit(stub: StubSnowflake) -> None:
    raw = run(stub, affected(3), is_write=True)
    assert stub.statements == ["BEGIN", SQL, "COMMIT"]
    assert raw.rows_affected == 3
    assert raw.rows == []


def test_a_failed_write_is_rolled_back(stub: StubSnowflake) -> None:
    with pytest.raises(StatementFailed):
        run(stub, failure(100038, "Numeric value 'x' is not recognized"), is_write=True)
    assert stub.statements == ["BEGIN", SQL, "ROLLBACK"]


def test_a_session_that_lost_an_answer_is_not_used_again(stub: StubSnowflake) -> None:
    stub.answers[SQL] = lambda _: LOST
    opened = session(stub)
    with pytest.raises(SnowflakeUnavailable):
        opened.run(_order())
    assert not opened.is_usable
    opened.close()


def test_a_write_whose_begin_was_lost_leaves_no_session_inside_a_transaction(stub: StubSnowflake) -> None:
    stub.answers["BEGIN"] = lambda _: LOST
    opened = session(stub)
    with pytest.raises(SnowflakeUnavailable):
        opened.run(_order(is_write=True))
    assert SQL not in stub.statements
    assert not opened.is_usable
    opened.close()


def test_a_commit_whose_answer_was_lost_is_neither_a_success_nor_a_failure(stub: StubSnowflake) -> None:
    stub.answers |= {SQL: lambda _: affected(1), "COMMIT": lambda _: LOST}
    opened = session(stub)
    with pytest.raises(OutcomeUnknown) as caught:
        opened.run(_order(is_write=True))
    assert not caught.value.retryable
    assert caught.value.facts["query_id"] == "q"
    assert not opened.is_usable
    opened.close()


def test_a_commit_that_snowflake_refuses_is_a_failure_and_is_rolled_back(stub: StubSnowflake) -> None:
    stub.answers |= {SQL: lambda _: affected(1), "COMMIT": lambda _: failure(625, "Statement was aborted", "57014")}
    opened = session(stub)
    with pytest.raises(StatementFailed):
        opened.run(_order(is_write=True))
    assert stub.statements == ["BEGIN", SQL, "COMMIT", "ROLLBACK"]
    assert opened.is_usable
    opened.close()


def test_a_write_that_was_given_up_does_not_commit(stub: StubSnowflake) -> None:
    opened = session(stub)

    def give_up(_: dict[str, Any]) -> dict[str, Any]:
        opened.is_usable = False
        return affected(1)

    stub.answers[SQL] = give_up
    with pytest.raises(StatementFailed):
        opened.run(_order(is_write=True))
    assert stub.statements == ["BEGIN", SQL, "ROLLBACK"]
    opened.close()


@pytest.mark.parametrize(
    ("errno", "refusal"),
    [(100038, StatementFailed), (100051, StatementFailed), (630, StatementTimedOut), (390111, SnowflakeUnavailable)],
)
def test_a_driver_error_becomes_a_stable_code_and_its_text_stays_inside(
    stub: StubSnowflake, errno: int, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal) as caught:
        run(stub, failure(errno, "Numeric value 'secret@example.com' is not recognized"))
    said = f"{caught.value} {caught.value.hint}"
    assert "secret" not in said
    assert "secret" in caught.value.facts["driver_message"]
    assert caught.value.__cause__ is None


def test_a_refused_login_is_unavailable_and_leaks_nothing(stub: StubSnowflake) -> None:
    stub.login_answer = failure(390144, "JWT token is invalid: eyJhbGciOi", "28000")
    with pytest.raises(SnowflakeUnavailable) as caught:
        session(stub)
    assert "eyJ" not in str(caught.value)


def test_a_session_stops_its_own_statement_from_another_thread_without_a_login(stub: StubSnowflake) -> None:
    began = threading.Event()

    def hang(_: dict[str, Any]) -> dict[str, Any]:
        began.set()
        stub.hang.wait(20)
        return failure(604, "SQL execution canceled", "57014")

    stub.answers[SQL] = hang
    running = session(stub)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            running.run(_order())
        except Refusal as refusal:
            caught.append(refusal)

    thread = threading.Thread(target=work)
    thread.start()
    began.wait(10)
    running.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert isinstance(caught[0], StatementFailed)
    [cancel] = [r for r in stub.requests if r["sqlText"].startswith("SELECT SYSTEM$CANCEL_ALL_QUERIES")]
    assert cancel["bindings"]["1"]["value"] == str(running.session_id)
    assert len(stub.logins) == 1
    running.close()
