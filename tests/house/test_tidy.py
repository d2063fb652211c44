"""Sizes, docstrings, debts: held for every file, and the checker held against samples that it must catch."""

from pathlib import Path

import pytest

from tests.house import tidy, tree


@pytest.mark.parametrize("path", [*tree.ours(), *tree.tests()], ids=tree.shown)
def test_every_file_is_tidy(path: Path) -> None:
    assert tidy.complaints(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("directory", list(tree.directories(tree.ours())), ids=tree.shown)
def test_every_package_says_what_it_is_for(directory: Path) -> None:
    init = directory / "__init__.py"
    assert init.is_file()
    assert init.read_text(encoding="utf-8").startswith('"""')


@pytest.mark.parametrize("directory", list(tree.directories(tree.tests())), ids=tree.shown)
def test_every_test_folder_is_a_package_so_that_none_shadows_ours(directory: Path) -> None:
    assert (directory / "__init__.py").is_file()


@pytest.mark.parametrize("package", tree.PACKAGES)
def test_every_package_ships_its_types(package: str) -> None:
    assert (tree.ROOT / package / "py.typed").is_file()


DOCUMENTED = '"""Says."""\n'
LONG_FUNCTION = "def long():\n" + "    pass\n" * tidy.FUNCTION_LINES_MAX


@pytest.mark.parametrize(
    "untidy",
    [
        pytest.param("x = 1\n", id="no_docstring"),
        pytest.param(DOCUMENTED + "x = 1\n" * tidy.FILE_LINES_MAX, id="long_file"),
        pytest.param(DOCUMENTED + LONG_FUNCTION, id="long_function"),
        pytest.param(DOCUMENTED + "class C:\n    async " + LONG_FUNCTION.replace("\n    ", "\n        "), id="method"),
        pytest.param(DOCUMENTED + "# TO" + "DO: later\n", id="debt"),
        pytest.param(DOCUMENTED + "@dataclass(frozen=True)\nclass Bad(Exception):\n    x: int\n", id="dataclass"),
    ],
)
def test_the_checker_catches(untidy: str) -> None:
    assert len(tidy.complaints(untidy)) == 1


@pytest.mark.parametrize(
    "fine",
    [
        pytest.param("", id="empty"),
        pytest.param(DOCUMENTED + "x = 1\n" * (tidy.FILE_LINES_MAX - 1), id="longest_file"),
        pytest.param(DOCUMENTED + LONG_FUNCTION.replace("    pass\n", "", 1), id="longest_function"),
        pytest.param(DOCUMENTED + "class Plain(Exception):\n    code = 'plain'\n", id="plain_exception"),
    ],
)
def test_the_checker_lets_pass(fine: str) -> None:
    assert tidy.complaints(fine) == []
