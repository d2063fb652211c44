"""Every stable code that the program can show, found in the source itself."""

import ast
import re
from collections.abc import Iterator

from tests.house import tree

_CODE = re.compile(r"[a-z]+(_[a-z0-9]+)*\Z")


def codes() -> set[str]:
    """The codes of all refusals and clean failures.

    A code is a class attribute `code`, a value of PolicyCode, or the first argument of an exception whose constructor
    begins with `code`.
    """
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in tree.ours()]
    classes = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    takes_code = {each.name for each in classes if _takes_code(each)}
    calls = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.Call)]
    said = {call.args[0].value for call in calls if _name(call.func) in takes_code and _is_text(call)}  # type: ignore[attr-defined]
    return {code for each in classes for code in _declared(each)} | {code for code in said if _CODE.match(code)}


def _takes_code(each: ast.ClassDef) -> bool:
    """Whether instances are made as `Name("code", ...)`."""
    return any(
        isinstance(node, ast.FunctionDef)
        and node.name == "__init__"
        and [argument.arg for argument in node.args.args[1:2]] == ["code"]
        for node in each.body
    )


def _declared(each: ast.ClassDef) -> Iterator[str]:
    for node in each.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code)))
                | ast.AnnAssign(target=ast.Name(id="code"), value=ast.Constant(value=str(code)))
            ):
                yield code
            case ast.Assign(value=ast.Constant(value=str(code))) if each.name == "PolicyCode":
                yield code


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def _is_text(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
