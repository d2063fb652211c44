"""An evidence pack as an auditor takes it apart, on a machine where nothing of ours is."""

import csv
import gzip
import hashlib
import hmac
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import anyio
import pytest

from audit.canonical import Json
from audit.entry import JournalEntry
from audit.note import PublicKey, open_note
from server.evidence import Population, gather, seed_of
from server.evidence_report import facts_of
from server.journal_keys import signer_of
from tests.journal.commands import snowgate
from tests.journal.test_commands import CANARY, read
from tests.support.clients import Gate

NONCE = "given-by-the-auditor"


@pytest.fixture
async def pack(gate: Gate, tmp_path: Path) -> Path:
    await read(gate)
    to, inside = tmp_path / "evidence.zip", tmp_path / "pack"
    status, said = await snowgate(gate, "evidence", str(to), "--nonce", NONCE)
    assert status == 0, said
    with zipfile.ZipFile(to) as opened:
        opened.extractall(inside)
    return inside


def files_in(directory: Path) -> list[Path]:
    return [file for file in directory.rglob("*") if file.is_file()]


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


async def test_the_pack_verifies_alone_and_its_counts_add_up(gate: Gate, pack: Path) -> None:
    command = [sys.executable, "-I", "verify.py", "journal.jsonl.gz", "--trust", "trust.txt", "--anchor", "checkpoints"]
    with anyio.fail_after(60):
        done = await anyio.run_process(command, cwd=pack, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    manifest = json.loads((pack / "manifest.json").read_text("utf-8"))
    counts = manifest["counts"]
    assert counts["adds_up"]
    assert counts["leaves"] == manifest["size"]
    assert len(rows(pack / "population.csv")) == counts["in_the_population"]
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((pack / name).read_bytes()).hexdigest() == digest
    signer: PublicKey = signer_of(gate.settings).public
    text, _ = open_note((pack / "manifest.note").read_text("utf-8"), [signer])
    assert text.split("\n")[1] == hashlib.sha256((pack / "manifest.json").read_bytes()).hexdigest()


async def test_the_sample_follows_from_the_root_and_the_nonce_alone(pack: Path) -> None:
    manifest, population = json.loads((pack / "manifest.json").read_text("utf-8")), rows(pack / "population.csv")
    key, chosen, k = bytes.fromhex(manifest["sample"]["root"]) + NONCE.encode(), set[int](), 0
    while len(chosen) < manifest["sample"]["size"]:
        chosen.add(int.from_bytes(hmac.digest(key, str(k).encode(), "sha256"), "big") % len(population))
        k += 1
    assert rows(pack / "sample.csv") == [population[index] for index in sorted(chosen)]
    for row in rows(pack / "sample.csv"):
        name = pack / "items" / f"{int(row['leaf']):010d}"
        proof = name.with_suffix(".tlog-proof").read_text("utf-8").splitlines()
        assert proof[:2] == ["c2sp.org/tlog-proof@v1", f"index {row['leaf']}"]
        assert json.loads(name.with_suffix(".json").read_text("utf-8"))["place"] == row["place"]


async def test_people_can_read_the_report_and_nothing_in_the_pack_is_in_clear_that_should_not_be(pack: Path) -> None:
    page = (pack / "report.html").read_text("utf-8")
    assert "adds up to all of them" in page
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert (pack / "report.pdf").read_bytes().startswith(b"%PDF-")
    for file in files_in(pack):
        data = file.read_bytes()
        assert CANARY.encode() not in (gzip.decompress(data) if file.suffix == ".gz" else data), file


async def test_a_pack_for_a_time_that_is_not_over_says_that_another_has_another_sample(pack: Path) -> None:
    assert json.loads((pack / "manifest.json").read_text("utf-8"))["sample"]["is_final"] is False
    assert "THE TIME WAS NOT OVER" in (pack / "report.html").read_text("utf-8")


def test_whoever_makes_packs_until_one_pleases_gets_the_same_sample_each_time() -> None:
    end = datetime(2026, 1, 1, tzinfo=UTC)
    heads = [{"id": n, "at": int(end.timestamp()) + 60 * (n - 2)} for n in range(1, 9)]
    assert {seed_of(heads[:known], end)[0]["id"] for known in range(2, 9)} == {2}
    assert seed_of(heads[:1], end) == (heads[0], False)


async def test_a_nonce_that_is_none_is_refused(gate: Gate, tmp_path: Path) -> None:
    assert (await snowgate(gate, "evidence", str(tmp_path / "x.zip"), "--nonce", " "))[0] == 2


def told(*entries: tuple[timedelta, str, Mapping[str, Json]], heads: int) -> Population:
    """The population of January in a journal of these calls, of which the first `heads` are under a signed head."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    records: list[dict[str, object]] = [{"t": "checkpoint", "size": heads}]
    for n, (after, stage, facts) in enumerate(entries):
        entry = JournalEntry(UUID(int=1), n, "", began + after, stage, "call_1", dict(facts))
        records.append({"t": "entry", "body": entry.body().decode()})
    return gather(records, began, began + timedelta(days=31), ("CC6.6",))[0]


def test_what_was_denied_before_the_time_and_answered_within_it_is_an_exception() -> None:
    denied = (-timedelta(days=1), "decided", {"decision": "deny"})
    found = told(denied, (timedelta(days=1), "answered", {}), heads=2)
    assert [each["kind"] for each in found.exceptions] == ["answered_though_denied"]
    permitted = (timedelta(days=30), "decided", {"decision": "permit"})
    assert told(permitted, (timedelta(days=32), "answered", {}), heads=2).exceptions == []


def test_what_is_under_no_head_is_counted_and_not_passed_over() -> None:
    refused = [(timedelta(days=day), "refused", dict[str, Json]()) for day in (1, 2, 3, 40)]
    counts = told(*refused, heads=1).counts()
    assert (counts["leaves"], counts["in_the_population"], counts["under_no_head_yet"]) == (1, 1, 2)


def test_names_that_turn_text_around_are_spelled_out_in_the_report() -> None:
    found = told((timedelta(days=1), "refused", {"subject": "ada\u202egro"}), heads=1)
    drawn = {"head": 1, "root": "00", "is_final": True}
    facts = facts_of(found, {"sample": drawn, "nonce": "n\u202e"}, found.items, ["why\u202e", "warning: x\u202e"])
    shown = {name: value for name, value in facts.items() if name != "manifest"}
    said = json.dumps(shown, ensure_ascii=False)
    assert "ada\\\\u{202e}gro" in said
    assert "\u202e" not in said
    assert facts["warnings"] == ["warning: x\\u{202e}"]


async def test_an_unknown_control_is_refused(gate: Gate, tmp_path: Path) -> None:
    command = ["evidence", str(tmp_path / "x.zip"), "--nonce", "n", "--control", "CC9.9"]
    assert (await snowgate(gate, *command))[0] == 2


@pytest.mark.parametrize(
    ("told", "times_s"),
    [
        ([("requested", ""), ("decided", "olga"), ("decided", "olga"), ("counted", "olga")], [3]),
        ([("requested", ""), ("decided", "olga"), ("decided", "pia"), ("counted", "pia")], [3]),
        ([("requested", ""), ("decided", "olga"), ("decided", "pia")], [1, 2]),
        ([("decided", "olga"), ("counted", "olga")], []),
    ],
)
def test_what_did_not_count_is_no_time_to_approve(told: list[tuple[str, str]], times_s: list[float]) -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    population = Population(began, began + timedelta(days=1), ("CC6.3",))
    for n, (what, subject) in enumerate(told):
        at = began + timedelta(seconds=n)
        facts: dict[str, Json] = {"hold_id": "hold_1", "subject": subject}
        population.add(n, JournalEntry(UUID(int=1), n, "", at, f"hold.{what}", "call_1", facts))
    population.finish()
    assert population.times_to_approve_s == times_s
    assert len(population.items) == len(told)
