"""The tables of the living, folded anew from the journal's entries: what differs has not passed through the journal.

Holds and the votes on them, revocations in force and months under legal hold. The entry of a change of a hold is
committed before the change. So what is in the tables has its entry; and where a process died between the two, an entry
has nothing in the tables: `hold.requested` that nothing followed, or `hold.decided` without the `hold.counted` that is
written after a word has counted, which is a vote, or a user's own answer. A hold may be a step behind its entries while
it is being worked on, and one that was withdrawn or ran until somebody asks for it again or its time is over; votes
that were counted, revocations and legal holds may not differ at rest.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.entry import JournalEntry
from audit.reading import believed
from server.hold_record import ALIVE

ENDS = {
    "hold.executed": "executed",
    "hold.failed": "failed",
    "hold.expired": "expired",
    "hold.stale": "stale",
    "hold.withdrawn": "withdrawn",
}

ELICITED = "elicitation"
"""How the caller's own user is asked: their word is told of, and is no row among the votes."""

RUNS = frozenset({"approved", "executing", "executed"})
"""States that need somebody's yes, and that nothing comes to after a no."""

_TOLD = text("""
    select * from journal.entry where stage like 'hold.%' or stage like 'revocation.%' or stage like 'legal_hold.%'
    order by at, stream, n
""")
_HOLDS = text("select id, state from gate.hold")
_VOTES = text("select hold_id, subject, verdict from gate.hold_vote")
_REVOKED = text("select id from gate.revocation where lifted_at is null")
_MONTHS = text("select month, reference from journal.legal_hold where not released")
_BEGINNING = text("select min(month) from journal.stream s where exists (select from journal.entry e where "
                  "e.month = s.month and e.stream = s.stream)")  # fmt: skip
_OLDER = text("select id from gate.hold where opened_at < cast(:beginning as date) + interval '1 day'")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the journal and a table say otherwise; empty is not at all."""

    what: str
    name: str
    journal: str
    table: str


@dataclass
class Projection:
    """What the entries come to."""

    holds: dict[str, str] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)
    """Holds of which more is told than that they were asked for."""
    refused: set[str] = field(default_factory=set)
    """Holds that somebody said no to."""
    last_refused: set[str] = field(default_factory=set)
    """Those of them to which nobody said yes after that: nobody could have, had the no counted."""
    approved: set[str] = field(default_factory=set)
    """Holds that somebody said yes to."""
    denied: set[str] = field(default_factory=set)
    """Holds on which a no is known to have counted: nothing can have followed."""
    said: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    votes: dict[tuple[str, str], str] = field(default_factory=dict)
    """What is known to have been counted of what was said."""
    revoked: set[str] = field(default_factory=set)
    months: set[tuple[str, str]] = field(default_factory=set)


def fold(entries: Iterable[JournalEntry]) -> Projection:
    """The projection of `entries`, which are in the order of their times."""
    told = Projection()
    for entry in entries:
        facts = entry.facts
        match entry.stage:
            case "revocation.made":
                told.revoked.add(str(facts.get("revocation")))
            case "revocation.lifted":
                told.revoked.discard(str(facts.get("revocation")))
            case "legal_hold.placed":
                told.months.add((str(facts.get("month"))[:7], str(facts.get("matter"))))
            case "legal_hold.released":
                told.months.discard((str(facts.get("month"))[:7], str(facts.get("matter"))))
            case _:
                _fold_hold(told, entry)
    return told


def _fold_hold(told: Projection, entry: JournalEntry) -> None:
    facts, stage = entry.facts, entry.stage
    hold_id, verdict = str(facts.get("hold_id", "")), str(facts.get("verdict"))
    place = (hold_id, str(facts.get("subject")))
    if stage != "hold.requested":
        told.followed.add(hold_id)
    match stage:
        case "hold.requested":
            told.holds.setdefault(hold_id, "alive")
        case "hold.decided":
            _fold_word(told, place, verdict, is_vote=facts.get("via") != ELICITED)
        case "hold.counted":
            if facts.get("via") != ELICITED:
                told.votes[place] = verdict
            told.holds[hold_id] = told.holds.get(hold_id, "alive")
            told.denied |= {hold_id} if verdict == "deny" else set()
        case _ if stage in ENDS:
            # What was found to have changed before it ran has failed, and its hold is stale.
            told.holds[hold_id] = "stale" if facts.get("code") == "hold_stale" else ENDS[stage]
        case _:
            pass


def _fold_word(told: Projection, place: tuple[str, str], verdict: str, *, is_vote: bool) -> None:
    hold_id, _ = place
    if is_vote:
        told.said[place].add(verdict)
    if verdict == "deny":
        told.refused.add(hold_id)
        told.last_refused.add(hold_id)
    else:
        told.approved.add(hold_id)
        told.last_refused.discard(hold_id)


async def differences(database: AsyncEngine) -> list[Difference]:
    """What the journal and the tables say otherwise, both as of one moment. Needs the privileges of a reader.

    Raises:
        Tampered: an entry's hash or a column does not agree with its bytes.
    """
    async with database.connect() as connected:
        connection = await connected.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        told = fold([believed(row) for row in await connection.execute(_TOLD)])
        return [
            *await _of_holds(connection, told),
            *await _of_votes(connection, told),
            *_of_sets("revocation", told.revoked, {row.id for row in await connection.execute(_REVOKED)}),
            *_of_sets(
                "legal hold",
                {" for ".join(each) for each in told.months},
                {f"{row.month:%Y-%m} for {row.reference}" for row in await connection.execute(_MONTHS)},
            ),
        ]


async def _of_holds(connection: AsyncConnection, told: Projection) -> list[Difference]:
    beginning = (await connection.execute(_BEGINNING)).scalar_one_or_none()
    older = set((await connection.execute(_OLDER, {"beginning": beginning})).scalars()) if beginning else set[str]()
    table = {row.id: row.state for row in await connection.execute(_HOLDS)}
    found: list[Difference] = []
    for hold_id in sorted(told.holds.keys() | (table.keys() - older)):
        ours, theirs = "denied" if hold_id in told.denied else told.holds.get(hold_id, ""), table.get(hold_id, "")
        never_opened = ours == "alive" and not theirs and hold_id not in told.followed
        was_refused = theirs == "denied" and ours == "alive" and hold_id in told.refused
        if ours != ("alive" if theirs in ALIVE else theirs) and not never_opened and not was_refused:
            found.append(Difference("hold", hold_id, ours, theirs))
        elif theirs in RUNS and hold_id in told.last_refused:
            found.append(Difference("hold", hold_id, "denied", theirs))
        elif theirs in RUNS and hold_id not in told.approved | older:
            found.append(Difference("hold", hold_id, "undecided", theirs))
    return found


async def _of_votes(connection: AsyncConnection, told: Projection) -> list[Difference]:
    table = {(row.hold_id, row.subject): row.verdict for row in await connection.execute(_VOTES)}
    found: list[Difference] = []
    for place in sorted(table.keys() | told.votes.keys()):
        said, counted, theirs = told.said[place], told.votes.get(place, ""), table.get(place, "")
        is_told = theirs in said and counted in ("", theirs)
        if place[0] in told.holds and not is_told:
            found.append(Difference("vote", " by ".join(place), counted or "/".join(sorted(said)), theirs))
    return found


def _of_sets(what: str, journal: set[str], table: set[str]) -> list[Difference]:
    missing = [Difference(what, name, "in force", "") for name in sorted(journal - table)]
    return missing + [Difference(what, name, "", "in force") for name in sorted(table - journal)]
