"""What people are shown of a hold: one text and one object, the same on every channel.

Nothing that an agent wrote can begin a line of its own or hide; only the statement has several lines.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from policy.approving import ApprovalEntry, Approving, groups_of, wanted
from policy.effects import Effect
from policy.statement import TABLE_CHANGES, Verb
from server.hold_record import Asked, HoldRecord, Requester, Said
from server.visible import visible
from tools.contract import JsonObject

HIDDEN = "(hidden from you)"
_DONE = {
    Verb.INSERT: "inserted",
    Verb.UPDATE: "updated",
    Verb.DELETE: "deleted",
}


def question(hold: HoldRecord, entry: ApprovalEntry, shown: Sequence[bool] | None = None) -> str:
    """The text that a person is asked with; `shown` says which cells of the sample they may see (None: all)."""
    asked = hold.asked
    if asked is None:
        return f"Hold {hold.id} is {hold.state}."
    who = hold.requester
    head = f"asks to run this {asked.effect.verb.value} in Snowflake as {asked.role}, for {visible(who.subject)}:"
    lines = [f"{visible(who.actor)} {head}", "", visible(asked.sql, keep="\n\t")]
    if asked.parameters:
        lines += ["", "Values: " + visible(json.dumps(list(asked.parameters), ensure_ascii=False))]
    lines += ["", f"Effect: {effect_text(asked.effect)}", *_objects(asked.effect), _undo(asked.effect)]
    if asked.effect.cost is not None:
        cost = asked.effect.cost
        scanned = f"{cost.partitions_scanned} of {cost.partitions_total} partitions"
        lines.append(f"Cost: at most {cost.bytes_scanned} bytes scanned, {scanned}.")
    lines.append(f"Risk: {': '.join([asked.risk.value, *filter(None, ['; '.join(asked.risk_reasons)])])}.")
    lines += _sample(asked.effect, shown)
    lines += ["", f"Its reason: {visible(asked.reason)}"]
    if entry.by == "approvers":
        lines.append(f"Approval: {wanted(entry, is_escalated=hold.is_escalated)}.")
    return "\n".join([*lines, f"Expires: {time_text(hold.expires_at)}", "", f"Hold {hold.id}"])


def digest_of(text: str) -> str:
    """SHA-256 of what was shown, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def effect_text(effect: Effect) -> str:
    """In words, how many rows are touched."""
    if effect.verb is Verb.READ:
        return "it reads and changes nothing."
    if effect.rows is None:
        return f"NOT MEASURED, {effect.why_not}."
    if effect.verb in TABLE_CHANGES:
        return _changed(effect.verb, effect.rows)
    parts = [f"{count} {'row' if count == 1 else 'rows'} {_DONE[verb]}" for verb, count in sorted(effect.rows.items())]
    return f"{', '.join(parts) or 'no rows'}, as counted when it was asked for."


def _changed(verb: Verb, rows: Mapping[Verb, int]) -> str:
    """In words, what a change of a whole table does."""
    gone = rows.get(Verb.DELETE, 0)
    counted = "as counted when it was asked for."
    match verb:
        case Verb.TRUNCATE:
            return f"every row of the table is removed: {gone}, {counted}"
        case Verb.DROP:
            return f"the table is removed with its rows: {gone}, {counted}"
        case Verb.CREATE:
            return "an empty table is made."
        case Verb.ALTER if not rows:
            return "a column is added, NULL in every row."
        case Verb.ALTER:
            return f"a column is removed with its values: {rows.get(Verb.ALTER, 0)}, {counted}"
        case _ if not rows:
            return "the table that was dropped last under this name comes back; its rows could not be counted."
        case _:
            back = rows.get(Verb.INSERT, 0)
            return f"the table's rows, {gone} now, are replaced by those it had, {back}, {counted}"


def _objects(effect: Effect) -> list[str]:
    changed = [visible(each.name) for each in effect.objects if each.is_target]
    read = [visible(each.name) for each in effect.objects if not each.is_target]
    lines = [f"Changes: {', '.join(changed)}"] if changed else []
    if effect.breaks:
        lines.append(f"May break: {visible(', '.join(effect.breaks))}")
    return [*lines, f"Reads: {', '.join(read)}"] if read else lines


def _undo(effect: Effect) -> str:
    if effect.verb is Verb.READ:
        return "Undo: nothing to undo."
    if effect.verb in TABLE_CHANGES and not effect.is_destructive:
        return "Undo: by DROP of what is made."
    if effect.verb is Verb.RESTORE:
        return "Undo: NONE by one command; the table that is replaced can be brought back by hand."
    match effect.retention_days:
        case None:
            return "Undo: it is not known whether time travel can undo it."
        case 0:
            return "Undo: NONE, time travel keeps no history of the table."
        case days:
            how = "UNDROP" if effect.verb is Verb.DROP else "time travel"
            return f"Undo: {how}, for {days} {'day' if days == 1 else 'days'}."


