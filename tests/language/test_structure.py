"""What conditions learn of how a statement is built: a table of statements, and what is said of each."""

import pytest

from policy.resolve import Defaults
from policy.tree import Structure
from policy.understand import understand
from tests.language.worlds import catalog

TRIVIAL = """1=1;TRUE;id=id;TRUE OR id=1;id=1 OR TRUE;(1=1);NOT FALSE;NOT 1=2;id IS NOT NULL;NOT id IS NULL;
id IS NULL OR id IS NOT NULL;id=1 OR id<>1;id>0 OR id<=0;id IN (id);id BETWEEN id AND id;
region LIKE '%';region LIKE '%%';
LENGTH(region)>=0;LENGTH(region)>-1;ABS(id)>=0;id>=id;id=1 OR NOT id=1;CASE WHEN id=1 THEN TRUE ELSE TRUE END;
IFF(id=1,TRUE,TRUE);EXISTS(SELECT 1);1 IN (1);'a'='a';CURRENT_DATE>'2020-01-01';1=1 AND id=id;5>3;
(id=1 OR TRUE) AND 1=1;NOT (1=2);id=1 OR 1=1 OR id=2;id IS NOT DISTINCT FROM id;?=?;NOT NOT TRUE;NOT id=1 OR id=1"""
RESTRICTING = """id=1;id=1 AND 1=1;id IS NULL;id IN (1,2);region LIKE 'a%';id>0;NOT id=1;id BETWEEN 1 AND 2;id<>id;
id=1 OR region='x';id=1 OR FALSE;LENGTH(region)>3;id IN (SELECT pid FROM orders);LENGTH(region)>0;NOT id<>id AND id=2;
CASE WHEN id=1 THEN TRUE ELSE FALSE END;id=1 OR 1=2;id NOT IN (id);id=1 OR NULL;id=1 OR NOT TRUE;id=1 OR 1>1"""


def structure(sql: str) -> Structure:
    known = understand(sql, catalog().tables, Defaults("D", "S"), observing=True).tree.structure
    assert known is not None
    return known


def names(tables: object) -> list[str]:
    return sorted(table.name for table in tables)  # type: ignore[attr-defined]


@pytest.mark.parametrize("depth", [3, 53])
@pytest.mark.parametrize(("condition", "crossed"), [("pid = nid", 0), ("pid = oid", 1)])
def test_a_source_that_is_too_deep_to_follow_is_tied_as_any_other(depth: int, condition: str, crossed: int) -> None:
    deep = "SELECT * FROM (" * depth + "SELECT * FROM notes" + ")" * depth
    assert structure(f"SELECT amount FROM orders JOIN ({deep}) q ON {condition}").cross_joins == crossed


@pytest.mark.parametrize("condition", TRIVIAL.replace("\n", "").split(";"))
def test_a_where_that_keeps_every_row_is_trivial(condition: str) -> None:
    found = structure(f"SELECT id FROM people WHERE {condition}")
    assert found.has_where
    assert found.where_is_trivial
    assert names(found.unrestricted) == ["PEOPLE"]


@pytest.mark.parametrize("condition", RESTRICTING.replace("\n", "").split(";"))
def test_a_where_that_picks_rows_is_not_trivial(condition: str) -> None:
    found = structure(f"SELECT id FROM people WHERE {condition}")
    assert found.has_where
    assert not found.where_is_trivial
    assert names(found.unrestricted) == []


LEAVING = {
    "SELECT * FROM people": ["PEOPLE"],
    "SELECT * FROM people WHERE id = 1": [],
    "SELECT * FROM (SELECT * FROM people) WHERE id = 3": [],
    "SELECT * FROM (SELECT * FROM people) WHERE id = id": ["PEOPLE"],
    "WITH c AS (SELECT * FROM people) SELECT * FROM c": ["PEOPLE"],
    "WITH c AS (SELECT * FROM people) SELECT * FROM c WHERE id = 1": [],
    "WITH c (a, b, d, e) AS (SELECT * FROM people) SELECT a FROM c": ["PEOPLE"],
    "SELECT COUNT(*) FROM people": [],
    "SELECT MAX(email), COUNT(*) FROM people": [],
    "SELECT ARRAY_AGG(email) FROM people": ["PEOPLE"],
    "SELECT LISTAGG(email) FROM people": ["PEOPLE"],
    "SELECT OBJECT_AGG(email, id::VARIANT) FROM people": ["PEOPLE"],
    "SELECT DISTINCT email FROM people": ["PEOPLE"],
    "SELECT SUM(id) OVER (), email FROM people": ["PEOPLE"],
    "SELECT p.email FROM people p JOIN orders o ON o.pid = p.id": ["ORDERS", "PEOPLE"],
    "SELECT p.email FROM people p, orders o WHERE o.pid = p.id": ["ORDERS", "PEOPLE"],
    "SELECT p.email FROM people p, orders o WHERE o.pid = p.id AND o.oid = 3": [],
    "SELECT p.email FROM people p JOIN (SELECT * FROM orders WHERE oid = 3) o ON o.pid = p.id": [],
    "WITH o AS (SELECT * FROM orders WHERE oid = 3) SELECT p.email FROM people p JOIN o ON o.pid = p.id": [],
    "SELECT p.email FROM people p LEFT JOIN (SELECT * FROM orders WHERE oid = 3) o ON o.pid = p.id": ["PEOPLE"],
    "SELECT p.email FROM people p CROSS JOIN (SELECT * FROM orders WHERE oid = 3) o": ["PEOPLE"],
    "SELECT email FROM people UNION ALL SELECT email FROM people WHERE id = 1": ["PEOPLE"],
    "(SELECT email FROM people)": ["PEOPLE"],
    "SELECT amount FROM orders WHERE pid IN (SELECT id FROM people)": [],
    "SELECT (SELECT ARRAY_AGG(email) FROM people) FROM orders WHERE oid = 1": ["PEOPLE"],
    "SELECT oid, (SELECT p.email FROM people p WHERE p.id = o.pid) FROM orders o WHERE oid = 1": [],
    "WITH RECURSIVE r AS (SELECT id FROM people WHERE id = 1 UNION ALL SELECT p.id FROM r JOIN people p ON p.id = r.id)"
    " SELECT * FROM r": ["PEOPLE"],
    "INSERT INTO notes SELECT id, email FROM people": ["PEOPLE"],
    "INSERT INTO notes VALUES (1, 'a')": [],
    "UPDATE notes SET text = 'x'": [],
    "SELECT 1": [],
}


