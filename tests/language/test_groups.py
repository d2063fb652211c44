"""What leaves a table in groups of a least size is told apart from what may show a single row."""

from collections.abc import Sequence
from operator import eq, ge, gt, le, lt, ne

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.catalog import Catalog, Column, Table, TableKind
from policy.engine import Engine
from policy.names import TableName
from policy.statement import SqlStatement
from policy.tree import Vouched
from tests.language.worlds import PERMITS, decide, engine, kind

COLUMNS = {
    "ID": "NUMBER(38,0)",
    "DEPT": "VARCHAR",
    "SALARY": "NUMBER(12,2)",
    "BONUS": "NUMBER(12,2)",
    "HIRED": "DATE",
    "IS_BOSS": "BOOLEAN",
    "RATE": "FLOAT",
    "SEEN": "TIMESTAMP_NTZ(9)",
    "LOCAL": "TIMESTAMP_LTZ(9)",
    "DATA": "VARIANT",
    "TITLE": "VARCHAR",
    "BOSS": "NUMBER(38,0)",
}
PAY = Table(
    TableName("D", "S", "PAY"), tuple(Column(name, type_, nullable=name == "BONUS") for name, type_ in COLUMNS.items())
)
OTHER = Table(TableName("D", "S", "OTHER"), (Column("ID", "NUMBER(38,0)"), Column("DEPT", "VARCHAR")))
VIEWS = {
    "ROWS_OF": ("SELECT dept, salary FROM d.s.pay", ("DEPT", "SALARY")),
    "OF_PEOPLE": (
        "SELECT dept, AVG(salary) AS a FROM d.s.pay GROUP BY dept HAVING COUNT(DISTINCT boss) >= 7",
        ("DEPT", "A"),
    ),
    "SAFE": ("SELECT dept, AVG(salary) AS a FROM d.s.pay GROUP BY dept HAVING COUNT(*) >= 7", ("DEPT", "A")),
}


