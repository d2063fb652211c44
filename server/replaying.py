"""Every recorded decision again, from its recorded inputs: by what it was made with, and by a policy that may come.

With the same policy, catalog and parser a decision must come out the same to the letter. What cannot be decided again
is counted under the reason why.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.canonical import Json
from audit.entry import JournalEntry
from audit.reading import believed
from audit.sealing import Sealer
from audit.subject_keys import learn_keys
from policy.document import Policy, PolicyDocumentError
from policy.engine import Engine
from policy.refusal import PolicyRefusal
from server.bundles import kept_catalog, kept_policy
from server.facts import facts_of_judged
from server.inputs import NotReplayable, judge_again
from server.timeline import opened

ENGINES_MAX = 4
SHOWN_MAX = 1_000
BATCH = 500

DECIDED = (
    *("decision", "code", "rules", "masked", "filtered", "budgets", "padded_ms", "role", "warehouse", "rows_max"),
    *("verb", "sql", "tables"),
)
"""The facts of an entry that a decision makes; they are compared to the letter."""

_DECISIONS = text("""
    select * from journal.entry where stage = 'decided' and at >= :start and at < :end
    and (at, stream, n) > (:at, :stream, :n) order by at, stream, n limit :limit
""")
_FIRST = "00000000-0000-0000-0000-000000000000"


@dataclass
class Replay:
    """What came of it. Counts by kind (`permit->deny`), and within principal, tool and rule."""

    decisions: int = 0
    same: int = 0
    not_replayable: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    by: dict[str, Counter[str]] = field(
        default_factory=lambda: {"principal": Counter(), "tool": Counter(), "rule": Counter()}
    )
    shown: list[dict[str, Any]] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """How many came out otherwise."""
        return self.decisions - self.same - self.not_replayable.total()

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "decisions": self.decisions,
            "same": self.same,
            "changed": self.changed,
            "not_replayable": dict(self.not_replayable),
            "changes": dict(self.changes),
            "by": {what: dict(counts) for what, counts in self.by.items()},
            "shown": self.shown,
        }


class Engines:
    """The engines that decisions name by digests, a few at a time; with a candidate, that policy on their catalogs."""

    def __init__(self, database: AsyncEngine, candidate: Policy | None) -> None:
        self._database = database
        self._candidate = candidate
        self._known: dict[tuple[str, str], Engine | str] = {}

    async def for_(self, policy: str, catalog: str) -> Engine:
        """The engine for these digests.

        Raises:
            NotReplayable: one of them is not kept, or is not what it should be.
        """
        known = self._known.get((policy, catalog))
        if known is None:
            if len(self._known) >= ENGINES_MAX:
                self._known.pop(next(iter(self._known)))
            known = self._known[policy, catalog] = await self._build(policy, catalog)
        if isinstance(known, str):
            raise NotReplayable(known)
        return known

    async def _build(self, policy: str, catalog: str) -> Engine | str:
        document = self._candidate or await kept_policy(self._database, policy)
        tables = await kept_catalog(self._database, catalog)
        if document is None:
            return "the policy is not kept"
        if tables is None:
            return "the catalog is not kept"
        try:
            return Engine(document, tables)
        except PolicyDocumentError:
            return "the policy does not fit the catalog"


async def replay(
    database: AsyncEngine, sealer: Sealer, start: datetime, end: datetime, candidate: Policy | None = None
) -> Replay:
    """Decide again what was decided from `start` to `end`. Needs the privileges of a reader, and the journal key.

    Raises:
        Tampered: an entry's hash or a column does not agree with its bytes.
    """
    done, engines = Replay(), Engines(database, candidate)
    async for entry, facts in _decisions(database, sealer, start, end):
        done.decisions += 1
        try:
            again = await _again(engines, facts, is_candidate=candidate is not None)
        except NotReplayable as missing:
            done.not_replayable[missing.why] += 1
            continue
        _count(done, entry, facts, again)
    return done


async def _again(engines: Engines, facts: Mapping[str, Json], *, is_candidate: bool) -> dict[str, Any]:
    """The facts of the decision as it comes out now."""
    inputs, policy, catalog = (str(facts.get(name) or "") for name in ("inputs", "policy", "catalog"))
    if not inputs.startswith("{"):
        raise NotReplayable(_why_sealed(inputs))
    engine = await engines.for_(policy, catalog)
    if not is_candidate and facts.get("parser") != engine.provenance.parser:
        raise NotReplayable("another version of the parser decided")
    try:
        return facts_of_judged(judge_again(inputs, facts, engine))
    except PolicyRefusal as refusal:
        return {"decision": "deny", "code": refusal.code.value}


def _why_sealed(inputs: str) -> str:
    if not inputs:
        return "no inputs were recorded"
    if inputs.startswith("oversize:"):
        return "the statement was too long to be kept"
    return "the inputs were not kept" if inputs.startswith("hmac:") else "the key of the inputs is gone"


def _count(done: Replay, entry: JournalEntry, facts: Mapping[str, Json], again: dict[str, Any]) -> None:
    before = {name: facts.get(name) for name in DECIDED}
    after = {name: again.get(name) for name in DECIDED}
    if before == after:
        done.same += 1
        return
    kind = f"{before['decision']}->{after['decision']}"
    if before["decision"] == after["decision"]:
        kind = ", ".join(name for name in DECIDED if before[name] != after[name])
    done.changes[kind] += 1
    done.by["principal"][f"{facts.get('subject')}: {kind}"] += 1
    done.by["tool"][f"{facts.get('tool')}: {kind}"] += 1
    rules = {str(rule) for told in (facts, again) for rule in _listed(told.get("rules"))}
    done.by["rule"].update(f"{rule}: {kind}" for rule in rules)
    if len(done.shown) < SHOWN_MAX:
        differing = {name: [before[name], after[name]] for name in DECIDED if before[name] != after[name]}
        done.shown.append({"call_id": entry.call_id, "place": entry.place, "change": kind, "facts": differing})


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


async def _decisions(
    database: AsyncEngine, sealer: Sealer, start: datetime, end: datetime
) -> AsyncIterator[tuple[JournalEntry, Mapping[str, Json]]]:
    after: dict[str, Any] = {"at": start, "stream": _FIRST, "n": -1}
    while True:
        async with database.connect() as connection:
            asked = {"start": start, "end": end, "limit": BATCH, **after}
            rows = (await connection.execute(_DECISIONS, asked)).all()
        found = [believed(row) for row in rows]
        await learn_keys(database, sealer, (entry.facts for entry in found))
        for entry in found:
            yield entry, opened(entry, sealer)[0]
        if len(rows) < BATCH:
            return
        after = {"at": rows[-1].at, "stream": str(rows[-1].stream), "n": rows[-1].n}
