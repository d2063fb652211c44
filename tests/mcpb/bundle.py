"""The .mcpb bundle: the program as its wheel has it, the lock that pins every dependency, and the manifest."""

import shutil
import subprocess
import tomllib
from pathlib import Path

from tests.house import tree
from tests.support import npm

HOME = Path(__file__).parent
PROGRAM = HOME / "node_modules" / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"
MANIFEST = tree.ROOT / "manifests" / "mcpb" / "manifest.json"
BESIDE = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "requirements/run.cdx.json")
PACK_S_MAX = 120


def files() -> list[Path]:
    """What is in the bundle besides the manifest, from the root: files of the packages that the wheel has."""
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    inside = [
        path.relative_to(tree.ROOT)
        for package in packages
        for path in (tree.ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return sorted([*inside, *map(Path, BESIDE)])


def mcpb(*arguments: str) -> str:
    """What the official program says; raises where it fails."""
    command = ["node", str(PROGRAM), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PACK_S_MAX, check=False)
    if ended.returncode != 0:
        raise RuntimeError(ended.stdout + ended.stderr)
    return ended.stdout


def pack(out: Path, staging: Path) -> None:
    """Lay everything out in the empty directory `staging`, and have the official program validate it and pack `out`."""
    npm.install(HOME, "packing the bundle")
    for file in files():
        (staging / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree.ROOT / file, staging / file)
    shutil.copyfile(MANIFEST, staging / "manifest.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    mcpb("pack", str(staging), str(out))
