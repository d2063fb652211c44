"""The commands of `snowgate`: what one of them needs is loaded when that one is asked for."""

from collections.abc import Callable, Mapping
from typing import Any

import typer

from server.cli.serving import app as serving

Command = Callable[..., Any] | typer.Typer


def _policy() -> Command:
    from server.cli.policies import policy_app

    return policy_app


def _journal() -> Command:
    from server.cli.journals import journal_app

    return journal_app


def _holds() -> Command:
    from server.cli.holds import holds_app

    return holds_app


def _sandbox() -> Command:
    from server.cli.sandboxes import sandbox_app

    return sandbox_app


def _snowflake() -> Command:
    from server.cli.snowflake import snowflake_app

    return snowflake_app


def _demo() -> Command:
    from server.cli.sandboxes import demo

    return demo


def _init() -> Command:
    from server.cli.starting import init

    return init


def _doctor() -> Command:
    from server.cli.doctor import doctor

    return doctor


def _revoke() -> Command:
    from server.cli.revoking import revoke

    return revoke


def _witness() -> Command:
    from server.cli.witnesses import witness

    return witness


def _evidence() -> Command:
    from server.cli.evidences import evidence

    return evidence


def _client_config() -> Command:
    from server.cli.clients import client_config

    return client_config


def _migrate() -> Command:
    from server.cli.migrating import migrate

    return migrate


COMMANDS: Mapping[str, Callable[[], Command]] = {
    "policy": _policy,
    "journal": _journal,
    "holds": _holds,
    "sandbox": _sandbox,
    "snowflake": _snowflake,
    "demo": _demo,
    "init": _init,
    "doctor": _doctor,
    "revoke": _revoke,
    "witness": _witness,
    "evidence": _evidence,
    "client-config": _client_config,
    "migrate": _migrate,
}

ALONE = ("serve", "--version")
"""What needs none of them."""


def program(asked: str = "") -> typer.Typer:
    """The program with the command that is asked for by its first argument, and with all of them otherwise."""
    for name in (asked,) if asked in COMMANDS else () if asked in ALONE else COMMANDS:
        command = COMMANDS[name]()
        if isinstance(command, typer.Typer):
            serving.add_typer(command, name=name)
        else:
            serving.command(name)(command)
    return serving
