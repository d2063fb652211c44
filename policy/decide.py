"""The decision on one SQL statement for one audience. Forbid beats hold beats permit, and silence denies.

The order of the questions is part of the design: whatever the caller may not know of (a table that is missing and a
table that is hidden) is answered first and alike, and only then what depends on tables that the caller may see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policy.audience import Audience
from policy.catalog import Table
from policy.decision import Decision, Deny, Effect, Hold, LimitRows, Obligation, Permit, RuleId, RunSql, ScanContent
from policy.names import TableName
from policy.refusal import PolicyCode
from policy.rewrite import TEXT_CHARACTERS_MAX, Unwritable, Written
from policy.rulebook import Limits, RoleEntry
from policy.rules import Verdict
from policy.ruling import Ruling
from policy.statement import SqlStatement, Verb
from policy.tree import UnknownColumn
from policy.writes import refuse_write

_NOBODY = frozenset[RuleId]()
_NO_TABLES = frozenset[TableName]()
_ASK_HINT = "rewording will not change this; ask for other data, or ask the policy's owners for a rule"


@dataclass(frozen=True, slots=True)
class _Touch:
    """One reference to a table, with the verb that it needs and its number among the references."""

    table: TableName
    verb: Verb
    place: int


def decide_sql(
    audience: Audience,
    ruling: Ruling,
    tables: Mapping[TableName, Table],
    limits: Limits,
    statement: SqlStatement,
    rows_max: int | None,
) -> Decision:
    """The decision on `statement`; `rows_max` is what the caller asked for, bounded by the policy's limit."""
    own = [statement.verb, *(Verb(branch) for branch in sorted(statement.tree.shape.branches))]
    touches = [
        _Touch(place.table, verb, n)
        for n, place in sorted(enumerate(statement.tree.places), key=lambda numbered: numbered[1].at or 0)
        for verb in (own if place.is_target else [Verb.READ])
    ]
    role = audience.role
    if role is None:
        return _deny("no role is open to you", "ask the policy's owners for a role")
    denied = _refuse_named(audience, tables, touches) or _refuse_uncovered(ruling, touches)
    if denied is not None:
        return denied
    past = _refuse_past(audience, statement)
    if past is not None:
        return past
    unknown = statement.tree.columns.unknown
    if unknown is not None:
        return _unknown_column(unknown)
    sources = _sources(audience, statement)
    if isinstance(sources, Deny):
        return sources
    refused = _refuse_written(audience, ruling, statement, sources)
    if refused is not None:
        return refused
    return _allow(audience, role, ruling, limits, statement, touches, sources, rows_max)


def _refuse_named(audience: Audience, tables: Mapping[TableName, Table], touches: Sequence[_Touch]) -> Deny | None:
    """Refuse what is forbidden by name alone with a message for the caller, then what does not exist for the caller."""
    verdicts = [audience.rules.verdict(touch.verb, touch.table) for touch in touches]
    for touch, verdict in zip(touches, verdicts, strict=True):
        if verdict.effect is Effect.FORBID and verdict.message is not None:
            return _forbidden(touch, verdict)
    for touch, verdict in zip(touches, verdicts, strict=True):
        if touch.table not in tables or not audience.rules.is_visible(touch.table):
            determining = verdict.determining if verdict.effect is Effect.FORBID else _NOBODY
            return Deny(
                determining,
                PolicyCode.OBJECT_NOT_FOUND,
                f"`{touch.table}` does not exist or is not open to you",
                "use describe_schema to see what is open to you, and write full names",
                touch.place,
            )
    return None


def _refuse_uncovered(ruling: Ruling, touches: Sequence[_Touch]) -> Deny | None:
    """Refuse tables that the caller may know of but not use so."""
    verdicts = [(touch, ruling.verdict(touch.verb, touch.table)) for touch in touches]
    for touch, verdict in verdicts:
        if verdict.effect is Effect.FORBID:
            return _forbidden(touch, verdict)
    for touch, verdict in verdicts:
        if not verdict.allows:
            hint = ruling.hint(touch.verb, touch.table)
            manner = "" if hint is None else " like this"
            return _deny(f"no rule lets you {touch.verb} `{touch.table}`{manner}", hint or _ASK_HINT, touch.place)
    return None


def _refuse_past(audience: Audience, statement: SqlStatement) -> Deny | None:
    """Refuse time travel on a table whose past the policy does not open: it holds what was deleted or masked since."""
    for n, place in enumerate(statement.tree.places):
        if place.past and not audience.exposures.is_past_open(place.table):
            return Deny(
                _NOBODY,
                PolicyCode.CONSTRUCT_NOT_ALLOWED,
                f"time travel on `{place.table}` is not allowed",
                "leave AT and BEFORE out; the policy's owner can open a table's past (time_travel)",
                n,
            )
    return None


