"""Runs one statement of one world: judged, printed, and asked of both twins, beside the statement as it was written."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import duckdb
import sqlglot

from policy.catalog_document import from_document
from policy.document import load
from policy.engine import Engine
from policy.principal import Principal, Subject
from policy.report import judge

READER = Principal(Subject("ada"), "agent", "https://issuer.example")
IN_DUCKDB_ONLY = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.NotImplementedException,
)
"""Errors that say that DuckDB has no such thing; nothing follows from them."""

Outcome: TypeAlias = tuple[str, Any]


class Asked(Protocol):
    """A world, or what was written down of one."""

    def policy(self, *, open_: bool = False) -> str:
        """The policy document, or one that hides nothing."""

    def catalog(self) -> dict[str, Any]:
        """The catalog document."""

    def statements(self, which: int) -> list[str]:
        """What makes twin 0 or 1."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one statement; a violation is a sentence, or None.

    `is_told_apart` says whether the statement, unprotected, tells the twins apart: only then could it have failed.
    """

    violation: str | None
    is_run: bool
    is_told_apart: bool
    refused: str | None = None


class Machine:
    """Two databases and the engines of the world that is in them."""

    def __init__(self) -> None:
        self._twins = (_database(), _database())
        self._world: Asked | None = None

    def close(self) -> None:
        """Give the databases up."""
        for twin in self._twins:
            twin.close()

    def ask(self, world: Asked, sql: str, judged: Asked | None = None) -> Told:
        """Everything that must hold of one statement; `judged` is a world whose policy is taken instead."""
        self._enter(world)
        hidden, open_ = _engine(_documents(judged or world)), _engine(_documents(world, open_=True))
        verdict, as_before = judge(hidden, READER, sql, ""), judge(open_, READER, sql, "")
        if verdict["decision"] != "permit" or as_before["decision"] != "permit":
            code = verdict["code"] or as_before["code"]
            return Told(None, is_run=False, is_told_apart=False, refused=f"{code}: {verdict['message']}")
        original = [run(twin, sql) for twin in self._twins]
        answers = [run(twin, verdict["sql"]) for twin in self._twins]
        if answers[0] != answers[1]:
            return Told(f"the twins differ: {answers}", is_run=True, is_told_apart=True)
        rewritten = run(self._twins[0], as_before["sql"])
        if rewritten != original[0]:
            return Told(f"not as before: {original[0]}, rewritten {rewritten}", is_run=True, is_told_apart=False)
        is_run = "cannot" not in (answers[0][0], original[0][0])
        return Told(None, is_run=is_run, is_told_apart=original[0] != original[1])

    def _enter(self, world: Asked) -> None:
        if world is not self._world:
            for which, twin in enumerate(self._twins):
                for statement in world.statements(which):
                    twin.execute(statement)
            self._world = world


def _database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("ATTACH ':memory:' AS D")
    return connection


def _documents(world: Asked, *, open_: bool = False) -> tuple[str, str]:
    """The policy and catalog documents of a world."""
    return world.policy(open_=open_), json.dumps(world.catalog())


@lru_cache(maxsize=8)
def _engine(documents: tuple[str, str]) -> Engine:
    return Engine(load(documents[0]), from_document(json.loads(documents[1])))


@lru_cache(maxsize=8)
def _in_duckdb(snowflake_sql: str) -> str:
    return sqlglot.transpile(snowflake_sql, read="snowflake", write="duckdb")[0]


def run(connection: duckdb.DuckDBPyConnection, snowflake_sql: str) -> Outcome:
    """The rows in an order of their own, or the error; `cannot` where DuckDB has no such thing."""
    try:
        return "rows", sorted(map(repr, connection.execute(_in_duckdb(snowflake_sql)).fetchall()))
    except IN_DUCKDB_ONLY as error:
        first = str(error).split("\n")[0]
        return ("broken", first) if "__GW_" in first else ("cannot", None)
    except duckdb.Error as error:
        return type(error).__name__, str(error).split("\n")[0]
