"""Tests of a policy: people, statements and what must become of them, in a YAML file beside the policy."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from policy.circumstances import Circumstances, Estimate, History
from policy.decision import Deny
from policy.document_errors import did_you_mean, located
from policy.document_models import Name
from policy.engine import Engine
from policy.positions import piece_at
from policy.principal import Principal, Subject
from policy.report import Verdict, verdict_on
from policy.yaml_source import PolicyDocumentError, YamlSource


class Document(BaseModel):
    """Strict: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PrincipalModel(Document):
    """Somebody who asks."""

    subject: Name
    actor: Name = "agent"
    issuer: Name = "https://issuer.example"
    groups: list[Name] = []
    claims: dict[Name, str | int | bool | list[str]] = {}

    def principal(self) -> Principal:
        """The principal that this writes."""
        claims = {name: tuple(v) if isinstance(v, list) else v for name, v in self.claims.items()}
        return Principal(
            Subject(self.subject),
            self.actor,
            self.issuer,
            frozenset(self.groups),
            claims=MappingProxyType(claims),
        )


class EstimateModel(Document):
    """What a statement would read or change."""

    rows: int | None = None
    bytes: int | None = None


class SessionModel(Document):
    """What the session has done before."""

    statements: int = 0
    refusals: int = 0
    rows: int = 0
    tables: list[Name] = []
    classifications: list[Name] = []


class ExpectModel(Document):
    """What must become of a statement; what is left out may be anything."""

    decision: Literal["permit", "hold", "deny"]
    code: Name | None = None
    rules: list[Name] | None = None
    masked: list[Name] | None = None
    filtered: list[Name] | None = None
    budgets: list[Name] | None = None
    padded_ms: int | None = None
    at: Name | None = None


class CaseModel(Document):
    """One statement for some people under some circumstances."""

    name: Name
    principals: Annotated[list[Name], Field(min_length=1)]
    sql: Annotated[str, Field(max_length=1_000_000)]
    parameters: list[str | int | float | bool | None] | None = None
    rows_max: int | None = None
    purpose: str | None = None
    time: datetime | None = None
    estimate: EstimateModel = EstimateModel()
    session: SessionModel | None = None
    expect: ExpectModel

    @model_validator(mode="after")
    def _aware(self) -> "CaseModel":
        if self.time is not None and self.time.tzinfo is None:
            raise ValueError("`time` needs an offset, such as 2026-11-25T09:00:00Z")
        return self

    def circumstances(self) -> Circumstances:
        """The call that the statement comes with."""
        session = self.session
        history = None
        if session is not None:
            history = History(
                session.statements,
                session.refusals,
                session.rows,
                frozenset(session.tables),
                frozenset(session.classifications),
            )
        return Circumstances(self.time, self.purpose, Estimate(self.estimate.rows, self.estimate.bytes), history)


class SuiteModel(Document):
    """The whole file. `policy` and `catalog` are paths from the file's folder, or the documents themselves."""

    version: Literal[1]
    policy: Name | dict[str, Any] | None = None
    catalog: Name | dict[str, Any] | None = None
    principals: Annotated[dict[Name, PrincipalModel], Field(min_length=1)]
    tests: Annotated[list[CaseModel], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Result:
    """One case for one of its people; no `complaints` means that all was as expected."""

    name: str
    principal: str
    complaints: tuple[str, ...]


def read_suite(text: str) -> SuiteModel:
    """The suite that the YAML document `text` writes. Raises PolicyDocumentError with line, column and a hint."""
    source = YamlSource(text)
    if not isinstance(source.value, dict):
        raise PolicyDocumentError("the suite is not a mapping", "start with `version: 1`", *source.at(()))
    try:
        suite = SuiteModel.model_validate(source.value)
    except ValidationError as error:
        raise located(error, source, SuiteModel, Document.__subclasses__()) from None
    for n, case in enumerate(suite.tests):
        for m, name in enumerate(case.principals):
            if name not in suite.principals:
                place = source.at(("tests", n, "principals", m))
                hint = did_you_mean(name, sorted(suite.principals))
                raise PolicyDocumentError(f"the principal `{name}` does not exist", hint, *place)
    return suite


def run(suite: SuiteModel, engine: Engine) -> Iterator[Result]:
    """Every case for each of its people, in order."""
    for case in suite.tests:
        for name in case.principals:
            verdict = verdict_on(
                engine,
                suite.principals[name].principal(),
                case.sql,
                parameters=case.parameters,
                rows_max=case.rows_max,
                circumstances=case.circumstances(),
            )
            yield Result(case.name, name, tuple(_complaints(case, verdict)))


def _complaints(case: CaseModel, verdict: Verdict) -> Iterator[str]:
    expect = case.expect
    code = verdict.decision.code.value if isinstance(verdict.decision, Deny) else None
    reason = f" ({code}: {verdict.decision.message})" if isinstance(verdict.decision, Deny) else ""
    if expect.decision != verdict.word:
        yield f"expected {expect.decision}, got {verdict.word}{reason} by {', '.join(verdict.rules) or 'no rule'}"
    if expect.code is not None and expect.code != code:
        yield f"expected code {expect.code}, got {code}"
    for what, wanted, got in (
        ("rules", expect.rules, list(map(str, verdict.rules))),
        ("masked", expect.masked, verdict.masked),
        ("filtered", expect.filtered, verdict.filtered),
        ("budgets", expect.budgets, [each.budget_id for each in verdict.counted]),
    ):
        if wanted is not None and sorted(wanted) != got:
            yield f"expected {what} {sorted(wanted)}, got {got}"
    if expect.padded_ms is not None and expect.padded_ms != verdict.padded_ms:
        yield f"expected padded_ms {expect.padded_ms}, got {verdict.padded_ms}"
    if expect.at is not None:
        piece = None if verdict.at is None else piece_at(case.sql, verdict.at)
        if piece != expect.at:
            yield f"expected the refusal at `{expect.at}`, got {'no place' if piece is None else f'`{piece}`'}"
