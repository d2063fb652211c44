"""The policy document: one YAML file to a `Policy`, with errors that say where and what was meant."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from policy.approving import ApprovalEntry, Approving, Drift, Step
from policy.decision import RuleId
from policy.detectors import Detector
from policy.document_errors import did_you_mean, located
from policy.document_models import (
    ApprovalModel,
    ClassificationModel,
    ConcernModel,
    HashModel,
    MaskModel,
    MaskRuleModel,
    PolicyModel,
    TokenModel,
)
from policy.document_parts import Place, mask_of, patterns_of, rule_of, who_of
from policy.effects import Risk, RiskTiers
from policy.functions import class_of, is_openable
from policy.identifiers import parse_dotted
from policy.masks import KeyedHash, Mask, Token
from policy.names import TableName
from policy.patterns import Pattern
from policy.resolve import Defaults
from policy.rule_sets import NO_RULE_SETS, included
from policy.rulebook import (
    Budget,
    Classification,
    Concern,
    ContentScan,
    Limits,
    MaskRule,
    Padding,
    Policy,
    RoleEntry,
    RowFilter,
)
from policy.statement import Verb
from policy.yaml_source import PolicyDocumentError, YamlSource

__all__ = ["Policy", "PolicyDocumentError", "load", "schema"]


def load(text: str, rule_sets: Mapping[str, str] = NO_RULE_SETS) -> Policy:
    """The policy that the YAML document `text` writes; `rule_sets` are the texts that it may include, by name.

    Raises PolicyDocumentError with line, column and a hint.
    """
    source = YamlSource(text)
    if not isinstance(source.value, dict):
        raise PolicyDocumentError("the policy is not a mapping", "start with `version: 1`", *source.at(()))
    try:
        model = PolicyModel.model_validate(source.value)
    except ValidationError as error:
        raise located(error, source) from None
    return _Loader(source, model, rule_sets).policy()


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the policy document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PolicyModel.model_json_schema()}


class _Loader:
    """From validated models to the policy; what one model alone cannot know is checked here, with its place."""

    def __init__(self, source: YamlSource, model: PolicyModel, rule_sets: Mapping[str, str]) -> None:
        self._source = source
        self._place = Place(source)
        self._model = model
        self._classes = frozenset(each.name for each in model.classifications)
        self._included = [
            included(entry, self._place.at("include", n), rule_sets, self._classes)
            for n, entry in enumerate(model.include)
        ]

    def policy(self) -> Policy:
        model = self._model
        self._unique([("rules", rule.id) for rule in model.rules] + [("roles", role.id) for role in model.roles])
        self._unique([("approvals", each.id) for each in model.approvals])
        self._unique([("classifications", each.name) for each in model.classifications])
        self._unique([("row_filters", each.id) for each in model.row_filters])
        self._unique([("budgets", each.id) for each in model.budgets])
        self._unique([("include", each.name) for each in self._included])
        written = [self._source.value, *(each.value for each in self._included)]
        canonical = json.dumps(written, sort_keys=True, separators=(",", ":"), default=str)
        return Policy(
            limits=Limits(model.limits.rows_max, model.limits.statement_timeout_s),
            defaults=Defaults(self._name("database"), self._name("schema")),
            roles=tuple(
                RoleEntry(RuleId(role.id), who_of(role.who), role.read_role, role.write_role, role.warehouse)
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
                    who_of(each.who) if each.who else None,
                    who_of(each.unless) if each.unless else None,
                    each.native_row_policy,
                )
                for n, each in enumerate(model.row_filters)
            ),
            functions=self._functions(),
            rules=(
                *(rule_of(rule, self._place.at("rules", n), self._classes) for n, rule in enumerate(model.rules)),
                *(rule for each in self._included for rule in each.rules),
            ),
            approving=Approving(
                tuple(self._approval(n, each) for n, each in enumerate(model.approvals)),
                RiskTiers(model.risk.rows_medium, model.risk.rows_high),
            ),
            content_scans=tuple(
                ContentScan(frozenset(map(Detector, each.detect)), who_of(each.unless) if each.unless else None)
                for each in model.content_scan
            ),
            budgets=tuple(
                Budget(each.id, self._concern(each, "budgets", n), each.answers_per_day, each.each == "all")
                for n, each in enumerate(model.budgets)
            ),
            paddings=tuple(
                Padding(self._concern(each, "padding", n), each.to_ms) for n, each in enumerate(model.padding)
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
        return Classification(model.name, columns, frozenset(tag.upper() for tag in model.tags))

    def _known(self, classification: str, *path: str | int) -> str:
        known = [each.name for each in self._model.classifications]
        if classification not in known:
            message = f"the classification `{classification}` does not exist"
            raise self._error(message, did_you_mean(classification, known), *path)
        return classification

    def _concern(self, model: ConcernModel, *path: str | int) -> Concern:
        classes = [self._known(each, *path, "classifications", n) for n, each in enumerate(model.classifications)]
        unless = who_of(model.unless) if model.unless else None
        return Concern(who_of(model.who), unless, self._patterns(model.tables, 3, *path, "tables"), frozenset(classes))

    def _mask_rule(self, n: int, model: MaskRuleModel) -> MaskRule:
        self._known(model.classification, "masks", n, "classification")
        mask = mask_of(model.mask) or self._keyed_mask(n, model.mask)
        return MaskRule(model.classification, mask, who_of(model.unless) if model.unless else None)

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

    def _approval(self, n: int, model: ApprovalModel) -> ApprovalEntry:
        known = [rule.id for rule in self._model.rules]
        known += [rule.id for each in self._included for rule in each.rules]
        for m, rule in enumerate(model.rules):
            if rule not in known:
                message = f"the rule `{rule}` does not exist"
                raise self._error(message, did_you_mean(rule, known), "approvals", n, "rules", m)
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
        return patterns_of(written, parts, self._place.at(*path))

    def _unique(self, names: list[tuple[str, str]]) -> None:
        seen: set[str] = set()
        for place, name in names:
            if name in seen:
                raise self._error(f"`{name}` names two entries", "give each entry a name of its own", place)
            seen.add(name)

    def _error(self, message: str, hint: str, *path: str | int) -> PolicyDocumentError:
        return self._place.at(*path).error(message, hint)
