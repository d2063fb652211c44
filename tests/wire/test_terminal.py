"""`snowgate holds`: an approver at a terminal, through a pseudo-terminal as a person would sit at it."""

import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass

import anyio
import pytest

from server.sandbox.issuer import mint
from tests.support.clients import Gate
from tests.support.gates import ROOT
from tests.wire.test_approvals import check, held, tickets

WITHIN_S = 60.0


@dataclass(frozen=True)
class Ended:
    status: int
    text: str


async def holds(
    gate: Gate, person: str, *arguments: str, answers: str | None = None, token: str | None = None, url: str = ""
) -> Ended:
    """`snowgate holds ...` as `person`; with `answers`, at a terminal at which that is typed."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("SNOWGATE_")}
    environment = theirs | {
        "PYTHONPATH": str(ROOT),
        "TERM": "dumb",
        "SNOWGATE_RESOURCE": url or gate.sandbox.state.resource_url,
        "SNOWGATE_TOKEN": mint(gate.sandbox.state, person) if token is None else token,
    }
    command = [sys.executable, "-P", "-m", "server.cli", "holds", *arguments]
    return await anyio.to_thread.run_sync(_run, command, environment, answers)


def _run(command: list[str], environment: dict[str, str], answers: str | None) -> Ended:
    if answers is None:
        piped = subprocess.run(
            command, env=environment, input=b"yes\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WITHIN_S
        )
        return Ended(piped.returncode, piped.stdout.decode())
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        text, is_asked, until = b"", False, time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.05)[0]:
                try:
                    text += os.read(ours, 4096)
                except OSError:  # the other end is closed
                    break
            elif process.poll() is not None:
                break
            if not is_asked and b"to confirm:" in text:
                is_asked = True
                os.write(ours, answers.encode())
        os.close(ours)
        process.wait(timeout=WITHIN_S)
    return Ended(process.returncode, text.decode(errors="replace"))


async def test_an_approver_lists_reads_and_approves_at_a_terminal(gate: Gate) -> None:
    hold_id = (await held(gate, 9301))["hold_id"]
    listed = await holds(gate, "sofia", "list")
    assert (listed.status, hold_id in listed.text) == (0, True)
    shown = await holds(gate, "sofia", "show", hold_id)
    assert (shown.status, "DELETE FROM" in shown.text, "1 row deleted" in shown.text) == (0, True, True)
    decided = await holds(gate, "sofia", "approve", hold_id, "--reason", "I have read it", answers="yes\n")
    assert decided.status == 0, decided.text
    assert f"{hold_id} is approved" in decided.text
    assert "You are about to APPROVE" in decided.text
    assert (await check(gate, hold_id))["status"] == "executed"
    assert tickets(gate, 9301) == 0


async def test_a_denial_at_a_terminal_reaches_the_requester(gate: Gate) -> None:
    hold_id = (await held(gate, 9302))["hold_id"]
    assert (await holds(gate, "sofia", "deny", hold_id, "--reason", "Not today", answers="yes\n")).status == 0
    said = await check(gate, hold_id)
    assert (said["code"], "Not today" in said["message"]) == ("denied", True)


async def test_a_requester_takes_back_at_a_terminal_what_they_asked_for(gate: Gate) -> None:
    hold_id = (await held(gate, 9306))["hold_id"]
    assert (await holds(gate, "sofia", "withdraw", hold_id, "--reason", "It is not mine")).status == 2
    said = await holds(gate, "stella", "withdraw", hold_id, "--reason", "Not needed any more")
    assert (said.status, f"{hold_id} is withdrawn" in said.text) == (0, True), said.text
    assert (await check(gate, hold_id))["code"] == "hold_spent"
    assert tickets(gate, 9306) == 1


@pytest.mark.parametrize("answer", ["no\n", "y\n", "\n"])
async def test_anything_but_the_whole_word_decides_nothing(gate: Gate, answer: str) -> None:
    hold_id = (await held(gate, 9303))["hold_id"]
    said = await holds(gate, "sofia", "approve", hold_id, "--reason", "I have read it", answers=answer)
    assert (said.status, "declined" in said.text) == (2, True)
    assert (await check(gate, hold_id))["status"] == "open"


async def test_a_program_cannot_answer_for_a_person(gate: Gate) -> None:
    hold_id = (await held(gate, 9304))["hold_id"]
    said = await holds(gate, "sofia", "approve", hold_id, "--reason", "I have read it")
    assert (said.status, "bad_settings" in said.text) == (2, True)
    assert (await check(gate, hold_id))["status"] == "open"


async def test_the_terminal_is_no_way_round_the_rules(gate: Gate) -> None:
    hold_id = (await held(gate, 9305))["hold_id"]
    own = await holds(gate, "stella", "approve", hold_id, "--reason", "It is mine", answers="yes\n")
    assert (own.status, "own_request" in own.text) == (2, True)
    stranger = await holds(gate, "ada", "show", hold_id)
    assert (stranger.status, "not_permitted" in stranger.text) == (2, True)
    assert (await check(gate, hold_id))["status"] == "open"


async def test_a_bad_token_and_an_unsafe_address_are_one_clean_line(gate: Gate) -> None:
    for said in (
        await holds(gate, "sofia", "list", token="not-a-token"),
        await holds(gate, "sofia", "list", token=""),
        await holds(gate, "sofia", "list", url="http://gate.example.com/mcp"),
    ):
        assert said.status == 2
        assert "Traceback" not in said.text
        assert "not-a-token" not in said.text
