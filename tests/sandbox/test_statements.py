"""Statements in the look-alike: what a role may run, how they are stopped, what they answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from snowflake.connector.errors import Error

from server.sandbox.querylog import QueryRecord
from server.sandbox.run import Sandbox
from tests.support.sandbox import connection, minter, rows

ENDLESS = (
    "select count(*) from TPCH.PUBLIC.LINEITEM a, TPCH.PUBLIC.LINEITEM b, TPCH.PUBLIC.LINEITEM c "
    "where a.L_COMMENT < b.L_COMMENT || c.L_COMMENT"
)
PATIENCE_S = 10

CHANGES = (
    "insert into CRM.PUBLIC.ORDERS select * from CRM.PUBLIC.ORDERS",
    "insert all into CRM.PUBLIC.ORDERS select * from CRM.PUBLIC.ORDERS",
    "update CRM.PUBLIC.ORDERS set STATUS = 'PAID'",
    "delete from CRM.PUBLIC.ORDERS",
    "merge into CRM.PUBLIC.ORDERS o using CRM.PUBLIC.ORDERS s on o.ORDER_ID = s.ORDER_ID when matched then delete",
    "truncate table CRM.PUBLIC.ORDERS",
    "create table CRM.PUBLIC.COPY as select * from CRM.PUBLIC.ORDERS",
    "create or replace view CRM.PUBLIC.CUSTOMER_REVENUE as select 1 as X",
    "create temporary table CRM.PUBLIC.T (A int)",
    "create schema CRM.NEW",
    "create database NEW",
    "alter table CRM.PUBLIC.ORDERS drop column AMOUNT",
    "drop table CRM.PUBLIC.ORDERS",
    "comment on table CRM.PUBLIC.ORDERS is 'x'",
    "call p()",
    "execute immediate 'drop table CRM.PUBLIC.ORDERS'",
    "grant role STEWARD_RW to user ADA",
    "copy into CRM.PUBLIC.ORDERS from @stage",
    "put file:///etc/hostname @~",
)

OUTSIDE = {
    "a file as a table": ("select * from '/etc/passwd'", 2),
    "a file as a quoted table": ('select * from CRM.PUBLIC."/etc/passwd.csv"', 2003),
    "a file by a function": ("select * from read_text('/etc/hostname')", 2),
    "a file by a table function": ("select * from table(read_text('/etc/hostname'))", 2140),
    "a file by a typed function": ("select * from read_csv('/etc/passwd')", 2),
    "a directory": ("select * from table(read_blob('/etc/*'))", 2140),
    "an environment variable": ("select getenv('PATH')", 2140),
    "a setting": ("select current_setting('home_directory')", 2140),
    "settings": ("select * from duckdb_settings()", 2),
    "an inner table": ("select * from duckdb_tables", 2003),
    "an inner schema": ("select * from CRM._fs_information_schema._fs_tables", 2003),
    "an inner database": ("select * from _fs_global._fs_information_schema.sandbox_views", 2003),
    "the main schema": ("select * from CRM.main.x", 2003),
    "a name by an expression": ("select * from identifier('CRM.PUBLIC.ORDERS')", 2),
    "another database": ("select * from SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY", 2003),
    "a missing table": ("select * from CRM.PUBLIC.NOPE", 2003),
    "a hidden information schema": ("select * from CRM.INFORMATION_SCHEMA.KEY_COLUMN_USAGE", 2003),
    "a stage": ("select * from @stage", 2),
    "a missing column": ("select NOPE from CRM.PUBLIC.ORDERS", 904),
    "a missing function": ("select nope(1)", 2140),
    "a missing system function": ("select system$nope()", 2140),
    "a missing warehouse": ("use warehouse NOPE", 2043),
    "two statements": ("select 1; select 2", 8),
    "a wrong syntax": ("select (", 1003),
    "attach": ("attach '/tmp/x.db' as X", 1003),
    "install": ("install httpfs", 3001),
    "pragma": ("pragma version", 3001),
    "nothing but a comment": ("-- nothing", 1003),
    "a number in a text": ("select EMAIL::number from CRM.PUBLIC.CUSTOMERS", 100038),
    "a date in a text": ("select to_date(EMAIL) from CRM.PUBLIC.CUSTOMERS", 100040),
    "a timestamp in a text": ("select EMAIL::timestamp_ntz from CRM.PUBLIC.CUSTOMERS", 100035),
}

BINDS: dict[str, Any] = {
    "integer": 9_007_199_254_740_993,
    "decimal": Decimal("12.50"),
    "float": 2.5,
    "text": "it's -- a 'text'",
    "null": None,
    "boolean": True,
    "date": date(2026, 1, 2),
    "timestamp": datetime(2026, 1, 2, 3, 4, 5, 678_901),  # noqa: DTZ001  # TIMESTAMP_NTZ
    "time": time(1, 2, 3),
    "binary": b"\x00ab",
}


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[Any]:
    """A session of a reader."""
    with connection(sandbox.state) as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(sandbox: Sandbox) -> Iterator[Any]:
    """One reader's session for everything that must leave it usable."""
    with connection(sandbox.state) as opened:
        yield opened


