"""Tags and Snowflake's own policies reach the catalog, or there is none; and a large catalog stalls nobody."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from policy.catalog import Catalog, Column, Table
from policy.catalog_document import from_document, to_document
from policy.document import load
from policy.engine import Engine
from policy.names import TableName
from policy.principal import Principal, Subject
from policy.report import judge
from server import governance
from server.catalog_loader import Reading, load_catalog
from server.engine_room import EngineRoom
from server.governance import TAGS_LATE_S
from server.pool import Kind
from server.raw import RawRows
from server.refusals import StatementFailed
from server.warehouse import Order
from tests.support.scores import Score
from tools.contract import ResultColumn

POLICY = """
version: 1
roles: [{id: all, who: {anyone: true}, read_role: RO, warehouse: W}]
public: ["D.S.*.*", D.S.NAMED.NATIVE]
classifications: [{name: pii, tags: [gov.tags.pii]}, {name: mail, tags: ["PII=email"]}]
masks: [{classification: pii, mask: {kind: redact}}, {classification: mail, mask: {kind: email_domain}}]
rules: [{id: read, effect: permit, who: {anyone: true}, verbs: [read], tables: ["D.S.*"]}]
"""
ADA = Principal(Subject("ada"), "agent", "https://issuer.example")
TABLES_LARGE = 100_000
STALL_MAX_S = 0.5


class Account:
    """Answers the loader's statements from tables of this test; what it has no answer for fails as Snowflake would."""

    def __init__(self, answers: dict[str, list[dict[str, Any]]]) -> None:
        self._answers = answers
        self.asked: list[list[str]] = []

    def run(self, order: Order) -> RawRows:
        view = re.search(r"information_schema\.(\w+)|ACCOUNT_USAGE\.(\w+)|SHOW (\w+) KEYS", order.sql)
        assert view is not None
        name = next(group for group in view.groups() if group).lower()
        if name == "tag_references_all_columns":
            return self._told(order.sql)
        if name not in self._answers:
            raise PermissionError(name)
        rows = self._answers[name]
        if "HASH_AGG" in order.sql:
            rows = [{"n": len(rows), "hash": hash(repr(rows))}]
        columns = list(rows[0]) if rows else []
        return RawRows([ResultColumn(c, "T", True) for c in columns], [tuple(r.values()) for r in rows], False, "q")

    def _told(self, sql: str) -> RawRows:
        asked = re.findall(r"all_columns\('\"D\".\"S\".\"(\w+)\"', 'table'\)", sql)
        self.asked.append(asked)
        if "now" not in self._answers:
            raise StatementFailed("no such function for this role")
        rows = [row for row in self._answers["now"] if row["object_name"] in asked]
        columns = ["tag_database", "tag_schema", "tag_name", "tag_value", "object_schema", "object_name", "column_name"]
        shown = [tuple(row[column] for column in columns) for row in rows]
        return RawRows([ResultColumn(c.upper(), "T", True) for c in columns], shown, False, "q")


def _column(table: str, name: str) -> dict[str, Any]:
    facts = {"data_type": "TEXT", "is_nullable": "YES", "numeric_precision": None, "numeric_scale": None}
    more = {"character_maximum_length": None, "datetime_precision": None, "comment": None}
    return {"table_schema": "S", "table_name": table, "column_name": name, **facts, **more}


def _tag(domain: str, schema: str | None, name: str, column: str | None, tag: str, value: str | None) -> dict[str, Any]:
    place = {"domain": domain, "object_schema": schema, "object_name": name, "column_name": column}
    return {"tag_database": "GOV", "tag_schema": "TAGS", "tag_name": tag, "tag_value": value, **place}


BASE: dict[str, list[dict[str, Any]]] = {
    "tables": [
        {
            **{"table_schema": "S", "table_name": name, "table_type": "BASE TABLE", "comment": None},
            **{"last_ddl": "2026-01-01", "ddl_age_s": 90_000},
        }
        for name in ("T", "NAMED")
    ],
    "columns": [*(_column("T", c) for c in ("A", "B", "NATIVE")), _column("NAMED", "NATIVE")],
    "views": [],
    "primary": [],
    "imported": [],
}
GOVERNED = {
    **BASE,
    "tag_references": [_tag("COLUMN", "S", "T", "A", "PII", "email"), _tag("TABLE", "S", "NAMED", None, "OWNER", "x")],
    "policy_references": [
        {
            **{"policy_db": "G", "policy_schema": "P", "policy_name": "M", "policy_kind": "MASKING_POLICY"},
            **{"ref_schema_name": "S", "ref_entity_name": table, "ref_column_name": "NATIVE"},
        }
        for table in ("T", "NAMED")
    ],
}


