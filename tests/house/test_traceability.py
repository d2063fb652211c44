"""Each criterion leads to a file that holds it up and to a test that fails without it; both are there."""

import re

from tests.house import tree

ROWS = re.findall(
    r"^\| ((?:CC|A|C|PI)\d\.\d) \| (.+?) \| (.+?) \| (.+?) \|$",
    (tree.ROOT / "docs" / "TRACEABILITY.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_criterion_names_a_file_that_is_there() -> None:
    assert len(ROWS) > 15
    for criterion, _, held_by, _ in ROWS:
        files = [name for name in re.findall(r"`([\w./]+)`", held_by) if "." in name]
        assert files, criterion
        for name in files:
            assert (tree.ROOT / name).is_file(), (criterion, name)


def test_every_criterion_names_tests_that_are_there() -> None:
    for criterion, _, _, shown_by in ROWS:
        references = REFERENCE.findall(shown_by)
        assert "<br>".join(f"`{path}::{name}`" for path, name in references) == shown_by, criterion
        for path, name in references:
            source = (tree.ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), (criterion, path, name)


def test_no_test_stands_for_two_criteria() -> None:
    names = [name for *_, shown_by in ROWS for name in REFERENCE.findall(shown_by)]
    assert len(names) == len(set(names))
