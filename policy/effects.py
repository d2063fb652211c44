"""What a write will do, as it was measured, and how risky that is: what a person is shown, and an approval binds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policy.probes import Cell
from policy.statement import TABLE_CHANGES, WRITES, Verb


class Risk(StrEnum):
    """How much harm a write can do."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Touched:
    """An object that a statement touches, with its version when the effect was measured.

    `version` is a SHA-256 in hex over its columns and its LAST_DDL, or empty where it could not be read.
    `retention_days` is how far time travel reaches back, None where that is not known.
    """

    name: str
    is_target: bool
    version: str
    retention_days: int | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What EXPLAIN says that a statement will scan: an upper bound."""

    bytes_scanned: int
    partitions_scanned: int
    partitions_total: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Some of the rows, as the requester may see them; `note` says why there are none."""

    cells: tuple[Cell, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """`rows` are rows by what happens to them, None where that could not be measured; `why_not` says why.

    `breaks` are views and tables that name the target and may not work without what goes; `overwrites` are columns that
    the requester sees only masked.
    """

    verb: Verb
    objects: tuple[Touched, ...]
    rows: Mapping[Verb, int] | None
    why_not: str
    cost: Cost | None
    sample: Sample
    is_narrowed: bool
    breaks: tuple[str, ...] = ()
    overwrites: tuple[str, ...] = ()

    @property
    def rows_total(self) -> int | None:
        """Rows that are touched in all."""
        return None if self.rows is None else sum(self.rows.values())

    @property
    def is_destructive(self) -> bool:
        """Whether rows or objects go, or nobody knows how many rows are touched."""
        if self.verb in TABLE_CHANGES:
            return self.verb is not Verb.CREATE and self.rows != {}
        if self.verb not in WRITES:
            return False
        return self.rows is None or self.verb is Verb.DELETE or bool(self.rows.get(Verb.DELETE))

    @property
    def retention_days(self) -> int | None:
        """How far back the target can be restored, None where that is not known."""
        return next((each.retention_days for each in self.objects if each.is_target), None)


@dataclass(frozen=True, slots=True)
class RiskTiers:
    """From how many rows a write is of medium and of high risk."""

    rows_medium: int = 100
    rows_high: int = 10_000


def risk_of(effect: Effect, tiers: RiskTiers) -> tuple[Risk, tuple[str, ...]]:
    """The risk of `effect`, with every reason for it; no reason means low."""
    if effect.verb in TABLE_CHANGES:
        return worst(list(_reasons_of_change(effect)))
    if effect.verb not in WRITES:
        return Risk.LOW, ()
    return worst(list(_reasons(effect, tiers)))


def worst(reasons: Sequence[tuple[Risk, str]]) -> tuple[Risk, tuple[str, ...]]:
    """The highest risk among `reasons`, and the reasons, the gravest first."""
    order = list(Risk)
    ranked = sorted(reasons, key=lambda reason: -order.index(reason[0]))
    return (ranked[0][0] if ranked else Risk.LOW), tuple(text for _, text in ranked)


def _reasons(effect: Effect, tiers: RiskTiers) -> list[tuple[Risk, str]]:
    found: list[tuple[Risk, str]] = []
    rows = effect.rows_total
    if rows is None:
        found.append((Risk.HIGH, f"its effect could not be measured: {effect.why_not}"))
    elif rows >= tiers.rows_high:
        found.append((Risk.HIGH, f"it touches {rows} rows, {tiers.rows_high} or more"))
    elif rows >= tiers.rows_medium:
        found.append((Risk.MEDIUM, f"it touches {rows} rows, {tiers.rows_medium} or more"))
    if not effect.is_narrowed:
        found.append((Risk.HIGH, "no condition narrows it: it touches the whole table"))
    if effect.rows is not None and effect.is_destructive:
        found.append((Risk.MEDIUM, "it deletes rows"))
    if effect.overwrites:
        found.append((Risk.MEDIUM, f"it changes what the requester sees only masked: {', '.join(effect.overwrites)}"))
    if effect.verb is not Verb.INSERT:
        match effect.retention_days:
            case 0:
                found.append((Risk.HIGH, "time travel keeps no history of the table, so it cannot be undone"))
            case None:
                found.append((Risk.MEDIUM, "whether time travel can undo it is not known"))
            case _:
                pass
    return found


_CHANGED = {
    Verb.TRUNCATE: "it removes every row of the table",
    Verb.DROP: "it removes the table",
    Verb.ALTER: "it removes a column with its values",
    Verb.RESTORE: "it puts an earlier table in the place of the present one, with all that has changed since",
}


def _reasons_of_change(effect: Effect) -> list[tuple[Risk, str]]:
    """Why a change of a whole table is risky; Snowflake commits one at once, so none is of low risk."""
    found = [(Risk.MEDIUM, "snowflake commits it at once, so it cannot be rolled back")]
    if effect.is_destructive:
        found.append((Risk.HIGH, _CHANGED[effect.verb]))
    if effect.rows is None:
        found.append((Risk.HIGH, f"its effect could not be measured: {effect.why_not}"))
    if effect.breaks:
        found.append((Risk.HIGH, f"it may break what names the table: {', '.join(effect.breaks)}"))
    if effect.is_destructive and effect.verb is not Verb.RESTORE:
        match effect.retention_days:
            case 0:
                found.append((Risk.HIGH, "time travel keeps no history of the table, so it cannot be undone"))
            case None:
                found.append((Risk.HIGH, "whether time travel can undo it is not known"))
            case _:
                pass
    return found
