"""The document of limits: how much whom may ask for, in a minute, at once and in a day."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from policy.decision import CountAnswer, Permit
from policy.document_models import WhoModel
from policy.document_parts import who_of
from policy.principal import Principal
from policy.rulebook import Who
from server.config import SettingsError

Measure: TypeAlias = Literal["calls_per_minute_max", "rows_per_day_max", "bytes_per_day_max", "answers_per_day"]
WINDOW_S: dict[Measure, int] = {
    "calls_per_minute_max": 60,
    "rows_per_day_max": 86_400,
    "bytes_per_day_max": 86_400,
    "answers_per_day": 86_400,
}

Count: TypeAlias = Annotated[int, Field(ge=1, le=2**50)]


class LimitModel(BaseModel):
    """One limit. `each` says who shares it: every principal has one of their own, or all of `who` have one together."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Annotated[str, Field(min_length=1, max_length=64)]
    who: WhoModel
    each: Literal["principal", "all"] = "principal"
    calls_per_minute_max: Count | None = None
    statements_max: Annotated[int, Field(ge=1, le=1_000)] | None = None
    rows_per_day_max: Count | None = None
    bytes_per_day_max: Count | None = None

    @model_validator(mode="after")
    def _something(self) -> "LimitModel":
        if all(bound is None for bound in (*self.bounds().values(), self.statements_max)):
            raise ValueError("a limit that limits nothing")
        return self

    def bounds(self) -> dict[Measure, int | None]:
        """What is counted in windows; answers are counted for budgets of the policy, and for no limit."""
        return {
            "calls_per_minute_max": self.calls_per_minute_max,
            "rows_per_day_max": self.rows_per_day_max,
            "bytes_per_day_max": self.bytes_per_day_max,
            "answers_per_day": None,
        }


class LimitsDocument(BaseModel):
    """The file behind `SNOWGATE_LIMITS`. Every limit whose `who` matches holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    limits: list[LimitModel]

    @model_validator(mode="after")
    def _named_once(self) -> "LimitsDocument":
        if len({each.id for each in self.limits}) < len(self.limits):
            raise ValueError("two limits have the same id")
        return self


@dataclass(frozen=True, slots=True)
class Bound:
    """One number of one limit for one holder; `measure` names it as the document does."""

    limit_id: str
    holder: str
    measure: Measure | Literal["statements_max"]
    maximum: int

    @property
    def is_budget(self) -> bool:
        """Whether it is of a budget of the policy, and not of a limit."""
        return self.measure == "answers_per_day"


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit with its audience made ready."""

    limits: tuple[tuple[Who, LimitModel], ...] = ()

    def of(self, principal: Principal, *measures: Measure | Literal["statements_max"]) -> Iterator[Bound]:
        """The bounds of `principal` for these measures, in the document's order."""
        for who, limit in self.limits:
            if not who.matches(principal):
                continue
            holder = holder_of(principal) if limit.each == "principal" else ""
            for measure in measures:
                maximum = limit.statements_max if measure == "statements_max" else limit.bounds()[measure]
                if maximum is not None:
                    yield Bound(limit.id, holder, measure, maximum)


def holder_of(principal: Principal) -> str:
    """Who has a limit or a budget of their own: the person, through whichever agent."""
    return f"{principal.issuer} {principal.subject}"


def budgets_of(principal: Principal, permit: Permit) -> Iterator[tuple[Bound, int]]:
    """What `permit` takes from budgets of the policy, each with how many answers."""
    counted = (each for each in permit.obligations if isinstance(each, CountAnswer))
    for each in sorted(counted, key=lambda owed: owed.budget_id):
        holder = "" if each.is_shared else holder_of(principal)
        yield Bound(each.budget_id, holder, "answers_per_day", each.per_day), each.answers


def read_limits(path: Path | None) -> Limits:
    """The limits in the YAML file at `path`; none without one.

    Raises:
        SettingsError: it cannot be read as such a file.
    """
    if path is None:
        return Limits()
    try:
        document = LimitsDocument.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'the file'}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"{path}: {told}", "See docs/OPERATING.md.") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"no limits can be read from {path}: {type(error).__name__}") from None
    return Limits(tuple((who_of(limit.who), limit) for limit in document.limits))
