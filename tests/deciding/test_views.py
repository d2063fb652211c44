"""A view shows no more than the tables it reads; one that cannot be looked into shows only what policy names."""

import pytest

from policy.catalog import Table
from policy.document import load
from policy.engine import Engine
from policy.report import judge
from tests.deciding.worlds import ADA, catalog, view

POLICY = """
version: 1
defaults: {database: CRM, schema: PUBLIC}
roles: [{id: all, who: {anyone: true}, read_role: RO, write_role: RW, warehouse: W}]
public: ["CRM.PUBLIC.CUSTOMERS.CUSTOMER_ID", "CRM.PUBLIC.OPEN.ID", "CRM.PUBLIC.T_*.*"]
rules:
  - {id: read, effect: permit, who: {anyone: true}, verbs: [read, write], tables: ["CRM.PUBLIC.*"]}
  - {id: no-staff, effect: forbid, who: {anyone: true}, verbs: [read], tables: ["CRM.HR.*"]}
"""


def _judge(sql: str, *views: Table) -> dict[str, object]:
    return judge(Engine(load(POLICY), catalog(*views)), ADA, sql, "")


def test_a_view_carries_the_masks_of_what_it_reads() -> None:
    verdict = _judge("SELECT mail FROM v", view("V", "MAIL VARCHAR", "SELECT UPPER(email) AS mail FROM customers"))
    assert verdict["masked"] == ["CRM.PUBLIC.CUSTOMERS.EMAIL"]
    assert "UPPER(email)" in str(verdict["sql"])
    assert 'CAST(NULL AS VARCHAR) AS "EMAIL"' in str(verdict["sql"])


def test_a_view_over_a_view_carries_them_too() -> None:
    inner = view("V", "MAIL VARCHAR", "SELECT email AS mail FROM customers")
    outer = view("W", "MAIL VARCHAR", "SELECT * FROM v")
    assert _judge("SELECT * FROM w", inner, outer)["masked"] == ["CRM.PUBLIC.CUSTOMERS.EMAIL"]


def test_a_forbidden_table_is_forbidden_through_a_view() -> None:
    staff = view("V", "NAME VARCHAR", "SELECT full_name AS name FROM crm.hr.employees")
    assert _judge("SELECT * FROM v", staff)["code"] == "forbidden"
    assert _judge("SELECT * FROM w", staff, view("W", "NAME VARCHAR", "SELECT * FROM v"))["code"] == "forbidden"


def test_short_names_in_a_view_are_completed_with_its_own_schema() -> None:
    verdict = _judge("SELECT * FROM v", view("V", "ID NUMBER(38,0)", "SELECT customer_id FROM customers"))
    assert '"CRM"."PUBLIC"."CUSTOMERS"' in str(verdict["sql"])
    assert '("ID")' in str(verdict["sql"])


@pytest.mark.parametrize(
    "definition",
    [
        None,
        "not sql at all",
        "SELECT my_udf(email) AS a FROM customers",
        "SELECT a FROM nosuch",
        "SELECT 1 AS a, 2 AS b",
        "CREATE TABLE t AS SELECT 1 AS a",
        "SELECT 1 AS a; SELECT 2",
        "SELECT a FROM v",
        "SELECT CURRENT_ROLE() AS a",
    ],
)
def test_a_view_that_is_not_understood_is_closed(definition: str | None) -> None:
    assert _judge("SELECT a FROM v", view("V", "A VARCHAR", definition))["code"] == "not_permitted"


def test_a_closed_view_is_open_where_policy_names_it_and_all_its_columns() -> None:
    columns = "ID NUMBER(38,0)"
    assert _judge("SELECT id FROM open", view("OPEN", columns, None))["decision"] == "permit"
    assert _judge("SELECT * FROM open", view("OPEN", columns, "SELECT 1 AS id", is_secure=True))["decision"] == "permit"
    assert _judge("SELECT id FROM open", view("OPEN", f"{columns};MORE VARCHAR", None))["code"] == "not_permitted"
    assert _judge("SELECT id FROM t_x", view("T_X", columns, None))["code"] == "not_permitted"


def test_a_view_is_not_written_to() -> None:
    target = view("T_V", "ID NUMBER(38,0)", "SELECT customer_id AS id FROM customers")
    assert _judge("INSERT INTO t_v (id) VALUES (1)", target)["code"] == "not_permitted"


def test_a_new_column_of_an_open_table_stays_hidden() -> None:
    verdict = _judge("SELECT * FROM orders")
    assert verdict["decision"] == "permit"
    assert '"ORDER_ID"' in str(verdict["sql"])
    assert "SELECT * FROM (SELECT" in str(verdict["sql"])


def test_views_that_double_at_each_step_are_closed_before_they_fill_memory() -> None:
    doubling = [view("V0", "A VARCHAR", "SELECT email AS a FROM customers")]
    join = "SELECT x.a FROM v{0} x JOIN v{0} y ON x.a = y.a"
    doubling += [view(f"V{n}", "A VARCHAR", join.format(n - 1)) for n in range(1, 15)]
    assert _judge("SELECT a FROM v2", *doubling)["decision"] == "permit"
    assert _judge("SELECT a FROM v14", *doubling)["code"] == "not_permitted"
