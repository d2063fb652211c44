"""Console blocks in pages, and whether they are what the program prints.

A block is marked with the command that it shows:

    <!-- console: snowgate demo -->
    ```console
    $ make demo
    ...
    a line of the output
    ```

The first line is what a person types. A line `...` stands for any lines that are left out. What differs from run to run
(ids, times, durations, digests) is made equal before the two are compared.
"""

import re
from dataclasses import dataclass

_BLOCK = re.compile(r"<!-- console: ([^\n]+) -->\n```console\n\$ [^\n]+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DIFFERS = (
    (re.compile(r"\b(call|hold)_[\w-]+"), r"\1_ID"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? m?s\b"), "DURATION"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
)


@dataclass(frozen=True, slots=True)
class Console:
    """A marked block: the command that makes it true, and the lines that are shown."""

    command: str
    shown: str


def consoles(page: str) -> list[Console]:
    """The marked blocks of a page."""
    return [Console(command, shown) for command, shown in _BLOCK.findall(page)]


def is_true(shown: str, printed: str) -> bool:
    """Whether the pieces of `shown` between lines `...` occur in `printed`, whole, in this order."""
    rest = _lines(printed)
    for piece in _pieces(_lines(shown)):
        at = next((n for n in range(len(rest)) if rest[n : n + len(piece)] == piece), None)
        if at is None:
            return False
        rest = rest[at + len(piece) :]
    return True


def _pieces(lines: list[str]) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    for line in lines:
        if line == "...":
            pieces.append([])
        else:
            pieces[-1].append(line)
    return pieces


def _lines(text: str) -> list[str]:
    """Lines without blanks at their ends or empty lines, with what differs made equal."""
    for pattern, equal in _DIFFERS:
        text = pattern.sub(equal, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]
