"""Coverage is measured where `policy` is what tests are about; elsewhere it would double what a judgement costs."""

import os
from functools import cache

import coverage
import pytest

from tests.house import tree

FOLDERS = frozenset({"cli", "corpus", "deciding", "holds", "language", "line", "sandbox", "theorems"})
"""Together they reach every line and branch of `policy`, which `make test` demands."""


class _Measuring:
    """The run's own coverage, if it is measured at all and not, by `make coverage`, of everything."""

    def __init__(self) -> None:
        self._measured = None if "SNOWGATE_COVERAGE_OF_ALL" in os.environ else coverage.Coverage.current()
        self._is_on = True

    def switch(self, is_on: bool) -> None:
        """Measure from here on, or do not."""
        if self._measured is not None and is_on != self._is_on:
            self._is_on = is_on
            (self._measured.start if is_on else self._measured.stop)()


_measuring = cache(_Measuring)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Measure the tests of these folders alone; what is imported while tests are collected is measured too."""
    _measuring().switch(item.path.relative_to(tree.ROOT / "tests").parts[0] in FOLDERS)
