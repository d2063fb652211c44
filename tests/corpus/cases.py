"""Reads case files: a header `--#ID | category | must=VERDICT | what must happen`, then SQL up to the next header."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_HEADER = re.compile(r"^--#", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """One statement and the verdict that must come: DENY, MASKED, ALLOW, HOLD or RESIDUAL."""

    id: str
    category: str
    must: str
    sql: str


def read(path: Path) -> list[Case]:
    """The cases of one file."""
    cases = []
    for block in _HEADER.split(path.read_text(encoding="utf-8"))[1:]:
        header, sql = block.split("\n", 1)
        id_, category, must, _ = (part.strip() for part in header.split("|", 3))
        cases.append(Case(id_, category, must.removeprefix("must="), sql.strip()))
    return cases


def shared() -> Path | None:
    """The folder of further corpora, if this machine has one."""
    folder = Path(os.environ.get("SNOWGATE_CORPUS") or HERE.parents[1] / ".." / "shared" / "corpus")
    return folder if folder.is_dir() else None


def attacks() -> list[Case]:
    """Our own cases, and the further ones where there are any."""
    files = sorted(HERE.glob("*.sql"))
    folder = shared()
    if folder is not None:
        files += sorted(folder.glob("*.sql"))
    return [case for file in files for case in read(file)]


def statements() -> Iterator[tuple[str, str]]:
    """Identifier and text of every real statement of the further corpora."""
    folder = shared()
    if folder is None:
        return
    for line in (folder / "statements.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        yield record["id"], record["sql"]