@pytest.mark.parametrize("sql", LEAVING)
def test_a_table_is_unrestricted_if_its_rows_leave_without_a_condition(sql: str) -> None:
    assert names(structure(sql).unrestricted) == LEAVING[sql]


GROUPED = {
    "SELECT region, COUNT(*) FROM people GROUP BY region": {"REGION"},
    "SELECT email, COUNT(*) FROM people GROUP BY 1": {"EMAIL"},
    "SELECT r, COUNT(*) FROM (SELECT email AS r FROM people) GROUP BY r": {"EMAIL"},
    "SELECT r, COUNT(*) FROM (SELECT *, email AS r FROM people) GROUP BY r": {"R"},
    "SELECT UPPER(email) AS e, MAX(id) FROM people GROUP BY ALL": {"EMAIL"},
    "SELECT COUNT(*) FROM people GROUP BY email": set(),
    "SELECT COUNT(DISTINCT email) FROM people": set(),
    "SELECT region, COUNT(*) FROM people WHERE id = 1 GROUP BY region": set(),
    "SELECT MAX(id), ARRAY_AGG(email) FROM people": {"EMAIL"},
}


@pytest.mark.parametrize("sql", GROUPED)
def test_the_keys_of_groups_leave(sql: str) -> None:
    assert {column for _, column in structure(sql).grouped} == GROUPED[sql]


JOINS = {
    "SELECT 1 FROM people": (0, 0),
    "SELECT 1 FROM people p, orders o WHERE pid = id": (1, 0),
    "SELECT 1 FROM people p, orders o WHERE pid = id AND 1 = 1": (1, 0),
    "SELECT 1 FROM people p, orders o": (1, 1),
    "SELECT 1 FROM people p CROSS JOIN orders o": (1, 1),
    "SELECT 1 FROM people p JOIN orders o ON TRUE": (1, 1),
    "SELECT 1 FROM people p JOIN orders o ON p.id = p.id": (1, 1),
    "SELECT 1 FROM people p JOIN orders o ON p.id <> o.pid": (1, 1),
    "SELECT 1 FROM people p JOIN orders o ON p.id = o.pid OR TRUE": (1, 1),
    "SELECT 1 FROM people p JOIN orders o ON p.id = o.pid OR p.id = 1": (1, 1),
    "SELECT 1 FROM people p JOIN orders o ON (p.id = o.pid AND oid = 1) OR (p.id = o.pid AND oid = 2)": (1, 0),
    "SELECT 1 FROM people p JOIN orders o ON o.amount BETWEEN p.id AND 9": (1, 0),
    "SELECT 1 FROM people p NATURAL JOIN orders o": (1, 0),
    "SELECT 1 FROM orders o JOIN orders q USING (oid)": (1, 0),
    "SELECT 1 FROM people p, orders o, notes n WHERE p.id = o.pid": (2, 1),
    "SELECT 1 FROM people p, orders o, notes n WHERE p.id = o.pid AND n.nid = o.oid": (2, 0),
    "SELECT 1 FROM people p, (SELECT MAX(amount) AS m FROM orders) o": (1, 0),
    "SELECT 1 FROM people p, (SELECT 1 AS one) o": (1, 0),
    "SELECT 1 FROM people p, (SELECT amount FROM orders LIMIT 1) o": (1, 0),
    "WITH m AS (SELECT MAX(amount) AS m FROM orders) SELECT 1 FROM people p, m": (1, 0),
    "SELECT 1 FROM people p, (SELECT ARRAY_AGG(amount) AS m, MAX(oid) AS o FROM orders) o": (1, 1),
    "SELECT 1 FROM people p, (SELECT pid, MAX(amount) AS m FROM orders GROUP BY pid) o": (1, 1),
    "SELECT 1 FROM people p, LATERAL FLATTEN(input => PARSE_JSON(p.email)) f": (1, 0),
    "SELECT 1 FROM people p, TABLE(FLATTEN(PARSE_JSON('[1]'))) f": (1, 1),
    "SELECT 1 FROM (people p JOIN orders o ON p.id = o.pid) JOIN notes n ON n.nid = o.oid": (2, 0),
    "SELECT 1 FROM people p JOIN (SELECT * FROM orders) o ON id = pid": (1, 0),
    "SELECT 1 FROM people p JOIN (SELECT * FROM people) q (a, b, c, d) ON id = a": (1, 0),
    "SELECT 1 FROM people WHERE id IN (SELECT pid FROM orders, notes)": (1, 1),
    "UPDATE notes SET text = 'x' FROM orders": (1, 1),
    "UPDATE notes SET text = 'x' FROM orders WHERE nid = oid": (1, 0),
    "DELETE FROM notes USING orders WHERE nid = oid": (1, 0),
    "DELETE FROM notes USING orders WHERE oid = 1": (1, 1),
    "MERGE INTO notes n USING orders o ON n.nid = o.oid WHEN MATCHED THEN UPDATE SET text = 'x'": (0, 0),
}


