"""What a fuzzer has found once, and what it begins with, is taken by each target as it must be; no fuzzer is needed."""

from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, Target

KEPT = [(name, path) for name in corpus.NAMES for path in corpus.inputs(name)]


def test_every_target_has_a_corpus() -> None:
    assert tuple(TARGETS) == corpus.NAMES
    assert {name for name, _ in KEPT} == set(corpus.NAMES)


@pytest.mark.parametrize(("name", "path"), KEPT, ids=lambda each: getattr(each, "name", each))
def test_what_was_kept_is_taken_as_it_must_be(name: str, path: Path) -> None:
    TARGETS[name].one(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_what_the_fuzzer_begins_with_is_taken_as_it_must_be(target: Target) -> None:
    for data in target.begin_with():
        target.one(data)
