"""The policy document's shape: what may be written, key by key, before any of it is given a meaning."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=255)]
NamePattern: TypeAlias = Annotated[str, Field(min_length=1, max_length=1024)]
Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=300)]
NonEmpty: TypeAlias = Annotated[list[Name], Field(min_length=1)]
RowVerb: TypeAlias = Literal["insert", "update", "delete", "merge"]
TableVerb: TypeAlias = Literal["truncate", "create", "alter", "drop", "restore"]


def _exact(value: Any) -> Any:
    """YAML's floats as the decimals that their author wrote."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _null_kind(value: Any) -> Any:
    """`kind: null` means the mask of that name, although YAML reads it as no value."""
    if isinstance(value, dict) and "kind" in value and value["kind"] is None:
        return {**value, "kind": "null"}
    return value


class Model(BaseModel):
    """Strict: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def family(cls) -> Iterator[type["Model"]]:
        """Every model that is made of this one."""
        for each in cls.__subclasses__():
            yield each
            yield from each.family()


class WhoModel(Model):
    """An audience: every key that is given must match, any value of a list will do."""

    groups: NonEmpty | None = None
    subjects: NonEmpty | None = None
    actors: NonEmpty | None = None
    issuers: NonEmpty | None = None
    claims: (
        Annotated[dict[Name, Annotated[list[str | int | bool], Field(min_length=1)]], Field(min_length=1)] | None
    ) = None
    anyone: Literal[True] | None = None

    @model_validator(mode="after")
    def _somebody(self) -> "WhoModel":
        others = self.groups, self.subjects, self.actors, self.issuers, self.claims
        if self.anyone and any(others):
            raise ValueError("`anyone` cannot stand beside other keys")
        if not self.anyone and not any(others):
            raise ValueError("an empty audience matches nobody; write `anyone: true` to mean everybody")
        return self


class DefaultsModel(Model):
    """What completes a name that is shorter than three parts."""

    database: Name | None = None
    schema_: Annotated[Name | None, Field(alias="schema")] = None


class LimitsModel(Model):
    """Bounds of one statement."""

    rows_max: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    statement_timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 60


class RoleModel(Model):
    """A Snowflake role for an audience; the first entry that matches counts."""

    id: Name
    who: WhoModel
    read_role: Name
    write_role: Name | None = None
    warehouse: Name


class ClassificationModel(Model):
    """Columns of one kind."""

    name: Name
    columns: list[NamePattern] = []
    tags: list[Name] = []

    @model_validator(mode="after")
    def _something(self) -> "ClassificationModel":
        if not self.columns and not self.tags:
            raise ValueError("a classification needs `columns` or `tags`")
        return self


class NullModel(Model):
    """No value."""

    kind: Literal["null"]


class ConstantModel(Model):
    """One value for all."""

    kind: Literal["constant"]
    value: Annotated[str | bool | Decimal, BeforeValidator(_exact)]


class RedactModel(Model):
    """Three asterisks."""

    kind: Literal["redact"]


class PartialModel(Model):
    """Some first and last characters."""

    kind: Literal["partial"]
    keep_first: Annotated[int, Field(ge=0, le=64)] = 0
    keep_last: Annotated[int, Field(ge=0, le=64)] = 0

    @model_validator(mode="after")
    def _some(self) -> "PartialModel":
        if self.keep_first + self.keep_last == 0:
            raise ValueError("`partial` needs `keep_first` or `keep_last`; use `redact` to keep nothing")
        return self


class EmailDomainModel(Model):
    """The domain of an e-mail address."""

    kind: Literal["email_domain"]


class RoundModel(Model):
    """A multiple of `to`."""

    kind: Literal["round"]
    to: Annotated[Decimal, Field(gt=0, le=10**15), BeforeValidator(_exact)]


class DateTruncModel(Model):
    """The start of a period."""

    kind: Literal["date_trunc"]
    to: Literal["year", "quarter", "month", "day", "hour"]


class HashModel(Model):
    """What a secure function makes of the value; its full name."""

    kind: Literal["hash"]
    function: NamePattern


class TokenModel(Model):
    """A stand-in by a secure function, equal for equal values; its full name."""

    kind: Literal["token"]
    function: NamePattern


class BucketModel(Model):
    """The largest edge that is not above the value."""

    kind: Literal["bucket"]
    edges: Annotated[
        list[Annotated[Decimal, Field(ge=-(10**15), le=10**15), BeforeValidator(_exact)]],
        Field(min_length=1, max_length=100),
    ]

    @model_validator(mode="after")
    def _rising(self) -> "BucketModel":
        if any(low >= high for low, high in itertools.pairwise(self.edges)):
            raise ValueError("`edges` must rise")
        return self


MaskModel: TypeAlias = Annotated[
    NullModel
    | ConstantModel
    | RedactModel
    | PartialModel
    | EmailDomainModel
    | RoundModel
    | DateTruncModel
    | HashModel
    | TokenModel
    | BucketModel,
    BeforeValidator(_null_kind),
    Field(discriminator="kind"),
]


class MaskRuleModel(Model):
    """How a classification appears to everyone but `unless`."""

    classification: Name
    mask: MaskModel
    unless: WhoModel | None = None


class RowFilterModel(Model):
    """Which rows of some tables `who` (everyone, if it is left out) but `unless` meets.

    With `native_row_policy`, a row access policy of Snowflake hides the same rows, before anything else is evaluated.
    """

    id: Name
    tables: Annotated[list[NamePattern], Field(min_length=1)]
    where: Annotated[str, Field(min_length=1, max_length=10_000)]
    who: WhoModel | None = None
    unless: WhoModel | None = None
    native_row_policy: bool = False


class FunctionsModel(Model):
    """Functions that the policy opens beyond the reviewed list."""

    allow: list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*$")]] = []


class ContentScanModel(Model):
    """What results are scanned for, for everybody but `unless`; what is found is redacted."""

    detect: Annotated[list[Literal["email", "phone", "iban", "card", "ssn", "api_key", "jwt"]], Field(min_length=1)]
    unless: WhoModel | None = None


class ConcernModel(Model):
    """Statements about some tables, or columns of some kinds, of `who` but `unless`."""

    who: WhoModel
    unless: WhoModel | None = None
    tables: list[NamePattern] = []
    classifications: list[Name] = []

    @model_validator(mode="after")
    def _something(self) -> "ConcernModel":
        if not self.tables and not self.classifications:
            raise ValueError("it needs `tables` or `classifications`")
        return self


class BudgetModel(ConcernModel):
    """How many answers a day, UTC; `each` says who shares them, every principal none or all of `who` together."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    each: Literal["principal", "all"] = "principal"
    answers_per_day: Annotated[int, Field(ge=1, le=1_000_000)]


