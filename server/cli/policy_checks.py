"""What `snowgate policy check` shows: doubts with their place in the file, and what each group can reach."""

from pathlib import Path
from typing import Any

from rich.console import Console

from policy.catalog import Catalog
from policy.checking import findings
from policy.engine import Engine
from policy.reach import Reach, reach
from policy.rulebook import Policy
from policy.yaml_source import YamlSource


def doubts_of(path: Path, policy: Policy, catalog: Catalog | None) -> list[dict[str, Any]]:
    """Every doubt about the policy in the file at `path`, each with `line` and `column`."""
    source = YamlSource(path.read_text(encoding="utf-8"))
    doubts: list[dict[str, Any]] = []
    for finding in findings(policy, catalog):
        line, column = source.at(finding.path)
        doubts.append({"kind": finding.kind, "message": finding.message, "line": line, "column": column})
    return sorted(doubts, key=lambda doubt: (doubt["line"], doubt["column"], doubt["message"]))


def show_doubts(console: Console, path: Path, doubts: list[dict[str, Any]]) -> None:
    """One line for each doubt, as compilers write them."""
    for doubt in doubts:
        place = f"{path}:{doubt['line']}:{doubt['column']}"
        console.print(f"{place}: {doubt['kind']}: {doubt['message']}", markup=False)


def reach_of(engine: Engine) -> list[dict[str, Any]]:
    """What each group can reach, as plain data."""
    return [_told(each) for each in reach(engine)]


def show_reach(console: Console, reached: list[dict[str, Any]]) -> None:
    """What each group can reach, a table below the other."""
    group: str | None = ""
    for each in reached:
        if each["group"] != group:
            group = each["group"]
            console.print(f"\n{'people in no group' if group is None else group}", markup=False)
        verbs = ", ".join(f"{verb} ({said})" for verb, said in each["verbs"].items())
        columns = [*each["clear"], *(f"{name} [{how}]" for name, how in each["masked"].items())]
        filters = f"; rows of {', '.join(each['row_filters'])}" if each["row_filters"] else ""
        console.print(f"  {each['table']}: {verbs}{filters}", markup=False)
        console.print(f"    {', '.join(columns)}", markup=False)


def _told(each: Reach) -> dict[str, Any]:
    return {
        "group": each.group,
        "table": str(each.table),
        "verbs": each.verbs,
        "clear": list(each.clear),
        "masked": each.masked,
        "row_filters": list(each.row_filters),
    }
