"""A view shows no more than the tables it reads; one that cannot be looked into shows only what policy names."""

from dataclasses import replace

import pytest

from policy.catalog import Table
from policy.catalog_document import from_document
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
    assert "FROM (SELECT UPPER(email) AS mail FROM " in str(verdict["sql"])
    assert str(verdict["sql"]).endswith(') AS customers) AS "__GW_R") AS v')  # its columns have their names already


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


MEANT = "SELECT customer_id AS a FROM customers WHERE CONTAINS(country, 'E')"
HEADS = (
    "CREATE VIEW v AS",
    "CREATE OR REPLACE VIEW v (a COMMENT 'AS it is') COPY GRANTS COMMENT = 'of AS' AS\n",
    """CREATE VIEW v ("AS") CHANGE_TRACKING = TRUE AS""",
    "CREATE VIEW v (policy WITH TAG (t = 'x')) WITH TAG (t = 'x') AS",
    "",
)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    ("query", "is_understood"),
    [
        (MEANT, True),
        (f"({MEANT})", True),
        (f"WITH c AS ({MEANT}) SELECT a FROM c", True),
        (MEANT.replace("CONTAINS", '"CONTAINS"'), False),  # a user's function of that very name
        (MEANT.replace("CONTAINS(country, 'E')", "ARRAY_SIZE(ARRAY_SLICE([1], 0, 1, TRUE)) = 1"), False),
        (MEANT.replace("CONTAINS(country, 'E')", "created_at::VARCHAR = DATE '2026-01-31'::VARCHAR"), False),
        (MEANT + " WITHOUT", False),
    ],
)
def test_a_view_is_looked_into_only_if_all_of_its_query_is_kept(head: str, query: str, is_understood: bool) -> None:
    told = _judge("SELECT a FROM v", view("V", "A VARCHAR", f"{head} {query}".strip()))
    assert told["decision"] == ("permit" if is_understood else "deny")


@pytest.mark.parametrize(
    "head",
    [
        "CREATE VIEW v ROW ACCESS POLICY p ON (a) AS",
        "CREATE VIEW v WITH ROW ACCESS POLICY p ON (a) AS",
        "CREATE VIEW v (a MASKING POLICY p) AS",
        "CREATE VIEW v (a WITH MASKING POLICY p USING (a)) AS",
        "CREATE VIEW v (a PROJECTION POLICY p) AS",
        "CREATE VIEW v WITH AGGREGATION POLICY p AS",
    ],
)
def test_a_view_that_is_made_under_a_policy_of_snowflakes_is_not_looked_into(head: str) -> None:
    assert _judge("SELECT a FROM v", view("V", "A VARCHAR", f"{head} {MEANT}"))["code"] == "not_permitted"


@pytest.mark.parametrize("place", ["view", "column"])
def test_a_view_that_has_a_policy_of_snowflakes_is_read_as_it_is_or_not_at_all(place: str) -> None:
    def governed(name: str) -> Table:
        made = view(name, "ID NUMBER(38,0)", "CREATE VIEW v AS SELECT customer_id AS id FROM customers")
        if place == "view":
            return replace(made, native_policies=("G.P.X",))
        return replace(made, columns=tuple(replace(each, native_policies=("G.P.X",)) for each in made.columns))

    other = governed("OTHER")
    assert _judge("SELECT id FROM other", other)["code"] == "not_permitted"
    [column] = Engine(load(POLICY), catalog(other)).audience(ADA).exposures.of(other).columns
    assert column.how == "masked: null"
    told = _judge("SELECT id FROM open", governed("OPEN"))
    assert told["decision"] == "permit"
    assert 'FROM "CRM"."PUBLIC"."OPEN"' in str(told["sql"])
    assert "CUSTOMERS" not in str(told["sql"])


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


@pytest.mark.parametrize(
    ("sql", "views"),
    [
        ("SELECT * FROM v", {"V": "SELECT a FROM nosuch"}),
        ("SELECT * FROM v", {"V": "SELECT a FROM v"}),
        ("SELECT * FROM v", {"V": "SELECT a FROM w", "W": "SELECT a FROM v"}),
        ("SELECT * FROM v", {"V": "SELECT a FROM w", "W": None}),
        ("SELECT * FROM v", {"V": "SELECT customer_id AS a, email AS b FROM customers"}),
        ("SELECT * FROM v AT(OFFSET => -60)", {"V": "SELECT email AS a FROM customers"}),
        ("SELECT * FROM v SAMPLE SYSTEM (10)", {"V": "SELECT email AS a FROM customers"}),
    ],
)
def test_a_refusal_names_the_view_that_was_asked_for_and_nothing_that_it_reads(
    sql: str, views: dict[str, str | None]
) -> None:
    policy = POLICY + "time_travel: ['CRM.PUBLIC.*']\n"
    shown = [view(name, "A VARCHAR", definition) for name, definition in views.items()]
    verdict = judge(Engine(load(policy), catalog(*shown)), ADA, sql, "")
    message = "`CRM.PUBLIC.V` cannot be written with what is closed to you left out"
    assert (verdict["code"], verdict["message"]) == ("not_permitted", message)


