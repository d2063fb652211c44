"""Random worlds, random queries: what is hidden never shows, and where nothing is hidden nothing changes."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from policy.constructs import SLOTS
from tests.noninterference.found import Found, document, found
from tests.noninterference.grammar import CONSTRUCTS_MIN, statements
from tests.noninterference.machine import Machine
from tests.noninterference.worlds import worlds
from tests.support.scores import Score

ASKED_FOR = os.environ.get("SNOWGATE_WORLDS")
WORLDS = int(ASKED_FOR or 100)
"""How many worlds to make: always the same ones in some 25 s, or as many others as the environment asks for."""
QUERIES_A_WORLD = 6
RUN_SHARE_MIN = 0.8
TOLD_SHARE_MIN = 0.2

SETTINGS = settings(
    deadline=None,
    derandomize=ASKED_FOR is None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
KINDS_MIN = 50
FORGOTTEN_WORLDS = 60
FORGOTTEN_NOTICED_MIN = 10

_counts: Counter[str] = Counter()
_reached: Counter[str] = Counter()
_refused: Counter[str] = Counter()
_kinds: set[str] = set()


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.close()


@pytest.mark.slow
@settings(SETTINGS, max_examples=WORLDS)
@given(data=st.data())
def test_what_is_hidden_never_shows(machine: Machine, data: st.DataObject) -> None:
    world = data.draw(worlds())
    for _ in range(QUERIES_A_WORLD):
        sql, constructs = data.draw(statements(world))
        told = machine.ask(world, sql)
        _counts.update(asked=1, run=told.is_run, told=told.is_told_apart)
        _reached.update(constructs if told.is_run else ())
        if told.is_run:
            _kinds.update(type(node).__name__ for node in sqlglot.parse_one(sql, read="snowflake").walk())
        if told.refused:
            _refused[told.refused] += 1
        assert told.violation is None, f"{told.violation}\n{document(world, sql)}"


@pytest.mark.slow
@settings(SETTINGS, max_examples=FORGOTTEN_WORLDS, derandomize=True)
@given(data=st.data())
def test_one_forgotten_mask_or_filter(machine: Machine, data: st.DataObject) -> None:
    world = data.draw(worlds())
    first, *others = world.tables
    weaker = replace(first, masks={}) if first.masks else replace(first, row_filter=None)
    for _ in range(2):
        sql, _ = data.draw(statements(world))
        told = machine.ask(world, sql, replace(world, tables=(weaker, *others)))
        _counts["forgotten and noticed"] += told.violation is not None


@pytest.mark.slow
def test_a_forgotten_mask_or_filter_is_noticed() -> None:
    if not _counts["asked"]:
        pytest.skip("only counted where the machine has run")
    assert _counts["forgotten and noticed"] >= FORGOTTEN_NOTICED_MIN


@pytest.mark.parametrize("path", found(), ids=lambda path: path.stem)
def test_what_was_found_once_does_not_come_back(path: Path, machine: Machine, request: pytest.FixtureRequest) -> None:
    case = Found(path.read_text(encoding="utf-8"))
    if case.known is not None:
        request.applymarker(pytest.mark.xfail(reason=case.known, strict=False))
    told = machine.ask(case, case.sql)
    assert told.refused is None
    assert told.violation is None


@pytest.mark.slow
def test_the_machine_had_the_power_to_find_something(score: Score) -> None:
    if not _counts["asked"]:
        pytest.skip("only counted where the machine has run")
    score(f"noninterference: {_counts['asked']} queries, {_counts['run']} ran,")
    score(f"  {_counts['told']} could have failed; {len(_reached)} constructs reached:")
    score("  " + ", ".join(f"{name} {count}" for name, count in _reached.most_common()))
    known = {name for name in SLOTS if not issubclass(getattr(exp, name), exp.Func)}
    score(f"  kinds of node reached: {len(_kinds & known)} of {len(known)}, and {len(_kinds - known)} functions;")
    score(f"  not reached: {' '.join(sorted(known - _kinds))}")
    score(f"  of one forgotten table {_counts['forgotten and noticed']} queries told")
    for reason, count in _refused.most_common(5):
        score(f"  refused {count}: {reason}")
    assert _counts["run"] >= RUN_SHARE_MIN * _counts["asked"]
    assert _counts["told"] >= TOLD_SHARE_MIN * _counts["run"]
    assert len(_reached) >= CONSTRUCTS_MIN
    assert len(_kinds & known) >= KINDS_MIN