def _sample(effect: Effect, shown: Sequence[bool] | None) -> list[str]:
    sample = effect.sample
    if not sample.rows:
        return [f"Sample: none, {sample.note}."] if sample.note else []
    cells = [
        (cell.label if cell.side == "key" else f"{cell.side} {cell.label}", shown is None or shown[n])
        for n, cell in enumerate(sample.cells)
    ]
    lines = ["", "Sample rows, masked as policy masks them:"]
    for row in sample.rows:
        told = [
            f"{visible(label)}={visible(json.dumps(value, ensure_ascii=False)) if may else HIDDEN}"
            for (label, may), value in zip(cells, row, strict=True)
        ]
        lines.append("  - " + "; ".join(told))
    return lines


def time_text(at: datetime) -> str:
    """A moment in UTC, to the second (RFC 3339)."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def hold_object(hold: HoldRecord, entry: ApprovalEntry) -> JsonObject:
    """What may be said of a hold to anybody who may know of it: no values, no rows."""
    shown: JsonObject = {
        "hold_id": hold.id,
        "state": hold.state.value,
        "requested_by": _who(hold.requester),
        "opened_at": time_text(hold.opened_at),
        "expires_at": time_text(hold.expires_at),
        "approval": {"by": entry.by, "needs": wanted(entry, is_escalated=hold.is_escalated)},
        **hold.summary,
    }
    return {**shown, "outcome": dict(hold.outcome)} if hold.outcome else shown


def full_object(hold: HoldRecord, entry: ApprovalEntry, shown: Sequence[bool] | None) -> JsonObject:
    """A hold with what is asked and its effect; `shown` says which cells of the sample the reader may see."""
    said = [
        {
            "by": each.subject,
            "through": each.actor,
            "via": each.via,
            "verdict": each.verdict.value,
            "break_glass": each.is_break_glass,
            "reason": each.reason,
            "at": time_text(each.at) if each.at else None,
        }
        for each in hold.votes
    ]
    brief = {**hold_object(hold, entry), "decisions": said}
    return brief if hold.asked is None else {**brief, **_asked(hold.asked, shown)}


def _asked(asked: Asked, shown: Sequence[bool] | None) -> JsonObject:
    effect = asked.effect
    return {
        "sql": asked.sql,
        "sql_as_asked": asked.text,
        "parameters": list(asked.parameters),
        "reason": asked.reason,
        "snowflake_role": asked.role,
        "effect": {
            "breaks": list(effect.breaks),
            "rows": None if effect.rows is None else {verb.value: count for verb, count in effect.rows.items()},
            "text": effect_text(effect),
            "undo": _undo(effect).removeprefix("Undo: "),
            "objects": [
                {"name": each.name, "changed": each.is_target, "retention_days": each.retention_days}
                for each in effect.objects
            ],
            "cost": None
            if effect.cost is None
            else {
                "bytes_scanned": effect.cost.bytes_scanned,
                "partitions_scanned": effect.cost.partitions_scanned,
                "partitions_total": effect.cost.partitions_total,
            },
            "sample": _sample_object(effect, shown),
        },
        "risk_reasons": list(asked.risk_reasons),
    }


def _sample_object(effect: Effect, shown: Sequence[bool] | None) -> JsonObject:
    may = [shown is None or shown[n] for n in range(len(effect.sample.cells))]
    return {
        "columns": [
            {"name": cell.label, "side": cell.side, "hidden": not may[n]} for n, cell in enumerate(effect.sample.cells)
        ],
        "rows": [[value if may[n] else None for n, value in enumerate(row)] for row in effect.sample.rows],
        "note": effect.sample.note,
    }


def _who(requester: Requester) -> Mapping[str, Any]:
    return {"subject": requester.subject, "through": requester.actor}


def approving_object(approving: Approving, mine: frozenset[str], people: Sequence[Said]) -> JsonObject:
    """Whom a policy lets decide on what, for a reader in the groups `mine`, and who has decided lately."""
    return {
        "entries": [
            {
                "id": entry.id,
                "is_mine": bool(groups_of(entry) & mine),
                "covers": _covered(entry),
                "needs": "the confirmation of the person it is asked for, in their own client"
                if entry.by == "confirmation"
                else wanted(entry),
                "escalates": ""
                if entry.escalate_after_s is None
                else f"to {' or '.join(sorted(entry.escalate_to))} after {entry.escalate_after_s} seconds",
                "break_glass": sorted(entry.break_glass),
            }
            for entry in approving.entries
        ],
        "people": [
            {"subject": each.subject, "groups": sorted(each.groups), "at": time_text(each.at)}
            for each in people
            if each.at is not None
        ],
    }


def _covered(entry: ApprovalEntry) -> str:
    verbs = ", ".join(sorted(entry.verbs)) or "everything that is held"
    risks = f" of {' or '.join(sorted(entry.risks))} risk" if entry.risks else ""
    rules = f", by the rules {', '.join(sorted(entry.rules))}" if entry.rules else ""
    is_small = entry.by == "confirmation" and not entry.is_destructive
    return f"{verbs}{risks}{rules}{', unless it is destructive' if is_small else ''}"
