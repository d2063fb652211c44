"""What the policy comes to for one audience: the principals that no `who` of the policy tells apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import compress
from typing import TypeAlias

from sqlglot import exp

from policy.catalog import Catalog, Table
from policy.claims import Bound, Name, bound_to, with_claims
from policy.detectors import Detector
from policy.exposure import Exposures
from policy.owing import Owing
from policy.principal import Principal
from policy.rewrite import Writer
from policy.rulebook import Policy, RoleEntry
from policy.rules import Rules
from policy.statement import SqlStatement

AudienceKey: TypeAlias = int | tuple[int, Bound]
"""One bit for each audience of the policy, in order: whether the principal is in it. Then what filters ask of them."""


@dataclass(frozen=True, slots=True)
class Audience:
    """The role, rules, exposures and writer of one audience, what its answers owe and what they are scanned for."""

    key: AudienceKey
    role: RoleEntry | None
    rules: Rules
    exposures: Exposures
    writer: Writer
    views: Callable[[Table], SqlStatement | None]
    owing: Owing
    scanned: frozenset[Detector] = frozenset()


def key_of(policy: Policy, principal: Principal, asked: tuple[Name, ...]) -> AudienceKey:
    """The audience key of `principal`; `asked` is what row filters ask of the caller."""
    key = 0
    for n, who in enumerate(policy.audiences()):
        if who.matches(principal):
            key |= 1 << n
    return (key, bound_to(principal, asked)) if asked else key


def compile_audience(
    policy: Policy,
    catalog: Catalog,
    conditions: Mapping[str, exp.Expr],
    asked: tuple[Name, ...],
    views: Callable[[Table], SqlStatement | None],
    key: AudienceKey,
) -> Audience:
    """Everything that `policy` says for the audience `key`."""
    flags, values = (key, ()) if isinstance(key, int) else key
    bits = iter(range(flags.bit_length() + len(list(policy.audiences()))))

    def is_in() -> bool:
        return bool(flags >> next(bits) & 1)

    roles = [role for role in policy.roles if is_in()]
    masks_off = frozenset([n for n, mask in enumerate(policy.masks) if mask.unless is not None and is_in()])
    outside = [n for n, each in enumerate(policy.row_filters) if each.who is not None and not is_in()]
    spared = [n for n, each in enumerate(policy.row_filters) if each.unless is not None and is_in()]
    among = [is_in() for _ in policy.rules]
    excepted = [rule.unless is not None and is_in() for rule in policy.rules]
    rules = [
        r for r, is_meant, is_spared in zip(policy.rules, among, excepted, strict=True) if is_meant and not is_spared
    ]
    scans = [scan for scan in policy.content_scans if scan.unless is None or not is_in()]
    owed = [(is_in(), each.unless is not None and is_in()) for each in policy.concerns()]
    is_owed = [is_meant and not is_spared for is_meant, is_spared in owed]
    if asked:
        conditions = {name: with_claims(condition, asked, values) for name, condition in conditions.items()}
    exposures = Exposures(policy, masks_off, frozenset(outside + spared))
    return Audience(
        key=key,
        role=roles[0] if roles else None,
        rules=Rules(rules),
        exposures=exposures,
        writer=Writer(catalog.tables, exposures, conditions, policy.functions, views),
        views=views,
        owing=Owing(
            tuple(compress(policy.budgets, is_owed)),
            tuple(compress(policy.paddings, is_owed[len(policy.budgets) :])),
            catalog.tables,
            exposures,
            views,
        ),
        scanned=frozenset().union(*(scan.detectors for scan in scans)),
    )
