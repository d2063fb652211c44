"""Parts of a policy document that stand in many places: audiences, masks, patterns, rules with their conditions."""

from dataclasses import dataclass

from policy.conditions import Condition, ConditionError, compile_condition
from policy.decision import Effect, RuleId
from policy.document_models import MaskModel, RuleModel, WhoModel
from policy.masks import Bucket, Constant, DateTrunc, EmailDomain, Mask, Null, Partial, Redact, Round
from policy.patterns import Pattern, parse_pattern
from policy.rulebook import Rule, Who
from policy.statement import WRITES, Verb
from policy.yaml_source import PolicyDocumentError, YamlSource


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document. `within` names the rule set that the document is, if it is not the policy itself."""

    source: YamlSource
    path: tuple[str | int, ...] = ()
    within: str | None = None

    def at(self, *steps: str | int) -> "Place":
        """A place below this one."""
        return Place(self.source, (*self.path, *steps), self.within)

    def error(self, message: str, hint: str) -> PolicyDocumentError:
        """What is wrong here."""
        return self._error(message, hint, *self.source.at(self.path))

    def error_inside(self, message: str, hint: str, line: int, column: int) -> PolicyDocumentError:
        """What is wrong at a line and column of the text that stands here, both 1-based."""
        return self._error(message, hint, *self.source.inside(self.path, line, column))

    def _error(self, message: str, hint: str, line: int | None, column: int | None) -> PolicyDocumentError:
        whole = message if self.within is None else f"in the rule set `{self.within}`: {message}"
        return PolicyDocumentError(whole, hint, line, column)


def patterns_of(written: list[str], parts: int, place: Place) -> tuple[Pattern, ...]:
    """Patterns of `parts` parts."""
    patterns: list[Pattern] = []
    for n, text in enumerate(written):
        try:
            patterns.append(parse_pattern(text, parts))
        except ValueError as error:
            shape = "DATABASE.SCHEMA.TABLE" + ".COLUMN" * (parts - 3)
            raise place.at(n).error(str(error), f"write {shape}; `*` stands for any text in a part") from None
    return tuple(patterns)


def verbs_of(written: list[str]) -> frozenset[Verb]:
    """The verbs that a rule names; `write` is all that change rows, and no change of a whole table."""
    verbs: set[Verb] = set()
    for verb in written:
        verbs |= WRITES if verb == "write" else {Verb(verb)}
    return frozenset(verbs)


def rule_of(model: RuleModel, place: Place, classifications: frozenset[str], prefix: str = "") -> Rule:
    """The rule that `model` writes; `prefix` stands before its id."""
    return Rule(
        id=RuleId(prefix + model.id),
        effect=Effect(model.effect),
        who=who_of(model.who),
        verbs=verbs_of(list(model.verbs)),
        tables=patterns_of(model.tables, 3, place.at("tables")),
        message=model.message,
        hint=model.hint,
        when=None if model.when is None else _condition(model.when, place.at("when"), classifications),
        unless=None if model.unless is None else who_of(model.unless),
    )


def _condition(text: str, place: Place, classifications: frozenset[str]) -> Condition:
    try:
        return compile_condition(text.rstrip(), classifications)
    except ConditionError as error:
        raise place.error_inside(error.message, error.hint, error.line, error.column) from None


def who_of(model: WhoModel) -> Who:
    """The audience that `model` writes."""
    return Who(
        groups=frozenset(model.groups or ()),
        subjects=frozenset(model.subjects or ()),
        actors=frozenset(model.actors or ()),
        issuers=frozenset(model.issuers or ()),
        claims=tuple(sorted((name, frozenset(values)) for name, values in (model.claims or {}).items())),
        anyone=bool(model.anyone),
    )


def mask_of(model: MaskModel) -> Mask | None:
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
        case _:
            return None
