"""Whoever owns the database can do anything to it, and the verifier says so."""

import anyio
import pytest

from tests.journal.matrix import PAGE, page, tried
from tests.journal.originals import Tried
from tests.support.databases import Databases

UNSEEN_INSIDE = {
    "remove the newest signed head",
    "remove the newest signed head, and sign another in its place with the stolen key of the log",
    "cut the newest entries off, behind a signature and before a signed head",
    "the same with the stolen keys of the log and of all writers",
    "restore an older backup",
}
"""What only anchors can show: inside, nothing is left that contradicts it."""


@pytest.fixture(scope="module")
def rows(databases: Databases) -> list[Tried]:
    with databases.fresh() as url:
        return anyio.run(tried, databases, url)


def test_an_untouched_journal_is_believed(rows: list[Tried]) -> None:
    control = rows[0]
    assert (control.inside, control.anchored) == ("", "")


def test_every_tampering_shows_with_anchors(rows: list[Tried]) -> None:
    assert [row.name for row in rows[1:] if not row.anchored] == []


def test_without_anchors_all_show_but_those_that_nothing_inside_contradicts(rows: list[Tried]) -> None:
    assert {row.name for row in rows[1:] if not row.inside} == UNSEEN_INSIDE


def test_the_page_says_what_the_verifier_says(rows: list[Tried]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(rows)
