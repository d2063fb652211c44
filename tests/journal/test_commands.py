"""What auditors do with the journal of a gate that serves: every verb, from end to end."""

import csv
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from audit.journal import open_journal
from audit.reading import entries
from audit.searching import find_value
from server.database import open_engine
from server.journal_keys import sealer_of, signer_of
from server.query_history import COLUMNS
from server.timeline import calls_of_session
from tests.journal.commands import snowgate
from tests.support.clients import Answering, Gate, answer
from tests.support.databases import driver_dsn
from tests.support.gates import POLICY

CANARY = "Canary-Quill-4711"
READ = f"SELECT REGION FROM CRM.PUBLIC.CUSTOMERS WHERE REGION <> '{CANARY}' LIMIT 2"


async def read(gate: Gate, sql: str = READ) -> str:
    """Ask once as ada; the call's id."""
    async with gate.client("ada") as client:
        said = await client.call_tool("run_query", {"sql": sql, "purpose": f"to greet {CANARY}"})
    async with open_engine(gate.settings.auditor_url) as engine, engine.connect() as connection:
        newest = "select call_id from journal.entry where stage in ('answered', 'refused') order by at desc limit 1"
        call_id = str((await connection.execute(text(newest))).scalar_one())
    assert not said.is_error, said
    return call_id


async def test_a_call_is_played_back_with_its_proof(gate: Gate) -> None:
    call_id = await read(gate)
    status, said = await snowgate(gate, "journal", "play", "--call", call_id, "--json")
    moments = [json.loads(line) for line in said.splitlines()]
    assert status == 0
    assert [moment["stage"] for moment in moments] == ["decided", "answered"]
    assert CANARY in moments[0]["facts"]["inputs"]
    assert not any(moment["sealed"] for moment in moments)
    session = moments[0]["facts"]["session"]
    status, said = await snowgate(gate, "journal", "play", "--session", session)
    assert (status, call_id in said) == (0, True)
    assert (await snowgate(gate, "journal", "play"))[0] == 2


async def test_a_held_write_is_shown_with_who_answered_what_and_why_it_was_asked_for(gate: Gate) -> None:
    async with gate.client("stella", user=Answering()) as client:
        sql = "UPDATE crm.public.tickets SET status = 'CLOSED' WHERE ticket_id = 9023"
        call_id = answer(await client.call_tool("request_write", {"sql": sql, "reason": "they called"}))["call_id"]
    status, said = await snowgate(gate, "journal", "show", "--call", call_id)
    assert status == 0
    assert "hold.decided  stella\n" in said
    assert "verdict=approve  via=elicitation" in said
    assert "reason=they called" in said
    assert "None" not in said


async def test_what_is_typed_to_play_or_show_is_looked_for_and_not_told(gate: Gate) -> None:
    sought = "Zbigniew O'Nobody"
    for command in (["play", "--session", sought], ["play", "--call", sought], ["show", "--call", sought]):
        assert (await snowgate(gate, "journal", *command))[0] == 0
    sealer = sealer_of(gate.settings)
    async with open_engine(gate.settings.auditor_url) as engine:
        assert not any("Nobody" in str(entry.facts) for entry in await entries(engine, last=20))
        assert len(await find_value(engine, sealer, "sought_call", sought)) == 2
        assert len(await find_value(engine, sealer, "sought_session", sought)) == 1


async def test_a_sign_in_is_found_whatever_its_issuer_calls_it(gate: Gate) -> None:
    session = 'sid "of" ada\\\u00e9'
    async with open_engine(gate.settings.admin_url) as engine:
        async with open_journal(engine, sealer_of(gate.settings), signer_of(gate.settings)) as journal:
            await journal.append("call_quoted", "refused", {"session": session})
        assert await calls_of_session(engine, session) == ["call_quoted"]
        assert await calls_of_session(engine, "\0") == []


