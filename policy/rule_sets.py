"""Rule sets: rules that several policies include by name. They can only make a policy stricter.

A rule set has `hold` and `forbid` rules and nothing else, so what it adds never opens anything, whoever wrote it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from policy.document_errors import did_you_mean, located
from policy.document_models import IncludeModel, RuleSetModel
from policy.document_parts import Place, rule_of, who_of
from policy.rulebook import Rule
from policy.yaml_source import PolicyDocumentError, YamlSource

NO_RULE_SETS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A rule set as one policy includes it; `value` is what was written, for the policy's digest."""

    name: str
    value: Any
    rules: tuple[Rule, ...]


def included(
    entry: str | IncludeModel, place: Place, rule_sets: Mapping[str, str], classifications: frozenset[str]
) -> RuleSet:
    """The rule set that an entry of `include` names; its rules are called `<set>/<rule>`.

    Raises PolicyDocumentError.
    """
    wanted = IncludeModel(name=entry) if isinstance(entry, str) else entry
    text = rule_sets.get(wanted.name)
    if text is None:
        raise place.error(f"the rule set `{wanted.name}` does not exist", did_you_mean(wanted.name, sorted(rule_sets)))
    source = YamlSource(text)
    model = _checked(source, wanted.name)
    known = [rule.id for rule in model.rules]
    for n, left_out in enumerate(wanted.without):
        if left_out not in known:
            message = f"the rule set `{wanted.name}` has no rule `{left_out}`"
            raise place.at("without", n).error(message, did_you_mean(left_out, known))
    inside = Place(source, ("rules",), wanted.name)
    spared = None if wanted.unless is None else who_of(wanted.unless)
    rules = [
        replace(rule_of(rule, inside.at(n), classifications, f"{wanted.name}/"), unless=spared)
        for n, rule in enumerate(model.rules)
        if rule.id not in wanted.without
    ]
    return RuleSet(wanted.name, source.value, tuple(rules))


def _checked(source: YamlSource, name: str) -> RuleSetModel:
    if not isinstance(source.value, dict):
        raise Place(source, (), name).error("it is not a mapping", "start with `version: 1`")
    try:
        model = RuleSetModel.model_validate(source.value)
    except ValidationError as error:
        wrong = located(error, source)
        raise PolicyDocumentError(
            f"in the rule set `{name}`: {wrong.message}", wrong.hint, wrong.line, wrong.column
        ) from None
    seen: set[str] = set()
    for n, rule in enumerate(model.rules):
        if rule.id in seen:
            raise Place(source, ("rules", n), name).error(f"`{rule.id}` names two rules", "give each a name of its own")
        seen.add(rule.id)
    return model
