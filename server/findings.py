"""What came of one look by `snowgate doctor`: well, not well with a remedy, or not for the gate to see."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "no", "unseen"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` and `hint` say what is wrong and what to do; of a finding that is well both are empty."""

    name: str
    verdict: Verdict
    said: str
    code: str
    hint: str


def well(name: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(name, "ok", said, "", "")
