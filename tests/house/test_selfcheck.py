"""The program does not start from files that are not ours."""

from pathlib import Path

import pytest

from tests.house import tree

CHECK = """
from server import selfcheck
try:
    selfcheck.check()
except selfcheck.NotOurs as error:
    print(error.code)
"""


def said(*path: Path) -> str:
    """What the self-check says of the files on `path`, in a process of its own."""
    ended = tree.ran(CHECK, *path)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_what_was_installed_starts(installed: Path) -> None:
    assert said(installed) == ""


@pytest.mark.parametrize("file", ["tools/run_query.py", "policy/names.py", "manifests/tools/run_query.json"])
def test_a_changed_file_refuses_to_start(installed: Path, file: str) -> None:
    with (installed / file).open("a", encoding="utf-8") as changed:
        changed.write("\n")
    assert said(installed) == "not_ours"


def test_a_missing_file_refuses_to_start(installed: Path) -> None:
    (installed / "manifests/tools/run_query.json").unlink()
    assert said(installed) == "not_ours"


@pytest.mark.parametrize("name", ["tools", "policy", "audit"])
@pytest.mark.parametrize("init", [True, False], ids=["package", "namespace"])
def test_a_package_of_our_name_from_elsewhere_refuses_to_start(
    installed: Path, tmp_path: Path, name: str, init: bool
) -> None:
    (installed / name).rename(tmp_path / f"ours_{name}")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / name).mkdir(parents=True)
    if init:
        (elsewhere / name / "__init__.py").write_text("")
    assert said(elsewhere, installed) == "not_ours"


def test_the_command_says_so_before_a_strangers_module_can_run(installed: Path) -> None:
    (installed / "policy/names.py").write_text("raise SystemExit('a stranger ran')")
    (installed / "policy/__init__.py").write_text("raise SystemExit('a stranger ran')")
    ended = tree.ran("import server.cli; server.cli.main()", installed)
    assert ended.returncode == 3
    assert ended.stdout == ""
    assert ended.stderr.startswith("not_ours: ")
