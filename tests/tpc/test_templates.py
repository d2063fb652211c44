"""The questions of TPC-H and TPC-DS with other literals: a template says what understanding them in full says."""

import random
from functools import partial

import pytest

from policy.understand import understand
from tests.deciding.variants import agrees, learned, made, varied
from tests.support.scores import Score
from tests.tpc.material import benchmark
from tests.tpc.world import EVERYTHING_PUBLIC, engine, in_snowflake

pytestmark = pytest.mark.slow

FILLED_MIN = {"tpch": 40, "tpcds": 150}


@pytest.mark.parametrize("name", ["tpch", "tpcds"])
def test_it_is_what_understanding_in_full_says(name: str, score: Score) -> None:
    found, dice = benchmark(name), random.Random(3)  # noqa: S311 - a reproducible choice
    over = engine(found, EVERYTHING_PUBLIC)
    full = partial(understand, tables=over.catalog.tables, defaults=over.policy.defaults, observing=True)
    templates = filled = 0
    for question in found.queries.values():
        text = in_snowflake(question)
        known = learned(full, [text] * 3)
        templates += made(known)
        filled += sum(agrees(known, full, varied(text, dice, share=share)) for share in (0.0, 0.05, 0.1, 0.2, 0.3) * 2)
    score(f"{name}: templates of {templates} of {len(found.queries)} questions, filled {filled} times as in full")
    assert filled >= FILLED_MIN[name]
