"""`python -m tests.journal.matrix`: tries every attack and writes docs/TAMPERING.md, which a test compares."""

from pathlib import Path

import anyio

from server.sandbox.postgres import EmbeddedPostgres
from tests.journal.originals import Original, Tried
from tests.support.databases import Databases, reachable_directory

PAGE = Path(__file__).parents[2] / "docs" / "TAMPERING.md"

HEAD = """# Tampering

What whoever owns the database can do to the journal, and whether `audit/verify.py` says so. Each is done for real, by a
superuser who has put the triggers out of the way, to a copy of a journal that two processes wrote: {count} ways.
{inside} show without anything that was kept outside the database, and {anchored} with the lines that the gates printed.

What does not show inside is what leaves nothing behind that contradicts it. The newest signed head whose row is
removed leaves a tree that is woven and not signed yet, which every journal is for a moment; and the next head that is
signed takes its number. Earlier heads are numbered without a hole, so theirs shows. A head that was printed, kept as a
file or cosigned says that there was one: the verifier asks for the row of each head that it is shown, so show it only
what was kept before the export was made. A gate that runs looks for the head that it has signed last each time that it
may sign another; if it is gone, it says so in its log (critical) and signs no more.

This page is made by `python -m tests.journal.matrix`, and a test fails when it is not what the verifier says today.

| What is done | Without anchors | With anchors |
| --- | --- | --- |
"""


def page(rows: list[Tried]) -> str:
    """The page for these attacks; the control is the first row."""
    inside, anchored = sum(bool(row.inside) for row in rows), sum(bool(row.anchored) for row in rows)
    head = HEAD.format(count=len(rows) - 1, inside=inside, anchored=anchored)
    return head + "".join(f"| {row.name} | {_said(row.inside)} | {_said(row.anchored)} |\n" for row in rows)


def _said(why: str) -> str:
    return "shows" if why else "*believed*"


async def tried(databases: Databases, url: str) -> list[Tried]:
    """Every attack on a journal that is made for it in the database at `url`."""
    original = Original(databases, url)
    await original.make()
    return await original.try_everything()


def main() -> None:
    """Write the page."""
    with reachable_directory() as home, EmbeddedPostgres(home) as postgres:
        databases = Databases(postgres)
        with databases.fresh() as url:
            PAGE.write_text(page(anyio.run(tried, databases, url)), encoding="utf-8")


if __name__ == "__main__":
    main()
