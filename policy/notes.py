"""Notes on a permitted answer, for the agent: what it does not see of what it asked for."""

from typing import assert_never

from policy.decision import CountAnswer, FilterRows, LimitRows, MaskColumn, Obligation, PadAnswer, Permit, ScanContent


def notes(permit: Permit) -> tuple[str, ...]:
    """What the caller should know of a permitted answer: each masked column and filtered table, in name order."""
    return tuple(sorted(told for obligation in permit.obligations if (told := _note(obligation))))


def _note(obligation: Obligation) -> str:
    match obligation:
        case MaskColumn(table, column, how):
            return f"{table}.{column} is masked: {how}"
        case FilterRows(table, filter_id):
            return f"{table} shows only the rows that the filter {filter_id} keeps"
        case CountAnswer(budget_id, answers, per_day):
            return f"it counts as {answers} of the {per_day} answers a day of the budget {budget_id}"
        case LimitRows() | ScanContent() | PadAnswer():
            return ""
        case _:
            assert_never(obligation)
