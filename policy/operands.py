"""What may be compared with what so that no value of a row makes Snowflake fail: values of one type, plain constants.

Snowflake converts what is compared to one type, row by row, and a conversion that fails tells of the row on which it
did. A constant that is converted may fail as well, and only once a row gets that far. So nothing is vouched for that
would have to be converted, but a plain constant that is read here as what it has to become.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from policy.sqltypes import Family, parse_type

_DIGITS_MAX = 38
_NUMBER = re.compile(r"(\d{1,38})?(?:\.(\d{0,37}))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
_MOMENT_TYPES = frozenset({exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ, exp.DType.DATETIME})
"""Types of constants that have no zone, so the constant is converted and never the column beside it."""

BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Operand:
    """What stands on one side of a comparison.

    `kind` is a family, the name of one type of moments, or `BOOLEAN`; a number has at most `whole` digits before its
    point and `scale` behind. `text` is that of a constant that is text.
    """

    kind: str
    whole: int = 0
    scale: int = 0
    is_constant: bool = False
    text: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it can be counted with."""
        return self.kind in (Family.NUMBER, Family.FLOAT)


def of_type(text: str) -> Operand | None:
    """A value of the type that `text` names; None for one whose comparisons are not known."""
    type_ = parse_type(text)
    match type_.family:
        case Family.NUMBER:
            return Operand(Family.NUMBER, type_.precision - type_.scale, type_.scale)
        case Family.TEXT | Family.FLOAT | Family.DATE:
            return Operand(type_.family)
        case Family.TIMESTAMP:
            return Operand(type_.cast.partition("(")[0])
        case _:
            return Operand(BOOLEAN) if type_.cast == "BOOLEAN" else None


def constant(node: exp.Expr) -> Operand | None:
    """The plain constant that `node` is: a number or its negation, text, a truth, a text cast to a date or a moment."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Boolean):
        return Operand(BOOLEAN, is_constant=True)
    if isinstance(node, exp.Literal) and node.is_string:
        return Operand(Family.TEXT, is_constant=True, text=node.this)
    if isinstance(node, exp.Neg):
        node = node.this
    if isinstance(node, exp.Literal) and not node.is_string:
        match = _NUMBER.fullmatch(node.this)
        return match and Operand(Family.NUMBER, len(match[1] or ""), len(match[2] or ""), is_constant=True)
    if type(node) is exp.Cast and isinstance(node.this, exp.Literal) and not node.args.get("format"):
        kind = node.args["to"].this if not node.args["to"].expressions else None
        if kind == exp.DType.DATE and _is_time(node.this.this, _DATE):
            return Operand(Family.DATE, is_constant=True)
        if kind in _MOMENT_TYPES and _is_time(node.this.this, _DATE, _MOMENT):
            return Operand(Family.TIMESTAMP, is_constant=True)
    return None


def whole_number(node: object) -> int | None:
    """The number that `node` is, if it is a plain one without a point."""
    if not isinstance(node, exp.Literal) or node.is_string or not re.fullmatch(r"[0-9]{1,18}", node.this):
        return None
    return int(node.this)


def are_comparable(operands: Sequence[Operand | None]) -> bool:
    """Whether these can be compared whatever values they have: not constants alone, and all of one kind."""
    known = [each for each in operands if each is not None]
    kinds = {each.kind for each in known if not each.is_constant}
    if len(known) < len(operands) or len(kinds) != 1:
        return False
    (kind,) = kinds
    if not all(_fits(each, kind) for each in known if each.is_constant):
        return False
    # One number type has to hold them all; a longer fraction of one leaves less room before the point for all.
    return kind != Family.NUMBER or max(e.whole for e in known) + max(e.scale for e in known) <= _DIGITS_MAX


def _fits(one: Operand, kind: str) -> bool:
    """Whether a constant can be compared with values of `kind`."""
    if kind in (Family.NUMBER, Family.FLOAT):
        return one.kind == Family.NUMBER
    if kind in (Family.TEXT, BOOLEAN):
        return one.kind == kind
    if kind == Family.DATE:
        return one.kind == Family.DATE or (one.kind == Family.TEXT and _is_time(one.text, _DATE))
    return one.kind in (Family.DATE, Family.TIMESTAMP) or (
        one.kind == Family.TEXT and _is_time(one.text, _DATE, _MOMENT)
    )


def _is_time(text: str, *forms: re.Pattern[str]) -> bool:
    if not any(form.fullmatch(text) for form in forms):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
