"""A decision in words: one line for the journal, and notes on a permitted answer for the agent."""

from typing import assert_never

from policy.decision import Decision, Deny, FilterRows, Hold, LimitRows, MaskColumn, Obligation, Permit, ScanContent


def explain(decision: Decision) -> str:
    """What was decided, by which rules and with which obligations; it names rules, so it is not for the agent."""
    rules = ", ".join(sorted(decision.determining)) or "no rule"
    match decision:
        case Permit():
            return f"permitted by {rules}{_owed(decision)}"
        case Hold(_, then):
            return f"held by {rules}{_owed(then)}"
        case Deny(_, code, message, _):
            return f"denied ({code}) by {rules}: {message}"
        case _:
            assert_never(decision)


def notes(permit: Permit) -> tuple[str, ...]:
    """What the caller should know of a permitted answer: each masked column and filtered table, in name order."""
    return tuple(sorted(told for obligation in permit.obligations if (told := _note(obligation))))


def _note(obligation: Obligation) -> str:
    match obligation:
        case MaskColumn(table, column, how):
            return f"{table}.{column} is masked: {how}"
        case FilterRows(table, filter_id):
            return f"{table} shows only the rows that the filter {filter_id} keeps"
        case LimitRows() | ScanContent():
            return ""
        case _:
            assert_never(obligation)


def _owed(permit: Permit) -> str:
    masked = sum(isinstance(each, MaskColumn) for each in permit.obligations)
    filtered = sum(isinstance(each, FilterRows) for each in permit.obligations)
    parts = [f"{masked} masked columns"] * bool(masked) + [f"{filtered} row filters"] * bool(filtered)
    return f" with {' and '.join(parts)}" if parts else ""