def columns_of(names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(Column(name, "VARCHAR") for name in names)


CATALOG = Catalog.of(
    [
        PAY,
        OTHER,
        *(
            Table(
                TableName("D", "S", name), tuple(Column(c, "VARCHAR") for c in columns), TableKind.VIEW, definition=sql
            )
            for name, (sql, columns) in VIEWS.items()
        ),
    ]
)
ASKS = PERMITS + (
    '  - {id: groups, effect: forbid, who: {anyone: true}, verbs: [read], tables: ["D.S.PAY"], '
    "when: \"smallest_groups['D.S.PAY'] < 5\"}\n"
)
HEAD = """\
version: 1
defaults: {database: D, schema: S}
limits: {rows_max: 1000, statement_timeout_s: 60}
roles: [{id: all, who: {anyone: true}, read_role: RO, write_role: RW, warehouse: W}]
public: ["D.S.*.*"]
"""
BY = Engine(engine(ASKS, HEAD).policy, CATALOG)


def vouched(sql: str) -> Vouched:
    """Of what of the table PAY whatever leaves it is."""
    statement = BY.understand(sql)
    assert isinstance(statement, SqlStatement)
    assert statement.tree.structure is not None
    return dict(statement.tree.structure.groups)[PAY.name]


def rows(sql: str) -> int:
    """The smallest group of rows of the table PAY."""
    return vouched(sql).rows


VOUCHED = {
    "SELECT dept, AVG(salary) FROM pay GROUP BY dept HAVING COUNT(*) >= 5": 5,
    "SELECT dept, AVG(salary) FROM pay GROUP BY 1 HAVING COUNT(*) > 5": 6,
    "SELECT p.dept AS d, SUM(p.salary) FROM pay AS p GROUP BY d HAVING 5 <= COUNT(*)": 5,
    "SELECT dept, COUNT(*) AS n FROM pay GROUP BY pay.dept HAVING 5 < n ORDER BY n DESC, dept LIMIT 3": 6,
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) = 9": 9,
    "SELECT COUNT(*) FROM pay HAVING COUNT(DISTINCT id) >= 8 AND (COUNT(*) >= 3)": 8,
    "SELECT AVG(bonus) FROM pay HAVING COUNT(*) >= 9 AND COUNT(bonus) >= 5": 5,
    "SELECT COUNT(bonus) FROM pay HAVING COUNT(*) >= 9": 9,
    "SELECT YEAR(hired), DATE_TRUNC(month, hired), ROUND(STDDEV(id), 2) FROM pay GROUP BY 1, 2 HAVING COUNT(*) > 4": 5,
    "SELECT COALESCE(SUM(salary), 0), -SUM(salary), (1), NULL FROM pay HAVING COUNT(*) >= 5 AND AVG(salary) > 10": 5,
    "SELECT DISTINCT COUNT(*) FROM pay WHERE salary > 1 AND NOT (dept IN ('a', 'b') OR is_boss) HAVING COUNT(*) > 4": 5,
    "SELECT COUNT(*) FROM pay WHERE dept LIKE 'a%' AND bonus IS NULL AND id BETWEEN 1 AND -2 HAVING COUNT(*) > 4": 5,
    "SELECT COUNT(*) FROM pay WHERE hired >= '2026-01-01'::DATE AND TRUE AND salary <> (-7.25) HAVING COUNT(*) >= 5": 5,
    "SELECT COUNT(*) FROM pay WHERE hired BETWEEN '2026-01-01' AND DATE '2026-02-01' HAVING COUNT(*) >= 5": 5,
    "SELECT COUNT(*) FROM pay WHERE seen > '2026-01-01 10:00:00' AND seen < '2026-01-02' HAVING COUNT(*) >= 5": 5,
    "SELECT COUNT(*) FROM pay WHERE seen > '2026-01-01'::DATE AND local > '2026-01-02'::TIMESTAMP "
    "HAVING COUNT(*) >= 5": 5,
    "SELECT COUNT(*) FROM pay WHERE rate > .5 AND is_boss = TRUE AND id = boss AND dept <> title "
    "HAVING COUNT(*) >= 5": 5,
    "SELECT dept, dept = 'a', 5 = COUNT(*), COUNT(*) > SUM(boss) FROM pay GROUP BY dept HAVING COUNT(*) >= 5": 5,
    "SELECT YEAR(hired) > 2025, salary > 1.5, -salary, ROUND(salary, -2) FROM pay GROUP BY YEAR(hired), salary "
    "HAVING COUNT(*) >= 5 AND YEAR(hired) <> 2020 AND salary > 3": 5,
    "SELECT DATE_TRUNC('week', seen) FROM pay GROUP BY 1 "
    "HAVING COUNT(*) >= 5 AND DATE_TRUNC('week', seen) > '2026-01-01'": 5,
    "SELECT is_boss FROM pay GROUP BY is_boss HAVING COUNT(*) >= 5 AND is_boss AND is_boss <> FALSE": 5,
    "SELECT COALESCE(AVG(boss), -1, 0.5), ROUND(SUM(rate)), AVG(id) > 2.5 FROM pay HAVING COUNT(*) >= 5": 5,
    "SELECT 1e9, 'a' FROM pay HAVING COUNT(*) >= 5": 5,
    # what the lists below vary
    "SELECT COALESCE(AVG(salary), 0) FROM pay GROUP BY dept, salary, boss, hired, data HAVING COUNT(*) >= 5": 5,
    "SELECT COUNT(*) FROM pay GROUP BY id, salary, title, hired HAVING id = 3 AND title = '5' AND COUNT(*) >= 5": 5,
    "SELECT COUNT(*) FROM pay WHERE id = 3 AND salary > 52000 AND boss = 7 HAVING COUNT(*) >= 5": 5,
    "SELECT 1 / a FROM (SELECT AVG(salary) AS a FROM pay HAVING COUNT(*) >= 5) WHERE a > 7": 5,
    "WITH g AS (SELECT dept, COUNT(*) AS n FROM pay GROUP BY dept HAVING COUNT(*) >= 5) "
    "SELECT g.dept, MAX(n) FROM g JOIN other o ON g.dept = o.dept GROUP BY 1": 5,
    "SELECT dept, (SELECT AVG(salary) FROM pay HAVING COUNT(*) >= 6) FROM pay GROUP BY dept HAVING COUNT(*) >= 5": 0,
    "SELECT dept FROM pay GROUP BY dept HAVING COUNT(*) >= 5 UNION ALL SELECT dept FROM other": 5,
    "SELECT dept FROM pay GROUP BY dept HAVING COUNT(*) >= 5 UNION ALL SELECT dept FROM pay": 0,
}
REFUSED = [
    "SELECT dept, AVG(salary) FROM pay GROUP BY dept",
    "SELECT salary FROM pay",
    "SELECT COUNT(*) FROM pay WHERE id = 7",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) >= 5 OR TRUE",
    "SELECT COUNT(*) FROM pay HAVING NOT COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) <= 5",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) >= '5'",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) >= -5",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) >= 5.5",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) >= ?",
    "SELECT COUNT(*) FROM pay HAVING SUM(salary) >= 5",
    "SELECT COUNT(*) AS id FROM pay HAVING id >= 5",
    "SELECT 5 AS n, COUNT(*) AS n FROM pay HAVING n >= 5",
    "SELECT COUNT(*) FROM pay WHERE salary > hired AND dept > 7 HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay HAVING COUNT(1) >= 5",
    "SELECT COUNT(*) FROM pay HAVING COUNT(id, dept) >= 5",
    "SELECT AVG(bonus) FROM pay HAVING COUNT(*) >= 5",
    "SELECT MAX(salary) FROM pay HAVING COUNT(*) >= 5",
    "SELECT MEDIAN(salary), LISTAGG(dept), ANY_VALUE(id) FROM pay HAVING COUNT(*) >= 5",
    "SELECT SUM(IFF(id = 7, salary, 0)) FROM pay HAVING COUNT(*) >= 5",
    "SELECT COUNT(IFF(salary > 7, 1, NULL)) FROM pay HAVING COUNT(*) >= 5",
    "SELECT SUM(DISTINCT salary) FROM pay HAVING COUNT(*) >= 5",
    "SELECT 1 / (AVG(salary) - 50) FROM pay HAVING COUNT(*) >= 5",
    "SELECT AVG(salary)::VARCHAR FROM pay HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) >= 5 AND MAX(salary) > 7",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) >= 5 ORDER BY MAX(salary)",
    "SELECT (x) AS x, (y) AS z, (z) AS y FROM pay HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay GROUP BY salary + 0 HAVING COUNT(*) >= 5",
    "SELECT YEAR(dept) FROM pay GROUP BY 1 HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay GROUP BY 1 / (salary - 50) HAVING COUNT(*) >= 5",
    "SELECT dept FROM pay GROUP BY ALL HAVING COUNT(*) >= 5",
    "SELECT dept FROM pay GROUP BY ROLLUP(dept) HAVING COUNT(*) >= 5",
    "SELECT dept FROM pay GROUP BY GROUPING SETS ((dept), (id)) HAVING COUNT(*) >= 5",
    "SELECT dept FROM pay GROUP BY 9 HAVING COUNT(*) >= 5",
    "SELECT COUNT(*), id FROM pay GROUP BY dept HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) OVER () FROM pay GROUP BY dept HAVING COUNT(*) >= 5",
    "SELECT dept FROM pay GROUP BY dept HAVING COUNT(*) >= 5 QUALIFY ROW_NUMBER() OVER (ORDER BY MAX(id)) = 1",
    "SELECT COUNT(*) FROM pay WHERE 1 / (salary - 50) > 0 HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE dept = 5 HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE dept = ? HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE salary LIKE '5%' HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE salary = ABS(5) HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE dept = salary HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE 1 = 1 HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE (salary > 1) IS NULL HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE salary IS NOT DISTINCT FROM 7 HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE id IN (SELECT id FROM other) HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay WHERE EXISTS (SELECT 1 FROM other) HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay JOIN other ON pay.id = other.id HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay, other HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM other JOIN pay ON pay.id = other.id HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM (pay) HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay, LATERAL FLATTEN(input => ARRAY_CONSTRUCT(1, 2, 3, 4, 5)) HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM (SELECT * FROM pay) HAVING COUNT(*) >= 5",
    "SELECT o.id, (SELECT SUM(o.id) FROM pay HAVING COUNT(*) >= 5) FROM other o",
    "SELECT (SELECT z FROM pay HAVING COUNT(*) >= 5) FROM (SELECT id AS z FROM other) AS o",
    "SELECT o.id FROM other o WHERE o.id IN (SELECT p.id FROM pay p)",
    "SELECT o.id, (SELECT COUNT(*) FROM pay p WHERE p.id = o.id HAVING COUNT(*) >= 5) FROM other o",
    "DELETE FROM pay WHERE id = 7",
    # a greatest number of rows, whichever side it stands on
    "SELECT COUNT(*) FROM pay HAVING 500 > COUNT(*)",
    "SELECT SUM(salary) FROM pay HAVING 500 > COUNT(salary)",
    "SELECT COUNT(*) FROM pay HAVING 5 >= COUNT(*)",
    "SELECT COUNT(*) FROM pay HAVING 5 <> COUNT(*)",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) <> 5",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) < 500",
    "SELECT COUNT(*) AS n FROM pay HAVING 500 > n",
    "SELECT COUNT(*) FROM pay HAVING COUNT(*) >= " + "9" * 5000,
    # what is shown of a group may fail on a value of it
    *(
        f"SELECT {shown} FROM pay GROUP BY dept, salary, boss, hired, data HAVING COUNT(*) >= 5"
        for shown in """COALESCE(AVG(salary), dept)|COALESCE(AVG(salary), 'x')|COALESCE(dept, 'x')
        COALESCE(dept, 0)|COALESCE(AVG(salary), NULL)|COALESCE(AVG(salary), salary)
        COALESCE(SUM(salary), 0.0000000000000000000000000001)|ROUND(AVG(salary), boss)|ROUND(AVG(salary), dept)
        ROUND(AVG(salary), '2')|ROUND(AVG(salary), 99)|ROUND(dept)|ROUND(AVG(salary), 2, 'HALF_TO_EVEN')
        ROUND(AVG(salary), 1.5)|-dept|-hired|dept = 5|dept AND TRUE|data = 5|hired = 'x'|hired > salary|1 = 'x'
        SUM(dept)|AVG(is_boss)|STDDEV(data)|AVG(salary) > 'x'|AVG(salary) = NULL|COUNT(*) > dept|COUNT(*) > 1e3
        -(dept = 'a')""".replace("\n", "|").split("|")
    ),
    *(
        f"SELECT COUNT(*) FROM pay GROUP BY id, salary, title, hired HAVING id = 3 AND {kept} AND COUNT(*) >= 5"
        for kept in (
            "title = 5",
            "salary = 'x'",
            "salary = title",
            "hired > salary",
            "salary",
            "title",
            "hired = '2026'",
        )
    ),
    "SELECT COUNT(*) FROM pay GROUP BY DATE_TRUNC(dept, hired) HAVING COUNT(*) >= 5",
    "SELECT COUNT(*) FROM pay GROUP BY DATE_TRUNC('hour', hired) HAVING COUNT(*) >= 5",
    # a condition on rows may fail on a value of one
    *(
        f"SELECT COUNT(*) FROM pay WHERE id = 3 AND salary > 52000 AND {asked} HAVING COUNT(*) >= 5"
        for asked in """boss = CAST('x' AS NUMBER)|boss = 'x'|boss = '7'|boss = ?|boss IN (1, 'x')
        boss IN (1, ?)|boss = NULL|boss BETWEEN 1 AND 'x'|boss = 1 / 0|boss = 1 + 1|boss = -(-1)|boss = -'1'
        boss = 1e400|boss = TRUE|boss = salary|boss = 7::NUMBER|boss > 1.5
        salary > 0.00000000000000000000000000001|salary > rate|rate = 'x'|rate = 1e3|rate = ?|hired > salary
        hired > 5|hired > 'x'|hired > '2026-02-30'|hired > '2026-1-1'|hired > '2026-01-01 10:00:00'
        hired > 'x'::DATE|hired > '2026-02-30'::DATE|hired > '2026-01-01'::TIMESTAMP|hired > seen|hired = ?
        seen > local|seen > 'x'|seen > '2026-01-01 25:00:00'|seen > '2026-01-01 10:00:00 +01:00'
        seen > '2026-01-01'::TIMESTAMP_LTZ|seen > '2026-01-01'::TIMESTAMP(3)|seen > 'x'::TIMESTAMP
        seen > TO_DATE('01', 'DD')|seen > TRY_CAST('2026-01-01' AS DATE)|dept = ?|dept LIKE ?|dept LIKE 5|dept = TRUE
        is_boss = 1|is_boss = 'x'|data = 5|data = 'x'|hired LIKE '2%'|is_boss LIKE TRUE
        dept LIKE 'a' ESCAPE 'xy'|dept LIKE ANY ('a')|(id, boss) IN ((1, 2))""".replace("\n", "|").split("|")
    ),
]


