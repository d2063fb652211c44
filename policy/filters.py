"""Row filters: a condition over one table's own columns, judged like a caller's SQL and bound to the raw table."""

from sqlglot import exp

from policy.catalog import Table
from policy.claims import name_of
from policy.exposure import SOURCE_ALIAS
from policy.guard import guard
from policy.printing import print_verified
from policy.refusal import PolicyRefusal
from policy.resolve import Resolved, stored
from policy.statement import Verb
from policy.syntax import Parsed, parse_one
from policy.yaml_source import PolicyDocumentError

_SCOPES = (exp.Query, exp.Table, exp.Window, exp.Placeholder, exp.Star)


def parse_filter(filter_id: str, where: str, opened: frozenset[str]) -> exp.Expr:
    """The condition of a row filter; raises PolicyDocumentError if it is not one over plain columns."""
    text = f"SELECT 1 FROM T WHERE {where}"  # noqa: S608 - never runs; the guard judges it like any statement
    try:
        root = parse_one(text).root
        guard(root, text, opened)
    except PolicyRefusal as refusal:
        raise _unusable(filter_id, refusal.message, refusal.hint) from None
    condition = root.args.get("where")
    others = [key for key, value in root.args.items() if value and key not in ("where", "from_", "expressions")]
    if condition is None or others or any(isinstance(node, _SCOPES) for node in condition.walk()):
        raise _unusable(filter_id, "it is not a plain condition", "write a condition over the table's own columns")
    for column in condition.find_all(exp.Column):
        if column.args.get("table") is not None and name_of(column) is None:
            raise _unusable(
                filter_id,
                f"`{column.sql()}` is qualified",
                "name the column alone; the caller is `principal.claims.NAME`, `.subject`, `.actor` or `.issuer`",
            )
    bare: exp.Expr = condition.this
    return bare


def filter_sql(condition: exp.Expr, table: Table, opened: frozenset[str]) -> str | None:
    """The condition as SQL over the protected table.

    None if it cannot be written, because it names a column that `table` does not have or would not be read back alike.
    """
    bound = condition.copy()
    names = {column.name for column in table.columns}
    for column in bound.find_all(exp.Column):
        name = stored(column.this)
        if name not in names:
            return None
        column.set("this", exp.to_identifier(name, quoted=True))
        column.set("table", exp.to_identifier(SOURCE_ALIAS, quoted=True))
    root = exp.Select(expressions=[exp.Literal.number(1)], where=exp.Where(this=exp.Paren(this=bound)))
    try:
        printed = print_verified(Parsed(root, Verb.READ, (), binds=0), Resolved((), frozenset()), opened)
    except PolicyRefusal:
        return None
    return printed.pieces[0].removeprefix("SELECT 1 WHERE ")


def _unusable(filter_id: str, reason: str, hint: str) -> PolicyDocumentError:
    return PolicyDocumentError(f"the row filter `{filter_id}` cannot be used: {reason}", hint)
