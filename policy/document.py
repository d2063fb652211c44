"""The policy document: one YAML file to a `Policy`, with errors that say where and what was meant."""

import difflib
import hashlib
import json
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from policy.approving import ApprovalEntry, Approving, Drift, Step
from policy.decision import Effect, RuleId
from policy.detectors import Detector
from policy.document_models import (
    ApprovalModel,
    ClassificationModel,
    HashModel,
    MaskModel,
    MaskRuleModel,
    PolicyModel,
    RuleModel,
    TokenModel,
    WhoModel,
)
from policy.effects import Risk, RiskTiers
from policy.functions import class_of, is_openable
from policy.identifiers import parse_dotted
from policy.masks import (
    Bucket,
    Constant,
    DateTrunc,
    EmailDomain,
    KeyedHash,
    Mask,
    Null,
    Partial,
    Redact,
    Round,
    Token,
)
from policy.names import TableName
from policy.patterns import Pattern, parse_pattern
from policy.resolve import Defaults
from policy.rulebook import (
    Classification,
    ContentScan,
    Limits,
    MaskRule,
    Policy,
    RoleEntry,
    RowFilter,
    Rule,
    Who,
)
from policy.statement import WRITES, Verb
from policy.yaml_source import PolicyDocumentError, YamlSource

__all__ = ["Policy", "PolicyDocumentError", "load", "schema"]


def load(text: str) -> Policy:
    """The policy that the YAML document `text` writes. Raises PolicyDocumentError with line, column and a hint."""
    source = YamlSource(text)
    if not isinstance(source.value, dict):
        raise PolicyDocumentError("the policy is not a mapping", "start with `version: 1`", *source.at(()))
    try:
        model = PolicyModel.model_validate(source.value)
    except ValidationError as error:
        raise _located(error.errors(include_url=False)[0], source) from None
    return _Loader(source, model).policy()


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the policy document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PolicyModel.model_json_schema()}


def _located(error: ErrorDetails, source: YamlSource) -> PolicyDocumentError:
    """The first validation error with its place and, for an unknown word, the nearest known one."""
    path = [step for step in error["loc"] if not (isinstance(step, str) and step.startswith("function-"))]
    real = _written(path, source.value)
    is_extra = error["type"] == "extra_forbidden"
    line, column = source.at(real, key=is_extra)
    word = str(real[-1]) if real else ""
    if is_extra:
        return PolicyDocumentError(
            f"the key `{word}` is not known here", _did_you_mean(word, _known_keys(path)), line, column
        )
    context: dict[str, Any] = error.get("ctx") or {}
    reason = error["msg"].removeprefix("Value error, ")
    hint = "compare with the policy's JSON Schema"
    if expected := context.get("expected") or context.get("expected_tags"):
        known = [each.strip(" '") for each in str(expected).replace(" or ", ",").split(",")]
        given = error["input"].get("kind", "") if isinstance(error["input"], dict) else error["input"]
        hint = _did_you_mean(str(given), known)
    return PolicyDocumentError(f"`{'.'.join(map(str, real)) or 'policy'}`: {_lowered(reason)}", hint, line, column)


def _written(path: list[str | int], value: Any) -> list[str | int]:
    """The steps of `path` that are in the document; pydantic's own steps, such as a union's tag, are left out."""
    steps: list[str | int] = []
    for index, step in enumerate(path):
        if (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        ):
            value = value[step]  # type: ignore[index]
            steps.append(step)
        elif index == len(path) - 1 and isinstance(step, str):
            continue
    return steps


def _known_keys(path: list[str | int]) -> list[str]:
    """The keys that the document's schema knows at the place above the end of `path`."""
    return sorted(
        {key for model in PolicyModel.family() for key in model.model_fields}
        if len(path) > 1
        else PolicyModel.model_fields
    )


def _did_you_mean(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(known)}"


def _lowered(text: str) -> str:
    return (text[:1].lower() + text[1:]).rstrip(".")


