"""`snowgate policy`: check a policy, test it, explain it, compare it and decide with it; nothing needs a database."""

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from policy.circumstances import Circumstances
from policy.comparing import compare
from policy.document import schema as document_schema
from policy.engine import Engine
from policy.explanation import explain_at_length
from policy.importing import document_of, imported
from policy.report import judge, verdict_on
from server.cli.activating import activate, history, second, shadow
from server.cli.policy_checks import doubts_of, reach_of, show_doubts, show_reach
from server.cli.policy_files import read_catalog
from server.cli.policy_suites import SuiteReport, engine_of, read_suite_file, results_of
from server.cli.terminal import failing_cleanly
from server.config import SettingsError
from server.identity import read_principal
from server.policy_file import read_policy

policy_app = typer.Typer(help="Check policies, see what they decide, and bring them into force.", no_args_is_help=True)
policy_app.command()(activate)
policy_app.command()(second)
policy_app.command()(shadow)
policy_app.command()(history)

PolicyFile = Annotated[Path, typer.Option("--policy", help="The policy, in YAML.")]
CatalogFile = Annotated[
    Path, typer.Option("--catalog", help='JSON: {"DATABASE": {"SCHEMA": {"TABLE": {"COLUMN": "TYPE"}}}}.')
]
PrincipalFile = Annotated[Path, typer.Option("--principal", help='JSON: {"subject": ..., "groups": [...]}.')]
Statement = Annotated[str | None, typer.Argument(help="One statement; without it, use --jsonl.")]
Jsonl = Annotated[bool, typer.Option("--jsonl", help='Read lines {"id", "sql"} from stdin, write one each.')]


