"""What the parser can make is what was looked at: an upgrade that adds a class or renames a function fails here."""

import hashlib

from sqlglot import exp

from policy.constructs import CONSTRUCTS, SLOTS
from policy.functions import FUNCTIONS_ALLOWED, PRINTED_AS
from policy.report import judge
from tests.corpus.world import READER, engine

_ARGUMENTS = """
    |n_name|n_nationkey|n_name, 'b'|n_name, n_nationkey|n_nationkey, n_regionkey|n_name, 'b', 'c'|'day', n_name|
    day, 1, n_name|day, n_name, n_comment|n_name, x -> x|1, 2, 3, 4, 5, 6|1, 5|*|n_nationkey, n_regionkey, 1, 10|
    n_nationkey, n_regionkey, 1|month from n_name|DISTINCT n_name|n_name AS DATE|n_name, 1, (a, b) -> a|
    n_name, 'b', 1, 2
"""
ARGUMENTS = _ARGUMENTS.split("|")
SUFFIXES = ("", " OVER (ORDER BY n_name)", " WITHIN GROUP (ORDER BY n_name)")
KNOWN_CLASSES = 1056
KNOWN_DIGEST = "e14a52f93f15ca57"


def _classes() -> list[str]:
    found = (getattr(exp, name) for name in dir(exp))
    return sorted({kind.__name__ for kind in found if isinstance(kind, type) and issubclass(kind, exp.Expr)})


def test_every_node_class_of_the_parser_was_looked_at() -> None:
    classes = _classes()
    digest = hashlib.sha256("\n".join(classes).encode()).hexdigest()[:16]
    assert (len(classes), digest) == (KNOWN_CLASSES, KNOWN_DIGEST), (
        "look at what is new, then class it or leave it refused"
    )


def test_every_allowed_class_exists_with_its_slots() -> None:
    assert set(_classes()) >= CONSTRUCTS
    for name, slots in SLOTS.items():
        assert name in CONSTRUCTS
        assert slots <= set(getattr(exp, name).arg_types), name


def test_every_allowed_function_can_be_called_somehow() -> None:
    grammar = {"CASE", "CONNECT_BY_ROOT"}
    for name in sorted(FUNCTIONS_ALLOWED - grammar):
        shapes = [f"SELECT {name}({a}){s} FROM nation" for a in ARGUMENTS for s in SUFFIXES]
        shapes += [f"SELECT 1 FROM nation, TABLE({name}({a})) x" for a in ARGUMENTS]
        assert any(judge(engine(), READER, sql, name)["decision"] == "permit" for sql in shapes), name


def test_a_function_is_printed_under_its_own_name_or_a_reviewed_one() -> None:
    assert set(PRINTED_AS) <= FUNCTIONS_ALLOWED
    for others in PRINTED_AS.values():
        assert others <= FUNCTIONS_ALLOWED
