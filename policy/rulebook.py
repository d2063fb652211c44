"""A policy as the engine holds it: audiences, roles, classifications, masks, row filters and rules. Immutable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy.approving import Approving
from policy.conditions import Condition
from policy.decision import Effect, RuleId
from policy.detectors import Detector
from policy.masks import Mask
from policy.names import TableName
from policy.patterns import Pattern
from policy.principal import ClaimValue, Principal
from policy.resolve import Defaults
from policy.statement import Verb


@dataclass(frozen=True, slots=True)
class Who:
    """An audience. Each list that is given must hold one of the principal's values; `anyone` is everybody."""

    groups: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    issuers: frozenset[str] = frozenset()
    claims: tuple[tuple[str, frozenset[ClaimValue]], ...] = ()
    anyone: bool = False

    def matches(self, principal: Principal) -> bool:
        """Whether `principal` is in this audience; one that asks for nothing matches nobody."""
        asked = [
            (self.groups, principal.groups),
            (self.subjects, frozenset({principal.subject})),
            (self.actors, frozenset({principal.actor})),
            (self.issuers, frozenset({principal.issuer})),
        ]
        given = [(wanted, has) for wanted, has in asked if wanted]
        if not given and not self.claims:
            return self.anyone
        return all(wanted & has for wanted, has in given) and all(
            values & _claim(principal, name) for name, values in self.claims
        )


def _claim(principal: Principal, name: str) -> frozenset[ClaimValue]:
    value = principal.claims.get(name)
    if value is None:
        return frozenset()
    return frozenset(value) if isinstance(value, tuple) else frozenset({value})


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """The Snowflake role of an audience; without `write_role` it cannot write."""

    id: RuleId
    who: Who
    read_role: str
    write_role: str | None
    warehouse: str


@dataclass(frozen=True, slots=True)
class Classification:
    """Columns of one kind, named by pattern or by tag."""

    name: str
    columns: tuple[Pattern, ...]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class MaskRule:
    """How columns of a classification appear to everyone but `unless`."""

    classification: str
    mask: Mask
    unless: Who | None


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The condition, in Snowflake SQL over the table's own columns, that rows must meet for `who` but `unless`.

    Without `who` that is everyone. `is_native` says that Snowflake's own row access policy hides the same rows.
    """

    id: str
    tables: tuple[Pattern, ...]
    where: str
    who: Who | None
    unless: Who | None
    is_native: bool = False


@dataclass(frozen=True, slots=True)
class ContentScan:
    """Results are scanned for what `detectors` know, and what is found is redacted, for everybody but `unless`."""

    detectors: frozenset[Detector]
    unless: Who | None


@dataclass(frozen=True, slots=True)
class Concern:
    """Statements that an entry is about: of `who` but `unless`, about some tables and columns of some classifications.

    No tables mean all of them, and no classifications that a column need not be met.
    """

    who: Who
    unless: Who | None
    tables: tuple[Pattern, ...]
    classifications: frozenset[str]

    def is_about(self, table: TableName, classes: frozenset[str]) -> bool:
        """Whether it is about a statement that meets columns of `classes` in `table`."""
        name = table.parts
        is_named = not self.tables or any(pattern.matches(name) for pattern in self.tables)
        return is_named and (not self.classifications or not self.classifications.isdisjoint(classes))


@dataclass(frozen=True, slots=True)
class Budget:
    """How many answers a day each principal of a concern may draw, or all of them together."""

    id: str
    concern: Concern
    answers_per_day: int
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Padding:
    """Of how many milliseconds the time is a multiple that an answer takes."""

    concern: Concern
    to_ms: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One effect for an audience (`who` but `unless`), some verbs and some tables, under a condition if it has one.

    `message` and `hint` are for the agent and only a forbid has them.
    """

    id: RuleId
    effect: Effect
    who: Who
    verbs: frozenset[Verb]
    tables: tuple[Pattern, ...]
    message: str | None = None
    hint: str | None = None
    when: Condition | None = None
    unless: Who | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may take."""

    rows_max: int
    statement_timeout_s: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that a policy document says; `digest` is the SHA-256 of its canonical form, in hex."""

    limits: Limits
    defaults: Defaults
    roles: tuple[RoleEntry, ...]
    public: tuple[Pattern, ...]
    classifications: tuple[Classification, ...]
    masks: tuple[MaskRule, ...]
    row_filters: tuple[RowFilter, ...]
    functions: frozenset[str]
    rules: tuple[Rule, ...]
    approving: Approving
    digest: str
    time_travel: tuple[Pattern, ...] = ()
    content_scans: tuple[ContentScan, ...] = ()
    budgets: tuple[Budget, ...] = ()
    paddings: tuple[Padding, ...] = ()

    def audiences(self) -> Iterable[Who]:
        """Every audience that the policy tells apart, in a fixed order."""
        yield from (role.who for role in self.roles)
        yield from (mask.unless for mask in self.masks if mask.unless is not None)
        yield from (row_filter.who for row_filter in self.row_filters if row_filter.who is not None)
        yield from (row_filter.unless for row_filter in self.row_filters if row_filter.unless is not None)
        yield from (rule.who for rule in self.rules)
        yield from (rule.unless for rule in self.rules if rule.unless is not None)
        yield from (scan.unless for scan in self.content_scans if scan.unless is not None)
        for concern in self.concerns():
            yield concern.who
            yield from (() if concern.unless is None else (concern.unless,))

    def concerns(self) -> Sequence[Concern]:
        """What budgets are about, and then what paddings are about."""
        return [*(each.concern for each in self.budgets), *(each.concern for each in self.paddings)]

    @property
    def has_conditions(self) -> bool:
        """Whether any rule asks for more than who, what and where."""
        return any(rule.when is not None for rule in self.rules)
