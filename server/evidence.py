"""What an auditor is handed: a population that is provably whole, a sample nobody could choose, and what proves each.

The population is a filter over every leaf of the tree up to the newest signed head, so that its counts add up to the
size of the tree; the sample follows from the signed root and the auditor's own nonce.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.canonical import Json
from audit.entry import JournalEntry, read_entry
from audit.sealing import Sealer, Unsealable

SAMPLE_MAX = 60

CONTROLS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "CC6.1": ("logical access to protected data", ("decided", "answered", "refused", "lease.opened")),
    "CC6.2": ("access ends when it should", ("revocation.made", "revocation.lifted", "revoked", "console.signed_in")),
    "CC6.3": (
        "roles, least privilege, segregation of duties",
        ("hold.requested", "hold.decided", "hold.counted", "hold.executed"),
    ),
    "CC6.6": ("threats from outside the boundary", ("refused",)),
    "CC6.7": ("movement of data is restricted", ("answered",)),
    "CC7.2": ("anomalies are looked for", ("journal.verified", "journal.reconciled", "failed", "unknown")),
    "CC7.3": ("events are evaluated", ("hold.decided", "revocation.made", "journal.read", "journal.searched")),
    "CC8.1": ("changes are managed", ("policy.activated", "journal.replayed", "hold.executed")),
    "C1": (
        "confidential data is protected and disposed of",
        ("answered", "retention.drop", "subject.erased"),
    ),
    "P": ("use, retention, access and disclosure of personal data", ("decided", "journal.searched", "subject.erased")),
}
"""Trust services criteria (AICPA TSC 2017, paraphrased), and the stages of entries that speak of each."""


ENDS = ("answered", "refused", "failed", "cancelled", "unknown")
"""How a call ends."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the population: its leaf, and what is public of it."""

    leaf: int
    entry: JournalEntry

    @property
    def controls(self) -> tuple[str, ...]:
        """The criteria that it speaks of."""
        return tuple(name for name, (_, stages) in CONTROLS.items() if self.entry.stage in stages)

    def row(self) -> dict[str, Any]:
        """A line of the population."""
        facts = self.entry.facts
        return {
            "leaf": self.leaf,
            "place": self.entry.place,
            "at": self.entry.at.isoformat(),
            "stage": self.entry.stage,
            "call_id": self.entry.call_id,
            "subject": facts.get("subject", ""),
            "tool": facts.get("tool", ""),
            "decision": facts.get("decision", ""),
            "code": facts.get("code") or "",
            "policy": facts.get("policy", ""),
            "controls": " ".join(self.controls),
        }


@dataclass
class Population:
    """Everything from `start` to `end` that speaks of the chosen criteria, and the counts that show it is all of it."""

    start: datetime
    end: datetime
    controls: tuple[str, ...]
    items: list[Item] = field(default_factory=list)
    leaves: int = 0
    dropped: int = 0
    outside: int = 0
    others: int = 0
    unsigned: int = 0
    """Entries of the time asked for that are under no signed head yet, and so in no leaf that is counted."""
    decided: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    requested: dict[str, JournalEntry] = field(default_factory=dict)
    words: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When each person has said what they think of each hold."""
    counted: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When that is known to have counted. Earlier versions did not say so of a user's own answer."""
    exceptions: list[dict[str, str]] = field(default_factory=list)
    times_to_approve_s: list[float] = field(default_factory=list)

    def add(self, leaf: int, entry: JournalEntry) -> None:
        """Count one leaf, and keep it if it belongs."""
        self.leaves += 1
        if not self.holds(entry):
            self.outside += 1
            self._follow_outside(entry)
            return
        self._follow(entry)
        item = Item(leaf, entry)
        if set(item.controls) & set(self.controls):
            self.items.append(item)
        else:
            self.others += 1

    def holds(self, entry: JournalEntry) -> bool:
        """Whether it is of the time asked for."""
        return self.start <= entry.at < self.end

    def finish(self) -> None:
        """Say what was left open."""
        for call_id, decision in self.decided.items():
            if decision == "permit" and call_id not in self.ended:
                self._except("no_outcome", call_id, "let through, and how it ended is not in the journal")
        holds = {hold_id for hold_id, _ in self.counted}
        words = {place: at for place, at in self.words.items() if place[0] not in holds}
        self.times_to_approve_s = [
            (at - self.requested[hold_id].at).total_seconds()
            for (hold_id, _), at in (words | self.counted).items()
            if hold_id in self.requested
        ]

    def _follow_outside(self, entry: JournalEntry) -> None:
        """What happened within the time is judged also by what came before it, and ended after it."""
        facts, call_id = entry.facts, entry.call_id
        if entry.stage == "decided" and facts.get("decision") == "deny":
            self.decided[call_id] = "deny"
        elif entry.stage == "hold.requested":
            self.requested[str(facts.get("hold_id"))] = entry
        elif entry.stage in ENDS and call_id in self.decided:
            self.ended[call_id] = entry.stage

    def _follow(self, entry: JournalEntry) -> None:
        facts, call_id = entry.facts, entry.call_id
        match entry.stage:
            case "decided":
                self.decided[call_id] = str(facts.get("decision"))
            case "answered":
                self.ended[call_id] = entry.stage
                if self.decided.get(call_id, "permit") == "deny":
                    self._except("answered_though_denied", call_id, "a denied call was answered")
            case "refused" | "failed" | "cancelled" | "unknown":
                self.ended[call_id] = entry.stage
                if entry.stage == "unknown":
                    self._except("unknown_outcome", call_id, "its process died; see what Snowflake says")
            case "hold.requested":
                self.requested[str(facts.get("hold_id"))] = entry
            case "hold.decided":
                self.words[str(facts.get("hold_id")), str(facts.get("subject"))] = entry.at
                self._follow_vote(entry)
            case "hold.counted":
                self.counted[str(facts.get("hold_id")), str(facts.get("subject"))] = entry.at
            case _:
                pass

    def _follow_vote(self, entry: JournalEntry) -> None:
        facts = entry.facts
        if facts.get("via") != "elicitation" and facts.get("subject") == facts.get("requester"):
            self._except("own_approval", entry.call_id, "somebody has decided on what they asked for themselves")
        if facts.get("break_glass"):
            self._except("break_glass", entry.call_id, "a hold was released in an emergency")

    def _except(self, kind: str, call_id: str, said: str) -> None:
        self.exceptions.append({"kind": kind, "call_id": call_id, "said": said})

    @property
    def adds_up(self) -> bool:
        """Whether every leaf is somewhere: in the population, beside it, outside the time, or dropped by retention."""
        return self.leaves == len(self.items) + self.others + self.outside + self.dropped

    def counts(self) -> dict[str, Any]:
        """The counts that an auditor adds up."""
        stages = Counter(item.entry.stage for item in self.items)
        return {
            "leaves": self.leaves,
            "in_the_population": len(self.items),
            "of_other_controls": self.others,
            "outside_the_time": self.outside,
            "dropped_by_retention": self.dropped,
            "under_no_head_yet": self.unsigned,
            "adds_up": self.adds_up,
            "by_stage": dict(sorted(stages.items())),
        }


