"""Every code that the program can show has an entry in docs/REFUSALS.md, and no entry is about nothing."""

import re

import pytest

from policy.refusal import PolicyCode
from server.cli.terminal import known
from tests.house import tree
from tests.house.codes import codes

PAGE = (tree.ROOT / "docs" / "REFUSALS.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^### `([a-z0-9_]+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_code_is_documented_and_every_entry_has_its_code() -> None:
    assert set(ENTRIES) == codes()


def test_the_codes_were_found_in_every_way_that_they_are_written() -> None:
    """A collector that finds nothing would agree with an empty page."""
    found = codes()
    assert {code.value for code in PolicyCode} <= found
    assert {"unauthenticated", "invalid_arguments", "journal_unavailable", "bad_settings", "postgres_missing"} <= found


@pytest.mark.parametrize("code", ENTRIES)
def test_an_entry_says_what_why_and_what_to_do(code: str) -> None:
    parts = re.findall(r"^\*\*(.+?)\.\*\* \S", ENTRIES[code], re.MULTILINE)
    assert parts == ["Summary", "Why", "What to do"]


def test_no_code_has_two_entries() -> None:
    headings = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
    assert len(headings) == len(set(headings)) == len(ENTRIES)


@pytest.mark.parametrize("failure", known(), ids=lambda failure: failure.__name__)
def test_what_the_command_line_reports_has_a_code_and_not_a_class_name(failure: type[Exception]) -> None:
    takes_it = "code" in failure.__init__.__code__.co_varnames if hasattr(failure.__init__, "__code__") else False
    assert takes_it or isinstance(getattr(failure, "code", None), str) or "code" in failure.__annotations__