async def test_bytes_that_are_no_text_are_named_in_an_export_as_in_the_database(gate: Gate, tmp_path: Path) -> None:
    await read(gate)
    export, trust = tmp_path / "journal.jsonl", tmp_path / "trust.txt"
    trust.write_text((await snowgate(gate, "journal", "trust"))[1])
    assert (await snowgate(gate, "journal", "export", str(export)))[0] == 0
    lines = export.read_text("utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if '"stage": "decided"' in line)
    bad = json.loads(lines[at])
    lines[at] = json.dumps({**bad, "body": bad["body"][:-1] + "\udcff"})
    export.write_text("\n".join(lines) + "\n")
    status, said = await snowgate(gate, "journal", "verify", str(export), "--trust", str(trust))
    assert (status, said.split(":")[0]) == (1, f"{bad['stream']}/{bad['n']}")


async def test_every_decision_comes_out_the_same_by_what_it_was_made_with(gate: Gate) -> None:
    await read(gate)
    async with gate.client("ada") as client:
        await client.call_tool("run_query", {"sql": "SELECT 1 FROM CRM.HR.EMPLOYEES", "purpose": "to try"})
        await client.call_tool("describe_schema", {"search": "customers"})
    status, said = await snowgate(gate, "journal", "replay", "--json")
    done = json.loads(said)
    assert (status, done["changed"]) == (0, 0), done["shown"]
    assert done["same"] >= 2
    assert done["same"] + sum(done["not_replayable"].values()) == done["decisions"]


async def test_a_candidate_policy_is_compared_by_principal_tool_and_rule(gate: Gate, tmp_path: Path) -> None:
    await read(gate)
    stricter = tmp_path / "stricter.yaml"
    who, tables = "{groups: [analysts]}", "[CRM.PUBLIC.CUSTOMERS]"
    rule = f"  - {{id: nobody-reads, effect: forbid, who: {who}, verbs: [read], tables: {tables}}}"
    stricter.write_text(POLICY.read_text("utf-8").replace("\nrules:\n", f"\nrules:\n{rule}\n"), encoding="utf-8")
    status, said = await snowgate(gate, "journal", "replay", "--policy", str(stricter), "--json")
    assert status == 0
    done = json.loads(said)
    assert done["changes"]["permit->deny"] >= 1
    assert any(name.startswith("ada: ") for name in done["by"]["principal"])
    assert "run_query: permit->deny" in done["by"]["tool"]


async def test_the_tables_of_the_living_are_what_the_entries_come_to(gate: Gate) -> None:
    before = await differing(gate)  # what other tests did to the tables of this gate's database, by hand
    with psycopg.connect(driver_dsn(gate.settings.admin_url), autocommit=True) as connection:
        try:
            connection.execute("insert into gate.revocation (id, kind, name, why, made_by) "
                               "values ('revocation_y', 'principal', 'nobody at all', 'x', 'x')")  # fmt: skip
            assert await differing(gate) - before == {"revocation_y"}
        finally:
            connection.execute("delete from gate.revocation where id = 'revocation_y'")


async def differing(gate: Gate) -> set[str]:
    """The names of what is not in the tables as the entries say."""
    status, said = await snowgate(gate, "journal", "rebuild", "--json")
    names = {found["name"] for found in map(json.loads, said.splitlines()) if "name" in found}
    assert status == (1 if names else 0), said
    return names


async def test_what_ran_beside_the_gate_is_found(gate: Gate, tmp_path: Path) -> None:
    before = await unjournaled(gate)  # what other tests ran beside their gates
    call_id = await read(gate)
    ran = [record for record in gate.sandbox.lookalike.queries() if call_id in record.tag]
    row = [ran[-1].query_id, ran[-1].tag, "SELECT", ran[-1].user, ran[-1].role, "SUCCESS"]
    beside = ["q-beside", "", "SELECT", "MALLORY", ran[-1].role, "SUCCESS"]
    forged = ["q-forged", '{"snowgate_call":"call_never"}', "SELECT", "MALLORY", ran[-1].role, "SUCCESS"]
    copied = ["q-copied", ran[-1].tag, "SELECT", "MALLORY", ran[-1].role, "SUCCESS"]
    dressed = ["q-dressed", '{"snowgate":"doctor"}', "SELECT", "MALLORY", ran[-1].role, "SUCCESS"]
    history, all_of_them = tmp_path / "history.jsonl", (row, beside, forged, copied, dressed)
    history.write_text("".join(json.dumps(dict(zip(COLUMNS, r, strict=True))) + "\n" for r in all_of_them))
    status, said = await snowgate(gate, "journal", "reconcile", "--history", str(history), "--json")
    found = {(each["kind"], each["query_id"]) for each in json.loads(said)["findings"]}
    assert status == 1
    assert {("beside", f"q-{what}") for what in ("beside", "copied", "dressed")} <= found
    assert ("not_permitted", "q-forged") in found
    assert not any(query_id == ran[-1].query_id for _, query_id in found)
    assert await unjournaled(gate) <= before  # and Snowflake itself is asked, which forgets the oldest meanwhile


OF_A_VIEW = "SELECT EMAIL, REVENUE FROM CRM.PUBLIC.CUSTOMER_REVENUE LIMIT 2"
DIRECT, BASE = "DIRECT_OBJECTS_ACCESSED", "BASE_OBJECTS_ACCESSED"


def touched(domain: str, name: str, *columns: str) -> dict[str, Any]:
    """One object of ACCESS_HISTORY's arrays, as Snowflake documents them."""
    told = [{"columnId": 68_610 + n, "columnName": column} for n, column in enumerate(columns)]
    return {"columns": told, "objectDomain": domain, "objectId": 66_564, "objectName": name}


MASK = {
    "objectDomain": "FUNCTION", "objectName": "GOVERNANCE.MASKS.KEYED", "objectId": "2",
    "argumentSignature": "(VALUE VARCHAR)", "dataType": "VARCHAR(16777216)",
}  # fmt: skip
CUSTOMERS = touched("Table", "CRM.PUBLIC.CUSTOMERS", "CUSTOMER_ID", "EMAIL")
ORDERS = touched("Table", "CRM.PUBLIC.ORDERS", "CUSTOMER_ID", "AMOUNT", "STATUS")
EMPLOYEES = touched("Table", "CRM.HR.EMPLOYEES", "SALARY")
OF_A_STAGE = touched("Stage", "CRM.PUBLIC.EXPORTS")


def export_of(folder: Path, suffix: str, query_id: str, direct: list[dict[str, Any]]) -> Path:
    """What somebody exported of ACCESS_HISTORY, as `suffix` says: arrays are text in a CSV."""
    path, base = folder / f"access_history{suffix}", [CUSTOMERS, ORDERS, EMPLOYEES]
    row = {"QUERY_ID": query_id, "QUERY_START_TIME": "2026-01-25 16:17:47.388 +0000", "USER_NAME": "ADA",
           DIRECT: direct, BASE: base, "OBJECTS_MODIFIED": [], "POLICIES_REFERENCED": []}  # fmt: skip
    other = row | {"QUERY_ID": "of-somebody-else", DIRECT: [EMPLOYEES]}
    if suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(each)}\n" for each in (row, other)))
        return path
    with path.open("w", newline="") as file:
        written = csv.DictWriter(file, row)
        written.writeheader()
        for each in (row, other):
            written.writerow({name: json.dumps(v) if isinstance(v, list) else v for name, v in each.items()})
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
@pytest.mark.parametrize(
    ("sql", "direct", "more"),
    [
        (READ, [CUSTOMERS, MASK], []),
        (READ, [CUSTOMERS, EMPLOYEES], ["CRM.HR.EMPLOYEES"]),
        (READ, [CUSTOMERS, touched("VIEW", "CRM.PUBLIC.CUSTOMER_REVENUE")], ["CRM.PUBLIC.CUSTOMER_REVENUE"]),
        (READ, [CUSTOMERS, OF_A_STAGE], ["CRM.PUBLIC.EXPORTS"]),
        (OF_A_VIEW, [CUSTOMERS, ORDERS], []),  # the gate reads what lies beneath the view, where it is protected
        (OF_A_VIEW, [touched("View", "CRM.PUBLIC.CUSTOMER_REVENUE")], []),
        (OF_A_VIEW, [CUSTOMERS, ORDERS, EMPLOYEES], ["CRM.HR.EMPLOYEES"]),
    ],
)
async def test_what_a_call_has_read_beside_its_decision_is_found(
    gate: Gate, tmp_path: Path, suffix: str, sql: str, direct: list[dict[str, Any]], more: list[str]
) -> None:
    call_id = await read(gate, sql)
    (query_id,) = [record.query_id for record in gate.sandbox.lookalike.queries() if call_id in record.tag]
    access = export_of(tmp_path, suffix, query_id, direct)
    _, said = await snowgate(gate, "journal", "reconcile", "--access", str(access), "--json")
    told = json.loads(said)
    found = [each for each in told["findings"] if each["kind"] == "more_read"]
    assert [each["said"] for each in found] == more
    assert {(each["query_id"], each["call_id"]) for each in found} <= {(query_id, call_id)}
    assert told["counts"]["more_read"] == len(more)


