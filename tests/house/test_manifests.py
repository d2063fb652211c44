"""What agents read of each tool is what the tool takes and gives."""

import pytest

from tests.house import tree
from tools.manifest import Offer, offers

SCOPES = {
    **dict.fromkeys(("request_write", "request_undo"), ("snowgate:write",)),
    **dict.fromkeys(("check_request", "withdraw_request"), ("snowgate:write", "snowgate:read")),
    **dict.fromkeys(("list_holds", "show_hold", "decide_hold"), ("snowgate:approve",)),
}
CHANGING = {
    "request_write": True,
    "request_undo": True,
    "check_request": True,
    "decide_hold": True,
    "withdraw_request": False,
}
"""Tools that change something, and whether data can be lost by it."""


def test_every_manifest_has_its_tool_and_every_tool_its_manifest() -> None:
    on_disk = {path.stem for path in (tree.ROOT / "manifests" / "tools").glob("*.json")}
    assert on_disk == {offer.tool.name for offer in offers()}


@pytest.mark.parametrize("offer", offers(), ids=lambda offer: offer.tool.name)
def test_a_manifest_speaks_of_its_tools_arguments(offer: Offer) -> None:
    assert offer.input_schema["additionalProperties"] is False
    assert set(offer.input_schema["properties"]) == set(offer.manifest.arguments)
    for spec in offer.input_schema["properties"].values():
        assert spec["description"].endswith((".", "?"))


@pytest.mark.parametrize("offer", offers(), ids=lambda offer: offer.tool.name)
def test_a_manifest_says_what_a_model_must_know_before_it_calls(offer: Offer) -> None:
    manifest = offer.manifest
    changes = CHANGING.get(offer.tool.name)
    assert manifest.scopes == SCOPES.get(offer.tool.name, ("snowgate:read",))
    assert manifest.annotations["readOnlyHint"] is (changes is None)
    assert manifest.annotations["destructiveHint"] is bool(changes)
    assert manifest.output["type"] == "object"
    assert "call_id" in manifest.output["required"]
    assert set(manifest.output["required"]) <= set(manifest.output["properties"])