@pytest.mark.parametrize("sql", VOUCHED)
def test_a_group_is_as_large_as_the_statement_itself_asks_for(sql: str) -> None:
    assert rows(sql) == VOUCHED[sql]
    assert kind(decide(BY, sql)) == ("permit" if VOUCHED[sql] >= 5 else "deny")


@pytest.mark.parametrize("sql", REFUSED)
def test_what_may_show_a_single_row_is_of_no_group(sql: str) -> None:
    assert rows(sql) == 0


@pytest.mark.parametrize(
    ("sql", "permitted"),
    [
        ("SELECT * FROM safe", True),
        ("SELECT MAX(a) FROM safe JOIN other ON safe.dept = other.dept", True),
        ("SELECT AVG(salary) FROM rows_of HAVING COUNT(*) >= 5", False),
        ("SELECT dept FROM other", True),
        ("SELECT dept FROM safe UNION ALL SELECT dept FROM pay", False),
    ],
)
def test_a_view_lets_out_what_its_own_text_does(sql: str, permitted: bool) -> None:
    assert (kind(decide(BY, sql)) == "permit") is permitted


COMPARES = {"=": eq, "<>": ne, ">": gt, ">=": ge, "<": lt, "<=": le}


@pytest.mark.parametrize("op", COMPARES)
@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize("count", ["COUNT(*)", "COUNT(id)", "COUNT(DISTINCT id)", "n"])
def test_what_is_vouched_for_is_the_smallest_group_that_is_kept(op: str, is_turned: bool, count: str) -> None:
    for number in range(4):
        kept = [n for n in range(12) if (COMPARES[op](number, n) if is_turned else COMPARES[op](n, number))]
        having = f"{number} {op} {count}" if is_turned else f"{count} {op} {number}"
        least = rows(f"SELECT dept, COUNT(*) AS n FROM pay GROUP BY dept HAVING {having}")
        asked = f"SELECT n FROM range(12) AS t(n) WHERE {having.replace(count, 'n')} ORDER BY n"
        assert duckdb.execute(asked).fetchall() == [(n,) for n in kept]
        says_least = op in (("=", "<", "<=") if is_turned else ("=", ">", ">="))
        assert least == (min(kept) if says_least else 0) <= min(kept, default=0)


