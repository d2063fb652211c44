"""The probes of a write as SQL for one audience, and which cells of a sample another audience may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policy.audience import Audience
from policy.catalog import Table
from policy.decision import Decision, Effect, Permit, RunSql
from policy.names import TableName
from policy.probes import Cell, Probes
from policy.rewrite import Unwritable
from policy.rules import reaches
from policy.statement import SqlStatement, Verb


@dataclass(frozen=True, slots=True)
class Question:
    """One read to run with `binds` of the write's values; each column of its one row counts rows for `verbs[n]`."""

    sql: str
    binds: tuple[int, ...]
    verbs: tuple[Verb, ...]


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """One read that shows rows; its columns are `cells`, in order. `permit` is the requester's, with what it owes."""

    sql: str
    binds: tuple[int, ...]
    cells: tuple[Cell, ...]
    permit: Permit


@dataclass(frozen=True, slots=True)
class Questions:
    """All that is asked about one write. `counts` is None where it cannot be measured; `note` says why no sample."""

    counts: tuple[Question, ...] | None
    known: Mapping[Verb, int]
    sample: SampleQuestion | None
    note: str = ""


NO_QUESTIONS = Questions(None, {}, None, "no rows can be shown for a statement of this kind")


def questions_of(audience: Audience, probes: Probes, sample_decision: Decision | None) -> Questions:
    """What to ask for `audience`; `sample_decision` is the decision on the sample as a read of theirs."""
    counts: tuple[Question, ...] | None = None
    if probes.countings is not None:
        written = [_written(audience, each.probe.statement) for each in probes.countings]
        if None not in written:
            counts = tuple(
                Question(sql, each.probe.binds, each.verbs)
                for sql, each in zip(written, probes.countings, strict=True)
                if sql is not None
            )
    if probes.sampling is None:
        return Questions(counts, probes.known, None, "the rows are in the statement, or cannot be shown")
    match sample_decision:
        case Permit(_, RunSql() as action) as permit:
            sample = SampleQuestion(action.sql, probes.sampling.probe.binds, probes.sampling.cells, permit)
            return Questions(counts, probes.known, sample)
        case _:
            return Questions(counts, probes.known, None, "the requester may not read the rows")


def _written(audience: Audience, statement: SqlStatement) -> str | None:
    """A count as it runs: of what the audience meets, which is all that the write meets, or it is not counted."""
    names = statement.tree.shape.names
    try:
        sources = [audience.writer.source(p.table, names, (p.past, p.sample)) for p in statement.tree.places]
    except Unwritable:
        return None
    if any(source.is_filtered for source in sources):
        return None
    return statement.tree.written(tuple(source.sql for source in sources))


def cells_shown(
    audience: Audience,
    tables: Mapping[TableName, Table],
    target: TableName,
    others: Sequence[TableName],
    cells: Sequence[Cell],
) -> tuple[bool, ...]:
    """Which cells of a sample `audience` may see: those that it could read itself, in clear.

    A sample was masked for whoever asked for the write; what is masked for this audience is left out of it.
    """
    hidden = (False,) * len(cells)
    table = tables.get(target)
    if table is None or not _reads_all(audience, table):
        return hidden
    masked = {column.name for column in audience.exposures.of(table).columns if column.mask is not None}
    known = {column.name for column in table.columns}
    is_foreign_clear = all(_reads_clear(audience, tables.get(name)) for name in others)
    return tuple(
        cell.names <= known and not (cell.names & masked) and (is_foreign_clear or not cell.is_foreign)
        for cell in cells
    )


def _reads_clear(audience: Audience, table: Table | None) -> bool:
    """Whether the audience may read the table or view at once, all of it and in clear, whatever lies beneath."""
    if table is None or not _reads_all(audience, table):
        return False
    try:
        source = audience.writer.source(table.name, None)
    except Unwritable:
        return False
    return not (source.is_masked or source.is_filtered or any(_is_stopped(audience, each) for each in source.touched))


def _reads_all(audience: Audience, table: Table) -> bool:
    """Whether the audience may read the table at once, every row of it."""
    verdict = audience.rules.verdict(Verb.READ, table.name)
    is_permitted = verdict.effect is Effect.PERMIT and not _is_stopped(audience, table.name)
    return is_permitted and not audience.exposures.of(table).filters


def _is_stopped(audience: Audience, name: TableName) -> bool:
    """Whether a rule forbids or holds reading what is called `name`, or may do so of some statement."""
    rules = audience.rules
    if rules.verdict(Verb.READ, name).effect in (Effect.FORBID, Effect.HOLD):
        return True
    return any(rule.effect is not Effect.PERMIT and reaches(rule, name) for rule in rules.conditional[Verb.READ])