@pytest.mark.parametrize(
    "lines", ['{"QUERY_ID": "x"}', '{"QUERY_ID": "x", "DIRECT_OBJECTS_ACCESSED": "[{]"}', "[]", '{"OTHER": 1}',
              '{"QUERY_ID": "x", "DIRECT_OBJECTS_ACCESSED": [{"objectName": "no domain"}]}']
)  # fmt: skip
async def test_an_export_of_something_else_is_refused_and_finds_nothing(gate: Gate, tmp_path: Path, lines: str) -> None:
    (access := tmp_path / "access.jsonl").write_text(lines)
    status, said = await snowgate(gate, "journal", "reconcile", "--access", str(access))
    assert (status, "Traceback" in said) == (2, False)


async def unjournaled(gate: Gate) -> set[tuple[str, str]]:
    """The kind and the query of what Snowflake says has run and the journal does not."""
    _, said = await snowgate(gate, "journal", "reconcile", "--json")
    found = ((each["kind"], each["query_id"]) for each in json.loads(said)["findings"])
    return {each for each in found if each[0] in ("beside", "not_permitted", "other_role")}


async def test_whether_somebody_was_asked_about_is_found_without_opening_anything(gate: Gate) -> None:
    call_id = await read(gate)
    status, said = await snowgate(gate, "journal", "find", "--value", CANARY)
    assert status == 0
    assert call_id in {json.loads(line)["call_id"] for line in said.splitlines()}
    assert (await snowgate(gate, "journal", "find", "--value", "Nobody-Ever-Asked"))[1] == ""


