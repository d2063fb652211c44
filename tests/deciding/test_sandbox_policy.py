"""The shipped sandbox policy says what its comments say."""

import pytest

from policy.document import load
from policy.principal import Principal
from policy.report import judge
from tests.deciding.worlds import ADA, ARTHUR, EMIL, NOBODY, POLICIES, STELLA, sandbox_engine

CASES: dict[str, tuple[Principal, str, str]] = {
    "an analyst reads customers": (ADA, "SELECT * FROM customers", "permit"),
    "an analyst reads the view": (ADA, "SELECT email, revenue FROM customer_revenue", "permit"),
    "an analyst meets the forbid": (ADA, "SELECT * FROM hr.employees", "forbidden"),
    "the forbid is the same where nothing is": (ADA, "SELECT * FROM hr.nosuch", "forbidden"),
    "an analyst asks for a ticket change": (ADA, "UPDATE tickets SET status = 'OPEN' WHERE ticket_id = 1", "hold"),
    "an analyst cannot delete": (ADA, "DELETE FROM tickets WHERE ticket_id = 1", "not_permitted"),
    "an analyst cannot use notes": (ADA, "UPDATE tickets SET status = notes WHERE ticket_id = 1", "not_permitted"),
    "an analyst may set masked notes": (ADA, "UPDATE tickets SET notes = 'x' WHERE ticket_id = 1", "hold"),
    "an analyst cannot copy e-mails": (ADA, "INSERT INTO tickets (notes) SELECT email FROM customers", "not_permitted"),
    "rows are not copied": (EMIL, "INSERT INTO tickets (notes) SELECT country FROM customers", "not_permitted"),
    "a steward asks for a write": (STELLA, "DELETE FROM tickets WHERE ticket_id = 1", "hold"),
    "a steward reads staff": (STELLA, "SELECT full_name, salary FROM hr.employees", "permit"),
    "an auditor cannot read the CRM": (ARTHUR, "SELECT * FROM customers", "not_permitted"),
    "an auditor reads TPC-H": (ARTHUR, "SELECT n_name FROM tpch.public.nation", "permit"),
    "nobody reads nothing": (NOBODY, "SELECT 1", "not_permitted"),
    "a missing table": (ADA, "SELECT * FROM nosuch", "object_not_found"),
    "a missing column": (ADA, "SELECT emial FROM customers", "column_not_found"),
}  # fmt: skip


@pytest.mark.parametrize(("principal", "sql", "must"), CASES.values(), ids=CASES.keys())
def test_the_sandbox_policy_decides(principal: Principal, sql: str, must: str) -> None:
    verdict = judge(sandbox_engine(), principal, sql, "")
    assert (verdict["code"] or verdict["decision"]) == must


def test_an_analyst_sees_domains_and_a_steward_addresses() -> None:
    assert judge(sandbox_engine(), ADA, "SELECT email FROM customers", "")["masked"] == ["CRM.PUBLIC.CUSTOMERS.EMAIL"]
    assert judge(sandbox_engine(), STELLA, "SELECT email FROM customers", "")["masked"] == []


def test_the_region_filter_reaches_through_the_view() -> None:
    sql = "SELECT revenue FROM customer_revenue"
    assert "'EMEA'" in judge(sandbox_engine(), EMIL, sql, "")["sql"]
    assert "'EMEA'" not in judge(sandbox_engine(), ADA, sql, "")["sql"]


@pytest.mark.parametrize("name", ["sandbox.yaml", "bench.yaml"])
def test_shipped_policies_load(name: str) -> None:
    assert load((POLICIES / name).read_text(encoding="utf-8")).rules
