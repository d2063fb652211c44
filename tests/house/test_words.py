"""One meaning a word, in code, manifests and pages alike."""

from pathlib import Path

import pytest

from tests.house import tree, words

READ = [*tree.ours(), *tree.documents(), *sorted((tree.ROOT / "manifests").rglob("*.*"))]


@pytest.mark.parametrize("path", READ, ids=tree.shown)
def test_every_word_has_one_meaning(path: Path) -> None:
    assert words.complaints(tree.shown(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("policy/x.py", "# granted to analysts"),
        ("policy/x.py", "def has_grant(): ..."),
        ("tools/x.py", "permission = 1"),
        ("docs/X.md", "a whitelist of functions"),
        ("docs/X.md", "the audit log"),
        ("docs/X.md", "a deny rule"),
        ("docs/X.md", "a robust gate"),
        ("server/x.py", "class Session:"),
        ("server/x.py", "class Checkpoint:"),
        ("policy/x.py", "from sqlglot.optimizer.scope import Scope"),
    ],
)
def test_the_checker_catches(name: str, text: str) -> None:
    assert len(words.complaints(name, text)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("server/x.py", "# Snowflake's GRANT, and what was GRANTed"),
        ("server/x.py", 'form["grant_type"]'),
        ("server/x.py", "except PermissionError:"),
        ("server/x.py", "class SnowflakeSession:"),
        ("audit/x.py", "class Checkpoint:"),
        ("docs/X.md", "never say `grant`\n```\ngrant\n```\n"),
        ("policy/x.py", "fragrant, immigrants"),
    ],
)
def test_the_checker_lets_pass(name: str, text: str) -> None:
    assert words.complaints(name, text) == []


def test_a_complaint_names_the_line() -> None:
    assert words.complaints("docs/X.md", "`ok`\n\nwhitelist")[0].startswith("docs/X.md:3: ")
