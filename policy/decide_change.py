"""The decision on one change of a whole table: refused, or held. It is never permitted at once, whatever rules say.

As for every statement, what the caller may not know of is answered first and alike, whether it exists or not.
"""

from collections.abc import Mapping

from policy.audience import Audience
from policy.catalog import Table, TableKind
from policy.decision import Decision, Deny, Effect, Hold, LimitRows, Permit, RuleId, RunSql
from policy.names import TableName
from policy.refusal import PolicyCode
from policy.rulebook import Limits
from policy.ruling import Ruling
from policy.statement import AddColumn, Create, DropColumn, SqlStatement, TableChange, Undrop

_NOBODY = frozenset[RuleId]()
_ASK_HINT = "ask the policy's owners for a rule that names this verb and table"


def decide_change(
    audience: Audience, ruling: Ruling, tables: Mapping[TableName, Table], limits: Limits, statement: SqlStatement
) -> Decision:
    """The decision on a `statement` of `TABLE_CHANGES`."""
    name, change = statement.target, statement.change
    assert name is not None and change is not None  # noqa: S101, PT018 - made so by `understand_change`
    role, verb = audience.role, statement.verb
    if role is None:
        return _deny("no role is open to you", "ask the policy's owners for a role")
    by_name = audience.rules.verdict(verb, name)
    if by_name.effect is Effect.FORBID and by_name.message is not None:
        return _forbidden(by_name.determining, by_name.message, by_name.hint)
    table = tables.get(name)
    makes_it = isinstance(change, Create | Undrop)
    if not audience.rules.is_visible(name) or (table is None and not makes_it):
        message = f"`{name}` does not exist or is not open to you"
        hint = "use describe_schema to see what is open to you, and write full names"
        return Deny(_NOBODY, PolicyCode.OBJECT_NOT_FOUND, message, hint, 0)
    verdict = ruling.verdict(verb, name)
    if verdict.effect is Effect.FORBID:
        message = verdict.message or f"a rule forbids you to {verb} `{name}`"
        return _forbidden(verdict.determining, message, verdict.hint)
    if not verdict.allows:
        return _deny(f"no rule lets you {verb} `{name}`", ruling.hint(verb, name) or _ASK_HINT)
    if audience.exposures.filters_on(name) and not isinstance(change, Create):
        return _deny(f"you see only some rows of `{name}`, so you cannot change it", "ask who sees them all")
    refused = None if table is None else _refuse_on(audience, table, change)
    if refused is not None:
        return refused
    if role.write_role is None:
        return _deny("your role does not write", _ASK_HINT)
    action = RunSql(
        sql=statement.tree.written((name.quoted,)),
        verb=verb,
        role=role.write_role,
        warehouse=role.warehouse,
        rows_max=1,
        statement_timeout_s=limits.statement_timeout_s,
    )
    owed = audience.owing.of(statement) | {LimitRows(1)}
    return Hold(verdict.determining, Permit(verdict.determining, action, owed))


def _refuse_on(audience: Audience, table: Table, change: TableChange) -> Deny | None:
    """Refuse what would change more than the caller can see."""
    exposure = audience.exposures.of(table)
    if table.kind is not TableKind.TABLE:
        return _deny(f"`{table.name}` is not a table", "only tables can be changed")
    known = {column.name: column.mask for column in exposure.columns}
    match change:
        case DropColumn(column) if column not in known:
            hint = "use describe_schema to see the columns of each table"
            return Deny(_NOBODY, PolicyCode.COLUMN_NOT_FOUND, f"`{column}` is not a column here", hint, 0)
        case DropColumn(column) if known[column] is not None:
            return _deny(f"`{column}` is masked for you, so you cannot drop it", "ask someone who sees its values")
        case AddColumn(column, _) if column in known:
            return _deny(f"`{column}` is a column of `{table.name}` already", "choose another name")
        case _:
            return None


def _forbidden(determining: frozenset[RuleId], message: str, hint: str | None) -> Deny:
    return Deny(determining, PolicyCode.FORBIDDEN, message, hint or _ASK_HINT, 0)


def _deny(message: str, hint: str) -> Deny:
    return Deny(_NOBODY, PolicyCode.NOT_PERMITTED, message, hint, 0)
