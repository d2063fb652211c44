"""What tests need from npm is installed once, however many processes of the tests want it."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.npm import install

NPM = """#!/bin/sh
rm -rf node_modules
mkdir node_modules
echo "$@" >> ran
sleep 0.2
echo module > node_modules/whole
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"npm": NPM, "node": "#!/bin/sh\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    place = tmp_path / "home"
    place.mkdir()
    (place / "package-lock.json").write_text("1")
    return place


def test_of_many_who_want_it_one_installs_and_all_find_it_whole(home: Path) -> None:
    def wanted(_: int) -> str:
        install(home, "a test")
        return (home / "node_modules" / "whole").read_text()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(wanted, range(4))) == {"module\n"}
    assert len((home / "ran").read_text().splitlines()) == 1


def test_what_a_new_lock_file_says_is_installed_anew(home: Path) -> None:
    for content in ("1", "1", "2"):
        (home / "package-lock.json").write_text(content)
        install(home, "a test")
    assert len((home / "ran").read_text().splitlines()) == 2