def _sources(audience: Audience, statement: SqlStatement) -> tuple[Written, ...] | Deny:
    """The text of every place, or the refusal of one; a write's target will be printed as its plain name."""
    shape = statement.tree.shape
    names = shape.names if statement.verb is Verb.READ else shape.looked_at
    written: dict[tuple[TableName, str, str], Written] = {}
    characters = 0
    for place in statement.tree.places:
        asked = (place.table, place.past, place.sample)
        source = written.get(asked)
        if source is None:
            try:
                source = audience.writer.source(place.table, names, (place.past, place.sample))
            except Unwritable:
                return _closed(place.table)
            written[asked] = source
        characters += len(source.sql)
        if characters > TEXT_CHARACTERS_MAX:
            return _closed(place.table)
    return tuple(written[place.table, place.past, place.sample] for place in statement.tree.places)


def _closed(table: TableName) -> Deny:
    """What a view reads may be what its caller may not know of, so the refusal names the view that they named."""
    return _deny(
        f"`{table}` cannot be written with what is closed to you left out",
        "ask for fewer tables at once; if it is a view, query the tables that it reads",
    )


def _refuse_written(
    audience: Audience, ruling: Ruling, statement: SqlStatement, sources: Sequence[Written]
) -> Deny | None:
    """Refuse what shows only once the views are opened: forbidden tables in them, samples of filtered rows, writes."""
    for n, (place, written) in enumerate(zip(statement.tree.places, sources, strict=True)):
        for table in () if place.is_target else sorted(written.touched):
            verdict = ruling.verdict(Verb.READ, table)
            if verdict.effect is Effect.FORBID:
                message, hint = verdict.message or "a rule forbids this", verdict.hint or _ASK_HINT
                return Deny(verdict.determining, PolicyCode.FORBIDDEN, message, hint, n)
    for n, (place, written) in enumerate(zip(statement.tree.places, sources, strict=True)):
        if place.is_sampled and written.is_filtered:
            return Deny(
                _NOBODY,
                PolicyCode.CONSTRUCT_NOT_ALLOWED,
                f"a sample of `{place.table}` is not allowed",
                "leave SAMPLE out: you see only some rows of this table, and a sample would count the others",
                n,
            )
    if statement.verb is Verb.READ:
        return None
    return refuse_write(audience.exposures, audience.writer, statement, sources)


def _allow(
    audience: Audience,
    role: RoleEntry,
    ruling: Ruling,
    limits: Limits,
    statement: SqlStatement,
    touches: Sequence[_Touch],
    sources: Sequence[Written],
    rows_max: int | None,
) -> Decision:
    """The permit, or the hold on it, of a statement that nothing refuses."""
    is_write = statement.verb is not Verb.READ
    if is_write and role.write_role is None:
        return _deny("your role does not write", _ASK_HINT)
    verdicts = [ruling.verdict(touch.verb, touch.table) for touch in touches]
    named = {touch.table for touch in touches}
    through_views = _NO_TABLES.union(*(written.touched for written in sources)) - named
    verdicts += [v for t in through_views if (v := ruling.verdict(Verb.READ, t)).effect is Effect.HOLD]
    bounded = bounded_rows(limits, rows_max)
    text = tuple(
        place.table.quoted if place.is_target else written.sql
        for place, written in zip(statement.tree.places, sources, strict=True)
    )
    owed: frozenset[Obligation] = audience.owing.of(statement) | {LimitRows(bounded)}
    if audience.scanned and not is_write:
        owed |= {ScanContent(audience.scanned)}
    permit = Permit(
        determining=_NOBODY.union(*(v.determining for v in verdicts)) if verdicts else frozenset({role.id}),
        action=RunSql(
            sql=statement.tree.written(text),
            verb=statement.verb,
            role=role.write_role if is_write and role.write_role is not None else role.read_role,
            warehouse=role.warehouse,
            rows_max=bounded,
            statement_timeout_s=limits.statement_timeout_s,
            beneath=through_views,
        ),
        obligations=owed if is_write else owed.union(*(written.obligations for written in sources)),
    )
    holds = [verdict for verdict in verdicts if verdict.effect is Effect.HOLD]
    if holds:
        return Hold(_NOBODY.union(*(verdict.determining for verdict in holds)), permit)
    if statement.verb in (Verb.UPDATE, Verb.DELETE, Verb.MERGE) and not statement.tree.shape.has_where:
        return Hold(permit.determining, permit)
    return permit


def bounded_rows(limits: Limits, rows_max: int | None) -> int:
    """How many rows leave at most, of those that the caller asked for."""
    return limits.rows_max if rows_max is None else max(0, min(rows_max, limits.rows_max))


def _forbidden(touch: _Touch, verdict: Verdict) -> Deny:
    message = verdict.message or f"a rule forbids you to {touch.verb} `{touch.table}`"
    return Deny(verdict.determining, PolicyCode.FORBIDDEN, message, verdict.hint or _ASK_HINT, touch.place)


def _deny(message: str, hint: str, place: int | None = None) -> Deny:
    return Deny(_NOBODY, PolicyCode.NOT_PERMITTED, message, hint, place)


def _unknown_column(unknown: UnknownColumn) -> Deny:
    meant = ", ".join(f"`{name}`" for name in unknown.suggestions)
    hint = f"did you mean {meant}?" if meant else "use describe_schema to see the columns of each table"
    return Deny(_NOBODY, PolicyCode.COLUMN_NOT_FOUND, f"`{unknown.name}` is not a column here", hint)
