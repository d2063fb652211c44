"""A gate that is killed at any step of an approved write loses nothing, does nothing twice, and nothing unasked."""

import pytest

from tests.faults.kills import STEPS, Kills
from tests.faults.table_kills import CASES, WRONG, TableKills
from tests.support.clients import Gate

SUBMITTED = {"SNOWGATE_SNOWFLAKE_SUBMITS": "true"}
ROWS: list[tuple[str, dict[str, str]]] = [
    *((step, {}) for step in STEPS),
    ("at the change", SUBMITTED),
    ("at COMMIT", SUBMITTED),
]


@pytest.mark.parametrize(
    ("step", "settings", "customer"),
    [(*case, 1030 + n) for n, case in enumerate(ROWS)],
    ids=[f"{step}{', submitted' if settings else ''}" for step, settings in ROWS],
)
async def test_an_approved_write_runs_once_though_its_gate_is_killed(
    gate: Gate, step: str, settings: dict[str, str], customer: int, free_tcp_port: int
) -> None:
    kills = Kills(gate, free_tcp_port, settings=settings)
    await kills.once(step, customer)
    assert kills.counts["double effects"] == 0
    assert kills.counts["approved and lost"] == 0
    assert kills.counts["told as executed"] == 1


@pytest.mark.parametrize(("name", "step"), CASES, ids=[f"{name} {step}" for name, step in CASES])
async def test_an_approved_change_of_a_table_is_made_once_and_can_be_taken_back_though_its_gate_is_killed(
    gate: Gate, name: str, step: str, free_tcp_port: int
) -> None:
    kills = TableKills(gate, free_tcp_port)
    await kills.once_table(name, step, f"KILLED_AT_{CASES.index((name, step))}")
    assert [wrong for wrong in WRONG if kills.counts[wrong]] == []
    assert kills.counts["told as executed"] == 1
