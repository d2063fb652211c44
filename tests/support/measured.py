"""Coverage is measured where `policy` is what tests are about; elsewhere it would double what a judgement costs."""

import os

import coverage
import pytest

from tests.house import tree

FOLDERS = frozenset({"cli", "corpus", "deciding", "holds", "language", "line", "sandbox", "theorems"})
"""Together they reach every line and branch of `policy`, which `make test` demands."""

_OF_ALL = "SNOWGATE_COVERAGE_OF_ALL" in os.environ  # `make coverage`

_measured = None if _OF_ALL else coverage.Coverage.current()

# The workers that run the tests are measured. The processes that they start are so for `make coverage` alone: it takes
# them twice as long, and no gate asks for it.
if "PYTEST_XDIST_WORKER" in os.environ and not _OF_ALL:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Measure the tests of these folders alone; what is imported while tests are collected is measured too."""
    if _measured is None:
        return
    is_wanted = item.path.relative_to(tree.ROOT / "tests").parts[0] in FOLDERS
    if is_wanted != (coverage.Coverage.current() is _measured):
        (_measured.start if is_wanted else _measured.stop)()
