"""Suites of tests: their files, and their results as text, JSON and JUnit's XML."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from rich.console import Console

from policy.catalog_document import from_document
from policy.document import PolicyDocumentError, load
from policy.engine import Engine
from policy.suite import Result, SuiteModel, read_suite, run
from server.cli.policy_files import read_catalog
from server.config import SettingsError
from server.policy_file import read_policy
from server.rule_sets import read_rule_sets


def read_suite_file(path: Path) -> SuiteModel:
    """The suite in the file at `path`.

    Raises:
        SettingsError: there is no such file, or it is not a suite; with line and column.
    """
    try:
        return read_suite(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"no suite can be read from {path}: {type(error).__name__}") from None
    except PolicyDocumentError as error:
        raise SettingsError(f"{path}: {error}", error.hint) from None


def engine_of(path: Path, suite: SuiteModel, policy: Path | None, catalog: Path | None) -> Engine:
    """The engine that a suite is run against; files given by hand win over the suite's own.

    Raises:
        SettingsError: one is missing or cannot be read.
    """
    own_policy = path.parent / suite.policy if isinstance(suite.policy, str) else suite.policy
    own_catalog = path.parent / suite.catalog if isinstance(suite.catalog, str) else suite.catalog
    judged, known = policy or own_policy, catalog or own_catalog
    if judged is None or known is None:
        raise SettingsError(f"{path} names no policy or no catalog", "name them in it, or give --policy and --catalog")
    try:
        loaded = (
            read_policy(judged)
            if isinstance(judged, Path)
            else load(json.dumps(judged, default=str), read_rule_sets(path.parent))
        )
        tables = read_catalog(known) if isinstance(known, Path) else from_document(known)
    except PolicyDocumentError as error:
        raise SettingsError(f"{path}: {error.message}", error.hint) from None
    return Engine(loaded, tables)


def results_of(suite: SuiteModel, engine: Engine) -> list[Result]:
    """Every result of a suite."""
    return list(run(suite, engine))


@dataclass(slots=True)
class SuiteReport:
    """Results by the file of their suite."""

    results: list[tuple[Path, Result]] = field(default_factory=list)

    def add(self, path: Path, results: Iterable[Result]) -> None:
        """Take in the results of one suite."""
        self.results += [(path, result) for result in results]

    @property
    def failed(self) -> int:
        """How many are not as expected."""
        return sum(bool(result.complaints) for _, result in self.results)

    def print(self, console: Console) -> None:
        """What is not as expected, and a count."""
        for path, result in self.results:
            for complaint in result.complaints:
                console.print(f"{path}: {result.name} ({result.principal}): {complaint}", markup=False)
        console.print(f"{len(self.results) - self.failed} as expected, {self.failed} not")

    def as_json(self) -> dict[str, Any]:
        """The results as plain data."""
        return {
            "passed": len(self.results) - self.failed,
            "failed": self.failed,
            "results": [
                {"suite": str(path), "name": r.name, "principal": r.principal, "complaints": list(r.complaints)}
                for path, r in self.results
            ],
        }

    def as_junit(self) -> str:
        """The results as JUnit's XML, which CI servers read."""
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites tests="{len(self.results)}" failures="{self.failed}">',
        ]
        for path in dict.fromkeys(path for path, _ in self.results):
            own = [result for each, result in self.results if each == path]
            failures = sum(bool(result.complaints) for result in own)
            lines.append(f'  <testsuite name={quoteattr(str(path))} tests="{len(own)}" failures="{failures}">')
            for result in own:
                named = f"name={quoteattr(f'{result.name} ({result.principal})')} classname={quoteattr(path.stem)}"
                told = "".join(f"<failure>{escape(_plain(each))}</failure>" for each in result.complaints)
                lines.append(f"    <testcase {named}>{told}</testcase>")
            lines.append("  </testsuite>")
        return "\n".join([*lines, "</testsuites>"])


def _plain(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot hold."""
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n")
