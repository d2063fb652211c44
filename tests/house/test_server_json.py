"""The MCP registry's entry says what is shipped.

The model below is ours, written from the field descriptions of the registry's schema 2025-12-11: the schema file itself
is not kept here. It is stricter than the schema: it refuses keys that it does not know.
"""

import re
import tomllib
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.cli.main import app
from server.config import PREFIX, Settings
from tests.house import tree

PATH = tree.ROOT / "manifests" / "server.json"
TEXT = PATH.read_text(encoding="utf-8")
PROJECT = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

HttpsUrl = Annotated[str, Field(pattern=r"^https://\S+$", max_length=255)]
ExactVersion = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+([a-z0-9.+-]*)$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(Strict):
    description: str | None = None
    isRequired: bool = False  # noqa: N815 - the registry's spelling
    isSecret: bool = False  # noqa: N815
    format: Literal["string", "number", "boolean", "filepath"] = "string"
    value: str | None = None
    default: str | None = None
    placeholder: str | None = None
    choices: list[str] = []


class EnvironmentVariable(Input):
    name: str


class Positional(Input):
    type: Literal["positional"]
    value: str


class Named(Input):
    type: Literal["named"]
    name: Annotated[str, Field(pattern=r"^--[a-z-]+$")]


class Stdio(Strict):
    type: Literal["stdio"]


class Package(Strict):
    registryType: Literal["pypi"]  # noqa: N815
    registryBaseUrl: HttpsUrl  # noqa: N815
    identifier: str
    version: ExactVersion
    runtimeHint: Literal["uvx"]  # noqa: N815
    transport: Stdio
    packageArguments: list[Annotated[Positional | Named, Field(discriminator="type")]]  # noqa: N815
    environmentVariables: list[EnvironmentVariable]  # noqa: N815


class Remote(Strict):
    type: Literal["streamable-http"]
    url: HttpsUrl
    variables: dict[str, Input]


class ServerJson(Strict):
    schema_: Literal["https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"] = Field(
        alias="$schema"
    )
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", min_length=3, max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=100)]
    description: Annotated[str, Field(min_length=1, max_length=100)]
    version: Annotated[ExactVersion, Field(max_length=255)]
    packages: list[Package]
    remotes: list[Remote]


def entry() -> ServerJson:
    return ServerJson.model_validate_json(TEXT, strict=True)


def test_the_entry_names_this_version_of_this_package() -> None:
    (package,) = entry().packages
    assert {entry().version, package.version} == {PROJECT["version"]}
    assert package.identifier == PROJECT["name"]


def test_the_readme_proves_that_the_package_is_ours() -> None:
    readme = (tree.ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"<!-- mcp-name: (\S+) -->", readme) == [entry().name]


def test_what_it_starts_is_a_command_that_there_is() -> None:
    (package,) = entry().packages
    (word,) = [each.value for each in package.packageArguments if isinstance(each, Positional)]
    command: Any = typer.main.get_command(app)
    options = {option for parameter in command.commands[word].params for option in parameter.opts}
    assert {each.name for each in package.packageArguments if isinstance(each, Named)} <= options


def test_its_variables_are_settings_and_secrets_are_said_to_be() -> None:
    (package,) = entry().packages
    for variable in package.environmentVariables:
        name = variable.name.removeprefix(PREFIX).lower()
        assert name in Settings.model_fields
        assert variable.isSecret == ("SecretStr" in str(Settings.model_fields[name].annotation))


def test_every_variable_of_an_address_is_explained() -> None:
    for remote in entry().remotes:
        assert set(re.findall(r"\{(\w+)\}", remote.url)) == set(remote.variables)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('"version": "0.1.0"', '"version": "latest"'),
        ("io.github.snowgate/snowgate", "snowgate"),
        ('"title"', '"titel"'),
        ("https://{host}", "http://{host}"),
        ("governed reads", "governed reads" * 8),
    ],
)
def test_the_model_sees_a_broken_entry(good: str, bad: str) -> None:
    assert good in TEXT
    with pytest.raises(ValidationError):
        ServerJson.model_validate_json(TEXT.replace(good, bad), strict=True)
