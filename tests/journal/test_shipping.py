"""Entries reach a SIEM at least once, in the order of the tree, and no call waits for it."""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from jsonschema import Draft202012Validator
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.canonical import Json
from audit.entry import JournalEntry
from audit.journal import Journal
from audit.note import Signer
from server.ocsf import ACTIVITIES, API_ACTIVITY, DATASTORE_ACTIVITY, STATEMENTS, VERSION, ocsf
from server.shipping import Position, Undelivered, ship, to_https, to_stream
from tests.journal.commands import snowgate
from tests.journal.proving import ORIGIN, Proven
from tests.journal.test_commands import CANARY, read
from tests.support.clients import Gate


async def test_each_is_shipped_once_when_all_goes_well_and_again_when_it_does_not(
    engine: AsyncEngine, journal: Journal, signer: Signer, tmp_path: Path
) -> None:
    proven, position = Proven(engine, journal, signer), Position(tmp_path / "state.json")
    taken: list[dict[str, Any]] = []
    fails = False

    async def deliver(events: list[dict[str, Any]]) -> None:
        taken.extend(events)
        if fails:
            raise Undelivered("taken, and the answer was lost")

    for number in range(5):
        await proven.call(f"call-{number}")
    assert await ship(engine, ORIGIN, deliver, position, envelope=True) == 0  # nothing is in the tree yet
    await proven.weave()
    assert await ship(engine, ORIGIN, deliver, position, envelope=True) == 11
    assert await ship(engine, ORIGIN, deliver, position, envelope=True) == 0
    await proven.call("call-5")
    await proven.weave()
    fails = True
    with pytest.raises(Undelivered):
        await ship(engine, ORIGIN, deliver, position, envelope=True)
    fails = False
    assert await ship(engine, ORIGIN, deliver, position, envelope=True) == 2
    leaves = [event["data"]["metadata"]["sequence"] for event in taken]
    assert sorted(set(leaves)) == list(range(13))
    assert leaves == [*range(13), 11, 12]
    assert len({event["id"] for event in taken}) == 13


@pytest.mark.parametrize("status", [500, 429, 403])
async def test_a_receiver_that_refuses_loses_nothing(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.shipping.WAIT_S", 0.001)
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(status if len(asked) < 3 else 202)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        deliver = to_https("https://siem.example/in", "token", http, envelope=True)
        if status == 403:
            with pytest.raises(Undelivered):
                await deliver([{"id": "1"}])
        else:
            await deliver([{"id": "1"}])
    assert len(asked) == (1 if status == 403 else 3)
    assert asked[0].headers["content-type"] == "application/cloudevents-batch+json"


PLAIN: dict[str, Json] = {
    "subject": "ada", "groups": ["analysts"], "actor": "agent", "issuer": "https://issuer.test", "session": "s1",
    "transport": "http", "tool": "run_query",
}  # fmt: skip
SQL: dict[str, Json] = {"sql": "SELECT ?", "verb": "read", "decision": "permit"}


@pytest.mark.parametrize("stage", [*STATEMENTS, *ACTIVITIES, "stream.open", "hold.counted", "hold.executed"])
@pytest.mark.parametrize(
    "facts",
    [
        {},
        PLAIN,
        PLAIN | SQL,
        PLAIN | SQL | {"query_id": "01b2"},
        {"query_id": "01b2", "duration_ms": 3, "code": "held"},
    ],
)
def test_every_kind_of_event_is_what_ocsfs_own_schema_says(stage: str, facts: dict[str, Json]) -> None:
    entry = JournalEntry(UUID(int=1), 1, "00" * 32, datetime.now(UTC), stage, "call_x", facts)
    event = ocsf(entry, 7, "1.0")
    schema = _schema(event["class_uid"], tuple(event["metadata"]["profiles"]))
    assert [error.message for error in schema.iter_errors(event)] == []
    if "query_id" in facts:
        assert "01b2" in (event.get("query_info", {}).get("uid"), event["unmapped"].get("query_id"))


@cache
def _schema(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    published = pytest.importorskip("ocsf_json_schema")  # the schemas of schema.ocsf.io, in a package
    schemas = published.OcsfJsonSchemaEmbedded(published.get_ocsf_schema(VERSION))
    name = schemas.lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(schemas.get_class_schema(name, profiles=list(profiles)))


async def test_the_command_writes_ocsf_without_anything_that_is_secret(gate: Gate, tmp_path: Path) -> None:
    call_id = await read(gate)
    assert (await snowgate(gate, "journal", "verify"))[0] == 0
    out, state = tmp_path / "events.jsonl", tmp_path / "state.json"
    ship_command = ["journal", "ship", "--to", str(out), "--state", str(state)]
    while not out.exists() or call_id not in out.read_text("utf-8"):  # the gate weaves each second
        assert (await snowgate(gate, *ship_command))[0] == 0
    lines = out.read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    assert CANARY not in out.read_text("utf-8")
    mine = [event["data"] for event in events if event["subject"] == call_id]
    assert [(event["class_uid"], event["metadata"]["event_code"]) for event in mine] == [
        (DATASTORE_ACTIVITY, "decided"), (DATASTORE_ACTIVITY, "answered"),
    ]  # fmt: skip
    for event in events:
        data = event["data"]
        assert event["specversion"] == "1.0"
        assert data["type_uid"] == data["class_uid"] * 100 + data["activity_id"]
        assert data["metadata"]["version"] == "1.8.0"
        assert data["class_uid"] in (DATASTORE_ACTIVITY, API_ACTIVITY)
        assert {"actor", "time", "severity_id", "category_uid", "src_endpoint"} <= data.keys()
    status, said = await snowgate(gate, "journal", "ship", "--to", "http://siem.example/in", "--state", str(state))
    assert (status, "bad_settings" in said) == (2, True)


async def test_what_is_written_to_a_stream_is_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("a", encoding="utf-8") as out:
        await to_stream(out)([{"id": "1"}, {"id": "2"}])
    assert [json.loads(line)["id"] for line in path.read_text("utf-8").splitlines()] == ["1", "2"]
