"""Conditions of rules: CEL (https://cel.dev) over documented facts, checked when the policy is read.

A condition is true, false, or neither: an error, or a fact that is not known. What is neither never permits, and does
not let a hold or a forbid pass. Facts have types, so a misspelt or misused one is an error of the policy and not of a
call.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from cel_expr_python import cel

from policy.functions import FunctionClass


class Origin(StrEnum):
    """What a fact follows from; what follows from the statement and the audience alone is the same for every call."""

    STATEMENT = "statement"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Fact:
    """One name that conditions may use: its CEL type and what it says."""

    type: str
    origin: Origin
    says: str


ESTIMATED = frozenset({"estimate.rows", "estimate.bytes"})
"""Facts that take a question to Snowflake."""

REMEMBERED = "session."
"""Facts of this prefix take a history."""

FACTS: MappingProxyType[str, Fact] = MappingProxyType(
    {
        "verb": Fact("string", Origin.STATEMENT, "what the statement does, as rules name it"),
        "verbs": Fact("list(string)", Origin.STATEMENT, "the same, and what the branches of a MERGE do"),
        "tables": Fact("list(string)", Origin.STATEMENT, "full names of all tables and views, those inside views too"),
        "target": Fact("string", Origin.STATEMENT, "full name of the table that is written; empty for a read"),
        "columns": Fact(
            "map(string, list(string))", Origin.STATEMENT, "full names of classified columns met, by class"
        ),
        "clear": Fact(
            "map(string, list(string))", Origin.STATEMENT, "those of `columns` that the caller meets unmasked"
        ),
        "classified_tables": Fact("list(string)", Origin.STATEMENT, "tables of which a classified column is met"),
        "functions": Fact("map(string, list(string))", Origin.STATEMENT, "names of functions called, by what they do"),
        "has_where": Fact("bool", Origin.STATEMENT, "the statement itself has a WHERE (for MERGE, ON)"),
        "where_is_trivial": Fact("bool", Origin.STATEMENT, "that WHERE keeps every row: 1=1, id=id, TRUE OR ..."),
        "unrestricted": Fact("list(string)", Origin.STATEMENT, "tables whose rows leave without condition or summary"),
        "has_limit": Fact("bool", Origin.STATEMENT, "the result is limited by the statement"),
        "limit": Fact("int", Origin.STATEMENT, "to so many rows; unknown without a limit that is a plain number"),
        "selects_star": Fact("bool", Origin.STATEMENT, "a star stands for columns"),
        "joins": Fact("int", Origin.STATEMENT, "how many sources are joined to others"),
        "cross_joins": Fact("int", Origin.STATEMENT, "how many of them no condition ties to the rest"),
        "smallest_groups": Fact(
            "map(string, int)", Origin.STATEMENT, "fewest rows of each table that what leaves it is of; 0 unless told"
        ),
        "distinct_in_groups": Fact(
            "map(string, int)",
            Origin.STATEMENT,
            "fewest different values, by full names of columns that `COUNT(DISTINCT column)` tells it of",
        ),
        "principal.subject": Fact("string", Origin.CALL, "the person"),
        "principal.actor": Fact("string", Origin.CALL, "the agent that acts for them"),
        "principal.issuer": Fact("string", Origin.CALL, "who vouches for both"),
        "principal.groups": Fact("list(string)", Origin.CALL, "the person's groups"),
        "principal.claims": Fact("map(string, dyn)", Origin.CALL, "further claims of the token"),
        "purpose": Fact("string", Origin.CALL, "why, in the agent's own words"),
        "time": Fact("timestamp", Origin.CALL, "when the call is judged"),
        "rows_max": Fact("int", Origin.CALL, "how many rows the caller will get at most"),
        "estimate.rows": Fact("int", Origin.CALL, "rows in what is scanned, as far as Snowflake can tell before"),
        "estimate.bytes": Fact("int", Origin.CALL, "bytes that are scanned at most, by Snowflake's EXPLAIN"),
        "session.statements": Fact("int", Origin.CALL, "statements permitted or held earlier in the session"),
        "session.refusals": Fact("int", Origin.CALL, "statements denied earlier in the session"),
        "session.rows": Fact("int", Origin.CALL, "rows returned by calls that have ended in the session"),
        "session.tables": Fact("list(string)", Origin.CALL, "tables read or written earlier in the session"),
        "session.classifications": Fact("list(string)", Origin.CALL, "classes met in clear earlier in the session"),
    }
)
"""Every fact by name, as docs/POLICY.md lists them."""

Facts = Mapping[str, Any]
"""Values of facts by name; one that is missing is unknown."""

_FUNCTIONS = (
    "all",
    "contains",
    "endsWith",
    "exists",
    "exists_one",
    "filter",
    "getDayOfWeek",
    "getHours",
    "has",
    "map",
    "matches",
    "size",
    "startsWith",
    "timestamp",
    "duration",
    "int",
    "string",
)

_DIAGNOSTIC = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '(.*)'")
_AROUND_DOTS = re.compile(r"\s*\.\s*")
_KEYED = re.compile(r"""\b(columns|clear|functions)\s*(?:\[\s*(?:'([^']*)'|"([^"]*)")\s*\]|\.\s*(\w+)\b(?!\s*\())""")


class ConditionError(Exception):
    """A condition that cannot be used; `line` and `column` are 1-based within it."""

    def __init__(self, message: str, hint: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `is_fixed`: it asks only what the statement and the caller's audience settle.

    `names` are the facts that it may ask for.
    """

    text: str
    is_fixed: bool
    names: frozenset[str] = field(compare=False, repr=False)
    _program: Any = field(compare=False, repr=False)

    @property
    def asks_statement(self) -> bool:
        """Whether it asks for a fact of the statement."""
        return any(FACTS[name].origin is Origin.STATEMENT for name in self.names)

    def holds(self, *facts: Facts) -> bool | None:
        """Whether it is true of `facts`; None where that cannot be said."""
        known = {name: each[name] for each in facts for name in self.names if name in each}
        value = self._program.eval(data=known)
        return value.value() if value.type() == _BOOL else None


def compile_condition(text: str, classifications: frozenset[str]) -> Condition:
    """The condition that `text` writes, about a policy of these classifications. Raises ConditionError."""
    program = _compiled(text, None)
    if program.return_type() != cel.Type.BOOL:
        raise ConditionError(
            f"a condition is true or false, and this is of type {_type_name(program.return_type())}",
            "compare it with something: `... == true`, `... > 0`",
        )
    _check_keys(text, classifications)
    try:
        _compiled(text, Origin.STATEMENT)
        is_fixed = True
    except ConditionError:
        is_fixed = False
    return Condition(text, is_fixed, _names(text), program)


def _names(text: str) -> frozenset[str]:
    """Every fact whose name stands in `text`; one that only looks like it does no harm."""
    plain = _AROUND_DOTS.sub(".", text)
    return frozenset(name for name in FACTS if name in plain)


_BOOL = cel.Type.BOOL
_TYPES = MappingProxyType(
    {
        "bool": cel.Type.BOOL,
        "int": cel.Type.INT,
        "string": cel.Type.STRING,
        "timestamp": cel.Type.TIMESTAMP,
        "list(string)": cel.Type.List(cel.Type.STRING),
        "map(string, list(string))": cel.Type.Map(cel.Type.STRING, cel.Type.List(cel.Type.STRING)),
        "map(string, int)": cel.Type.Map(cel.Type.STRING, cel.Type.INT),
        "map(string, dyn)": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    }
)


@cache
def _environment(origin: Origin | None) -> Any:
    """CEL with the facts of one origin, or with all of them; no extension, so nothing but the standard library."""
    chosen = {name: _TYPES[fact.type] for name, fact in FACTS.items() if origin in (None, fact.origin)}
    return cel.NewEnv(variables=chosen)


def _compiled(text: str, origin: Origin | None) -> Any:
    try:
        return _environment(origin).compile(text)
    except RuntimeError as error:
        raise _diagnosed(str(error)) from None


def _diagnosed(said: str) -> ConditionError:
    """The compiler's first diagnostic in the words of a policy's author."""
    found = _DIAGNOSTIC.search(said)
    if found is None:
        return ConditionError("the condition is too large or too deep", "write it as several rules")
    line, column, what = int(found[1]), int(found[2]), found[3].removesuffix(" [INVALID_ARGUMENT]")
    if unknown := _UNDECLARED.match(what):
        name = unknown[1]
        start = max(column - name.rfind(".") - 1, 1) if "." in name else column
        return ConditionError(f"`{name}` is not known in conditions", _near(name, [*FACTS, *_FUNCTIONS]), line, start)
    if misused := _OVERLOAD.match(what):
        operator, types = misused[1].strip("_").replace("_", "") or misused[1], misused[2]
        return ConditionError(f"`{operator}` does not take {types}", "compare values of one type", line, column)
    return ConditionError(
        f"not a CEL expression: {what.split(' expecting ')[0].removeprefix('Syntax error: ')}",
        "see https://cel.dev for the language",
        line,
        column,
    )


def _check_keys(text: str, classifications: frozenset[str]) -> None:
    """Refuse a key that a fact never has: asking for it would be an error on every call."""
    known: dict[str, list[str]] = {
        "columns": sorted(classifications),
        "clear": sorted(classifications),
        "functions": sorted(kind.value for kind in FunctionClass),
    }
    for found in _KEYED.finditer(text):
        key = next(group for group in found.groups()[1:] if group is not None)
        if key not in known[found[1]]:
            before = text[: found.start()]
            line, column = before.count("\n") + 1, found.start() - (before.rfind("\n") + 1) + 1
            what = "class of functions" if found[1] == "functions" else "classification"
            raise ConditionError(f"`{key}` is no {what}", _near(key, known[found[1]]), line, column)


def _near(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known are: {', '.join(known)}" if 0 < len(known) <= 12 else "docs/POLICY.md lists what conditions know"


def _type_name(type_: Any) -> str:
    return str(type_.name()).lower()
