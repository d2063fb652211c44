"""The .mcpb bundle passes the official validation, holds the program and nothing else, and serves when unpacked."""

import json
import re
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer
from mcp import Client, StdioServerParameters

from server.cli.main import app
from server.config import PREFIX, Settings
from server.sandbox.issuer import mint
from tests.house import tree
from tests.mcpb import bundle
from tests.support import npm
from tests.support.clients import Gate, answer
from tools.manifest import MANIFESTS

MANIFEST: dict[str, Any] = json.loads(bundle.MANIFEST.read_text(encoding="utf-8"))
PROJECT = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SERVER = MANIFEST["server"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, packed once."""
    home = tmp_path_factory.mktemp("mcpb")
    (home / "staging").mkdir()
    bundle.pack(home / "snowgate.mcpb", home / "staging")
    return home / "snowgate.mcpb"


def test_the_manifest_names_this_version_and_tools_that_there_are() -> None:
    assert (MANIFEST["name"], MANIFEST["version"]) == (PROJECT["name"], PROJECT["version"])
    assert MANIFEST["compatibility"]["runtimes"]["python"] == PROJECT["requires-python"]
    for tool in MANIFEST["tools"]:
        assert (MANIFESTS / "tools" / f"{tool['name']}.json").is_file()


def test_what_it_starts_is_a_command_that_there_is() -> None:
    words = SERVER["mcp_config"]["args"]
    at = words.index("snowgate")
    command: Any = typer.main.get_command(app)
    options = {option for parameter in command.commands[words[at + 1]].params for option in parameter.opts}
    assert {word for word in words[at:] if word.startswith("--")} <= options
    assert "--frozen" in words[:at]  # the lock with its hashes decides what is installed


def test_what_it_asks_for_is_used_and_secrets_are_said_to_be() -> None:
    used = set(re.findall(r"\$\{user_config\.(\w+)\}", json.dumps(SERVER)))
    assert used == MANIFEST["user_config"].keys()
    for variable, value in SERVER["mcp_config"]["env"].items():
        field = Settings.model_fields[variable.removeprefix(PREFIX).lower()]
        asked = MANIFEST["user_config"][re.findall(r"\.(\w+)\}", value)[0]]
        assert asked.get("sensitive", False) == ("SecretStr" in str(field.annotation))


def test_the_official_program_finds_the_manifest_good_and_a_broken_one_not(tmp_path: Path) -> None:
    npm.install(bundle.HOME, "validating the bundle")
    bundle.mcpb("validate", str(bundle.MANIFEST))
    broken = tmp_path / "manifest.json"
    broken.write_text(json.dumps({**MANIFEST, "server": {**SERVER, "type": "magic"}}), encoding="utf-8")
    with pytest.raises(RuntimeError):
        bundle.mcpb("validate", str(broken))


def test_the_bundle_holds_the_program_and_nothing_else(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    assert names == {"manifest.json", *(file.as_posix() for file in bundle.files())}
    assert SERVER["entry_point"] in names


async def test_an_unpacked_bundle_serves_a_person_over_stdio(packed: Path, gate: Gate, tmp_path: Path) -> None:
    unpacked = tmp_path / "bundle"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(unpacked)
    words = SERVER["mcp_config"]["args"]
    arguments = [word.replace("${user_config.settings}", str(gate.sandbox.state.env_file)) for word in words]
    parameters = StdioServerParameters(
        # As uv does it, but that what is installed here already is used.
        command=sys.executable,
        args=["-P", "-m", "server.cli", *arguments[arguments.index("snowgate") + 1 :]],
        env={
            "SNOWGATE_TOKEN": mint(gate.sandbox.state, "ada"),
            "SNOWGATE_POLICY": str(unpacked / "manifests" / "policies" / "sandbox.yaml"),
            "PYTHONPATH": str(unpacked),
        },
        cwd=tmp_path,
    )
    async with Client(parameters) as client:
        told = answer(await client.call_tool("run_query", {"sql": "SELECT 1 AS one", "purpose": "to see it start"}))
    assert told["rows"] == [[1]]
