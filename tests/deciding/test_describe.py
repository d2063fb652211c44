"""A look at the catalog: only what the caller may see, in pages, in order, quickly."""

import pytest

from policy.catalog import Catalog, Column, Table
from policy.decision import Deny, Permit, ReadCatalog
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal
from policy.refusal import PolicyCode
from policy.statement import SchemaRequest
from tests.deciding.worlds import ADA, ARTHUR, EMIL, NOBODY, STELLA, sandbox_engine
from tests.support.timing import cpu_s

OPEN = """
version: 1
roles: [{id: all, who: {anyone: true}, read_role: RO, warehouse: W}]
public: ["*.*.*.*"]
rules:
  - {id: read, effect: permit, who: {anyone: true}, verbs: [read], tables: ["D.*.*"]}
  - {id: hide, effect: forbid, who: {anyone: true}, verbs: [describe], tables: ["D.S.HIDDEN_*"]}
"""


def _page(principal: Principal, request: SchemaRequest, engine: Engine | None = None) -> ReadCatalog:
    decision = (engine or sandbox_engine()).decide(principal, request)
    assert isinstance(decision, Permit)
    assert isinstance(decision.action, ReadCatalog)
    return decision.action


def _names(page: ReadCatalog) -> list[str]:
    return [str(table.name) for table in page.tables]


def test_each_sees_what_rules_let_them_see() -> None:
    assert "CRM.HR.EMPLOYEES" not in _names(_page(ADA, SchemaRequest()))
    assert "CRM.HR.EMPLOYEES" in _names(_page(STELLA, SchemaRequest()))
    assert "CRM.PUBLIC.CUSTOMERS" in _names(_page(ARTHUR, SchemaRequest()))
    assert isinstance(sandbox_engine().decide(NOBODY, SchemaRequest()), Deny)


def test_each_column_says_how_it_appears() -> None:
    (table,) = _page(EMIL, SchemaRequest(table="customers")).tables
    appears = {column.name: column.appears for column in table.columns}
    assert appears["EMAIL"] == "masked: email_domain"
    assert appears["FULL_NAME"] == "masked: redact"
    assert appears["COUNTRY"] == "clear"
    assert table.row_filters == ("emea-customers",)
    assert not table.writable
    assert next(iter(_page(ADA, SchemaRequest(table="tickets")).tables)).writable


def test_names_fold_like_identifiers_and_search_ignores_case() -> None:
    assert _names(_page(ADA, SchemaRequest(database="crm", schema='"PUBLIC"', table="Orders"))) == ["CRM.PUBLIC.ORDERS"]
    assert _names(_page(ADA, SchemaRequest(table='"orders"'))) == []
    assert _names(_page(ADA, SchemaRequest(search="WHAT WAS bought"))) == ["CRM.PUBLIC.ORDERS"]
    assert "CRM.PUBLIC.CUSTOMERS" in _names(_page(ADA, SchemaRequest(search="email")))


def test_a_key_to_a_hidden_table_is_hidden() -> None:
    (table,) = _page(ADA, SchemaRequest(table="orders")).tables
    assert [key.target.name for key in table.foreign_keys] == ["CUSTOMERS"]


def _large(tables: int) -> Engine:
    columns = tuple(Column(f"C{n}", "NUMBER(38,0)") for n in range(10))
    made = [Table(TableName("D", f"S{n % 50}", f"T{n:06}"), columns) for n in range(tables)]
    made.append(Table(TableName("D", "S", "HIDDEN_1"), columns))
    return Engine(load(OPEN), Catalog.of(made))


def test_pages_go_through_everything_once_in_order() -> None:
    engine = _large(200)
    seen: list[str] = []
    cursor = None
    while True:
        page = _page(ADA, SchemaRequest(cursor=cursor), engine)
        assert page.tables_total == 200
        seen += _names(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 200
    assert seen == sorted(seen)
    assert not any("HIDDEN" in name for name in seen)


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "e30", "W10", "bm8=", "é"])
def test_a_cursor_of_ones_own_making_is_refused(cursor: str) -> None:
    decision = sandbox_engine().decide(ADA, SchemaRequest(cursor=cursor))
    assert isinstance(decision, Deny)
    assert decision.code is PolicyCode.BAD_CURSOR


def test_a_cursor_belongs_to_its_request() -> None:
    engine = _large(200)
    cursor = _page(ADA, SchemaRequest(), engine).next_cursor
    decision = engine.decide(ADA, SchemaRequest(search="T", cursor=cursor))
    assert isinstance(decision, Deny)
    assert decision.code is PolicyCode.BAD_CURSOR


def test_a_large_catalog_is_no_slower_to_read_from() -> None:
    engine = _large(20_000)
    _page(ADA, SchemaRequest(), engine)
    assert cpu_s(lambda: _page(ADA, SchemaRequest(table="T000100"), engine)) < 0.2
    assert cpu_s(lambda: engine.decide(ADA, engine.understand("SELECT t.* FROM d.s1.t000001 AS t"))) < 0.1
