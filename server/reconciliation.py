"""The journal against Snowflake's own history: what ran beside the gate, and outcomes that never arrived."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.reading import believed
from policy.identifiers import parse_dotted
from server.query_history import Accessed, Ran

ENDS = ("answered", "refused", "failed", "cancelled", "unknown")

_CALLS = text("""
    select * from journal.entry where call_id <> '' and at >= :start and at < :end
    and stage in ('decided', 'answered', 'refused', 'failed', 'cancelled', 'unknown', 'hold.executed')
    order by at, stream, n
""")


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal says of one call. `tables` are those that its decision names, and what lies beneath views."""

    decision: str
    role: str
    tables: frozenset[str]
    end: str = ""
    query_id: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the two do not say alike. `kind` is one of `KINDS`."""

    kind: str
    query_id: str
    call_id: str
    said: str

    def as_json(self) -> dict[str, str]:
        """All of it."""
        return asdict(self)


KINDS: Mapping[str, str] = {
    "beside": "a statement by one of our roles that no call of ours ran",
    "not_permitted": "a statement with the tag of a call that the journal does not permit",
    "other_role": "a call ran under another role than was decided",
    "more_read": "a call has read a table that its decision does not name",
    "no_outcome": "a call was let through, and how it ended never arrived",
    "not_there": "the journal names a query that the history has not",
}


async def known_calls(database: AsyncEngine, start: datetime, end: datetime) -> dict[str, Known]:
    """What the journal says of each call between two moments. Needs the privileges of a reader.

    Raises:
        Tampered: an entry's hash or a column does not agree with its bytes.
    """
    calls: dict[str, Known] = {}
    async with database.connect() as connection, connection.stream(_CALLS, {"start": start, "end": end}) as rows:
        async for row in rows:
            entry = believed(row)
            facts = entry.facts
            call = calls.get(entry.call_id, Known("", "", frozenset()))
            if entry.stage == "decided":
                listed = (facts.get(name) for name in ("tables", "beneath"))
                tables = frozenset(_plain(str(name)) for names in listed if isinstance(names, list) for name in names)
                decision, role = str(facts.get("decision")), str(facts.get("role") or "")
                call = Known(decision, role, tables, call.end, call.query_id)
            else:
                end_ = entry.stage if entry.stage in ENDS else call.end
                query_id = str(facts.get("query_id") or call.query_id)
                call = Known(call.decision, call.role, call.tables, end_, query_id)
            calls[entry.call_id] = call
    return calls


def reconcile(
    calls: Mapping[str, Known], ran: Sequence[Ran], roles: Iterable[str], *, is_complete: bool = True
) -> list[Finding]:
    """What differs. `roles` are those that the policy gives out; `is_complete`: nothing was left out of `ran`.

    Whoever has a session may set any tag. One of a call counts only for the user whose query the journal names, and
    one of the gate's own for users of such queries; what they tag as their own call is not told from it.
    """
    found: list[Finding] = []
    ours, named = set(roles), {call.query_id: call_id for call_id, call in calls.items() if call.query_id}
    runs_as = {named[each.query_id]: each.user for each in ran if each.query_id in named}
    people = set(runs_as.values())
    for each in ran:
        call = calls.get(each.call_id)
        if each.call_id and (call is None or call.decision not in ("permit", "hold")):
            found.append(Finding("not_permitted", each.query_id, each.call_id, f"{each.kind} by {each.user}"))
        elif each.call_id and call is not None and call.role and each.role and each.role != call.role:
            found.append(Finding("other_role", each.query_id, each.call_id, f"{each.role}, not {call.role}"))
        elif each.call_id and each.user != runs_as.get(each.call_id, each.user):
            said = f"{each.kind} by {each.user} as {each.role}, with the tag of another's call"
            found.append(Finding("beside", each.query_id, each.call_id, said))
        elif each.role in ours and not (each.is_ours and (not people or each.user in people)):
            found.append(Finding("beside", each.query_id, "", f"{each.kind} by {each.user} as {each.role}"))
    by_call = {each.call_id: each for each in ran if each.call_id}
    ids = {each.query_id for each in ran}
    for call_id, call in calls.items():
        if call.decision == "permit" and (not call.end or call.end == "unknown"):
            theirs = by_call.get(call_id)
            said = f"Snowflake says {theirs.status}" if theirs else "Snowflake has nothing of it"
            found.append(Finding("no_outcome", theirs.query_id if theirs else "", call_id, said))
        if is_complete and call.query_id and call.query_id not in ids:
            found.append(Finding("not_there", call.query_id, call_id, f"the call ended {call.end}"))
    return found


def reads(calls: Mapping[str, Known], ran: Sequence[Ran], touched: Iterable[Accessed]) -> list[Finding]:
    """What statements of calls have read beside what was decided, by ACCESS_HISTORY.

    Whose a statement is, the journal says by its id, or its tag in `ran` does.
    """
    call_of = {call.query_id: call_id for call_id, call in calls.items() if call.query_id}
    call_of |= {each.query_id: each.call_id for each in ran if each.call_id in calls}
    return [
        Finding("more_read", each.query_id, call_id, name)
        for each in touched
        if (call_id := call_of.get(each.query_id)) is not None
        for name in sorted({_plain(name) for name in each.names} - calls[call_id].tables)
    ]


def counted(found: Iterable[Finding]) -> dict[str, int]:
    """How many of each kind, zeros too."""
    return dict.fromkeys(KINDS, 0) | Counter(each.kind for each in found)


def _plain(name: str) -> str:
    try:
        return ".".join(parse_dotted(name))
    except ValueError:
        return name