def gather(
    source: Iterable[Mapping[str, Any]], start: datetime, end: datetime, controls: Sequence[str]
) -> tuple[Population, list[dict[str, Any]]]:
    """The population in the records of an export, and its checkpoints; only what a signed head covers counts."""
    told, checkpoints, leaf, size = Population(start, end, tuple(controls)), list[dict[str, Any]](), 0, 0
    for record in source:
        match record["t"]:
            case "checkpoint":
                checkpoints.append(dict(record))
                size = record["size"]
            case "entry":
                entry = read_entry(record["body"].encode("utf-8", "surrogateescape"))
                if leaf < size:
                    told.add(leaf, entry)
                    leaf += 1
                else:
                    told.unsigned += told.holds(entry)
            case "leaf" if leaf < size:
                told.leaves, told.dropped, leaf = told.leaves + 1, told.dropped + 1, leaf + 1
            case _:
                pass
    told.finish()
    return told, checkpoints


def seed_of(checkpoints: Sequence[Mapping[str, Any]], end: datetime) -> tuple[Mapping[str, Any], bool]:
    """The head whose root draws the sample, the first that was signed when `end` was over; and whether there is one.

    Each pack makes a newer head. With the newest, who makes packs until one pleases would choose the sample.
    """
    for each in checkpoints:
        if each["at"] >= end.timestamp():
            return each, True
    return checkpoints[-1], False


def sample(population: Sequence[Item], root: bytes, nonce: str, size: int = SAMPLE_MAX) -> list[Item]:
    """Items that follow from the root and the auditor's nonce alone: index k is HMAC-SHA256(root + nonce, k) mod N.

    Who writes the journal does not know the nonce when the root is signed, and who gives it cannot change the root.
    Repeats are passed over.
    """
    chosen: dict[int, Item] = {}
    for index in _indexes(root + nonce.encode(), len(population)):
        chosen.setdefault(index, population[index])
        if len(chosen) == min(size, len(population)):
            break
    return [chosen[index] for index in sorted(chosen)]


def _indexes(key: bytes, count: int) -> Iterator[int]:
    k = 0
    while count:
        yield int.from_bytes(hmac.digest(key, str(k).encode(), hashlib.sha256), "big") % count
        k += 1


def opened(entry: JournalEntry, sealer: Sealer | None) -> dict[str, Json]:
    """The facts of an entry for an item's page: sealed unless the auditor is to read what is encrypted."""
    if sealer is None:
        return dict(entry.facts)
    try:
        return sealer.unseal(entry.facts, entry.place)
    except Unsealable:
        return dict(entry.facts)