shown = st.sampled_from(
    """dept|id|COUNT(*)|AVG(salary)|SUM(salary)|MAX(salary)|MIN(id)|COUNT(DISTINCT salary)|1 / (AVG(salary) - 50)
    SUM(CASE WHEN id = 1 THEN salary ELSE 0 END)|ANY_VALUE(salary)|COUNT(*) OVER ()|ROUND(AVG(salary), 1)|COUNT(salary)
    COALESCE(AVG(salary), dept)|ROUND(AVG(salary), id)|SUM(dept)|dept = 5
    COALESCE(SUM(salary), 0)|(SELECT MAX(salary) FROM pay)|STDDEV(salary)|salary""".replace("\n", "|").split("|")
).map(str.strip)
narrowed = st.sampled_from(
    ["", "WHERE salary > 50", "WHERE 1 / (salary - 50) > 0", "WHERE dept = 'a' OR is_boss", "WHERE salary IN (50, 60)"]
    + [f"WHERE id = 3 AND salary > 52 AND {fails}" for fails in ("dept = 5", "id = CAST('x' AS INT)", "id = dept")]
)
grouped = st.sampled_from(["", "GROUP BY dept", "GROUP BY 1", "GROUP BY dept, id", "GROUP BY salary + 0"])
kept = st.sampled_from(
    """COUNT(*) >= 5|COUNT(*) > 4|5 <= COUNT(*)|COUNT(*) >= 5 OR TRUE|COUNT(*) >= 2|COUNT(salary) >= 5|MAX(salary) > 50
    500 > COUNT(*)|5 >= COUNT(*)|5 <> COUNT(*)|4 < COUNT(salary)|COUNT(*) >= 5 AND dept = 5
    COUNT(*) >= 5 AND MAX(salary) > 55|COUNT(DISTINCT id) >= 5|SUM(salary) >= 5|NOT COUNT(*) >= 5""".replace(
        "\n", "|"
    ).split("|")
).map(str.strip)
outer = st.sampled_from(["{0}", "SELECT * FROM ({0}) AS q", "WITH q AS ({0}) SELECT COUNT(*) FROM q"])
people = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([50, 55, 60]), st.booleans()), min_size=4, max_size=4
)