class PaddingModel(ConcernModel):
    """Answers leave at multiples of so many milliseconds after their calls began."""

    to_ms: Annotated[int, Field(ge=1, le=60_000)]


class RuleModel(Model):
    """One effect."""

    id: Name
    effect: Literal["permit", "hold", "forbid"]
    who: WhoModel
    verbs: Annotated[list[Literal["describe", "read", "write", RowVerb, TableVerb]], Field(min_length=1)]
    tables: Annotated[list[NamePattern], Field(min_length=1)]
    when: Annotated[str, Field(min_length=1, max_length=4_000)] | None = None
    message: Words | None = None
    hint: Words | None = None
    unless: WhoModel | None = None

    @model_validator(mode="after")
    def _speaking(self) -> "RuleModel":
        if self.message is not None and self.effect != "forbid":
            raise ValueError("only a `forbid` has a `message`")
        if self.hint is not None and self.effect == "hold":
            raise ValueError("a `hold` has no `hint`: nothing has to be written otherwise")
        if self.hint is not None and self.effect == "permit" and self.when is None:
            raise ValueError("a `permit` without `when` has no `hint`: there is nothing to meet")
        if self.when is not None and "describe" in self.verbs:
            raise ValueError("`when` asks about a statement, and `describe` has none; make it a rule of its own")
        return self