@contextmanager
def meanwhile(session: Any, sql: str, **options: Any) -> Iterator["Outcome"]:
    """Run a statement in another thread while inside; leaving waits for it, within bounds."""
    with ThreadPoolExecutor(1) as pool:
        outcome = Outcome(pool.submit(rows, session, sql, **options))
        yield outcome
        wait([outcome.future], PATIENCE_S)


class Outcome:
    """How a statement that ran meanwhile ended."""

    def __init__(self, future: Any) -> None:
        self.future = future

    @property
    def errno(self) -> int:
        error = self.future.exception(0)
        assert isinstance(error, Error)
        return int(error.errno or 0)


def record_of(sandbox: Sandbox, session: Any, sql: str) -> QueryRecord:
    """What the look-alike knows of a statement, waiting until it has arrived."""
    for _ in range(PATIENCE_S * 100):
        for record in sandbox.lookalike.queries():
            if record.session_id == session.session_id and record.sql == sql:
                return record
    raise AssertionError("the statement did not arrive")


@pytest.mark.parametrize("sql", CHANGES)
def test_a_read_role_changes_nothing(reader: Any, sql: str) -> None:
    with pytest.raises(Error) as refused:
        rows(reader, sql)
    assert refused.value.errno == 3001
    assert refused.value.sqlstate == "42501"


@pytest.fixture(scope="module")
def writer(sandbox: Sandbox) -> Iterator[Any]:
    """A session of a role that may change rows and no tables."""
    with connection(sandbox.state, role="ANALYST_RW") as opened:
        yield opened


@pytest.mark.parametrize("sql", CHANGES[5:])
def test_a_role_that_writes_rows_changes_no_table(writer: Any, sql: str) -> None:
    with pytest.raises(Error) as refused:
        rows(writer, sql)
    assert refused.value.errno in (3001, 2)


