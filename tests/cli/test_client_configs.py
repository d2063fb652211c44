"""What people paste into their MCP clients: one source, kept in step with manifests/clients, and without secrets."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from server.cli.client_configs import CLIENTS, Client, Entrance, NoSuchConfiguration, Transport, configuration
from server.cli.main import app
from tests.house import tree

CLIENTS_DIRECTORY = tree.ROOT / "manifests" / "clients"
WAYS: list[tuple[Client, Transport]] = [
    (client, transport)
    for client in CLIENTS
    for transport in ("http", "stdio")
    if (client, transport) != ("claude-desktop", "http")
]
every_way = pytest.mark.parametrize(("client", "transport"), WAYS, ids=["-".join(way) for way in WAYS])


def server_in(client: Client, text: str) -> dict[str, Any]:
    servers = json.loads(text)["servers" if client == "vscode" else "mcpServers"]
    found: dict[str, Any] = servers["snowgate"]
    return found


@every_way
def test_the_manifests_are_what_the_program_writes_for_its_defaults(client: Client, transport: Transport) -> None:
    shipped = (CLIENTS_DIRECTORY / f"{client}.{transport}.json").read_text(encoding="utf-8")
    assert shipped == configuration(client, Entrance(transport)) + "\n"


def test_there_is_no_other_client_manifest() -> None:
    names = {path.name for path in CLIENTS_DIRECTORY.iterdir()}
    assert names == {f"{client}.{transport}.json" for client, transport in WAYS}


@every_way
def test_the_command_prints_json_that_can_be_pasted(client: Client, transport: Transport) -> None:
    ended = CliRunner().invoke(app, ["client-config", "--client", client, "--transport", transport])
    assert ended.exit_code == 0
    server = server_in(client, ended.stdout)
    assert ("url" in server) is (transport == "http")
    if transport == "stdio":
        assert server["args"][:3] == ["serve", "--transport", "stdio"]
        assert server["args"][4].startswith("/")


@every_way
def test_no_token_is_written_that_was_not_given(
    client: Client, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNOWGATE_TOKEN", "a-canary-of-a-token")
    ended = CliRunner().invoke(app, ["client-config", "--client", client, "--transport", transport])
    assert "canary" not in ended.output
    assert "canary" not in repr(Entrance(transport, token="a-canary-of-a-token"))


@pytest.mark.parametrize("client", [client for client, transport in WAYS if transport == "http"])
def test_a_client_that_signs_in_is_told_an_address_alone(client: Client) -> None:
    text = configuration(client, Entrance(url="https://gate.example.com/mcp", signs_in=True))
    assert "Authorization" not in text
    assert "inputs" not in text
    assert server_in(client, text)["url"] == "https://gate.example.com/mcp"


def test_a_client_that_takes_no_address_is_refused_with_the_way_that_works() -> None:
    with pytest.raises(NoSuchConfiguration) as refused:
        configuration("claude-desktop", Entrance("http"))
    assert "stdio" in refused.value.hint
    ended = CliRunner().invoke(app, ["client-config", "--client", "claude-desktop", "--transport", "http"])
    assert ended.exit_code == 2
    assert "no_such_configuration" in ended.output
