"""Each requirement leads to a file that holds it up and to a test that fails without it; both are there."""

import ast
import re
from collections import Counter
from functools import cache

import pytest

from tests.house import tracing, tree
from tests.house.tracing import Framework

FRAMEWORKS = tracing.frameworks()
every_framework = pytest.mark.parametrize("told", FRAMEWORKS.values(), ids=FRAMEWORKS.keys())

ASVS = {
    "2.1": 3, "2.2": 3, "2.3": 5, "2.4": 2, "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2, "9.1": 3, "9.2": 4, "10.1": 2,
    "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3, "14.1": 2, "14.2": 8, "14.3": 3, "16.1": 1,
    "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 4,
}  # fmt: skip
"""How many requirements ASVS 5.0.0 has in each section of the chapters V2, V8, V9, V10, V14 and V16."""


@cache
def named_in(path: str) -> frozenset[str]:
    source = (tree.ROOT / "tests" / path).read_text(encoding="utf-8")
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.parse(source).body if isinstance(node, functions))


def test_the_page_is_what_the_program_writes() -> None:
    assert tracing.PAGE.read_text(encoding="utf-8") == tracing.page()


@every_framework
def test_every_requirement_names_a_file_that_is_there(told: Framework) -> None:
    assert told.held
    for each in told.held:
        files = [name for name in re.findall(r"`([\w./-]+)`", each.by) if "." in name]
        assert files, each.id
        for name in files:
            assert (tree.ROOT / name).is_file(), (each.id, name)


@every_framework
def test_every_requirement_names_tests_that_are_there(told: Framework) -> None:
    for each in told.held:
        for reference in each.tests:
            path, _, name = reference.partition("::")
            assert name.startswith("test_"), reference
            assert name in named_in(path), (each.id, reference)


@every_framework
def test_no_test_stands_for_two_requirements_of_a_framework(told: Framework) -> None:
    counted = Counter(name for each in told.held for name in each.tests)
    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("asvs", [f"{section}.{n}" for section, count in ASVS.items() for n in range(1, count + 1)]),
        ("mcp", [f"MCP{n:02}:2025" for n in range(1, 11)]),
        ("agentic", [f"ASI{n:02}" for n in range(1, 11)]),
        ("aarm", [f"R{n}" for n in range(1, 10)]),
    ],
)
def test_no_requirement_is_left_out_and_none_is_told_twice(name: str, ids: list[str]) -> None:
    assert sorted(FRAMEWORKS[name].ids) == sorted(ids)
