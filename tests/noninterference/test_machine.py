"""Random worlds, random queries: what is hidden never shows, and where nothing is hidden nothing changes."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.noninterference.found import document
from tests.noninterference.grammar import CONSTRUCTS_MIN, statements
from tests.noninterference.machine import Machine
from tests.noninterference.worlds import worlds

WORLDS = int(os.environ.get("SNOWGATE_WORLDS", "150"))
"""How many worlds to make; 150 take some 30 s, and every other number makes other worlds."""
QUERIES_A_WORLD = 6
RUN_SHARE_MIN = 0.8
TOLD_SHARE_MIN = 0.2

_counts: Counter[str] = Counter()
_reached: Counter[str] = Counter()
_refused: Counter[str] = Counter()


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.close()


@pytest.mark.slow
@settings(
    max_examples=WORLDS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(data=st.data())
def test_what_is_hidden_never_shows(machine: Machine, data: st.DataObject) -> None:
    world = data.draw(worlds())
    for _ in range(QUERIES_A_WORLD):
        sql, constructs = data.draw(statements(world))
        told = machine.ask(world, sql)
        _counts.update(asked=1, run=told.is_run, told=told.is_told_apart)
        _reached.update(constructs if told.is_run else ())
        if told.refused:
            _refused[told.refused] += 1
        assert told.violation is None, f"{told.violation}\n{document(world, sql)}"


@pytest.mark.slow
def test_the_machine_had_the_power_to_find_something(capsys: pytest.CaptureFixture[str]) -> None:
    if not _counts["asked"]:
        pytest.skip("only counted where the machine has run")
    with capsys.disabled():
        print(f"\nnoninterference: {_counts['asked']} queries, {_counts['run']} ran,", end=" ")
        print(f"{_counts['told']} could have failed; {len(_reached)} constructs reached:")
        print("  " + ", ".join(f"{name} {count}" for name, count in _reached.most_common()))
        for reason, count in _refused.most_common(5):
            print(f"  refused {count}: {reason}")
    assert _counts["run"] >= RUN_SHARE_MIN * _counts["asked"]
    assert _counts["told"] >= TOLD_SHARE_MIN * _counts["run"]
    assert len(_reached) >= CONSTRUCTS_MIN
