"""The house style that no other tool checks: sizes, docstrings, no debts left in the text, plain exceptions."""

import ast
import re

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

_DEBT = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b")  # spelled so that this line is none


def complaints(source: str) -> list[str]:
    """What is untidy about one module, a line each."""
    module = ast.parse(source)
    return [*_of_text(source), *_of_docstring(module, source), *_of_functions(module), *_of_exceptions(module)]


def _of_text(source: str) -> list[str]:
    lines = source.splitlines()
    found = [f"line {n}: a debt left in the text" for n, line in enumerate(lines, start=1) if _DEBT.search(line)]
    if len(lines) > FILE_LINES_MAX:
        found.append(f"{len(lines)} lines, more than {FILE_LINES_MAX}")
    return found


def _of_docstring(module: ast.Module, source: str) -> list[str]:
    return ["no docstring"] if source.strip() and not ast.get_docstring(module) else []


def _of_functions(module: ast.Module) -> list[str]:
    return [
        f"line {node.lineno}: {node.name} has {length} lines, more than {FUNCTION_LINES_MAX}"
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def _of_exceptions(module: ast.Module) -> list[str]:
    """An exception that is a dataclass: a frozen one cannot even take its traceback inside a context manager."""
    return [
        f"line {node.lineno}: {node.name} is an exception and a dataclass"
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
        and any(re.search(r"(Exception|Error|Refusal)$", ast.unparse(base)) for base in node.bases)
        and any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]
