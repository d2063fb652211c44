"""What a person is shown of the journal acts on no terminal and forges no line."""

import io
from datetime import UTC, datetime
from uuid import uuid4

from rich.console import Console

from audit.canonical import Json
from audit.entry import JournalEntry
from audit.sealing import Sealer
from server.cli.journals import print_entries

FORGED = "x\n12:00:00 call_other answered\x1b]0;owned\x07\u202e"


def test_what_a_caller_named_neither_begins_a_line_nor_reaches_the_terminal_as_a_command() -> None:
    facts: dict[str, Json] = {
        "subject": FORGED,
        "actor": FORGED,
        "tool": FORGED,
        "sql": FORGED,
        "tables": [FORGED],
        "rules": [FORGED],
    }
    entry = JournalEntry(uuid4(), 0, "", datetime.now(UTC), "decided", "call_1", facts)
    out = io.StringIO()
    print_entries(Console(file=out, force_terminal=False, width=400), [entry], Sealer(b"k" * 32, "k1"))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3  # the entry, its rules, its statement
    assert not any(line.startswith("12:00:00 call_other") for line in lines)
    assert all(line.isprintable() for line in lines)
