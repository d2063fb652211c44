"""A gate that submits its statements knows the id of each while it runs, and stops it by that id."""

import json
from typing import Any

import anyio

from tests.faults.test_outages import Calls
from tests.support.clients import Gate
from tests.support.gates import serving
from tests.support.watching import eventually


async def test_a_submitted_statement_is_in_the_journal_while_it_runs_and_ends_with_its_call(
    gate: Gate, free_tcp_port: int
) -> None:
    mark = "'submitted'"
    sql = f"SELECT COUNT(*) AS n FROM tpch.public.nation WHERE n_name <> {mark}"
    settings = {"SNOWGATE_RESOURCE": gate.sandbox.state.resource_url, "SNOWGATE_SNOWFLAKE_SUBMITS": "true"}

    def record() -> Any:
        return next((each for each in gate.sandbox.lookalike.queries() if mark in each.sql), None)

    def call_id() -> str:
        return str(json.loads(record().tag)["snowgate_call"])

    async def running() -> list[dict[str, Any]]:
        return [facts for entry, facts in await gate.journal(call_id()) if entry.stage == "running"]

    await gate.sandbox.lookalike.delay_next(mark, 60)
    with anyio.fail_after(90):
        async with serving(gate.sandbox, port=free_tcp_port, **settings):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(Calls(gate, free_tcp_port).attempt, {"sql": sql, "purpose": "to be cut off"})
                await eventually(lambda: record() is not None, within_s=30)

                async def is_journaled() -> bool:
                    return bool(await running())

                await eventually(is_journaled)
                assert record().status == "RUNNING"
                tasks.cancel_scope.cancel()
            await eventually(lambda: record().error_code == "000604")
    asked_after = [each for each in gate.sandbox.lookalike.queries() if "QUERY_HISTORY" in each.sql]
    assert not any(call_id() in each.tag for each in asked_after)  # it was known from the beginning
    assert [facts["query_id"] for facts in await running()] == [record().query_id]
