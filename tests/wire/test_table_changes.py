"""Changes of whole tables, from the request to the undo, through official clients: always held, measured, recorded."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clients import Answering, Era, Gate, answer, refusal
from tests.support.gates import serving
from tests.support.sandbox import connection, rows
from tests.support.watching import eventually
from tests.wire.test_approvals import check, decide

ERAS: list[Era] = ["auto", "legacy"]
FULL = "CRM.PUBLIC.{}"


def in_snowflake(gate: Gate, sql: str, role: str = "STEWARD_RW") -> list[tuple[Any, ...]]:
    """What somebody does in Snowflake, beside the gate."""
    with connection(gate.sandbox.state, "STELLA", role) as session:
        return rows(session, sql)


def count(gate: Gate, table: str) -> int:
    [(number,)] = in_snowflake(gate, f"SELECT COUNT(*) FROM {FULL.format(table)}", "STEWARD_RO")
    return int(number)


async def held(gate: Gate, sql: str, *, person: str = "stella", user: Any = None, era: Era = "auto") -> dict[str, Any]:
    async with gate.client(person, user=user, era=era) as client:
        said = refusal(await client.call_tool("request_write", {"sql": sql, "reason": "The table is not needed"}))
    assert said["code"] == "held", said
    return said


async def done(gate: Gate, said: dict[str, Any]) -> dict[str, Any]:
    """What a held request says once somebody else has approved it."""
    assert (await decide(gate, "sofia", said["hold_id"]))["state"] == "approved"
    result = await check(gate, said["hold_id"])
    assert result.get("status") == "executed", result
    return result


async def shown(gate: Gate, said: dict[str, Any]) -> dict[str, Any]:
    async with gate.client("sofia") as client:
        return answer(await client.call_tool("show_hold", {"hold_id": said["hold_id"]}))


async def undone(gate: Gate, call_id: str, era: Era = "auto") -> dict[str, Any]:
    """What asking to undo a call is answered: it is held as any write."""
    async with gate.client("stella", era=era) as client:
        return refusal(
            await client.call_tool("request_undo", {"call_id": call_id, "reason": "That was the wrong table"})
        )


@pytest.fixture
def scratch(gate: Gate, request: pytest.FixtureRequest) -> Iterator[str]:
    """A table of its own, with three rows; its columns are clear to stewards."""
    name = f"SCRATCH_{abs(hash(request.node.name)) % 10**8}"
    yield name
    in_snowflake(gate, f"DROP TABLE IF EXISTS {FULL.format(name)}")


async def made(gate: Gate, table: str, era: Era = "auto") -> dict[str, Any]:
    """Make the table through the gate, and fill it in Snowflake."""
    said = await held(gate, f"CREATE TABLE {FULL.format(table)} (email VARCHAR(100), phone TEXT NOT NULL)", era=era)
    result = await done(gate, said)
    in_snowflake(gate, f"INSERT INTO {FULL.format(table)} VALUES ('a@x.org', '1'), ('b@x.org', '2'), ('c@x.org', '3')")
    return result


async def test_what_was_made_at_one_replica_is_undone_at_another(gate: Gate, scratch: str, free_tcp_port: int) -> None:
    """Whose catalog is older than the table."""
    settings = {"SNOWGATE_RESOURCE": gate.sandbox.state.resource_url}
    async with serving(gate.sandbox, port=free_tcp_port, **settings):
        created = await made(gate, scratch)
        async with gate.client("stella", port=free_tcp_port) as client:
            arguments = {"call_id": created["call_id"], "reason": "That was the wrong table"}
            said = refusal(await client.call_tool("request_undo", arguments))
    assert said["code"] == "held", said
    await done(gate, said)
    assert in_snowflake(gate, f"SELECT 1 FROM crm.information_schema.tables WHERE table_name = '{scratch}'") == []


async def test_what_was_made_at_one_replica_is_soon_shown_by_another(
    gate: Gate, scratch: str, free_tcp_port: int
) -> None:
    """Which looks at the catalog by itself once in an hour."""
    settings = {"SNOWGATE_RESOURCE": gate.sandbox.state.resource_url, "SNOWGATE_CATALOG_REFRESH_S": "3600"}
    question = {"search": scratch}
    async with (
        serving(gate.sandbox, port=free_tcp_port, **settings),
        gate.client("stella", port=free_tcp_port) as client,
    ):

        async def is_shown() -> bool:
            return bool(answer(await client.call_tool("describe_schema", question))["tables"])

        assert not await is_shown()
        await made(gate, scratch)
        await eventually(is_shown, within_s=20)


@pytest.mark.parametrize("era", ERAS)
async def test_a_table_is_made_emptied_and_dropped_and_each_is_undone(gate: Gate, scratch: str, era: Era) -> None:
    full = FULL.format(scratch)
    created = await made(gate, scratch, era)
    assert created["undo"] == f'DROP TABLE "CRM"."PUBLIC"."{scratch}"'

    said = await held(gate, f"TRUNCATE TABLE {full}", era=era)
    seen = await shown(gate, said)
    assert (seen["effect"]["rows"], seen["risk"]) == ({"delete": 3}, "high")
    assert len(seen["effect"]["sample"]["rows"]) == 3
    assert count(gate, scratch) == 3
    emptied = await done(gate, said)
    assert emptied["rows_affected"] == 3
    assert count(gate, scratch) == 0
    again = await undone(gate, emptied["call_id"], era)
    assert again["code"] == "held"
    assert (await shown(gate, again))["effect"]["rows"] == {"delete": 0, "insert": 3}
    assert count(gate, scratch) == 0
    back = await done(gate, again)
    assert (count(gate, scratch), back["undo"]) == (3, None)
    assert (await undone(gate, back["call_id"], era))["code"] == "nothing_to_undo"

    said = await held(gate, f"DROP TABLE {full}", era=era)
    assert (await shown(gate, said))["effect"]["rows"] == {"delete": 3}
    dropped = await done(gate, said)
    assert dropped["undo"] == f'UNDROP TABLE "CRM"."PUBLIC"."{scratch}"'
    async with gate.client("stella", era=era) as client:
        gone = refusal(await client.call_tool("run_query", {"sql": f"SELECT * FROM {full}", "purpose": "a look"}))
    assert gone["code"] == "object_not_found"
    await done(gate, await undone(gate, dropped["call_id"], era))
    assert count(gate, scratch) == 3
    stages = await gate.stages(dropped["call_id"])
    assert stages == ["decided", "hold.executed", "answered"]


async def test_a_column_is_added_and_dropped_with_its_values_and_they_come_back(gate: Gate, scratch: str) -> None:
    await made(gate, scratch)
    full = FULL.format(scratch)
    added = await done(gate, await held(gate, f"ALTER TABLE {full} ADD COLUMN notes VARCHAR"))
    assert added["undo"] == f'ALTER TABLE "CRM"."PUBLIC"."{scratch}" DROP COLUMN "NOTES"'
    said = await held(gate, f"ALTER TABLE {full} DROP COLUMN email")
    seen = await shown(gate, said)
    assert (seen["effect"]["rows"], seen["risk"]) == ({"alter": 3}, "high")
    dropped = await done(gate, said)
    columns = "SELECT column_name FROM crm.information_schema.columns WHERE table_name = '{}' ORDER BY 1"
    assert in_snowflake(gate, columns.format(scratch)) == [("NOTES",), ("PHONE",)]
    await done(gate, await undone(gate, dropped["call_id"]))
    assert in_snowflake(gate, f"SELECT MIN(email), COUNT(email) FROM {full}") == [("a@x.org", 3)]


async def test_a_table_to_which_rows_came_after_the_question_is_not_emptied(gate: Gate, scratch: str) -> None:
    await made(gate, scratch)
    said = await held(gate, f"TRUNCATE TABLE {FULL.format(scratch)}")
    assert (await decide(gate, "sofia", said["hold_id"]))["state"] == "approved"
    in_snowflake(gate, f"INSERT INTO {FULL.format(scratch)} VALUES ('d@x.org', '4')")
    assert (await check(gate, said["hold_id"]))["code"] == "effect_drifted"
    assert (count(gate, scratch), gate.ran(f'TRUNCATE TABLE "CRM"."PUBLIC"."{scratch}"')) == (4, [])


async def test_a_table_that_has_changed_since_the_question_is_not_dropped(gate: Gate, scratch: str) -> None:
    await made(gate, scratch)
    said = await held(gate, f"DROP TABLE {FULL.format(scratch)}")
    assert (await decide(gate, "sofia", said["hold_id"]))["state"] == "approved"
    in_snowflake(gate, f"ALTER TABLE {FULL.format(scratch)} ADD COLUMN later INT")
    assert (await check(gate, said["hold_id"]))["code"] == "hold_stale"
    assert (count(gate, scratch), gate.ran(f'DROP TABLE "CRM"."PUBLIC"."{scratch}"')) == (3, [])


async def test_a_client_that_says_yes_to_everything_drops_nothing(gate: Gate) -> None:
    yes, ran = Answering(), gate.ran()
    said = await held(gate, "DROP TABLE crm.public.orders", user=yes)
    assert (yes.asked, gate.ran()) == ([], ran)
    seen = await shown(gate, said)
    assert seen["effect"]["breaks"] == ["CRM.PUBLIC.CUSTOMER_REVENUE"]
    assert count(gate, "ORDERS") > 0


@pytest.mark.parametrize(
    ("person", "sql", "code"),
    [
        ("ada", "DROP TABLE crm.public.tickets", "not_permitted"),
        ("ada", "TRUNCATE TABLE crm.hr.employees", "object_not_found"),
        ("stella", "TRUNCATE TABLE crm.hr.employees", "not_permitted"),
        ("stella", "DROP TABLE crm.public.nothing_here", "object_not_found"),
        ("stella", "TRUNCATE TABLE crm.public.customer_revenue", "not_permitted"),
        ("stella", "ALTER TABLE crm.public.tickets DROP COLUMN nothing_here", "column_not_found"),
        ("stella", "ALTER TABLE crm.public.tickets RENAME TO orders2", "statement_not_allowed"),
        ("stella", "ALTER TABLE crm.public.customers RENAME COLUMN email TO country2", "statement_not_allowed"),
        ("stella", "CREATE TABLE crm.public.copied AS SELECT * FROM crm.public.customers", "statement_not_allowed"),
        ("stella", "CREATE OR REPLACE TABLE crm.public.orders CLONE crm.public.customers", "statement_not_allowed"),
        ("stella", "CREATE TABLE crm.public.tickets (a INT)", "object_exists"),
        ("stella", "UNDROP TABLE crm.public.tickets", "object_exists"),
        ("stella", "DROP DATABASE crm", "statement_not_allowed"),
    ],
)
async def test_what_policy_does_not_name_or_the_gate_does_not_understand_is_refused(
    gate: Gate, person: str, sql: str, code: str
) -> None:
    ran = gate.ran()
    async with gate.client(person, user=Answering()) as client:
        said = refusal(await client.call_tool("request_write", {"sql": sql, "reason": "a test"}))
        read = refusal(await client.call_tool("run_query", {"sql": sql, "purpose": "a test"}))
    assert said["code"] == code
    assert read["code"] in ("wrong_tool", "statement_not_allowed")
    assert gate.ran() == ran


async def test_only_what_one_asked_for_oneself_is_undone(gate: Gate, scratch: str) -> None:
    created = await made(gate, scratch)
    arguments = {"call_id": created["call_id"], "reason": "a test"}
    async with gate.client("sofia") as client:
        theirs = refusal(await client.call_tool("request_undo", arguments))
    async with gate.client("stella") as client:
        missing = refusal(await client.call_tool("request_undo", {**arguments, "call_id": "call_nothing"}))
    assert theirs["code"] == missing["code"] == "hold_not_found"
    assert theirs["message"] == missing["message"]


async def test_a_change_of_rows_is_undone_by_time_travel_with_what_came_after_it(gate: Gate, scratch: str) -> None:
    await made(gate, scratch)
    full = FULL.format(scratch)
    async with gate.client("stella", user=Answering()) as client:
        write = {"sql": f"UPDATE {full} SET email = 'z@x.org' WHERE phone = '1'", "reason": "a test"}
        changed = answer(await client.call_tool("request_write", write))
    assert in_snowflake(gate, f"SELECT email FROM {full} WHERE phone = '1'") == [("z@x.org",)]
    again = await undone(gate, changed["call_id"])
    seen = await shown(gate, again)
    assert seen["effect"]["rows"] == {"delete": 3, "insert": 3}
    assert "are replaced by those it had" in seen["text"]
    await done(gate, again)
    assert in_snowflake(gate, f"SELECT email FROM {full} WHERE phone = '1'") == [("a@x.org",)]