class Form(StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"


class SuiteForm(StrEnum):
    """How a suite's results are written."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


@policy_app.command()
def check(
    policy: Annotated[Path, typer.Argument(help="The policy, in YAML.")],
    catalog: Annotated[Path | None, typer.Option("--catalog", help="Also say what means nothing in this one.")] = None,
    reach: Annotated[
        bool, typer.Option("--reach", help="Also say what each group can reach; needs --catalog.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where there is any doubt.")] = False,
    form: Annotated[Form, typer.Option("--format", help="How to write it.")] = Form.TEXT,
) -> None:
    """Read a policy as the gate would; say what is wrong with it, and what is in doubt, by line and column."""
    with failing_cleanly():
        if reach and catalog is None:
            raise SettingsError("what a group can reach depends on a catalog", "give one with --catalog")
        loaded = read_policy(policy)
        known = None if catalog is None else read_catalog(catalog)
        doubts = doubts_of(policy, loaded, known)
        reached = reach_of(Engine(loaded, known)) if reach and known is not None else None
        if form is Form.JSON:
            told = {"digest": loaded.digest, "doubts": doubts}
            sys.stdout.buffer.write(orjson.dumps(told | ({} if reached is None else {"reach": reached})) + b"\n")
        else:
            console = Console(soft_wrap=True, highlight=False)
            console.print(f"[green]ok[/] {policy}: digest {loaded.digest}")
            show_doubts(console, policy, doubts)
            if reached is not None:
                show_reach(console, reached)
    if strict and doubts:
        raise typer.Exit(1)


@policy_app.command()
def decide(
    policy: PolicyFile, catalog: CatalogFile, principal: PrincipalFile, sql: Statement = None, jsonl: Jsonl = False
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
        for asked in _asked():
            call = Circumstances(purpose=asked["purpose"])
            told = judge(engine, who, asked["sql"], asked["id"], parameters=asked["parameters"], circumstances=call)
            sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
            sys.stdout.buffer.flush()


@policy_app.command()
def explain(
    policy: PolicyFile,
    catalog: CatalogFile,
    principal: PrincipalFile,
    sql: Annotated[str, typer.Argument(help="One statement.")],
    purpose: Annotated[str | None, typer.Option("--purpose", help="What the agent would say it is for.")] = None,
) -> None:
    """Say in words what the gate would decide of a statement, by which rules, and what it would run instead."""
    with failing_cleanly():
        engine = Engine(read_policy(policy), read_catalog(catalog))
        who = read_principal(principal)
        verdict = verdict_on(engine, who, sql, circumstances=Circumstances(purpose=purpose))
        for line in explain_at_length(engine, who, sql, verdict):
            typer.echo(line)


@policy_app.command("test")
def run_suites(
    suites: Annotated[list[Path], typer.Argument(help="Suites, in YAML.")],
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Instead of the policy that each suite names.")
    ] = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="Instead of the suite's catalog.")] = None,
    form: Annotated[SuiteForm, typer.Option("--format", help="How to write the results.")] = SuiteForm.TEXT,
) -> None:
    """Run suites of tests against their policies; exit with 1 if anything is not as expected."""
    report = SuiteReport()
    with failing_cleanly():
        for path in suites:
            suite = read_suite_file(path)
            report.add(path, results_of(suite, engine_of(path, suite, policy, catalog)))
        match form:
            case SuiteForm.TEXT:
                report.print(Console(soft_wrap=True, highlight=False))
            case SuiteForm.JSON:
                sys.stdout.buffer.write(orjson.dumps(report.as_json()) + b"\n")
            case SuiteForm.JUNIT:
                typer.echo(report.as_junit())
    if report.failed:
        raise typer.Exit(1)


@policy_app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(help="The policy as it would be.")],
    catalog: CatalogFile,
    principals: Annotated[list[Path], typer.Option("--principal", help="JSON, once for each person to try.")],
    form: Annotated[Form, typer.Option("--format", help="How to write it.")] = Form.TEXT,
    forbid_opening: Annotated[
        bool, typer.Option("--forbid-opening", help="Exit with 1 if anything is let through that was not.")
    ] = False,
) -> None:
    """Read lines {"id", "sql"} from stdin, and say what the second policy decides otherwise than the first."""
    with failing_cleanly():
        known = read_catalog(catalog)
        people = {path.stem: read_principal(path) for path in principals}
        engines = Engine(read_policy(old), known), Engine(read_policy(new), known)
        difference = compare(*engines, people, _asked())
        if form is Form.JSON:
            told = {"compared": difference.compared, "counts": difference.counts, "changes": difference.changes}
            sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
        else:
            typer.echo(f"compared: {difference.compared}")
            for kind, count in sorted(difference.counts.items()):
                typer.echo(f"{kind}: {count}")
            for change in difference.changes:
                typer.echo(f"  {change['id']} for {change['principal']}: {', '.join(change['changes'])}")
    if forbid_opening and difference.opens:
        raise typer.Exit(1)


@policy_app.command("import-tags")
def import_tags(
    catalog: CatalogFile,
    policy: Annotated[Path | None, typer.Option("--policy", help="Leave out what this one has already.")] = None,
) -> None:
    """Print classifications for the tags in a catalog, to put into a policy; `snowflake catalog` writes one."""
    with failing_cleanly():
        found = imported(read_catalog(catalog), None if policy is None else read_policy(policy))
        typer.echo(document_of(found), nl=False)


@policy_app.command()
def schema() -> None:
    """Print the JSON Schema of the policy document."""
    typer.echo(json.dumps(document_schema(), indent=2))


def _asked() -> Iterator[dict[str, Any]]:
    """The questions on stdin, one a line."""
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            purpose, parameters = asked.get("purpose"), asked.get("parameters")
            if not isinstance(purpose, str | None) or not isinstance(parameters, list | None):
                raise TypeError
            told = {"id": str(asked["id"]), "sql": str(asked["sql"]), "purpose": purpose, "parameters": parameters}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SettingsError(f'line {number} of the input is not {{"id": ..., "sql": ...}}') from None
        yield told
