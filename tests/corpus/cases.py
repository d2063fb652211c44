"""Reads case files: a header `--#ID | category | must=VERDICT | what must happen`, then SQL up to the next header.

What must happen may begin with `known=REASON:`, for a case that does not end as it must today, and for RESIDUAL must
begin with `control=NAME:`, the second control that stops what the gate's rewriting alone does not.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_HEADER = re.compile(r"^--#", re.MULTILINE)
_KNOWN = re.compile(r"known=([^:]+):")


@dataclass(frozen=True, slots=True)
class Case:
    """One statement and the verdict that must come: DENY, MASKED, ALLOW, HOLD or RESIDUAL."""

    id: str
    category: str
    must: str
    sql: str
    what: str = ""

    @property
    def known(self) -> str | None:
        """Why the case does not end as it must today, if that is known."""
        match = _KNOWN.match(self.what)
        return match[1] if match else None


def read(path: Path) -> list[Case]:
    """The cases of one file."""
    cases = []
    for block in _HEADER.split(path.read_text(encoding="utf-8"))[1:]:
        header, sql = block.split("\n", 1)
        id_, category, must, what = (part.strip() for part in header.split("|", 3))
        cases.append(Case(id_, category, must.removeprefix("must="), sql.strip(), what))
    return cases


def shared() -> Path | None:
    """The folder of further corpora, if this machine has one."""
    folder = Path(os.environ.get("SNOWGATE_CORPUS") or HERE.parents[1] / ".." / "shared" / "corpus")
    return folder if folder.is_dir() else None


def ours() -> list[Case]:
    """The cases of this folder."""
    return [case for file in sorted(HERE.glob("*.sql")) for case in read(file)]


def attacks() -> list[Case]:
    """Our own cases, and the further ones where there are any."""
    folder = shared()
    further = sorted(folder.glob("*.sql")) if folder is not None else []
    return [*ours(), *(case for file in further for case in read(file))]


def statements(kind: str | None = None) -> Iterator[tuple[str, str]]:
    """Identifier and text of every real statement of the further corpora, or of those of one kind, such as `QUERY`."""
    folder = shared()
    if folder is None:
        return
    for line in (folder / "statements.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if kind in (None, record["kind"]):
            yield record["id"], record["sql"]