@pytest.mark.parametrize(("views", "decision"), [(1, "permit"), (15, "permit"), (16, "deny"), (17, "deny")])
def test_views_are_looked_through_fifteen_deep(views: int, decision: str) -> None:
    tower = [view("V1", "A NUMBER(38,0)", "SELECT customer_id AS a FROM customers")]
    tower += [view(f"V{n}", "A NUMBER(38,0)", f"SELECT a FROM v{n - 1}") for n in range(2, views + 1)]
    assert _judge(f"SELECT a FROM v{views}", *tower)["decision"] == decision


SECURE = """
version: 1
defaults: {database: D, schema: S}
roles: [{id: all, who: {anyone: true}, read_role: R, warehouse: W}]
public: ["D.S.*.*"]
rules: [{id: read, effect: permit, who: {anyone: true}, verbs: [read], tables: ["D.S.*"]}]
"""
COLUMNS = {"A": "VARCHAR", "B": "VARCHAR"}
BOTH = [{"name": "A", "type": "VARCHAR"}, {"name": "B", "type": "VARCHAR"}]


def _of(policy: str, views: dict[str, object]) -> Engine:
    return Engine(load(policy), from_document({"D": {"S": {"T": COLUMNS, **views}}}))


def test_a_view_is_sampled_row_by_row_and_in_no_other_way() -> None:
    plain = {"columns": BOTH, "kind": "view", "definition": "CREATE VIEW v AS SELECT a, b FROM d.s.t"}
    by = _of(SECURE, {"V": plain})
    for method in ("SAMPLE (10)", "SAMPLE BERNOULLI (10)"):
        assert "10)" in str(judge(by, ADA, f"SELECT a FROM v {method}", "")["sql"])
    for method in ("SAMPLE SYSTEM (10)", "SAMPLE BLOCK (10)", "SAMPLE (10) SEED (1)", "SAMPLE BERNOULLI (10) SEED (1)"):
        assert judge(by, ADA, f"SELECT a FROM v {method}", "")["decision"] == "deny", method
        assert judge(by, ADA, f"SELECT a FROM t {method}", "")["decision"] == "permit", method


def test_a_view_that_is_not_looked_into_is_sampled_itself() -> None:
    secure = {
        "columns": BOTH,
        "kind": "view",
        "definition": "CREATE VIEW v AS SELECT a, b FROM d.s.t",
        "is_secure": True,
    }
    named = SECURE.replace("D.S.*.*", "D.S.V.*")
    written = str(judge(_of(named, {"V": secure}), ADA, "SELECT a FROM v SAMPLE (10)", "")["sql"])
    assert 'FROM "D"."S"."V" AS "__GW_R" SAMPLE' in written


def test_a_view_gives_its_own_names_to_what_it_reads_in_their_order() -> None:
    renamed = {
        "columns": [{"name": "X", "type": "VARCHAR"}, {"name": "Y", "type": "VARCHAR"}],
        "kind": "view",
        "definition": "CREATE VIEW v (x, y) AS SELECT a, b FROM d.s.t",
    }
    assert '("X", "Y")' in str(judge(_of(SECURE, {"V": renamed}), ADA, "SELECT y FROM v", "")["sql"])
    kept = {"columns": BOTH, "kind": "view", "definition": "CREATE VIEW v AS SELECT a, b FROM d.s.t"}
    assert '("A", "B")' not in str(judge(_of(SECURE, {"V": kept}), ADA, "SELECT a FROM v", "")["sql"])


def test_of_a_view_those_columns_are_taken_that_the_statement_uses() -> None:
    plain = {"columns": BOTH, "kind": "view", "definition": "CREATE VIEW v AS SELECT a, b FROM d.s.t"}
    written = str(judge(_of(SECURE, {"V": plain}), ADA, "SELECT a FROM v", "")["sql"])
    assert written.startswith('SELECT a FROM (SELECT "__GW_R"."A" AS "A" FROM (SELECT a, b FROM')


def test_a_filter_may_use_a_function_that_the_policy_opens() -> None:
    opened = SECURE + 'functions: {allow: [MINE]}\nrow_filters: [{id: f, tables: [D.S.T], where: "MINE(a) = 1"}]\n'
    verdict = judge(_of(opened, {}), ADA, "SELECT a FROM t", "")
    assert verdict["decision"] == "permit", verdict
    assert "MINE" in str(verdict["sql"]).upper()


def test_a_filter_names_the_columns_of_its_own_table_in_quotes() -> None:
    """So nothing that the statement calls by the same name can come in between, and case is kept."""
    lower = SECURE + "row_filters: [{id: f, tables: [D.S.L], where: '\"a\" = ''x'' AND b > ''y'''}]\n"
    tables: dict[str, object] = {"L": {"columns": [{"name": "a", "type": "VARCHAR"}, {"name": "B", "type": "VARCHAR"}]}}
    written = str(judge(_of(lower, tables), ADA, 'SELECT b AS "a" FROM l', "")["sql"])
    assert """WHERE ("__GW_R"."a" = 'x' AND "__GW_R"."B" > 'y')""" in written
