"""Row filters that speak of the caller: `region = principal.claims.region`, bound to the claims of one principal.

A claim becomes a string literal of the syntax tree, never text that is spliced: the printer quotes it, and what is
printed is read back and must be the same tree. A caller without the claim meets no row.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from sqlglot import exp

from policy.identifiers import has_control
from policy.principal import Principal

Name: TypeAlias = tuple[str, ...]
"""What a filter asks of the caller: `("claims", "region")`, `("subject",)`, `("actor",)` or `("issuer",)`."""

Bound: TypeAlias = tuple[tuple[str, ...] | None, ...]
"""The values of asked names, in order; None where the caller has none that can be used."""

VALUE_CHARACTERS_MAX = 1_000
VALUES_MAX = 1_000
_PLAIN = ("subject", "actor", "issuer")


def name_of(column: exp.Expr) -> Name | None:
    """What of the caller a column of a filter stands for; None for a column of the table."""
    parts = tuple(p.name for key in ("catalog", "db", "table", "this") if (p := column.args.get(key)) is not None)
    if len(parts) == 2 and parts[0].lower() == "principal" and parts[1] in _PLAIN:
        return (parts[1],)
    if len(parts) == 3 and parts[0].lower() == "principal" and parts[1].lower() == "claims":
        return ("claims", parts[2])
    return None


def asked_of(conditions: Iterable[exp.Expr]) -> tuple[Name, ...]:
    """Every name that any of `conditions` asks for, in order."""
    columns = (column for condition in conditions for column in condition.find_all(exp.Column))
    return tuple(sorted({name for column in columns if (name := name_of(column)) is not None}))


def bound_to(principal: Principal, names: tuple[Name, ...]) -> Bound:
    """What `principal` has under each of `names`."""
    return tuple(_usable(_value(principal, name)) for name in names)


def with_claims(condition: exp.Expr, names: tuple[Name, ...], values: Bound) -> exp.Expr:
    """`condition` with values in place of names; FALSE where one is missing, or is a list where one value is due."""
    known: Mapping[Name, tuple[str, ...] | None] = dict(zip(names, values, strict=True))
    bound = exp.Paren(this=condition.copy())
    for column in list(bound.find_all(exp.Column)):
        name = name_of(column)
        if name is None:
            continue
        value = known[name]
        is_list = isinstance(column.parent, exp.In) and column.arg_key == "expressions"
        if value is None or (len(value) != 1 and not is_list) or not value:
            return exp.false()
        literals = [exp.Literal.string(each) for each in value]
        column.replace(literals[0]) if len(literals) == 1 else column.replace(literals)
    bare: exp.Expr = bound.this
    return bare


def _value(principal: Principal, name: Name) -> object:
    return principal.claims.get(name[1]) if name[0] == "claims" else getattr(principal, name[0])


def _usable(value: object) -> tuple[str, ...] | None:
    """A claim as texts; None for one that is missing, or too long, or of characters that no honest value has."""
    values = value if isinstance(value, tuple) else (value,)
    texts = tuple(_text(each) for each in values)
    known = tuple(text for text in texts if text is not None)
    is_good = len(known) == len(texts) <= VALUES_MAX and all(_is_fit(text) for text in known)
    return known if is_good else None


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _is_fit(text: str) -> bool:
    return len(text) <= VALUE_CHARACTERS_MAX and not has_control(text)