@pytest.mark.parametrize(("sql", "code"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_what_is_not_there_or_not_allowed_is_refused_with_snowflakes_code(reader: Any, sql: str, code: int) -> None:
    with pytest.raises(Error) as refused:
        rows(reader, sql)
    assert refused.value.errno == code
    assert rows(reader, "select 1") == [(1,)]


@pytest.mark.parametrize("value", BINDS.values(), ids=BINDS.keys())
def test_a_bind_comes_back_as_it_went(reader: Any, value: Any) -> None:
    assert rows(reader, "select ? as V", value) == [(value,)]


def test_binds_compare_with_columns_of_their_type(reader: Any) -> None:
    sql = "select count(*) from CRM.PUBLIC.ORDERS where ORDER_DATE >= ? and AMOUNT > ? and STATUS <> ? and ORDER_ID > ?"
    [(count,)] = rows(reader, sql, date(2024, 1, 1), Decimal("100.50"), "OPEN", 50_100)
    assert 0 < count < 3_000


def test_sums_of_decimals_are_exact(reader: Any) -> None:
    [(total, by_view)] = rows(
        reader,
        "select (select sum(AMOUNT) from CRM.PUBLIC.ORDERS where STATUS not in ('CANCELLED', 'RETURNED')), "
        "(select sum(REVENUE) from CRM.PUBLIC.CUSTOMER_REVENUE)",
    )
    assert isinstance(total, Decimal)
    assert total == by_view


def test_columns_without_alias_are_called_by_their_expression(reader: Any) -> None:
    with reader.cursor() as cursor:
        cursor.execute("select count(*), max(AMOUNT), ORDER_ID as id from CRM.PUBLIC.ORDERS group by ORDER_ID limit 1")
        assert [column.name for column in cursor.description] == ["COUNT(*)", "MAX(AMOUNT)", "ID"]


def test_cancelling_a_session_stops_its_statement_and_leaves_it_usable(sandbox: Sandbox, session: Any) -> None:
    with connection(sandbox.state) as control, meanwhile(session, ENDLESS) as running:
        record_of(sandbox, session, ENDLESS)
        rows(control, "select system$cancel_all_queries(?)", session.session_id)
    assert running.errno == 604
    assert rows(session, "select 1") == [(1,)]
    assert record_of(sandbox, session, ENDLESS).error_code == "000604"


def test_cancelling_a_query_by_its_id_stops_it(sandbox: Sandbox, session: Any) -> None:
    with connection(sandbox.state) as control, meanwhile(session, ENDLESS) as running:
        query_id = record_of(sandbox, session, ENDLESS).query_id
        rows(control, "select system$cancel_query(?)", query_id)
    assert running.errno == 604


def test_nobody_cancels_the_query_of_another_user(sandbox: Sandbox, session: Any) -> None:
    waiting = "select system$wait(30)"
    with connection(sandbox.state, "EMIL") as stranger, connection(sandbox.state) as control:
        with meanwhile(session, waiting) as running:
            query_id = record_of(sandbox, session, waiting).query_id
            with pytest.raises(Error) as refused:
                rows(stranger, "select system$cancel_query(?)", query_id)
            rows(control, "select system$cancel_query(?)", query_id)
        assert refused.value.errno == 3001
        assert running.errno == 604


def test_a_statement_timeout_stops_the_statement(session: Any) -> None:
    with pytest.raises(Error) as refused:
        rows(session, ENDLESS, _statement_params={"STATEMENT_TIMEOUT_IN_SECONDS": 1})
    assert refused.value.errno == 630
    assert rows(session, "select 1") == [(1,)]


def test_the_drivers_own_timeout_stops_the_statement_here_too(sandbox: Sandbox) -> None:
    with connection(sandbox.state, query_timeout=1) as hasty:
        with pytest.raises(Error):
            rows(hasty, ENDLESS)
        assert rows(hasty, "select 1") == [(1,)]
        assert record_of(sandbox, hasty, ENDLESS).error_code == "000604"


def test_aborting_a_session_stops_what_it_runs(sandbox: Sandbox, session: Any) -> None:
    with connection(sandbox.state) as control, meanwhile(session, ENDLESS) as running:
        record_of(sandbox, session, ENDLESS)
        rows(control, f"select system$abort_session({session.session_id})")
    assert running.errno == 390111


async def test_a_delayed_statement_can_be_cancelled_before_it_runs(sandbox: Sandbox, session: Any) -> None:
    sql = "select 'delayed' as X"
    await sandbox.lookalike.delay_next("'delayed'", 60)
    with connection(sandbox.state) as control, meanwhile(session, sql) as running:
        record_of(sandbox, session, sql)
        rows(control, "select system$cancel_all_queries(?)", session.session_id)
    assert running.errno == 604


def test_statements_at_once_in_one_session_wait_for_each_other(session: Any) -> None:
    sql = "select count(*) from TPCH.PUBLIC.LINEITEM a join TPCH.PUBLIC.ORDERS b on a.L_ORDERKEY = b.O_ORDERKEY"
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(rows, session, sql) for _ in range(6)]
        answers = {future.result(PATIENCE_S)[0] for future in futures}
    assert len(answers) == 1


def test_an_asynchronous_statement_has_an_id_a_status_and_a_result(session: Any) -> None:
    with session.cursor() as cursor:
        cursor.execute_async("select 42 as ANSWER")
        query_id = cursor.sfqid
        cursor.get_results_from_sfqid(query_id)
        assert cursor.fetchall() == [(42,)]
        assert session.get_query_status(query_id).name == "SUCCESS"


def test_an_asynchronous_statement_is_aborted_by_its_id(sandbox: Sandbox, session: Any) -> None:
    with session.cursor() as cursor:
        cursor.execute_async(ENDLESS)
        query_id = cursor.sfqid
        assert session.get_query_status(query_id).name == "RUNNING"
        assert cursor.abort_query(query_id)
        assert session.get_query_status(query_id).name == "FAILED_WITH_ERROR"
    assert record_of(sandbox, session, ENDLESS).error_code == "000604"


def test_the_log_says_who_ran_what_with_which_tag(sandbox: Sandbox, session: Any) -> None:
    sql = "select cast(? as int) as N, 'log' as X"
    rows(session, sql, 1, _statement_params={"QUERY_TAG": "call-7"})
    record = record_of(sandbox, session, sql)
    assert (record.user, record.role, record.warehouse) == ("ADA", "ANALYST_RO", "GATE_WH")
    assert (record.tag, record.binds, record.status, record.error_code) == ("call-7", 1, "SUCCESS", None)


def test_a_refused_statement_is_in_the_log_with_its_code(sandbox: Sandbox, session: Any) -> None:
    sql = "delete from CRM.PUBLIC.ORDERS where ORDER_ID = 1"
    with pytest.raises(Error):
        rows(session, sql)
    assert record_of(sandbox, session, sql).error_code == "003001"


def test_a_writer_writes_and_is_told_how_much(sandbox: Sandbox) -> None:
    with connection(sandbox.state, "STELLA", "STEWARD_RW") as writer, writer.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("update CRM.PUBLIC.ORDERS set STATUS = 'PAID' where ORDER_ID in (50001, 50002)")
        assert cursor.rowcount == 2
        cursor.execute("rollback")


def test_a_steward_may_define_and_drop_a_view_whose_text_is_kept(sandbox: Sandbox) -> None:
    text = "create view CRM.PUBLIC.OPEN_ORDERS as select ORDER_ID from CRM.PUBLIC.ORDERS where STATUS = 'OPEN'"
    with connection(sandbox.state, "STELLA", "STEWARD_RW") as steward:
        rows(steward, text)
        found = rows(
            steward,
            "select VIEW_DEFINITION from CRM.INFORMATION_SCHEMA.VIEWS where TABLE_NAME = 'OPEN_ORDERS'",
        )
        rows(steward, "drop view CRM.PUBLIC.OPEN_ORDERS")
    assert found == [(text,)]


def test_a_request_sent_again_does_not_run_again(sandbox: Sandbox) -> None:
    headers, path = _raw_session(sandbox), "/queries/v1/query-request?requestId=7f0c"
    sql = "update CRM.PUBLIC.ORDERS set AMOUNT = AMOUNT + 1 where ORDER_ID = 50003"
    answers = [
        httpx2.post(f"{sandbox.lookalike.url}{path}&retryCount={again}", headers=headers, json={"sqlText": sql}).json()
        for again in range(3)
    ]
    assert answers[0]["success"] is True
    assert answers[0] == answers[1] == answers[2]
    assert sum(record.sql == sql for record in sandbox.lookalike.queries()) == 1


def _raw_session(sandbox: Sandbox) -> dict[str, str]:
    """A writer's session without the driver, which never repeats itself on demand."""
    body = {"data": {"AUTHENTICATOR": "OAUTH", "TOKEN": minter(sandbox.state).mint("STELLA", "STEWARD_RW")}}
    answer = httpx2.post(f"{sandbox.lookalike.url}/session/v1/login-request", json=body).json()
    return {"authorization": f'Snowflake Token="{answer["data"]["token"]}"'}


@pytest.mark.parametrize(
    ("who", "role", "sql", "code"),
    [
        ("ADA", "ANALYST_RO", "select count(*) from CRM.HR.EMPLOYEES", 2003),
        ("ADA", "ANALYST_RO", "select c.NAME from CRM.PUBLIC.CUSTOMERS c, CRM.HR.EMPLOYEES e", 2003),
        ("ADA", "ANALYST_RW", "update CRM.PUBLIC.ORDERS set AMOUNT = 0 where ORDER_ID = 1", 3001),
        ("ADA", "ANALYST_RW", "delete from CRM.PUBLIC.TICKETS using CRM.HR.EMPLOYEES", 2003),
        ("ADA", "ANALYST_RW", "insert into CRM.HR.EMPLOYEES (EMPLOYEE_ID) select 1", 2003),
        ("SNOWGATE_CATALOG", "CATALOG_RO", "select count(*) from CRM.PUBLIC.CUSTOMERS", 3001),
    ],
)
def test_a_role_reads_and_changes_the_tables_that_it_was_given_and_no_others(
    sandbox: Sandbox, who: str, role: str, sql: str, code: int
) -> None:
    with connection(sandbox.state, who, role) as session, pytest.raises(Error) as refused:
        rows(session, sql)
    assert refused.value.errno == code


def test_a_role_is_shown_its_own_privileges_alone(reader: Any) -> None:
    shown = {(row[1], row[2], row[3]) for row in rows(reader, "SHOW GRANTS TO ROLE ANALYST_RO")}
    assert ("SELECT", "TABLE", "CRM.PUBLIC.CUSTOMERS") in shown
    assert {privilege for privilege, _, _ in shown} == {"USAGE", "SELECT"}
    assert not any("CRM.HR.EMPLOYEES" in name for _, _, name in shown)
    with pytest.raises(Error) as refused:
        rows(reader, "SHOW GRANTS TO ROLE STEWARD_RO")
    assert refused.value.errno == 2003
