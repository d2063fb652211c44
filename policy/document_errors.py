"""What is wrong with a policy document, in the words of its author: where it stands and what was meant."""

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from policy.document_models import Model, PolicyModel
from policy.yaml_source import PolicyDocumentError, YamlSource


def located(
    found: ValidationError,
    source: YamlSource,
    root: type[BaseModel] = PolicyModel,
    family: Iterable[type[BaseModel]] = (),
) -> PolicyDocumentError:
    """The first validation error with its place and, for an unknown word, the nearest known one.

    `root` is the document's model and `family` are those that stand inside it.
    """
    errors = found.errors(include_url=False)
    error = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    path = [step for step in error["loc"] if not (isinstance(step, str) and step.startswith("function-"))]
    real = _written(path, source.value)
    is_extra = error["type"] == "extra_forbidden"
    line, column = source.at(real, key=is_extra)
    word = str(real[-1]) if real else ""
    if is_extra:
        return PolicyDocumentError(
            f"the key `{word}` is not known here",
            did_you_mean(word, _known_keys(path, root, family or Model.family())),
            line,
            column,
        )
    if error["type"] == "missing":
        above = ".".join(map(str, real)) or "the document"
        return PolicyDocumentError(f"`{above}` has no `{path[-1]}`", "add it", line, column)
    context: dict[str, Any] = error.get("ctx") or {}
    reason = error["msg"].removeprefix("Value error, ")
    hint = "compare with the policy's JSON Schema"
    if expected := context.get("expected") or context.get("expected_tags"):
        known = [each.strip(" '") for each in str(expected).replace(" or ", ",").split(",")]
        given = error["input"].get("kind", "") if isinstance(error["input"], dict) else error["input"]
        hint = did_you_mean(str(given), known)
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


def _known_keys(path: list[str | int], root: type[BaseModel], family: Iterable[type[BaseModel]]) -> list[str]:
    """The keys that the document's schema knows at the place above the end of `path`."""
    return sorted({key for model in family for key in model.model_fields} if len(path) > 1 else root.model_fields)


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint for an unknown `word`: the nearest known one, or all of them."""
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(known)}"


def _lowered(text: str) -> str:
    return (text[:1].lower() + text[1:]).rstrip(".")