async def test_it_is_shown_exported_verified_and_every_look_is_in_it(gate: Gate, tmp_path: Path) -> None:
    await read(gate)
    export, trust = tmp_path / "journal.jsonl.gz", tmp_path / "trust.txt"
    status, told = await snowgate(gate, "journal", "trust")
    assert status == 0
    trust.write_text(told)
    assert (await snowgate(gate, "journal", "verify", "--json"))[0] == 0
    assert (await snowgate(gate, "journal", "export", str(export)))[0] == 0
    status, said = await snowgate(gate, "journal", "verify", str(export), "--trust", str(trust), "--json")
    assert (status, json.loads(said)["ok"]) == (0, True)
    assert (await snowgate(gate, "journal", "retain"))[0] == 0
    assert (await snowgate(gate, "journal", "legal-hold", "--month", "2020-01", "--matter", "m-1"))[0] == 0
    status, said = await snowgate(gate, "journal", "erase", "nobody-at-all", "--yes")
    assert (status, "erasure_refused" in said) == (2, True)
    assert (await snowgate(gate, "journal", "legal-hold", "--month", "2020-01", "--matter", "m-1", "--release"))[0] == 0
    assert (await snowgate(gate, "journal", "erase", "nobody-at-all", "--yes"))[0] == 0
    status, said = await snowgate(gate, "journal", "show", "--json", "--last", "10000")
    stages = {json.loads(line)["stage"] for line in said.splitlines()}
    assert status == 0
    assert {
        "journal.exported", "journal.verified", "legal_hold.placed", "legal_hold.released", "subject.erased",
        "policy.activated",
    } <= stages  # fmt: skip


@pytest.mark.parametrize("verb", ["play --call x", "replay --from yesterday", "reconcile --history /nowhere"])
async def test_a_question_that_cannot_be_asked_is_refused_with_a_code(gate: Gate, verb: str) -> None:
    status, said = await snowgate(gate, "journal", *verb.split())
    assert status == (0 if verb.startswith("play") else 2)
    assert "Traceback" not in said
