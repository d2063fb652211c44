"""Events of the log have one shape and name their call, and hold nothing of what was asked, answered or shown."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread
from opentelemetry.sdk.trace import TracerProvider

from server.logs import FRAMES_MAX, Discreet, of_call
from server.sandbox.children import listens
from server.sandbox.issuer import mint
from tests.bench.processes import free_port
from tests.support.clients import Era, Gate, answer, refusal
from tests.support.gates import ROOT, environment_of
from tests.support.watching import eventually
from tests.wire.test_approvals import check, decide

CANARY = "canary_9917"
NUMBER = 8_675_309_246
SHAPE = {"time", "level", "logger", "where", "message"}
SOMETIMES = {"call_id", "trace_id", "span_id", "error", "frames"}


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, list[str]] = {"json": [], "text": []}

    def emit(self, record: logging.LogRecord) -> None:
        self.lines["json"].append(Discreet("json").format(record))
        self.lines["text"].append(Discreet("text").format(record))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines["json"]]


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_a_librarys_words_and_an_errors_text_are_in_no_event(kept: Kept) -> None:
    def fail(deep: int) -> None:
        if deep:
            fail(deep - 1)
        raise ValueError(CANARY)

    logging.getLogger("some.library").warning("it said %s", CANARY)
    logging.getLogger("servers").warning(CANARY)
    for name in ("some.library", "server.test"):
        try:
            fail(50)
        except ValueError:
            logging.getLogger(name).exception("it failed")
    assert len(kept.events) == 4
    assert CANARY not in "".join(kept.lines["json"] + kept.lines["text"])
    last = kept.events[-1]
    assert (last["message"], last["error"], len(last["frames"])) == ("it failed", "ValueError", FRAMES_MAX)
    assert last["frames"][-1].endswith(" fail")
    assert "\n  ValueError" in kept.lines["text"][-1]


async def test_events_name_their_call_in_threads_too_and_their_trace(kept: Kept) -> None:
    log = logging.getLogger("server.test")

    async def one(call: str) -> None:
        with of_call(call):
            await anyio.lowlevel.checkpoint()
            await to_thread.run_sync(log.warning, "from a thread")

    async with anyio.create_task_group() as tasks:
        for call in ("call_a", "call_b"):
            tasks.start_soon(one, call)
    with TracerProvider().get_tracer("test").start_as_current_span("a span") as span:
        log.warning("outside of calls")
    assert {event.get("call_id") for event in kept.events} == {"call_a", "call_b", None}
    assert kept.events[-1]["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert "[call_a] from a thread" in "".join(kept.lines["text"])


def test_an_event_of_one_line_stays_one_line(kept: Kept) -> None:
    logging.getLogger("server.test").warning("two\nlines \u2028 and %s", 'a quote "')
    assert len(kept.lines["json"][0].splitlines()) == 1
    assert len(kept.lines["text"][0].splitlines()) == 1
    assert kept.events[0]["message"].startswith("two\nlines")


async def test_a_gate_that_says_everything_says_nothing_of_its_calls(gate: Gate, tmp_path: Path) -> None:
    port, said, printed = free_port(), tmp_path / "log", tmp_path / "printed"
    state = replace(gate.sandbox.state, ports=gate.sandbox.state.ports.model_copy(update={"gate": port}))
    settings = {
        "SNOWGATE_LOG_FORMAT": "json",
        "SNOWGATE_RESOURCE": state.resource_url,
    }
    command = [sys.executable, "-P", "-m", "server.cli", "serve", "--log-level", "debug"]
    token = mint(state, "ada")
    with anyio.fail_after(120), said.open("wb") as file, printed.open("wb") as out:
        environment = environment_of(gate.sandbox, port, **settings)
        async with await anyio.open_process(command, env=environment, stdout=out, stderr=file) as process:
            try:
                await eventually(lambda: listens(port) or process.returncode is not None, within_s=60)
                values = await _ask(Gate(replace(gate.sandbox, state=state)), token)
            finally:
                process.terminate()
    text = said.read_text(encoding="utf-8")
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        assert event.keys() >= SHAPE
        assert not event.keys() - SHAPE - SOMETIMES
    loggers = {event["logger"].partition(".")[0] for event in events}
    assert {"server", "mcp"} <= loggers  # libraries were heard, and withheld
    heads = printed.read_text(encoding="utf-8")
    assert "journal_head" in heads
    secrets = (CANARY, str(NUMBER), "***@", "selekt", token.split(".")[1], *values)
    assert [word for word in secrets if word in text + heads] == []


async def _ask(gate: Gate, token: str) -> list[str]:
    """Calls of both eras that are answered with a masked value, refused, and failed in Snowflake; a write that is held,
    approved and run. Says what was answered in clear."""
    eras: tuple[Era, ...] = ("auto", "legacy")
    values: list[str] = []
    for era in eras:
        async with gate.client(token=token, era=era) as client:
            for sql in (
                f"SELECT email FROM crm.public.customers WHERE region <> '{CANARY}' LIMIT 1",
                f"selekt '{CANARY}'",
                f"SELECT 1 / (SELECT COUNT(*) FROM crm.public.customers WHERE region = '{CANARY}') AS x",
            ):
                await client.call_tool("run_query", {"sql": sql, "purpose": CANARY})
            sql = "SELECT n_comment FROM tpch.public.nation WHERE n_name <> ? AND n_nationkey <> ? LIMIT 1"
            asked = {"sql": sql, "parameters": [CANARY, NUMBER], "purpose": CANARY}
            values += answer(await client.call_tool("run_query", asked))["rows"][0]
    sql = "DELETE FROM crm.public.tickets WHERE subject = ? AND ticket_id = ?"
    held_write = {"sql": sql, "parameters": [CANARY, NUMBER], "reason": CANARY}
    async with gate.client("stella") as client:
        said = refusal(await client.call_tool("request_write", held_write))
    assert said["code"] == "held", said
    await decide(gate, "sofia", said["hold_id"])
    assert (await check(gate, said["hold_id"])).get("status") == "executed"
    assert len(values) == 2
    return values


UNCAUGHT = f"""
import logging, threading
from server.logs import set_up
set_up("info", FORM)
log = logging.getLogger("server.there")
log.info("quotes %s", "a\\x1b[2K\\u202e name")
log.info("%d rows", "{CANARY}")
def fail():
    raise RuntimeError("{CANARY}")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_nobody_caught_and_what_cannot_be_spelled_is_told_without_its_values(form: str) -> None:
    script = UNCAUGHT.replace("FORM", repr(form))
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("not caught") == 2
    assert ended.stderr.count("RuntimeError") == 2
    assert not any(told in ended.stderr for told in (CANARY, "Traceback", "\x1b", "\u202e"))
