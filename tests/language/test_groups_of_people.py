"""What leaves a table in groups of a least number of people is told apart, also where a person has many rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.engine import Engine
from tests.language.test_groups import (
    ASKS,
    CATALOG,
    HEAD,
    answer_of,
    grouped,
    grouping,
    narrowed,
    outer,
    shown,
    vouched,
)
from tests.language.worlds import decide, engine, kind

ASKS_PEOPLE = ASKS.replace("smallest_groups['D.S.PAY']", "distinct_in_groups['D.S.PAY.BOSS']")
BY = Engine(engine(ASKS_PEOPLE, HEAD).policy, CATALOG)


def bosses(sql: str) -> int:
    """Of how many different bosses whatever leaves the table PAY is."""
    return dict(vouched(sql).distinct).get("BOSS", 0)


COUNTED = {
    "SELECT dept, AVG(salary) FROM pay GROUP BY dept HAVING COUNT(DISTINCT boss) >= 5": 5,
    "SELECT dept, COUNT(DISTINCT p.boss) AS n FROM pay AS p GROUP BY 1 HAVING 5 < n": 6,
    "SELECT SUM(salary) FROM pay HAVING COUNT(DISTINCT boss) >= 5 AND 7 <= COUNT(DISTINCT boss) AND COUNT(*) > 2": 7,
    "SELECT COUNT(bonus) FROM pay HAVING COUNT(DISTINCT boss) >= 5": 5,
    "SELECT dept FROM pay GROUP BY dept HAVING COUNT(DISTINCT boss) >= 5 UNION ALL "
    "SELECT dept FROM pay GROUP BY dept HAVING COUNT(DISTINCT boss) >= 7": 5,
    "SELECT dept FROM pay GROUP BY dept HAVING COUNT(DISTINCT boss) >= 5 UNION ALL "
    "SELECT dept FROM pay GROUP BY dept HAVING COUNT(DISTINCT id) >= 5": 0,
    "SELECT dept FROM pay GROUP BY dept HAVING COUNT(DISTINCT boss) >= 5 UNION ALL SELECT dept FROM pay": 0,
    "SELECT AVG(salary) FROM pay HAVING COUNT(*) >= 9": 0,
    "SELECT AVG(salary) FROM pay HAVING COUNT(boss) >= 9": 0,
    "SELECT AVG(salary) FROM pay HAVING COUNT(DISTINCT id) >= 9": 0,
    "SELECT AVG(salary) FROM pay HAVING COUNT(DISTINCT boss, id) >= 9": 0,
    "SELECT AVG(salary) FROM pay HAVING COUNT(DISTINCT boss) <= 9": 0,
    "SELECT AVG(salary) FROM pay HAVING COUNT(DISTINCT boss) >= 9 OR TRUE": 0,
    "SELECT MAX(salary) FROM pay HAVING COUNT(DISTINCT boss) >= 9": 0,
    # one of nine may be the only one who has a bonus
    "SELECT AVG(bonus) FROM pay HAVING COUNT(DISTINCT boss) >= 9": 0,
    "SELECT AVG(bonus) FROM pay HAVING COUNT(DISTINCT boss) >= 9 AND COUNT(bonus) >= 9": 0,
    "SELECT AVG(salary) FROM pay HAVING COUNT(DISTINCT boss) >= 9 AND SUM(bonus) > 3": 0,
    "SELECT AVG(salary) FROM pay HAVING COUNT(DISTINCT boss) >= 9 ORDER BY SUM(bonus)": 0,
}


@pytest.mark.parametrize("sql", COUNTED)
def test_a_group_is_of_as_many_people_as_the_statement_itself_counts(sql: str) -> None:
    assert bosses(sql) == COUNTED[sql]
    assert kind(decide(BY, sql)) == ("permit" if COUNTED[sql] >= 5 else "deny")


@pytest.mark.parametrize("threshold", [6, 7, 8])
def test_a_view_lets_out_groups_of_as_many_people_as_its_own_text_counts(threshold: int) -> None:
    by = Engine(engine(ASKS_PEOPLE.replace("< 5", f"< {threshold}"), HEAD).policy, CATALOG)
    assert kind(decide(by, "SELECT MAX(a) FROM of_people")) == ("permit" if threshold <= 7 else "deny")
    assert kind(decide(by, "SELECT a FROM safe")) == "deny"
    assert kind(decide(by, "SELECT dept FROM other")) == "permit"


many_rows = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([50, 55, 60]), st.booleans(), st.integers(1, 4)),
    min_size=6,
    max_size=12,
)
kept_of_people = st.sampled_from(
    """COUNT(DISTINCT boss) >= 5|COUNT(DISTINCT boss) > 4 AND COUNT(*) > 1|5 <= COUNT(DISTINCT boss)|COUNT(boss) >= 5
    COUNT(DISTINCT boss) >= 5 OR TRUE|COUNT(DISTINCT id) >= 5|COUNT(DISTINCT boss) >= 2|NOT COUNT(DISTINCT boss) < 5
    COUNT(DISTINCT boss) >= 5 AND dept = 5|COUNT(DISTINCT boss) >= 5 AND MAX(salary) > 55""".replace("\n", "|").split(
        "|"
    )
).map(str.strip)


@settings(deadline=None, max_examples=200)
@given(st.lists(shown, min_size=1, max_size=3), narrowed, grouped, kept_of_people, outer, many_rows, many_rows)
def test_of_fewer_people_than_a_group_takes_nothing_can_be_told_however_many_rows_they_have(
    columns: list[str],
    where: str,
    group: str,
    having: str,
    around: str,
    one: list[tuple[str, int, bool, int]],
    other: list[tuple[str, int, bool, int]],
) -> None:
    sql = around.format(grouping(columns, where, group, having))
    if bosses(sql) >= 5:
        assert answer_of(sql, one) == answer_of(sql, other)