@pytest.mark.parametrize("sql", JOINS)
def test_a_join_that_no_condition_ties_is_a_cross_join(sql: str) -> None:
    found = structure(sql)
    assert (found.joins, found.cross_joins) == JOINS[sql]


LIMITS = {
    "SELECT id FROM people": (False, None),
    "SELECT id FROM people LIMIT 5": (True, 5),
    "SELECT TOP 5 id FROM people": (True, 5),
    "SELECT id FROM people FETCH FIRST 5 ROWS ONLY": (True, 5),
    "SELECT id FROM people LIMIT ?": (True, None),
    "SELECT id FROM people LIMIT NULL": (False, None),
    "SELECT id FROM people LIMIT ''": (False, None),
    "SELECT id FROM people LIMIT $$$$ OFFSET 1": (False, None),
    "SELECT id FROM people FETCH FIRST NULL ROWS ONLY": (False, None),
    "SELECT * FROM (SELECT id FROM people LIMIT 5) LIMIT NULL": (True, 5),
    "SELECT * FROM (SELECT id FROM people LIMIT 5)": (True, 5),
    "WITH c AS (SELECT id FROM people LIMIT 5) SELECT * FROM c": (True, 5),
    "(SELECT id FROM people LIMIT 5)": (True, 5),
    "SELECT * FROM (SELECT id FROM people LIMIT 5) a, notes n": (False, None),
    "SELECT id FROM people UNION ALL (SELECT id FROM people LIMIT 5)": (False, None),
    "DELETE FROM notes": (False, None),
}


@pytest.mark.parametrize("sql", LIMITS)
def test_a_limit_is_known_where_it_is_a_plain_number(sql: str) -> None:
    found = structure(sql)
    assert (found.has_limit, found.limit) == LIMITS[sql]


WHERES = {
    "SELECT id FROM people": (False, False),
    "SELECT id FROM people WHERE id = 1 UNION SELECT id FROM people": (False, False),
    "SELECT id FROM people WHERE id = 1 UNION SELECT id FROM people WHERE 1 = 1": (True, True),
    "UPDATE notes SET text = 'x'": (False, False),
    "UPDATE notes SET text = 'x' WHERE nid IS NOT NULL": (True, True),
    "DELETE FROM notes WHERE nid = 1": (True, False),
    "MERGE INTO notes n USING orders o ON 1 = 1 WHEN MATCHED THEN DELETE": (True, True),
    "MERGE INTO notes n USING orders o ON n.nid = o.oid WHEN MATCHED THEN DELETE": (True, False),
    "INSERT INTO notes VALUES (1, 'a')": (False, False),
    "INSERT INTO notes SELECT oid, 'x' FROM orders WHERE oid = 1": (True, False),
}


@pytest.mark.parametrize("sql", WHERES)
def test_the_where_of_the_statement_itself_is_told(sql: str) -> None:
    found = structure(sql)
    assert (found.has_where, found.where_is_trivial) == WHERES[sql]


@pytest.mark.parametrize(
    ("sql", "shows"),
    [
        ("SELECT * FROM people", True),
        ("SELECT p.* FROM people p", True),
        ("SELECT COUNT(*) FROM people", False),
        ("SELECT id FROM people WHERE EXISTS (SELECT * FROM orders WHERE pid = id)", False),
    ],
)
def test_a_star_is_told_where_it_shows_columns(sql: str, shows: bool) -> None:
    assert structure(sql).selects_star is shows
