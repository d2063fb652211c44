"""`snowgate policy`: check a policy file, and decide statements with it; neither needs a database."""

import json
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from policy.catalog import Catalog
from policy.catalog_document import from_document
from policy.document import PolicyDocumentError
from policy.engine import Engine
from policy.report import judge
from server.app import read_policy
from server.cli.terminal import failing_cleanly
from server.config import SettingsError
from server.identity import read_principal

policy_app = typer.Typer(help="Check policies, and see what they decide.", no_args_is_help=True)

PolicyFile = Annotated[Path, typer.Option("--policy", help="The policy, in YAML.")]
CatalogFile = Annotated[
    Path, typer.Option("--catalog", help='JSON: {"DATABASE": {"SCHEMA": {"TABLE": {"COLUMN": "TYPE"}}}}.')
]
PrincipalFile = Annotated[Path, typer.Option("--principal", help='JSON: {"subject": ..., "groups": [...]}.')]


@policy_app.command()
def check(policy: Annotated[Path, typer.Argument(help="The policy, in YAML.")]) -> None:
    """Read a policy as the gate would; say what is wrong with it, by line and column."""
    with failing_cleanly():
        loaded = read_policy(policy)
        Console().print(f"[green]ok[/] {policy}: digest {loaded.digest}")


@policy_app.command()
def decide(
    policy: PolicyFile,
    catalog: CatalogFile,
    principal: PrincipalFile,
    sql: Annotated[str | None, typer.Argument(help="One statement; without it, use --jsonl.")] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read lines {"id", "sql"} from stdin, write one each.')
    ] = False,
) -> None:
    """Say what the gate would decide of statements, and exactly what it would run."""
    with failing_cleanly():
        engine = Engine(read_policy(policy), read_catalog(catalog))
        who = read_principal(principal)
        if sql is not None:
            Console().print_json(json.dumps(judge(engine, who, sql, "1")))
            return
        if not jsonl:
            raise SettingsError("give a statement, or --jsonl and statements on stdin")
        for number, line in enumerate(sys.stdin.buffer, start=1):
            if not line.strip():
                continue
            asked = _asked(line, number)
            sys.stdout.buffer.write(orjson.dumps(judge(engine, who, asked["sql"], asked["id"])) + b"\n")
            sys.stdout.buffer.flush()


def read_catalog(path: Path) -> Catalog:
    """The catalog in the JSON file at `path`.

    Raises:
        SettingsError: it cannot be read as one.
    """
    try:
        return from_document(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SettingsError(f"no catalog can be read from {path}: {type(error).__name__}") from None
    except PolicyDocumentError as error:
        raise SettingsError(f"{path}: {error}", error.hint) from None


def _asked(line: bytes, number: int) -> dict[str, str]:
    try:
        asked = json.loads(line)
        return {"id": str(asked["id"]), "sql": str(asked["sql"])}
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f'line {number} of the input is not {{"id": ..., "sql": ...}}') from None