class StricterRuleModel(RuleModel):
    """A rule that can only make a policy stricter."""

    effect: Literal["hold", "forbid"]


class RuleSetModel(Model):
    """Rules that policies include by name; `about` says what for."""

    version: Literal[1]
    about: Annotated[str, Field(min_length=1, max_length=2_000)]
    rules: Annotated[list[StricterRuleModel], Field(min_length=1)]


class IncludeModel(Model):
    """A rule set by name, without some of its rules, and not for `unless`."""

    name: Name
    without: list[Name] = []
    unless: WhoModel | None = None


class RiskModel(Model):
    """From how many rows a write is of medium and of high risk."""

    rows_medium: Annotated[int, Field(ge=1)] = 100
    rows_high: Annotated[int, Field(ge=1)] = 10_000

    @model_validator(mode="after")
    def _rising(self) -> "RiskModel":
        if self.rows_medium > self.rows_high:
            raise ValueError("`rows_medium` is above `rows_high`")
        return self


class StepModel(Model):
    """So many distinct people who are in one of the groups."""

    groups: NonEmpty
    quorum: Annotated[int, Field(ge=1, le=20)] = 1


class DriftModel(Model):
    """How far the rows really touched may be from the rows shown: the larger of the two."""

    rows: Annotated[int, Field(ge=0)] = 0
    percent: Annotated[int, Field(ge=0, le=100)] = 0


class EscalateModel(Model):
    """Who may stand in for an approver when nobody has decided after a while."""

    after_s: Annotated[int, Field(ge=1, le=86_400)]
    groups: NonEmpty


class ApprovalModel(Model):
    """Who has to say yes to what rules hold; the first entry that covers a statement counts."""

    id: Name
    by: Literal["confirmation", "approvers"]
    rules: list[Name] = []
    verbs: list[Literal["read", RowVerb, TableVerb]] = []
    risks: list[Literal["low", "medium", "high"]] = []
    destructive: bool = False
    steps: list[StepModel] = []
    order: Literal["all", "any"] = "all"
    ttl_s: Annotated[int, Field(ge=10, le=604_800)] = 3_600
    drift: DriftModel = DriftModel()
    escalate: EscalateModel | None = None
    break_glass: list[Name] = []

    @model_validator(mode="after")
    def _answerable(self) -> "ApprovalModel":
        if self.by == "approvers" and not self.steps:
            raise ValueError("`by: approvers` needs `steps`")
        if self.by == "confirmation" and (self.steps or self.escalate or self.break_glass):
            raise ValueError("`by: confirmation` asks the caller's own user and takes no `steps`")
        if self.by == "approvers" and self.destructive:
            raise ValueError("`destructive` is for `by: confirmation`; approvers may always be asked")
        return self


class PolicyModel(Model):
    """The whole document."""

    version: Literal[1]
    defaults: DefaultsModel = DefaultsModel()
    limits: LimitsModel = LimitsModel()
    roles: list[RoleModel] = []
    public: list[NamePattern] = []
    classifications: list[ClassificationModel] = []
    masks: list[MaskRuleModel] = []
    row_filters: list[RowFilterModel] = []
    functions: FunctionsModel = FunctionsModel()
    time_travel: list[NamePattern] = []
    content_scan: list[ContentScanModel] = []
    budgets: list[BudgetModel] = []
    padding: list[PaddingModel] = []
    rules: list[RuleModel] = []
    include: list[Name | IncludeModel] = []
    approvals: list[ApprovalModel] = []
    risk: RiskModel = RiskModel()
