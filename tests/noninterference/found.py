"""What the machine finds, written down so that it is asked again for ever.

A failure prints a JSON document. Save it as `found/<what-it-was>.json` beside this file, with `"known": "<reason>"` as
long as it fails; it is then asked in every run. If it has to do with the statement alone, write the statement with the
corpus' tables as a case of tests/corpus too.
"""

import json
from pathlib import Path
from typing import Any

from tests.noninterference.worlds import World

FOUND = Path(__file__).parent / "found"


def document(world: World, sql: str) -> str:
    """A world and a statement as JSON: policy, open policy, catalog, what makes each twin, and the statement."""
    told = {
        "sql": sql,
        "policy": world.policy().splitlines(),
        "open_policy": world.policy(open_=True).splitlines(),
        "catalog": world.catalog(),
        "twins": [world.statements(0), world.statements(1)],
    }
    return json.dumps(told, indent=1)


class Found:
    """A document, as good as the world that it was made of."""

    def __init__(self, text: str) -> None:
        self._told: dict[str, Any] = json.loads(text)
        self.sql: str = self._told["sql"]
        self.known: str | None = self._told.get("known")

    def catalog(self) -> dict[str, Any]:
        """The catalog document."""
        catalog: dict[str, Any] = self._told["catalog"]
        return catalog

    def policy(self, *, open_: bool = False) -> str:
        """The policy document, or the one that hides nothing."""
        return "\n".join(self._told["open_policy" if open_ else "policy"])

    def statements(self, which: int) -> list[str]:
        """What makes twin 0 or 1."""
        statements: list[str] = self._told["twins"][which]
        return statements


def found() -> list[Path]:
    """Every document."""
    return sorted(FOUND.glob("*.json"))
