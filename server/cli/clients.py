"""`snowgate client-config`: what to paste into an MCP client so that it finds this gate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from server.cli.client_configs import (
    DEFAULT_ENV_FILE,
    DEFAULT_URL,
    TOKEN_VARIABLE,
    Client,
    Entrance,
    configuration,
    file_of,
    program,
)
from server.cli.terminal import failing_cleanly


def client_config(
    client: Annotated[Client, typer.Option(help="Which client is to be told.")],
    transport: Annotated[
        Literal["http", "stdio"] | None, typer.Option(help="How it reaches the gate; default http where it can.")
    ] = None,
    url: Annotated[str, typer.Option(help="The gate's address, over http.")] = DEFAULT_URL,
    env_file: Annotated[
        Path, typer.Option("--env-file", help="The settings of a gate that the client starts, over stdio.")
    ] = DEFAULT_ENV_FILE,
    sign_in: Annotated[
        bool, typer.Option("--sign-in", help="Name no token: the client signs in with OAuth by itself.")
    ] = False,
) -> None:
    """Print the configuration of an MCP client for this gate. It holds no token, only where the client finds it."""
    chosen = transport or ("stdio" if client == "claude-desktop" else "http")
    entrance = Entrance(chosen, url, program(), env_file.absolute(), signs_in=sign_in)
    with failing_cleanly():
        typer.echo(configuration(client, entrance))
    typer.echo(f"for {file_of(client)}; {_where_the_token_is(client, entrance)}", err=True)


def _where_the_token_is(client: Client, entrance: Entrance) -> str:
    if entrance.signs_in and entrance.transport == "http":
        return "the client signs in at the issuer"
    match client:
        case "claude-desktop":
            return f"put {TOKEN_VARIABLE}=... into {entrance.env_file}"
        case "vscode":
            return "it asks for the access token once"
        case _:
            return f"it takes the access token from {TOKEN_VARIABLE} in its environment"