def _load(answers: dict[str, list[dict[str, Any]]], *, is_governed: bool = True) -> Catalog:
    return load_catalog(Account(answers), ["D"], is_governed=is_governed).catalog  # type: ignore[arg-type]


def test_tags_and_policies_are_read_and_inherited() -> None:
    catalog = _load(GOVERNED)
    table, named = (catalog.tables[TableName("D", "S", name)] for name in ("T", "NAMED"))
    assert table.columns[0].tags == ("GOV.TAGS.PII", "GOV.TAGS.PII=email", "PII", "PII=email")
    assert table.columns[1].tags == ()
    assert "OWNER=x" in named.columns[0].tags
    assert table.columns[2].native_policies == ("G.P.M",)
    assert from_document(json.loads(json.dumps(to_document(catalog)))).digest == catalog.digest


@pytest.mark.parametrize(
    "tag",
    [
        _tag("DATABASE", None, "D", None, "PII", None),
        _tag("SCHEMA", None, "S", None, "PII", None),
        _tag("TABLE", "S", "T", None, "PII", None),
        _tag("DYNAMIC TABLE", "S", "T", None, "PII", None),
        _tag("COLUMN", "S", "T", "B", "PII", None),
    ],
)
def test_a_tag_reaches_every_column_below(tag: dict[str, Any]) -> None:
    engine = Engine(load(POLICY), _load({**GOVERNED, "tag_references": [tag]}))
    assert judge(engine, ADA, "SELECT b FROM d.s.t", "")["masked"] == ["D.S.T.B"]


def test_a_column_that_only_a_tag_classifies_is_masked_though_a_wildcard_calls_it_public() -> None:
    engine = Engine(load(POLICY), _load(GOVERNED))
    verdict = judge(engine, ADA, "SELECT a, b FROM d.s.t", "")
    assert verdict["masked"] == ["D.S.T.A"]


def test_what_snowflake_masks_is_public_by_its_name_only() -> None:
    engine = Engine(load(POLICY), _load(GOVERNED))
    assert judge(engine, ADA, "SELECT native FROM d.s.t", "")["masked"] == ["D.S.T.NATIVE"]
    assert judge(engine, ADA, "SELECT native FROM d.s.named", "")["masked"] == []


def _at(ages: Mapping[str, int | None], more: dict[str, list[dict[str, Any]]]) -> Account:
    """An account of these tables, whose last DDL was so many seconds ago, and of which ACCOUNT_USAGE knows nothing."""
    tables = [
        {**BASE["tables"][0], "table_name": name, "last_ddl": None if age is None else f"day {age}", "ddl_age_s": age}
        for name, age in ages.items()
    ]
    columns = [_column(name, column) for name in ages for column in ("A", "B")]
    return Account({**GOVERNED, "tag_references": [], "tables": tables, "columns": columns, **more})


def _read(account: Account, before: Reading | None = None, at: float = 0) -> Reading:
    return load_catalog(account, ["D"], before, is_governed=True, clock=lambda: at)  # type: ignore[arg-type]


def _masked(reading: Reading, table: str) -> list[str]:
    verdict = judge(Engine(load(POLICY), reading.catalog), ADA, f"SELECT a, b FROM d.s.{table}", "")
    masked = verdict["masked"]
    assert isinstance(masked, list)
    return [str(column).rsplit(".", 1)[1] for column in masked]


NOW = {"now": [_tag("COLUMN", "S", "T", "A", "PII", "email")]}


@pytest.mark.parametrize("age", [0, TAGS_LATE_S - 1, None])
def test_a_table_that_changed_or_came_back_is_secret_until_its_tags_are_known(age: int | None) -> None:
    unknown = _read(_at({"T": age, "OLD": TAGS_LATE_S}, {}))
    assert _masked(unknown, "t") == ["A", "B"]
    assert _masked(unknown, "old") == []
    known = _read(_at({"T": age, "OLD": TAGS_LATE_S}, NOW), unknown)
    assert _masked(known, "t") == ["A"]
    assert known.catalog.tables[TableName("D", "S", "T")].columns[0].tags[:2] == ("GOV.TAGS.PII", "GOV.TAGS.PII=email")