class _Loader:
    """From validated models to the policy; what one model alone cannot know is checked here, with its place."""

    def __init__(self, source: YamlSource, model: PolicyModel) -> None:
        self._source = source
        self._model = model

    def policy(self) -> Policy:
        model = self._model
        self._unique([("rules", rule.id) for rule in model.rules] + [("roles", role.id) for role in model.roles])
        self._unique([("approvals", each.id) for each in model.approvals])
        self._unique([("classifications", each.name) for each in model.classifications])
        self._unique([("row_filters", each.id) for each in model.row_filters])
        canonical = json.dumps(self._source.value, sort_keys=True, separators=(",", ":"), default=str)
        return Policy(
            limits=Limits(model.limits.rows_max, model.limits.statement_timeout_s),
            defaults=Defaults(self._name("database"), self._name("schema")),
            roles=tuple(
                RoleEntry(RuleId(role.id), _who(role.who), role.read_role, role.write_role, role.warehouse)
                for role in model.roles
            ),
            public=self._patterns(model.public, 4, "public"),
            classifications=tuple(self._classification(n, each) for n, each in enumerate(model.classifications)),
            masks=tuple(self._mask_rule(n, each) for n, each in enumerate(model.masks)),
            row_filters=tuple(
                RowFilter(
                    each.id,
                    self._patterns(each.tables, 3, "row_filters", n, "tables"),
                    each.where,
                    _who(each.who) if each.who else None,
                    _who(each.unless) if each.unless else None,
                    each.native_row_policy,
                )
                for n, each in enumerate(model.row_filters)
            ),
            functions=self._functions(),
            rules=tuple(self._rule(n, each) for n, each in enumerate(model.rules)),
            approving=Approving(
                tuple(self._approval(n, each) for n, each in enumerate(model.approvals)),
                RiskTiers(model.risk.rows_medium, model.risk.rows_high),
            ),
            content_scans=tuple(
                ContentScan(frozenset(map(Detector, each.detect)), _who(each.unless) if each.unless else None)
                for each in model.content_scan
            ),
            time_travel=self._patterns(model.time_travel, 3, "time_travel"),
            digest=hashlib.sha256(canonical.encode()).hexdigest(),
        )

    def _name(self, key: str) -> str | None:
        written: str | None = getattr(self._model.defaults, f"{key}_" if key == "schema" else key)
        if written is None:
            return None
        try:
            (name,) = parse_dotted(written)
        except ValueError:
            raise self._error(f"`{written}` is not a name", "write one identifier", "defaults", key) from None
        return name

    def _functions(self) -> frozenset[str]:
        names = [name.upper() for name in self._model.functions.allow]
        for n, name in enumerate(names):
            if not is_openable(name):
                raise self._error(
                    f"the function `{name}` can never be opened: it is classed `{class_of(name).value}`",
                    "leave it out; what it tells or does would reach past every mask and row filter",
                    *("functions", "allow", n),
                )
        return frozenset(names)

    def _classification(self, n: int, model: ClassificationModel) -> Classification:
        columns = self._patterns(model.columns, 4, "classifications", n, "columns")
        return Classification(model.name, columns, frozenset(model.tags))

    def _mask_rule(self, n: int, model: MaskRuleModel) -> MaskRule:
        known = [each.name for each in self._model.classifications]
        if model.classification not in known:
            raise self._error(
                f"the classification `{model.classification}` does not exist",
                _did_you_mean(model.classification, known),
                "masks",
                n,
                "classification",
            )
        mask = _mask(model.mask) or self._keyed_mask(n, model.mask)
        return MaskRule(model.classification, mask, _who(model.unless) if model.unless else None)

    def _keyed_mask(self, n: int, model: MaskModel) -> Mask:
        """A mask by a secure function, whose full name is given and which no caller may call."""
        written = model.function if isinstance(model, HashModel | TokenModel) else ""
        try:
            parts = parse_dotted(written)
        except ValueError:
            parts = ()
        place = ("masks", n, "mask", "function")
        if len(parts) != 3:
            raise self._error(f"`{written}` is not a function's full name", "write DATABASE.SCHEMA.FUNCTION", *place)
        if parts[2].upper() in (name.upper() for name in self._model.functions.allow):
            raise self._error(
                f"`{written}` is open to callers, who could try values until they find a token",
                "leave it out of `functions`",
                *place,
            )
        function = TableName(*parts)
        return KeyedHash(function) if isinstance(model, HashModel) else Token(function)

    def _rule(self, n: int, model: RuleModel) -> Rule:
        verbs: set[Verb] = set()
        for verb in model.verbs:
            verbs |= WRITES if verb == "write" else {Verb(verb)}
        tables = self._patterns(model.tables, 3, "rules", n, "tables")
        return Rule(RuleId(model.id), Effect(model.effect), _who(model.who), frozenset(verbs), tables, model.message)

    def _approval(self, n: int, model: ApprovalModel) -> ApprovalEntry:
        known = [rule.id for rule in self._model.rules]
        for m, rule in enumerate(model.rules):
            if rule not in known:
                message = f"the rule `{rule}` does not exist"
                raise self._error(message, _did_you_mean(rule, known), "approvals", n, "rules", m)
        return ApprovalEntry(
            id=RuleId(model.id),
            by=model.by,
            rules=frozenset(model.rules),
            verbs=frozenset(map(Verb, model.verbs)),
            risks=frozenset(map(Risk, model.risks)),
            is_destructive=model.destructive,
            steps=tuple(Step(frozenset(step.groups), step.quorum) for step in model.steps),
            any_step=model.order == "any",
            ttl_s=model.ttl_s,
            drift=Drift(model.drift.rows, model.drift.percent),
            escalate_after_s=model.escalate.after_s if model.escalate else None,
            escalate_to=frozenset(model.escalate.groups if model.escalate else ()),
            break_glass=frozenset(model.break_glass),
        )

    def _patterns(self, written: list[str], parts: int, *path: str | int) -> tuple[Pattern, ...]:
        patterns: list[Pattern] = []
        for n, text in enumerate(written):
            try:
                patterns.append(parse_pattern(text, parts))
            except ValueError as error:
                shape = "DATABASE.SCHEMA.TABLE" + ".COLUMN" * (parts - 3)
                raise self._error(str(error), f"write {shape}; `*` stands for any text in a part", *path, n) from None
        return tuple(patterns)

    def _unique(self, names: list[tuple[str, str]]) -> None:
        seen: set[str] = set()
        for place, name in names:
            if name in seen:
                raise self._error(f"`{name}` names two entries", "give each entry a name of its own", place)
            seen.add(name)

    def _error(self, message: str, hint: str, *path: str | int) -> PolicyDocumentError:
        return PolicyDocumentError(message, hint, *self._source.at(path))


def _who(model: WhoModel) -> Who:
    return Who(
        groups=frozenset(model.groups or ()),
        subjects=frozenset(model.subjects or ()),
        actors=frozenset(model.actors or ()),
        issuers=frozenset(model.issuers or ()),
        claims=tuple(sorted((name, frozenset(values)) for name, values in (model.claims or {}).items())),
        anyone=bool(model.anyone),
    )


def _mask(model: MaskModel) -> Mask | None:
    """The mask that `model` writes, or None for those whose function has to be looked at first."""
    match model.kind:
        case "null":
            return Null()
        case "constant":
            return Constant(model.value)
        case "redact":
            return Redact()
        case "partial":
            return Partial(model.keep_first, model.keep_last)
        case "email_domain":
            return EmailDomain()
        case "round":
            return Round(model.to)
        case "date_trunc":
            return DateTrunc(model.to)
        case "bucket":
            return Bucket(tuple(model.edges))
        case "hash" | "token":
            return None
