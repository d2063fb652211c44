"""Ways to write a query that Snowflake knows and the parser cannot print, said in plainer words before it is judged.

The tree is changed in place. Each change means the same to Snowflake: columns of VALUES under their names instead of
their positions, no FROM instead of `FROM DUAL`, and a LIMIT without a number before an OFFSET that has none.

Sources: https://docs.snowflake.com/en/sql-reference/constructs/values, .../constructs/from, .../constructs/limit
"""

from collections.abc import Mapping

from sqlglot import exp

from policy.catalog import Table
from policy.names import TableName
from policy.resolve import Defaults, stored

_DUAL = "DUAL"
_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery)


def say_plainly(root: exp.Expr, text: str, tables: Mapping[TableName, Table], defaults: Defaults) -> frozenset[str]:
    """Change the tree `root` of `text`; gives the names that were in its text and are in it no more."""
    if "$" in text:
        for select in root.find_all(exp.Select):
            _name_positions(select)
    written = text.upper()
    if "OFFSET" in written:
        for query in root.find_all(*_QUERIES):
            if query.args.get("offset") is not None and query.args.get("limit") is None:
                query.set("limit", exp.Limit(expression=exp.Null()))
    if _DUAL not in written or _is_somebodys(root, tables, defaults):
        return frozenset()
    left_out = [select for select in root.find_all(exp.Select) if _leave_out_dual(select)]
    return frozenset({_DUAL}) if left_out else frozenset()


def column_of(position: str) -> str:
    """What Snowflake calls the column of VALUES at a position."""
    return f"COLUMN{position}"


def _name_positions(select: exp.Expr) -> None:
    """`$1` of a SELECT whose only source is VALUES; the answer's column keeps its name."""
    from_ = select.args.get("from_")
    if from_ is None or not isinstance(from_.this, exp.Values) or select.args.get("joins"):
        return
    alias = from_.this.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        return
    own = [each for each in select.find_all(exp.Parameter) if each.find_ancestor(exp.Select) is select]
    for parameter in own:
        number = parameter.this
        if not (isinstance(number, exp.Literal) and number.name.isdigit()):
            continue
        name = exp.to_identifier(column_of(number.name))
        if isinstance(parameter.parent, exp.Column):
            column: exp.Expr = parameter.parent
            column.set("this", name)
        else:
            column = exp.Column(this=name)
            parameter.replace(column)
        if column.parent is select and column.arg_key == "expressions":
            column.replace(exp.Alias(this=column.copy(), alias=exp.to_identifier(f"${number.name}", quoted=True)))


def _is_somebodys(root: exp.Expr, tables: Mapping[TableName, Table], defaults: Defaults) -> bool:
    """Whether a table or a common table expression is called DUAL."""
    if any(stored(cte.args["alias"].this) == _DUAL for cte in root.find_all(exp.CTE)):
        return True
    return None not in (defaults.database, defaults.schema) and (
        TableName(defaults.database or "", defaults.schema or "", _DUAL) in tables
    )


def _leave_out_dual(select: exp.Expr) -> bool:
    """Whether a SELECT had DUAL as its only source, and needs none."""
    from_ = select.args.get("from_")
    source = from_.this if from_ is not None else None
    if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
        return False
    if stored(source.this) != _DUAL or any(value for key, value in source.args.items() if key not in ("this", "alias")):
        return False
    if select.args.get("joins") or select.args.get("laterals") or any(p.is_star for p in select.expressions):
        return False
    select.set("from_", None)
    return True
