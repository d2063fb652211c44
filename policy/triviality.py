"""Conditions that keep every row although they look like conditions: `1 = 1`, `id = id`, `id IS NOT NULL`.

What is trivial is told from the condition's form alone, without data: a condition may keep every row for reasons that
only the data know. So triviality makes rules stricter and never opens anything.
"""

from collections.abc import Sequence

from sqlglot import exp

_SAME_IS_TRUE = (exp.EQ, exp.GTE, exp.LTE, exp.NullSafeEQ, exp.Like, exp.ILike, exp.RegexpLike)
_COMPLEMENTS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
}
_NEVER_NEGATIVE = (exp.Length, exp.Abs)


def is_trivial(condition: exp.Expr) -> bool:
    """Whether `condition` restricts nothing: it is always true, or asks nothing of the rows themselves."""
    node = _bare(condition)
    if isinstance(node, exp.And):
        return is_trivial(node.this) and is_trivial(node.expression)
    return _is_always_true(node) or not _asks_of_a_row(node)


def conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    """The parts that must all hold."""
    parts: list[exp.Expr] = []
    stack = [condition]
    while stack:
        node = _bare(stack.pop())
        if isinstance(node, exp.And):
            stack += [node.expression, node.this]
        else:
            parts.append(node)
    return parts


def disjuncts(condition: exp.Expr) -> list[exp.Expr]:
    """The parts of which one must hold."""
    parts: list[exp.Expr] = []
    stack = [condition]
    while stack:
        node = _bare(stack.pop())
        if isinstance(node, exp.Or):
            stack += [node.expression, node.this]
        else:
            parts.append(node)
    return parts


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _is_always_true(node: exp.Expr) -> bool:
    """Whether `node` holds of every row, or of every row in which what it names is not NULL."""
    if isinstance(node, exp.Or):
        arms = disjuncts(node)
        return any(is_trivial(arm) and not _is_always_false(arm) for arm in arms) or _holds_either_way(arms)
    if isinstance(node, exp.Not):
        inner = _bare(node.this)
        return _is_always_false(inner) or (isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null))
    if isinstance(node, exp.Is):
        return isinstance(node.expression, exp.Not)
    if isinstance(node, exp.Between):
        return bool(node.this == node.args["low"] == node.args["high"])
    if isinstance(node, exp.In):
        return any(_bare(each) == _bare(node.this) for each in node.expressions)
    if isinstance(node, exp.Like | exp.ILike) and _is_any_text(node.expression):
        return True
    if isinstance(node, exp.GTE | exp.GT) and _is_beneath(node.this, node.expression):
        return True
    if isinstance(node, exp.Binary):
        return isinstance(node, _SAME_IS_TRUE) and _bare(node.this) == _bare(node.expression)
    return isinstance(node, exp.If | exp.Case) and all(
        is_trivial(each) and not _is_always_false(each) for each in _outcomes(node)
    )


def _is_always_false(node: exp.Expr) -> bool:
    """Whether `node` is false of every row, by its form."""
    node = _bare(node)
    if isinstance(node, exp.Boolean):
        return not node.this
    if isinstance(node, exp.Null):
        return True
    if isinstance(node, exp.Not):
        return _is_always_true(_bare(node.this)) or (isinstance(node.this, exp.Boolean) and bool(node.this.this))
    if isinstance(node, exp.EQ):
        left, right = _bare(node.this), _bare(node.expression)
        return isinstance(left, exp.Literal) and isinstance(right, exp.Literal) and left != right
    if isinstance(node, exp.NEQ | exp.LT | exp.GT):
        return _bare(node.this) == _bare(node.expression)
    return False


def _holds_either_way(arms: Sequence[exp.Expr]) -> bool:
    """Whether two of `arms` are each other's opposite, such as `x = 1 OR x <> 1`."""
    for n, one in enumerate(arms):
        for other in arms[n + 1 :]:
            if _negated(one) == other or _negated(other) == one:
                return True
            opposite = _COMPLEMENTS.get(type(one))
            if opposite is type(other) and one.this == other.this and one.expression == other.expression:
                return True
    return False


def _negated(node: exp.Expr) -> exp.Expr | None:
    return _bare(node.this) if isinstance(node, exp.Not) else None


def _is_any_text(pattern: exp.Expr) -> bool:
    return isinstance(pattern, exp.Literal) and bool(pattern.this) and not pattern.this.strip("%")


def _is_beneath(value: exp.Expr, bound: exp.Expr) -> bool:
    """Whether `value` is a length or a magnitude, which is never below `bound`."""
    if isinstance(bound, exp.Neg):
        return isinstance(value, _NEVER_NEGATIVE)
    is_zero = isinstance(bound, exp.Literal) and not bound.is_string and not bound.this.strip("0.")
    return is_zero and isinstance(value, _NEVER_NEGATIVE) and isinstance(value.parent, exp.GTE)


def _outcomes(node: exp.Expr) -> list[exp.Expr]:
    branches = node.args.get("ifs") or [node]
    default = node.args.get("default") or node.args.get("false")
    return [branch.args["true"] for branch in branches] + [default if default is not None else exp.false()]


def _asks_of_a_row(condition: exp.Expr) -> bool:
    """Whether a column stands in the condition itself, and not only in a subquery of it."""
    return any(
        isinstance(node, exp.Column)
        for node in condition.walk(prune=lambda inner: isinstance(inner, exp.Query | exp.Exists))
    )