def test_tags_that_were_told_are_not_asked_for_again_until_the_table_changes() -> None:
    first = _at({"T": 100, "OLD": TAGS_LATE_S}, NOW)
    known = _read(first)
    assert first.asked == [["T"]]
    again = _at({"T": 100, "OLD": TAGS_LATE_S}, {})
    assert _read(again, known).catalog is known.catalog
    assert again.asked == []
    changed = _at({"T": 90, "OLD": TAGS_LATE_S}, {})
    assert _masked(_read(changed, known), "t") == ["A", "B"]
    whole = _at({"T": 100, "OLD": TAGS_LATE_S}, NOW)
    assert _read(whole, known.unsettled()).catalog is known.catalog
    assert whole.asked == [["T"]]


def test_a_table_that_was_not_there_before_is_new_however_old_its_last_change() -> None:
    before = _read(_at({"OLD": TAGS_LATE_S}, {}))
    back = {"OLD": TAGS_LATE_S, "T": 900_000}
    came = _read(_at(back, {}), before, at=50)
    assert _masked(came, "t") == ["A", "B"]
    later = _read(_at(back, {}), came.unsettled(), at=49 + TAGS_LATE_S)
    assert _masked(later, "t") == ["A", "B"]
    assert _masked(_read(_at(back, NOW), later, at=49 + TAGS_LATE_S), "t") == ["A"]
    assert _masked(_read(_at(back, {}), later, at=50 + TAGS_LATE_S), "t") == []


def test_many_changed_tables_are_told_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(governance, "ASKED_MAX", 2)
    monkeypatch.setattr(governance, "ASKED_AT_ONCE", 1)
    ages = {"A": 100, "B": 100, "T": 100}
    first = _at(ages, NOW)
    reading = _read(first)
    assert first.asked == [["A"], ["B"]]
    assert _masked(reading, "t") == ["A", "B"]
    second = _at(ages, NOW)
    assert _masked(_read(second, reading), "t") == ["A"]
    assert second.asked == [["T"]]


def test_tags_of_another_table_than_was_asked_for_tell_nothing() -> None:
    odd = {"now": [_tag("COLUMN", "S", "T", "A", "PII", "email")]}
    account = _at({"T": 0}, odd)
    odd["now"][0]["object_schema"] = "ELSEWHERE"
    assert _masked(_read(account), "t") == ["A", "B"]


@pytest.mark.parametrize("missing", ["tag_references", "policy_references"])
def test_tags_that_cannot_be_read_are_no_catalog(missing: str) -> None:
    answers = {name: rows for name, rows in GOVERNED.items() if name != missing}
    with pytest.raises(PermissionError):
        _load(answers)
    assert _load(answers, is_governed=False).tables


@pytest.mark.anyio
async def test_a_hundred_thousand_tables_stall_no_call(score: Score) -> None:
    columns = tuple(Column(f"C{n}", "VARCHAR") for n in range(3))
    tables = [Table(TableName("D", f"S{n % 100}", f"T{n}"), columns) for n in range(TABLES_LARGE)]
    room = EngineRoom(load(POLICY), ("D",), None, Kind("", "C", "R", "W", ""), refresh_s=60, stale_s=60)  # type: ignore[arg-type]

    async def loaded() -> Catalog:
        return await anyio.to_thread.run_sync(Catalog.of, tables)

    room._load = loaded  # type: ignore[method-assign]
    worst, began, is_done = 0.0, time.monotonic(), False

    async def watch() -> None:
        nonlocal worst
        while not is_done:
            before = time.monotonic()
            await anyio.sleep(0.005)
            worst = max(worst, time.monotonic() - before - 0.005)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        assert await room.refresh()
        assert await room.refresh()  # nothing changed: the engine stays
        is_done = True
    score(f"{TABLES_LARGE} tables twice in {time.monotonic() - began:.1f} s; worst stall {worst * 1000:.0f} ms")
    assert worst < STALL_MAX_S
