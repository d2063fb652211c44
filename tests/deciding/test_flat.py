"""Two trees are alike only if nothing in them differs."""

import pytest
from sqlglot import exp

from policy.flat import flat, take_apart
from policy.syntax import parse_one

ALIKE_BUT = [
    ("SELECT a FROM t", "SELECT b FROM t"),
    ("SELECT a FROM t", 'SELECT "a" FROM t'),
    ("SELECT 'x' FROM t", "SELECT 'X' FROM t"),
    ("SELECT '1' FROM t", "SELECT 1 FROM t"),
    ("SELECT a, b FROM t", "SELECT b, a FROM t"),
    ("SELECT f(a) FROM t", "SELECT F(a) FROM t"),
    ("SELECT DISTINCT a FROM t", "SELECT a FROM t"),
    ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a DESC"),
    ("SELECT a FROM t UNION SELECT a FROM t", "SELECT a FROM t UNION ALL SELECT a FROM t"),
    ("SELECT a::INT FROM t", "SELECT a::TEXT FROM t"),
    ("SELECT DATE_TRUNC('month', a) FROM t", "SELECT DATE_TRUNC('year', a) FROM t"),
    ("SELECT a FROM t WHERE b = ''", "SELECT a FROM t WHERE b = ' '"),
    ("SELECT (a + b) * c FROM t", "SELECT a + b * c FROM t"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE_BUT)
def test_trees_that_differ_in_one_thing_are_told_apart(one: str, other: str) -> None:
    assert flat(parse_one(one).root) == flat(parse_one(one).root)
    assert flat(parse_one(one).root) != flat(parse_one(other).root)


def test_a_word_that_is_called_like_a_slot_does_not_pass_for_one() -> None:
    inner = exp.Var(this="expression")
    as_node, as_word = exp.Alias(this=inner, alias="x"), exp.Alias(this="expression", alias="x")
    assert flat(as_node) != flat(as_word)


def test_a_tree_that_was_taken_apart_has_no_circle() -> None:
    root = parse_one("SELECT a, (SELECT MAX(b) FROM u) FROM t").root
    nodes: list[exp.Expr] = []
    flat(root, nodes)
    take_apart(nodes)
    assert all(node.parent is None for node in root.walk())
