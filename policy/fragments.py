"""What may follow a table's name, AT, BEFORE and SAMPLE, written anew from its constants.

Both belong to the table itself, so they move with it into the derived table that stands for it. Nothing of them is
printed from the caller's tree: only names of a fixed set, numbers, and strings go into the new text.

Sources: https://docs.snowflake.com/en/sql-reference/constructs/at-before,
https://docs.snowflake.com/en/sql-reference/constructs/sample
"""

import re
from collections.abc import Callable
from decimal import Decimal, DecimalException

from sqlglot import exp

from policy.guard import position
from policy.refusal import PolicyCode, PolicyRefusal

_MOMENTS = frozenset({"TIMESTAMP", "OFFSET", "STATEMENT"})
_STATEMENT_ID = re.compile(r"[0-9A-Fa-f-]{8,64}\Z")
_TYPES = {
    exp.DType.TIMESTAMP: "TIMESTAMP",
    exp.DType.TIMESTAMPNTZ: "TIMESTAMP_NTZ",
    exp.DType.TIMESTAMPLTZ: "TIMESTAMP_LTZ",
    exp.DType.TIMESTAMPTZ: "TIMESTAMP_TZ",
    exp.DType.DATE: "DATE",
}
_METHODS = frozenset({"BERNOULLI", "ROW", "SYSTEM", "BLOCK"})
_OPERATIONS: dict[type[exp.Expr], Callable[[Decimal, Decimal], Decimal]] = {
    exp.Add: lambda a, b: a + b,
    exp.Sub: lambda a, b: a - b,
    exp.Mul: lambda a, b: a * b,
}


def past_of(node: exp.Expr) -> str:
    """The clause of AT or BEFORE over a constant moment. Raises PolicyRefusal."""
    kind, moment = str(node.args.get("kind")).upper(), node.args.get("expression")
    where = str(node.name).upper()
    if where not in ("AT", "BEFORE") or kind not in _MOMENTS or moment is None:
        raise _refused(node, "time travel to anything but a TIMESTAMP, an OFFSET or a STATEMENT")
    if kind == "OFFSET":
        return f"{where}(OFFSET => {_seconds(moment):f})"
    text = moment.this if isinstance(moment, exp.Cast) else moment
    if not (isinstance(text, exp.Literal) and text.is_string):
        raise _refused(node, "time travel to a moment that is not a constant")
    if kind == "STATEMENT":
        if not _STATEMENT_ID.match(text.name) or text is not moment:
            raise _refused(node, "time travel to a text that is not the id of a statement")
        return f"{where}(STATEMENT => '{text.name}')"
    type_ = _TYPES.get(moment.args["to"].this) if isinstance(moment, exp.Cast) else "TIMESTAMP"
    if type_ is None:
        raise _refused(node, "time travel to a moment of another type")
    quoted = text.name.replace("\\", "\\\\").replace("'", "''")
    return f"{where}(TIMESTAMP => CAST('{quoted}' AS {type_}))"


def sample_of(node: exp.Expr) -> str:
    """The clause of SAMPLE over constants. Raises PolicyRefusal."""
    method = node.args.get("method")
    name = method.name.upper() if method is not None else "BERNOULLI"
    percent, size, seed = (node.args.get(each) for each in ("percent", "size", "seed"))
    rows = node.args.get("rows") or size
    if name not in _METHODS or (percent is None) == (rows is None):
        raise _refused(node, "a sample by anything but a percentage or a number of rows")
    amount = f"{_number(percent)}" if rows is None else f"{_number(rows)} ROWS"
    return f"SAMPLE {name} ({amount})" + ("" if seed is None else f" SEED ({_number(seed)})")


def refuse_sample_of_rows(node: exp.Expr | None) -> None:
    """Refuse what Snowflake samples of tables only: blocks, and rows by a seed."""
    if node is None:
        return
    method = node.args.get("method")
    if node.args.get("seed") is not None or (method is not None and method.name.upper() in ("SYSTEM", "BLOCK")):
        raise _refused(node, "a sample by blocks or by a seed of anything but a table")


def _number(node: exp.Expr | None) -> str:
    if not (isinstance(node, exp.Literal) and not node.is_string and re.fullmatch(r"\d+(\.\d+)?", node.name)):
        raise _refused(node, "a sample of a size that is not a number")
    return node.name


def _seconds(node: exp.Expr) -> Decimal:
    """The value of plain arithmetic over numbers."""
    if isinstance(node, exp.Paren):
        return _seconds(node.this)
    if isinstance(node, exp.Neg):
        return -_seconds(node.this)
    operation = _OPERATIONS.get(type(node))
    if operation is not None:
        return operation(_seconds(node.this), _seconds(node.args["expression"]))
    try:
        if isinstance(node, exp.Literal) and not node.is_string and abs(value := Decimal(node.name)) < 10**12:
            return value
    except DecimalException:
        pass
    raise _refused(node, "time travel by an offset that is not a number")


def _refused(node: exp.Expr | None, what: str) -> PolicyRefusal:
    return PolicyRefusal(
        PolicyCode.CONSTRUCT_NOT_ALLOWED,
        f"{what} is not allowed",
        "write a constant: AT(OFFSET => -3600), AT(TIMESTAMP => '2026-01-31 12:00:00'::TIMESTAMP), SAMPLE (10)",
        None if node is None else position(node),
    )