@settings(deadline=None, max_examples=200)
@given(st.lists(shown, min_size=1, max_size=3), narrowed, grouped, kept, outer, people, people)
def test_of_fewer_rows_than_a_group_takes_nothing_can_be_told(
    columns: list[str],
    where: str,
    group: str,
    having: str,
    around: str,
    one: list[tuple[str, int, bool]],
    other: list[tuple[str, int, bool]],
) -> None:
    sql = around.format(grouping(columns, where, group, having))
    if rows(sql) >= 5:
        assert answer_of(sql, one) == answer_of(sql, other)


def grouping(columns: Sequence[str], where: str, group: str, having: str) -> str:
    """The query of the table PAY that is made of these parts."""
    text = ", ".join(f"{column} AS c{n}" for n, column in enumerate(columns))
    return f"SELECT {text} FROM pay {where} {group} HAVING {having}"


def answer_of(sql: str, rows_of: Sequence[tuple[object, ...]]) -> str:
    """What DuckDB says of a table of these rows: dept, salary, is_boss and, if there is one, boss."""
    with duckdb.connect() as database:
        database.execute("CREATE TABLE pay (id INT, dept VARCHAR, salary DECIMAL(12,2), is_boss BOOLEAN, boss INT)")
        filled = [(n, *row, 1)[:5] for n, row in enumerate(rows_of)]
        database.executemany("INSERT INTO pay VALUES (?, ?, ?, ?, ?)", filled)
        try:
            return str(database.execute(sqlglot.transpile(sql, "snowflake", "duckdb")[0]).fetchall())
        except duckdb.Error as error:
            return str(error)
