"""What a test counted, printed at the end of the run: also where workers share the tests, whose output nobody sees."""

from collections.abc import Callable
from functools import partial

import pytest

SCORE = "score"

Score = Callable[[object], None]


@pytest.fixture
def score(record_property: Callable[[str, object], None]) -> Score:
    """Say one line of what was counted."""
    return partial(record_property, SCORE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every score."""
    for report in (each for reports in terminalreporter.stats.values() for each in reports):
        if isinstance(report, pytest.TestReport) and report.when == "call":
            for name, line in report.user_properties:
                if name == SCORE:
                    terminalreporter.write_line(str(line))
