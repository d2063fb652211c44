"""A verdict as a person reads it: what was asked, what was decided and by which rule, and what runs instead."""

from collections.abc import Iterator

from policy.decision import Deny, FilterRows, Hold, LimitRows, MaskColumn, Permit, RunSql
from policy.engine import Engine
from policy.names import display
from policy.positions import line_and_column
from policy.principal import Principal
from policy.report import Verdict
from policy.rulebook import Policy


def explain_at_length(engine: Engine, principal: Principal, sql: str, verdict: Verdict) -> Iterator[str]:
    """Lines of text; for the policy's people and not for agents, because it names rules."""
    policy, decision = engine.policy, verdict.decision
    groups = ", ".join(sorted(principal.groups)) or "no group"
    yield f"{principal.subject} ({groups}), through {principal.actor}, asks:"
    yield from _quoted(sql, verdict.at)
    yield ""
    if isinstance(decision, Deny):
        yield f"Denied ({decision.code.value}): {decision.message}"
        yield from _because(policy, verdict)
        yield f"  what to do: {decision.hint}"
        return
    permit = decision.then if isinstance(decision, Hold) else decision
    action = permit.action
    assert isinstance(action, RunSql)  # noqa: S101 - a statement is explained, and nothing else
    yield "Held: a person has to approve it first." if isinstance(decision, Hold) else "Permitted."
    yield from _because(policy, verdict)
    yield ""
    yield from _owed(engine, principal, permit, verdict)
    yield f"It runs as role {action.role} on warehouse {action.warehouse}:"
    yield f"    {action.sql}"


def _quoted(sql: str, at: int | None) -> Iterator[str]:
    """The caller's text with a mark under the piece that is refused."""
    marked = line_and_column(sql, at) if at is not None else (0, 0)
    for number, line in enumerate(sql.splitlines() or [""], start=1):
        yield f"    {line}"
        if number == marked[0]:
            yield f"    {' ' * (marked[1] - 1)}^ line {marked[0]}, column {marked[1]}"


def _because(policy: Policy, verdict: Verdict) -> Iterator[str]:
    if not verdict.decision.determining:
        yield "  by no rule: what no rule permits is denied"
        return
    rules = {rule.id: rule for rule in policy.rules}
    for name in verdict.rules:
        rule = rules.get(name)
        if rule is None:
            yield f"  by the role `{name}`"
            continue
        verbs = ", ".join(sorted(rule.verbs))
        tables = ", ".join(pattern.written for pattern in rule.tables)
        when = f", when {' '.join(rule.when.text.split())}" if rule.when is not None else ""
        yield f"  by the rule `{name}`: {rule.effect.value} {verbs} on {tables}{when}"


def _owed(engine: Engine, principal: Principal, permit: Permit, verdict: Verdict) -> Iterator[str]:
    filters = {each.id: each.where for each in engine.policy.row_filters}
    exposures = engine.audience(principal).exposures
    masks = [each for each in permit.obligations if isinstance(each, MaskColumn)]
    for mask in sorted(masks, key=lambda each: (each.table, each.column)):
        columns = exposures.of(engine.catalog.tables[mask.table]).columns
        classes = next((column.classes for column in columns if column.name == mask.column), ())
        why = " and ".join(f"`{name}`" for name in classes) or "by nothing, so it is secret"
        yield f"  {mask.table}.{display(mask.column)} is masked: {mask.how}; classified {why}"
    kept = sorted((str(o.table), o.filter_id) for o in permit.obligations if isinstance(o, FilterRows))
    for table, name in kept:
        yield f"  {table} has only the rows of the filter `{name}`: {filters[name]}"
    for limit in (each for each in permit.obligations if isinstance(each, LimitRows)):
        yield f"  at most {limit.rows_max} rows leave"
    for each in verdict.counted:
        holders = "all of its people together" if each.is_shared else "each person"
        share = f"{each.answers} of the {each.per_day} answers a day"
        yield f"  it takes {share} that {holders} may draw: `{each.budget_id}`"
    if verdict.padded_ms:
        yield f"  the answer leaves at a multiple of {verdict.padded_ms} ms"
