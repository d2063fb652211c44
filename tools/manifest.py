"""What an agent is told of each tool: read from manifests/, checked against the tool itself.

The files are read by path from beside our own, never by import name: a folder called `manifests` in the working
directory must not be able to speak for us.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.arguments import Arguments
from tools.contract import JsonObject, Tool
from tools.describe_schema import DescribeSchema, DescribeSchemaArguments
from tools.holds import (
    CheckRequest,
    DecideArguments,
    DecideHold,
    HoldArguments,
    ListArguments,
    ListHolds,
    RequestUndo,
    ShowHold,
    UndoArguments,
    WithdrawArguments,
    WithdrawRequest,
)
from tools.request_write import RequestWrite, RequestWriteArguments
from tools.run_query import RunQuery, RunQueryArguments

MANIFESTS = Path(__file__).resolve().parents[1] / "manifests"


class ManifestMismatch(Exception):
    """A manifest does not describe its tool; the program must not start."""

    code = "manifest_mismatch"
    hint = "the files of snowgate do not belong together; install it again"


class Manifest(BaseModel):
    """One file of manifests/tools. `scopes` are OAuth scopes, one of which the tool needs: by preference the first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    scopes: tuple[str, ...] = Field(min_length=1)
    description: str
    annotations: dict[str, bool]
    arguments: dict[str, str]
    output: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool together with what is said of it.

    Its output schema holds for answers and for refusals alike: some clients check both against it.
    """

    tool: Tool
    manifest: Manifest
    input_schema: JsonObject
    output_schema: JsonObject


@cache
def offers() -> tuple[Offer, ...]:
    """Every tool there is, in the order in which agents should learn of them.

    Raises:
        ManifestMismatch: a manifest is missing, malformed, or names other arguments than its tool takes.
    """
    return (
        _offer(DescribeSchema(), DescribeSchemaArguments),
        _offer(RunQuery(), RunQueryArguments),
        _offer(RequestWrite(), RequestWriteArguments),
        _offer(CheckRequest(), HoldArguments),
        _offer(WithdrawRequest(), WithdrawArguments),
        _offer(RequestUndo(), UndoArguments),
        _offer(ListHolds(), ListArguments),
        _offer(ShowHold(), HoldArguments),
        _offer(DecideHold(), DecideArguments),
    )


def _offer(tool: Tool, arguments: type[Arguments]) -> Offer:
    path = MANIFESTS / "tools" / f"{tool.name}.json"
    try:
        manifest = Manifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
        refusal = json.loads((MANIFESTS / "refusal.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestMismatch(f"{path.name} cannot be read") from error
    schema = arguments.model_json_schema(by_alias=True)
    if manifest.name != tool.name or set(manifest.arguments) != set(schema["properties"]):
        raise ManifestMismatch(f"{path.name} does not describe the arguments of {tool.name}")
    output = {**manifest.output, "properties": {**manifest.output["properties"], **refusal}}
    return Offer(tool, manifest, _described(schema, manifest), output)


def _described(schema: JsonObject, manifest: Manifest) -> JsonObject:
    """The arguments' JSON Schema with the manifest's descriptions instead of pydantic's titles."""
    properties = {
        name: {**{k: v for k, v in spec.items() if k != "title"}, "description": manifest.arguments[name]}
        for name, spec in schema["properties"].items()
    }
    kept = {k: v for k, v in schema.items() if k not in ("title", "description")}
    return {**kept, "properties": properties}
