"""Checks a tool's arguments against its model; refusals name fields, never the values that were sent."""

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tools.contract import BadArguments


class Arguments(BaseModel):
    """Base of every tool's arguments: unknown names are refused, and no type is guessed from another."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=Arguments)


def checked(model: type[Model], arguments: Mapping[str, Any]) -> Model:
    """`arguments` as an instance of `model`.

    Raises:
        BadArguments: the first thing that is wrong, with the field's name and what it takes.
    """
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        known = [info.alias or name for name, info in model.model_fields.items()]
        takes = f"The tool takes: {', '.join(known)}."
        match first["type"]:
            case "extra_forbidden":
                near = difflib.get_close_matches(path, known, n=1)
                hint = f"Did you mean `{near[0]}`? {takes}" if near else takes
                raise BadArguments(f"unknown argument `{_short(path)}`", hint) from None
            case "missing":
                raise BadArguments(f"missing argument `{path}`", takes) from None
            case _:
                raise BadArguments(f"argument `{_short(path)}`: {_lower(first['msg'])}", takes) from None


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:57] + "..."
