"""docs/TRACEABILITY.md, from what tests/house/traces says; `python -m tests.house.tracing` writes it."""

import re
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.house import tree

HERE = Path(__file__).parent / "traces"
PAGE = tree.ROOT / "docs" / "TRACEABILITY.md"
ORDER = ("soc2", "asvs", "mcp", "agentic", "aarm")

HEAD = """# Traceability

From what others ask of a program such as this to what holds it up here, and to the tests that fail when it does not.
It is a map for an auditor, not an attestation: nobody has audited this, and most of it is met by an organisation, of
which a program is a part. Where something is held in part, the table says what is missing. A test holds that every
file and every test named here exists, that nothing stands without one, and that this page is what
`python -m tests.house.tracing` writes.
"""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Held(Strict):
    """A requirement that tests show; `lacks` is what is missing of it."""

    id: str
    asks: str
    by: str
    tests: list[str] = Field(min_length=1)
    lacks: str = ""


class Open(Strict):
    """A requirement that no test shows, or a range of them, and why."""

    id: str
    why: str


class Framework(Strict):
    title: str
    about: str
    held: list[Held]
    open: list[Open]

    @property
    def ids(self) -> list[str]:
        """Every requirement, ranges written out."""
        said = [each.id for each in self.held] + [each.id for each in self.open]
        return [each for entry in said for each in written_out(entry)]


def written_out(said: str) -> list[str]:
    """`10.4.1 to 10.4.3` as three."""
    found = re.fullmatch(r"(\d+\.\d+)\.(\d+) to \1\.(\d+)", said)
    return [said] if found is None else [f"{found[1]}.{n}" for n in range(int(found[2]), int(found[3]) + 1)]


def frameworks() -> dict[str, Framework]:
    read = {name: yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8")) for name in ORDER}
    return {name: Framework.model_validate(said) for name, said in read.items()}


def page() -> str:
    return HEAD + "".join(_section(each) for each in frameworks().values())


def _section(told: Framework) -> str:
    lines = ["", f"## {told.title}", "", told.about, "", "| | What it asks of a gate | Held by | Shown by |"]
    lines.append("| --- | --- | --- | --- |")
    for each in told.held:
        shown = "<br>".join(f"`tests/{name}`" for name in each.tests)
        missing = f" **In part**: {each.lacks}." if each.lacks else ""
        lines.append(f"| {each.id} | {each.asks}.{missing} | {each.by} | {shown} |")
    if told.open:
        lines += ["", "| | Not held here, or not shown |", "| --- | --- |"]
        lines += [f"| {each.id} | {each.why} |" for each in told.open]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
