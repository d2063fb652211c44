"""The star: who may import whom. The contracts are in pyproject.toml; here they are held, and held to catch."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import tree

TOUCH_POINTS = {
    "snowflake": {"server.warehouse", "server.sandbox.stand_ins", "server.sandbox.fakesnow_app"},
    "mcp": {
        "server.app",
        "server.cli.demo",
        "server.cli.holds",
        "server.doorway",
        "server.elicitation",
        "server.gatekeeper",
        "server.rendering",
        "server.tasks",
        "server.web",
    },
}


def lint(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", command], cwd=checkout, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_contracts_are_kept() -> None:
    ended = lint(tree.ROOT)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("policy/names.py", "import audit.entry", "tools, policy and audit do not know each other"),
        ("audit/entry.py", "import server.config", "tools, policy and audit do not know each other"),
        ("policy/names.py", "import time", "policy does no I/O"),
        ("server/holds.py", "import sqlglot", "only policy reads SQL"),
        ("server/leases.py", "import snowflake.connector", "only server.warehouse holds the Snowflake driver"),
        ("tools/run_query.py", "import snowflake.connector", "only server.warehouse holds the Snowflake driver"),
        ("server/line.py", "import mcp.types", "MCP is met at the doors"),
        ("server/pool.py", "import server.sandbox.state", "the sandbox is no part of the gate"),
        ("server/refusals.py", "import server.app", "imports itself in a circle"),
    ],
)
def test_a_contract_catches(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copy(tree.ROOT / "pyproject.toml", tmp_path)
    for package in tree.PACKAGES:
        shutil.copytree(tree.ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    ended = lint(tmp_path)
    assert ended.returncode == 1
    broken = [line for line in " ".join(ended.stdout.split()).split(" KEPT ") if "BROKEN" in line]
    assert any(contract in line for line in broken), ended.stdout


def imports_of(path: Path) -> Iterator[str]:
    """The first part of every absolute import, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case _:
                pass


def module_name(path: Path) -> str:
    return tree.shown(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@pytest.mark.parametrize("library", TOUCH_POINTS)
def test_a_library_is_touched_in_its_places_and_in_no_other(library: str) -> None:
    found = {module_name(path) for path in tree.ours() if library in imports_of(path)}
    assert found == TOUCH_POINTS[library]


@pytest.mark.parametrize("path", tree.ours(), ids=tree.shown)
def test_every_import_is_one_that_the_contracts_can_see(path: Path) -> None:
    module = ast.parse(path.read_text(encoding="utf-8"))
    named = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    assert not named & {"__import__", "import_module", "exec_module", "run_module", "run_path"}
    assert not [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom) and node.level]


@pytest.mark.parametrize("path", [p for p in tree.ours() if tree.shown(p).startswith("policy/")], ids=tree.shown)
def test_policy_waits_for_nothing_and_asks_no_clock(path: Path) -> None:
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    module = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(module) if isinstance(node, waiting)]
    called = {node.func.attr for node in ast.walk(module) if isinstance(node, ast.Call) and hasattr(node.func, "attr")}
    assert not called & {"now", "today", "utcnow", "open", "read_text", "write_text", "getenv"}
