"""Months turn, old ones go and what stays verifies; roles can do no more than they need; the verifier stands alone."""

import inspect
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import audit.verify
from audit.export import records, write_export
from audit.journal import Journal, open_journal
from audit.note import Signer, new_signer
from audit.reconciling import reconcile
from audit.retention import RetentionRefused, place_legal_hold, release_legal_hold, retain_months
from audit.sealing import Sealer
from audit.searching import find_value
from audit.verify import Trust
from server.config import SettingsError
from server.database import open_engine
from server.rights import refuse_excess
from server.sandbox.database_logins import make_logins
from tests.journal.proving import ORIGIN, Proven, as_superuser, whys, write_lines
from tests.support.databases import driver_dsn


async def test_a_month_turns_under_load_and_nothing_is_lost(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    now = datetime.now(UTC)
    next_month = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
    moment = [now]
    async with open_journal(engine, sealer, signer, deadline_s=60, clock=lambda: moment[0]) as journal:
        proven, before = Proven(engine, journal, signer), journal.stream
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(proven.call, f"call-{number}")
                if number == 50:
                    await anyio.sleep(0.01)
                    moment[0] = next_month
        assert journal.stream != before
        await proven.weave()
        report = await proven.verify()
    assert whys(report) == []
    assert (report["leaves"], report["open_calls"]) == (203, 0)


async def test_keys_change_in_the_middle_and_a_key_that_is_not_trusted_shows(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    other, log, kept = new_signer("test/writer"), new_signer(ORIGIN), list[str]()
    both = Trust(f"log {log.public}\nwriter {signer.public}\nwriter {other.public}\n")
    said: list[str] = []
    for writer in (signer, other):
        async with open_journal(engine, sealer, writer) as journal:
            proven = Proven(engine, journal, writer, log, kept)
            await proven.call("call-1")
            await proven.weave()
            assert whys(await proven.verify(trust=both)) == []
            said += [finding["why"] for finding in (await proven.verify())["findings"]][:1]
    assert said == ["its key is not trusted"]


async def test_what_a_dead_process_left_is_closed_as_unknown(
    engine: AsyncEngine, sealer: Sealer, signer: Signer
) -> None:
    async with open_journal(engine, sealer, signer) as dead, open_journal(engine, sealer, signer) as alive:
        await dead.append("call-dead", "decided", {"decision": "permit"})
        assert await reconcile(engine, alive, dead_s=60) == 0
        assert await reconcile(engine, alive, dead_s=-1) == 1
        assert await reconcile(engine, alive, dead_s=-1) == 0


async def test_a_value_is_found_by_its_hash(engine: AsyncEngine, journal: Journal, sealer: Sealer) -> None:
    await journal.append("call-1", "decided", {"literals": ["jane@example.com", 42]})
    for sought in ("jane@example.com", 42):
        assert [found["call_id"] for found in await find_value(engine, sealer, "literals", sought)] == ["call-1"]
    assert await find_value(engine, sealer, "literals", "joe@example.com") == []
    assert await find_value(engine, sealer, "literals", "42") == []


async def test_an_old_month_goes_when_all_of_it_is_signed_for_and_what_stays_verifies(
    engine: AsyncEngine, sealer: Sealer, signer: Signer, database_url: str
) -> None:
    long_ago = datetime.now(UTC).replace(day=5) - timedelta(days=500)
    with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
        source = connection.execute("select pg_get_functiondef('journal.ensure_month(date)'::regprocedure)").fetchone()
        assert source is not None
        connection.execute("set role journal_owner")
        connection.execute(source[0].replace("62 days", "900 days").encode())
    log, kept = new_signer(ORIGIN), list[str]()
    async with open_journal(engine, sealer, signer, clock=lambda: long_ago) as journal:
        await Proven(engine, journal, signer, log, kept).call("call-old")
    async with open_journal(engine, sealer, signer) as journal:
        proven = Proven(engine, journal, signer, log, kept)
        await proven.call("call-new")
        month = long_ago.date().replace(day=1)
        await place_legal_hold(engine, journal, month, "matter-1")
        assert await retain_months(engine, journal, within_s=0) == []
        await release_legal_hold(engine, journal, month, "matter-1")
        with pytest.raises(RetentionRefused) as caught:
            await retain_months(engine, journal, within_s=0)  # nobody has signed a head
        assert caught.value.code == "retention_refused"
        await proven.weave()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(proven.sequencer.run, 0.05)
            (told,) = await retain_months(engine, journal)
            tasks.cancel_scope.cancel()
        assert told.startswith(f"{month:%Y-%m}: 4 entries")
        await proven.weave()
        report = await proven.verify()
    assert whys(report) == []


async def test_calls_that_are_moved_into_an_old_month_are_not_due_and_cannot_go_with_it(
    engine: AsyncEngine, sealer: Sealer, signer: Signer, database_url: str
) -> None:
    month = (datetime.now(UTC) - timedelta(days=500)).date().replace(day=1)
    log, kept = new_signer(ORIGIN), list[str]()
    async with open_journal(engine, sealer, signer) as first:
        proven = Proven(engine, first, signer, log, kept)
        await proven.weave()
        async with open_journal(engine, sealer, signer) as hidden:
            await Proven(engine, hidden, signer, log, kept).call("call-to-hide")
        await proven.weave()
        moved = f"set month = '{month}' where stream = '{hidden.stream}'"
        partition = f"journal.entry_{month:%Y%m}"
        made = f"create table {partition} partition of journal.entry for values from ('{month}')"
        as_superuser(database_url, [
            f"{made} to ('{(month + timedelta(days=32)).replace(day=1)}')",
            f"update journal.stream {moved}", f"update journal.entry {moved}",
        ])  # fmt: skip
        assert await retain_months(engine, first, within_s=0) == []
        await first.append("", "retention.drop", {"month": month.isoformat(), "entries": 4})
        await proven.weave()
        assert (await proven.verify())["first"]["why"] == "its stream is not registered so"
        as_superuser(database_url, [f"drop table {partition}"])
        (said,) = whys(await proven.verify())
    assert said == f"{hidden.stream}/0: 4 entries of {month} went for no good reason"


async def test_logins_can_do_no_more_than_they_need(database_url: str, sealer: Sealer, signer: Signer) -> None:
    logins = make_logins(database_url)
    async with open_engine(database_url) as superuser:
        with pytest.raises(SettingsError) as caught:
            await refuse_excess(superuser)
        assert "is a superuser" in str(caught.value)
    async with open_engine(logins["SNOWGATE_DATABASE_URL"]) as gate:
        await refuse_excess(gate)
        async with open_journal(gate, sealer, signer) as journal:
            proven = Proven(gate, journal, signer)
            await proven.call("call-1")
            await proven.sequencer.weave()
            await proven.sequencer.publish()
            for forbidden in (
                "select body from journal.entry", "update journal.entry set stage = 'x'", "delete from journal.entry",
                "truncate journal.entry", "update journal.checkpoint set size = 0", "delete from journal.tile",
                "select journal.drop_month('2020-01-01')", "create table journal.x ()", "drop table journal.entry",
                "set session_replication_role = replica", "alter table journal.entry disable trigger all",
                "select * from journal.legal_hold",
            ):  # fmt: skip
                with pytest.raises(Exception) as refused:  # noqa: PT011  # SQLAlchemy's wrapping of several
                    async with gate.begin() as connection:
                        await connection.execute(text(forbidden))
                assert isinstance(refused.value.__cause__, psycopg.errors.Error), forbidden
                assert refused.value.__cause__.sqlstate == "42501", forbidden
    async with open_engine(logins["SNOWGATE_RETENTION_DATABASE_URL"]) as retention, retention.connect() as connection:
        with pytest.raises(Exception, match="too young"):
            await connection.execute(text("select journal.drop_month(date_trunc('month', now())::date)"))


def test_the_verifier_is_one_short_file_that_knows_nothing_of_us() -> None:
    source = Path(str(audit.verify.__file__)).read_text("utf-8")
    assert len(source.splitlines()) <= 300
    imports = [line.split()[1] for line in source.splitlines() if line.startswith(("import ", "from "))]
    outside = {name.split(".")[0] for name in imports} - set(sys.stdlib_module_names)
    assert outside == {"cryptography"}


async def test_the_verifier_runs_alone_on_an_export_and_ends_with_what_it_found(
    engine: AsyncEngine, journal: Journal, signer: Signer, tmp_path: Path
) -> None:
    proven = Proven(engine, journal, signer)
    for number in range(5):
        await proven.call(f"call-{number}")
    await proven.weave()
    export = tmp_path / "journal.jsonl.gz"
    await write_export(export, records(engine, ORIGIN))
    trust = write_lines(tmp_path / "trust.txt", [f"log {proven.log.public}", f"writer {signer.public}"])
    anchors = write_lines(tmp_path / "gate.log", ["some other line", *proven.kept])
    script = tmp_path / "verify.py"
    script.write_text(inspect.getsource(audit.verify), encoding="utf-8")

    def alone(*arguments: object) -> tuple[int, str]:
        command = [sys.executable, "-I", str(script), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60, check=False)
        return done.returncode, done.stdout

    status, said = alone(export, "--trust", trust, "--anchor", anchors, "--json", "--state", tmp_path / "state")
    assert (status, json.loads(said)["leaves"]) == (0, 11)
    lines = [json.loads(line) for line in audit.verify.texts(export)]
    changed = [{**line, "subject": "eve"} if line.get("call_id") == "call-3" else line for line in lines]
    bad = write_lines(tmp_path / "bad.jsonl", [json.dumps(line) for line in changed])
    status, said = alone(bad, "--trust", trust)
    assert status == 1
    assert said.splitlines()[0].startswith(f"{journal.stream}/7: ")
    cut = write_lines(tmp_path / "cut.jsonl", [json.dumps(line) for line in lines[:-1]])
    assert alone(cut, "--trust", trust)[0] == 2
    assert alone(export, "--trust", tmp_path / "nowhere")[0] == 2
