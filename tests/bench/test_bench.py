"""The benchmark's own arithmetic, and that its stand-in knows a statement again after the gate has rewritten it."""

from typing import Any

import orjson
import pytest

from policy.document import load
from tests.bench.answers import reply_to
from tests.bench.cases import CASES
from tests.bench.figures import Key, figures, percentile
from tests.bench.gates import gates
from tests.bench.memory import Memory
from tests.bench.rounds import IN_FLIGHT_MAX, Burst, Step, steps
from tests.bench.stage import POLICY

POINT_NEW = Step(CASES["point-new"], 1, 2)


def burst(target: str, number: int, *elapsed_s: float, **facts: Any) -> Burst:
    """A burst with two calls' worth of everything."""
    costs: dict[str, Any] = {
        "cpu_s": 0.002, "journal_cpu_s": 0.0, "client_cpu_s": 0.0, "size_bytes": 1, "logins": 0, "queries": 2,
    }  # fmt: skip
    return Burst("stub", POINT_NEW, target, number, elapsed_s, sum(elapsed_s), **{**costs, **facts})


def test_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile(range(1, 101), 99) == 99
    assert percentile([7.0], 99) == 7.0


def test_targets_are_compared_within_a_round() -> None:
    slow_round = [burst("driver", 0, 1.0, 1.0), burst("floor", 0, 2.0, 2.0), burst("snowgate", 0, 3.0, 3.0)]
    quick_round = [burst("driver", 1, 0.1, 0.1), burst("floor", 1, 0.2, 0.2), burst("snowgate", 1, 0.3, 0.3)]
    found = figures([*slow_round, *quick_round])[Key("stub", "point-new", 1, "snowgate")]
    assert found.ratio == pytest.approx(3.0)
    assert found.added_ms == pytest.approx((1_000 + 100) / 2)
    assert found.calls == 4


def test_a_gate_that_does_not_hold_says_so() -> None:
    found = figures([burst("driver", 0, 0.001), burst("floor", 0, 0.002), burst("snowgate", 0, 0.009, logins=1)])
    memories = {"floor": Memory(100, 150, 120, 120), "snowgate": Memory(100, 300, 120, 120)}
    verdicts = {gate.name: gate.holds for gate in gates(found, memories, {"snowgate": 1.0})}
    assert verdicts["stub, point-new: p50 over the floor"] is False
    assert verdicts["100,000 rows: peak memory growth over the floor's"] is False
    assert verdicts["start to first right answer"] is True
    assert verdicts["warm path: logins a call"] is False


def test_a_gate_without_figures_is_not_judged() -> None:
    assert [gate.name for gate in gates({}, {}, {"snowgate": 1.0})] == ["start to first right answer"]


def test_a_slow_stage_runs_point_queries_alone() -> None:
    planned = steps(list(CASES), slow=True, quick=False)
    assert {step.case.name for step in planned} == {"point", "point-new", "point-unseen"}
    assert {step.in_flight for step in planned} == {1, 8, IN_FLIGHT_MAX}


def test_no_two_new_statements_are_equal() -> None:
    for name in ("typical-new", "typical-unseen"):
        assert len({query.sql for query in CASES[name].queries(50)}) == 50
    assert len({query.sql.partition("\nFROM ")[0] for query in CASES["typical-unseen"].queries(50)}) == 50
    assert len({query.sql for query in CASES["typical"].queries(50)}) == 1


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (CASES["point"].make().sql, 1),
        ('SELECT "O_ORDERKEY" FROM "TPCH"."PUBLIC"."ORDERS" WHERE "O_ORDERKEY" = 4711', 1),
        (CASES["typical"].make().sql, CASES["typical"].make().rows),
        (CASES["rows1k"].make().sql, 1_000),
        ("SHOW PRIMARY KEYS IN DATABASE TPCH", 3),
        ("SELECT 1", 1),
    ],
)
def test_the_stand_in_answers_with_as_many_rows_as_a_case_expects(sql: str, rows: int) -> None:
    data = orjson.loads(reply_to(sql))["data"]
    assert data["total"] == rows
    assert data["queryId"] != orjson.loads(reply_to(sql))["data"]["queryId"]


def test_the_benchmarks_policy_is_one() -> None:
    assert load(POLICY.read_text(encoding="utf-8")).digest
