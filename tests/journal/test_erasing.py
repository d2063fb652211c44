"""People have keys of their own: what is encrypted about them goes with the key, and no proof goes with it."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.erasing import ErasureRefused, erase_subject
from audit.fields import FIELDS, SENSITIVE, Classification
from audit.journal import Journal, open_journal
from audit.note import Signer
from audit.reading import entries, unseal
from audit.retention import place_legal_hold, release_legal_hold
from audit.sealing import Sealer, Unsealable
from server.timeline import timeline
from tests.house import tree
from tests.journal.proving import Proven, whys

MONTH = datetime.now(UTC).date().replace(day=1)


def fresh() -> Sealer:
    """A reader's own sealer, which knows no key yet."""
    return Sealer(bytes(range(32)), "test")


async def call(journal: Journal, call_id: str, subject: str) -> None:
    async with journal.record(call_id) as record:
        record.note(subject=subject, decision="permit", reason=f"the reason of {subject}")
        await record.commit("decided")
        record.note(sample=f"the rows of {subject}")


@pytest.fixture
async def proven(engine: AsyncEngine, journal: Journal, signer: Signer) -> Proven:
    """A log with a call of ada's and one of grace's."""
    for subject in ("ada", "grace"):
        await call(journal, f"call-{subject}", subject)
    proven = Proven(engine, journal, signer)
    await proven.weave()
    return proven


async def test_an_erased_person_can_be_read_by_nobody_and_everything_verifies(
    engine: AsyncEngine, journal: Journal, proven: Proven
) -> None:
    assert await erase_subject(engine, journal, "", "ada") == 1
    sealer = fresh()
    for entry in await entries(engine, call_id="call-ada", sealer=sealer):
        with pytest.raises(Unsealable):
            unseal(entry, sealer)
    opened = [unseal(entry, sealer) for entry in await entries(engine, call_id="call-grace", sealer=sealer)]
    assert (opened[0]["reason"], opened[1]["sample"]) == ("the reason of grace", "the rows of grace")
    await proven.weave()
    assert whys(await proven.verify()) == []
    (told,) = [entry for entry in await entries(engine, last=10) if entry.stage == "subject.erased"]
    assert b"ada" not in told.body()


async def test_a_process_that_has_read_a_person_cannot_read_them_once_they_are_erased(
    engine: AsyncEngine, journal: Journal, proven: Proven
) -> None:
    reader, log = fresh(), proven.log.public

    async def read(subject: str) -> list[object]:
        return [moment.facts.get("reason") for moment in await timeline(engine, reader, log, [f"call-{subject}"])]

    assert "the reason of ada" in await read("ada")
    (first, *_) = await entries(engine, call_id="call-ada", sealer=reader)
    assert unseal(first, reader)["reason"] == "the reason of ada"
    await erase_subject(engine, journal, "", "ada")
    assert "the reason of ada" not in await read("ada")
    await entries(engine, call_id="call-ada", sealer=reader)
    with pytest.raises(Unsealable):
        unseal(first, reader)
    assert "the reason of grace" in await read("grace")


async def test_who_comes_back_gets_another_key(engine: AsyncEngine, sealer: Sealer, signer: Signer) -> None:
    for call_id in ("call-1", "call-2"):
        async with open_journal(engine, sealer, signer) as journal:  # a process of its own, which remembers no key
            await call(journal, call_id, "ada")
            if call_id == "call-1":
                await erase_subject(engine, journal, "", "ada")
    reader = fresh()
    (first, *_) = await entries(engine, call_id="call-1", sealer=reader)
    with pytest.raises(Unsealable):
        unseal(first, reader)
    (second, *_) = await entries(engine, call_id="call-2", sealer=reader)
    assert unseal(second, reader)["reason"] == "the reason of ada"


async def test_two_processes_share_the_key_of_a_person(engine: AsyncEngine, sealer: Sealer, signer: Signer) -> None:
    async with open_journal(engine, sealer, signer) as one, open_journal(engine, sealer, signer) as other:
        await call(one, "call-1", "ada")
        await call(other, "call-2", "ada")
    async with engine.connect() as connection:
        assert (await connection.execute(text("select count(*) from journal.subject_key"))).scalar_one() == 1
    reader = fresh()
    for call_id in ("call-1", "call-2"):
        (entry, *_) = await entries(engine, call_id=call_id, sealer=reader)
        assert unseal(entry, reader)["reason"] == "the reason of ada"


async def test_a_legal_hold_keeps_everybody(engine: AsyncEngine, journal: Journal) -> None:
    await call(journal, "call-1", "ada")
    await place_legal_hold(engine, journal, MONTH, "m-1")
    with pytest.raises(ErasureRefused):
        await erase_subject(engine, journal, "", "ada")
    await release_legal_hold(engine, journal, MONTH, "m-1")
    assert await erase_subject(engine, journal, "", "ada") == 1


async def test_what_is_not_to_be_kept_is_a_hash(engine: AsyncEngine, signer: Signer) -> None:
    async with open_journal(engine, Sealer(bytes(range(32)), "test", hashed=("inputs",)), signer) as journal:
        await journal.append("call-1", "decided", {"subject": "ada", "inputs": '{"text": "select"}'})
    (entry,) = await entries(engine, call_id="call-1")
    assert str(entry.facts["inputs"]).startswith("hmac:test:")


def noted() -> Iterator[tuple[Path, str]]:
    """Every name under which the program hands the journal a fact: keywords of `note`, keys of what is appended."""
    for path in tree.ours():
        source = path.read_text(encoding="utf-8")
        if "journal" not in source and "Facts" not in source and "facts" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "note":
                yield from ((path, each.arg) for each in node.keywords if each.arg)
            if node.func.attr == "append" and len(node.args) == 3 and isinstance(node.args[2], ast.Dict):
                keys = node.args[2].keys
                yield from ((path, k.value) for k in keys if isinstance(k, ast.Constant) and isinstance(k.value, str))


def test_every_field_that_the_program_names_is_classified() -> None:
    found = list(noted())
    assert len(found) > 30
    assert {f"{path.name}: {name}" for path, name in found if name not in FIELDS} == set()


EXPECTED = {
    Classification.SECRET: {
        *("literals", "parameters", "arguments_digest"),
        *("sought_call", "sought_session", "sought_stage", "sought_subject"),
    },
    Classification.SENSITIVE: {"reason", "purpose", "crash", "driver_message", "inputs", "sample"},
}
"""What is never in clear, written down a second time: whoever moves a field to the public ones has to say so here."""


def test_what_is_never_in_clear_is_what_was_agreed() -> None:
    for classification, names in EXPECTED.items():
        assert {name for name, kind in FIELDS.items() if kind is classification} == names
    assert EXPECTED[Classification.SENSITIVE] == SENSITIVE


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_is_stored_as_it_is_classified(name: str) -> None:
    sealed = fresh().seal({name: "Canary-Quill"}, "s/0", MONTH)[name]
    begins = {"public": "Canary-Quill", "sensitive": "aes256gcm:", "secret": "hmac:"}
    assert str(sealed).startswith(begins[FIELDS[name].value])
