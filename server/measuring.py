"""Measures what a held statement would do, as its requester, before anybody is asked.

Every question is a read that policy derived, or a look at INFORMATION_SCHEMA; each runs on one lease of the requester's
own role and within its own limit. What cannot be measured is said to be unmeasured, and never guessed.
Sources: Snowflake, "TABLES view" (LAST_DDL, RETENTION_TIME), "COLUMNS view", "EXPLAIN".
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio
import orjson

from policy.decision import Permit, RunSql
from policy.effects import Cost, Effect, Sample, Touched
from policy.names import TableName, quote
from policy.principal import Principal
from policy.questions import NO_QUESTIONS, Question, Questions, SampleQuestion
from policy.statement import TABLE_CHANGES, WRITES, Create, SqlStatement, Undrop, Verb
from server.binding import objects_of
from server.judging import Judged
from server.leases import OVERTIME_S, SessionLease
from server.limits import Bound, budgets_of
from server.masking import detectors_of
from server.pool import Kind, SessionPool
from server.quotas import Quotas
from server.raw import RawRows
from server.refusals import ObjectExists, StatementFailed, StatementTimedOut
from server.scanning import scan
from server.warehouse import Order
from tools.contract import Scalar, Sql

MEASURE_TIMEOUT_S = 30
"""The most that one question may take in Snowflake."""

OBJECT_COLUMNS_MAX = 20_000
SAMPLE_ROWS_MAX = 5
CELL_CHARACTERS_MAX = 200

Ask: TypeAlias = Callable[[str, Sequence[Scalar], int], Awaitable[RawRows]]
"""Runs one read: SQL, bind values, and the most rows that are of use."""


@dataclass(frozen=True, slots=True)
class Version:
    """An object as it is now: a digest of its columns and last DDL, and the days that time travel reaches back."""

    digest: str
    retention_days: int | None


@dataclass(frozen=True, slots=True)
class Measuring:
    """Measures effects with sessions of the pool, within the requester's limits.

    All questions about one statement together are one statement of theirs, the rows of its sample are rows that left,
    and they draw on budgets as the statement itself does: else whoever may run one statement at a time could have any
    number measured.
    """

    pool: SessionPool
    quotas: Quotas
    timeout_s: int = MEASURE_TIMEOUT_S

    async def __call__(self, call_id: str, judged: Judged, permit: Permit) -> Effect:
        """What the statement that `permit` would let run does.

        Raises:
            LimitReached, BudgetSpent, LimitsUnavailable: see `Quotas.statement`.
            Busy, SnowflakeUnavailable: there is no session to ask with.
        """
        questions = _questions(judged)
        answers = _answers(judged.principal, permit, questions.sample)
        async with self.quotas.statement(judged.principal, SAMPLE_ROWS_MAX, answers) as spending:
            spending.asks()
            effect = await self._effect(call_id, judged, permit, questions)
            volume = len(orjson.dumps(effect.sample.rows, default=str)) if spending.counts_bytes else 0
            await spending.spent(len(effect.sample.rows), volume)
            return effect

    async def _effect(self, call_id: str, judged: Judged, permit: Permit, questions: Questions) -> Effect:
        action, statement, wanted = permit.action, judged.statement, judged.wanted
        assert isinstance(action, RunSql)  # noqa: S101 - only a statement is measured
        assert isinstance(statement, SqlStatement)  # noqa: S101 - as above
        assert isinstance(wanted, Sql)  # noqa: S101 - as above
        who = judged.principal
        kind = Kind(who.issuer, who.subject, action.role, action.warehouse, judged.provenance.policy)
        timeout_s = min(self.timeout_s, action.statement_timeout_s)
        tag = json.dumps({"snowgate_measure": call_id}, separators=(",", ":"))
        async with SessionLease(self.pool, kind, "", call_id) as lease:  # it only reads

            async def ask(sql: str, binds: Sequence[Scalar], rows_max: int) -> RawRows:
                try:
                    with anyio.fail_after(timeout_s + OVERTIME_S):
                        return await lease.run(Order(sql, tuple(binds), rows_max, timeout_s, tag))
                except TimeoutError:
                    raise StatementTimedOut("a question took longer than its limit") from None

            return await _measure(ask, judged, statement, wanted, action, questions)


def _questions(judged: Judged) -> Questions:
    statement, wanted = judged.statement, judged.wanted
    if not isinstance(statement, SqlStatement) or not isinstance(wanted, Sql) or statement.verb is Verb.READ:
        return NO_QUESTIONS
    return judged.engine.questions(judged.principal, statement, wanted.text)


def _answers(who: Principal, permit: Permit, sample: SampleQuestion | None) -> list[tuple[Bound, int]]:
    """What is taken from budgets: by the statement, and by its sample, which shows columns that it need not name."""
    answers = {} if sample is None else dict(budgets_of(who, sample.permit))
    return sorted((answers | dict(budgets_of(who, permit))).items(), key=lambda each: each[0].limit_id)


async def _measure(
    ask: Ask, judged: Judged, statement: SqlStatement, wanted: Sql, action: RunSql, questions: Questions
) -> Effect:
    is_write = statement.verb in WRITES | TABLE_CHANGES
    names = objects_of(judged)
    versions = await versions_of(ask, names) if is_write else {}
    if isinstance(statement.change, Create | Undrop) and statement.target in versions:
        raise ObjectExists(f"there is a table or view `{statement.target}` already")
    rows, why_not = await count_rows(ask, questions.counts, questions.known, wanted.parameters)
    return Effect(
        verb=statement.verb,
        objects=tuple(
            Touched(str(name), name == statement.target, found.digest, found.retention_days)
            for name in names
            for found in [versions.get(name, Version("", None))]
        ),
        rows=rows,
        why_not=why_not,
        cost=None if statement.change else await _explain(ask, action.sql, wanted.parameters),
        sample=await sample_rows(ask, questions, wanted.parameters),
        is_narrowed=statement.verb in (Verb.READ, Verb.INSERT) or statement.tree.shape.has_where,
        breaks=judged.engine.breaks(judged.principal, statement),
        overwrites=judged.engine.overwrites(judged.principal, statement),
    )


async def versions_of(ask: Ask, names: Sequence[TableName]) -> dict[TableName, Version]:
    """The version of each object that can be seen; an object that is gone is missing."""
    found: dict[TableName, Version] = {}
    by_database: dict[str, list[TableName]] = defaultdict(list)
    for name in names:
        by_database[name.database].append(name)
    for database, wanted in sorted(by_database.items()):
        where = " OR ".join(["(table_schema = ? AND table_name = ?)"] * len(wanted))
        binds = [part for name in wanted for part in (name.schema, name.name)]
        schema = f"{quote(database)}.information_schema"
        tables = await ask(
            "SELECT table_schema, table_name, table_type, TO_VARCHAR(last_ddl), retention_time "  # noqa: S608 - quoted
            f"FROM {schema}.tables WHERE {where}",
            binds,
            len(wanted) + 1,
        )
        columns = await ask(
            "SELECT table_schema, table_name, column_name, data_type, is_nullable "  # noqa: S608 - quoted
            f"FROM {schema}.columns WHERE {where} ORDER BY table_schema, table_name, ordinal_position",
            binds,
            OBJECT_COLUMNS_MAX,
        )
        columns_of: dict[tuple[Any, Any], list[Any]] = defaultdict(list)
        for table_schema, table_name, *facts in columns.rows:
            columns_of[table_schema, table_name].append(facts)
        for table_schema, table_name, kind, last_ddl, retention in tables.rows:
            known = json.dumps([kind, last_ddl, columns_of[table_schema, table_name]], default=str)
            days = None if retention is None else int(retention)
            version = Version(hashlib.sha256(known.encode()).hexdigest(), days)
            found[TableName(database, table_schema, table_name)] = version
    return found


async def count_rows(
    ask: Ask, questions: Sequence[Question] | None, known: Mapping[Verb, int], parameters: Sequence[Scalar]
) -> tuple[Mapping[Verb, int] | None, str]:
    """Rows by what happens to them, `known` ones included; None and the reason where that cannot be told."""
    if questions is None:
        return None, "no read can tell what it does"
    counted = Counter(known)
    for question in questions:
        try:
            raw = await ask(question.sql, [parameters[n] for n in question.binds], 1)
        except StatementTimedOut:
            return None, "counting took longer than its limit"
        except StatementFailed:
            return None, "snowflake could not count the rows"
        if len(raw.rows) != 1 or len(raw.rows[0]) != len(question.verbs):
            return None, "snowflake could not count the rows"
        for verb, number in zip(question.verbs, raw.rows[0], strict=True):
            counted[verb] += int(number)
    return dict(counted), ""


async def sample_rows(ask: Ask, questions: Questions, parameters: Sequence[Scalar]) -> Sample:
    """Some of the rows, scanned as an answer of them would be."""
    question = questions.sample
    if not isinstance(question, SampleQuestion):
        return Sample((), (), questions.note)
    try:
        raw = await ask(question.sql, [parameters[n] for n in question.binds], SAMPLE_ROWS_MAX)
    except (StatementFailed, StatementTimedOut):
        return Sample((), (), "snowflake could not read the rows")
    rows = scan(raw.columns, raw.rows, detectors_of(question.permit)).rows
    return Sample(question.cells, tuple(tuple(map(_short, row)) for row in rows))


def _short(value: Any) -> Any:
    """A cell as it is kept: long texts and nested values as the beginning of their text."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= CELL_CHARACTERS_MAX else text[: CELL_CHARACTERS_MAX - 1] + "…"


async def _explain(ask: Ask, sql: str, parameters: Sequence[Scalar]) -> Cost | None:
    """What EXPLAIN says of the statement itself; None where it says nothing."""
    try:
        raw = await ask(f"EXPLAIN USING JSON {sql}", parameters, 1)
        stats = json.loads(raw.rows[0][0])["GlobalStats"]
        return Cost(int(stats["bytesAssigned"]), int(stats["partitionsAssigned"]), int(stats["partitionsTotal"]))
    except (StatementFailed, StatementTimedOut, LookupError, TypeError, ValueError):
        return None
