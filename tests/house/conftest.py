"""What several of the house's tests look at: the built wheel, made once."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.house import tree


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with our wheel and sdist; the wheel is built from the sdist, as an installer would."""
    out = tmp_path_factory.mktemp("dist")
    _hatchling(tree.ROOT, "sdist", out)
    (sdist,) = out.glob("*.tar.gz")
    unpacked = tmp_path_factory.mktemp("sdist")
    subprocess.run(["tar", "xf", sdist, "--strip-components", "1", "-C", unpacked], timeout=60, check=True)
    _hatchling(unpacked, "wheel", out)
    return out


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    """Our wheel."""
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """A directory with our wheel unpacked into it, as an installer leaves it."""
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def _hatchling(source: Path, target: str, out: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out)]
    subprocess.run(command, cwd=source, capture_output=True, timeout=120, check=True)
